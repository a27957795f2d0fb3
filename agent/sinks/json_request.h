/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most requests of a server are ones that it got before: what JSON says of such
 * a request by itself, taken apart, redacted and escaped, is kept.
 */
#ifndef HARK_JSON_REQUEST_H
#define HARK_JSON_REQUEST_H

#include "base/url.h"
#include "json_writer.h"

struct json_requests;

struct json_requests *json_requests_new(void);		 /* NULL: out of memory */
void json_requests_free(struct json_requests *requests); /* NULL is legal */

/*
 * The keys of the exchange's request from http.request.method to url.query. Its URL, borrowed from the
 * message or until the next call; all zero without a request.
 */
struct url json_request(struct json_writer *writer, struct json_requests *requests,
			const struct exchange *exchange);

#endif
