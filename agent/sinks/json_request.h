/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What JSON says of a request that is known (routes/known_request.h), redacted
 * and escaped: kept as it was written.
 */
#ifndef HARK_JSON_REQUEST_H
#define HARK_JSON_REQUEST_H

#include "json_writer.h"
#include "routes/known_request.h"

struct json_requests;

struct json_requests *json_requests_new(void);		 /* NULL: out of memory */
void json_requests_free(struct json_requests *requests); /* NULL is legal */
size_t json_requests_bytes(void);			 /* that they take */

/* The keys of the exchange's request from http.request.method to http.route; route NULL: not known. */
void json_request(struct json_writer *writer, struct json_requests *requests,
		  const struct known_request *known, const struct exchange *exchange, const char *route);

/* server.address, and server.port as far as the URL has it. False: it has no host, and nothing was written.
 */
bool json_request_server(struct json_writer *writer, struct json_requests *requests,
			 const struct known_request *known);

#endif
