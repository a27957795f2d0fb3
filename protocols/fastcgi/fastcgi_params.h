/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of FastCGI from its parameters, which are CGI's variables (RFC 3875, 4.1), and the head of its
 * response (6).
 *
 * HTTP_X_Y is the field x-y: CGI does not tell it from x_y. All other variables
 * stay fields of their own name.
 */
#ifndef HARK_FASTCGI_PARAMS_H
#define HARK_FASTCGI_PARAMS_H

#include "message.h"

/*
 * Fills the request. few: as protocol_config.few_fields. What cannot be read is flagged (malformed,
 * partial-headers), what does not fit too (truncated). whole: the end of the parameters was seen, and nothing
 * of them is missing. *length: how long the body is to be (RFC 3875, 4.1.2).
 */
void fastcgi_request_fill(struct message *request, struct slice params, bool whole, bool few,
			  uint64_t *length);

/*
 * How long a response's head is with its empty line, of which the bytes up to `from` were looked at before;
 * 0: it goes on.
 */
size_t fastcgi_head_end(struct slice bytes, size_t from);

/* Fills the response from its head, with or without its empty line; whole as above. */
void fastcgi_response_fill(struct message *response, struct slice head, bool whole, bool few);

#endif
