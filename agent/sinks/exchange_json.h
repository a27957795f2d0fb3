/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange as one flat JSON object with the keys of docs/interface.md, redacted: the line of -o json. A
 * key that is not known is absent.
 */
#ifndef HARK_EXCHANGE_JSON_H
#define HARK_EXCHANGE_JSON_H

#include "body.h"
#include "json_writer.h"
#include "model/exchange.h"
#include "routes/known_request.h"

#include <stddef.h>

struct budget;
struct routes;

/* The writer, and what it keeps of requests that come again. All zero before init. */
struct exchange_json {
	struct json_writer writer;
	struct body_reader bodies;
	struct routes *routes; /* NULL: nobody says which */
	struct known_requests *known;
	struct budget *budget;
	size_t charged_bytes; /* for what is kept of requests and origins */
	struct json_origins *origins;
	struct json_requests *requests;
	struct content_memo last_type;
};

/* 0 or -ENOMEM; fini is called in either case. What config points to is borrowed until then. */
int exchange_json_init(struct exchange_json *json, const struct sink_config *config);
void exchange_json_fini(struct exchange_json *json);

/*
 * Adds the keys of the exchange to writer.line: json_end() makes the object a line of the output,
 * json_take() a text. verbose: 1 has header fields too, 2 bodies, as far as they were kept.
 */
void exchange_json_put(struct exchange_json *json, const struct exchange *exchange, int verbose);

/* Adds how long it took, and what is known of that by its other end: the same for every protocol. */
void exchange_json_put_took(struct json_writer *writer, const struct exchange *exchange);

/* The template of the request's path is learnt of all requests, each once, also of those not written (now).
 */
void exchange_json_learn(struct exchange_json *json, const struct exchange *exchange);

#endif
