/* SPDX-License-Identifier: Apache-2.0 */
/* What shows that bytes are PostgreSQL's protocol 3.0 (its manual, "Frontend/Backend Protocol"). */
#ifndef HARK_PG_EVIDENCE_H
#define HARK_PG_EVIDENCE_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

#define PG_STARTUP_MAX 10000 /* bytes: servers refuse more */
#define PG_LENGTH_MAX  (UINT32_C(1) << 30)

enum pg_code { /* the second word of what a client begins with */
	PG_VERSION_3_0 = 196608,
	PG_VERSION_3_2 = 196610,
	PG_CANCEL = 80877102,
	PG_SSL = 80877103,
	PG_GSS = 80877104,
};

enum pg_evidence {
	PG_NONE,
	PG_MORE, /* it may be, with more bytes */
	PG_FOUND,
};

uint32_t pg_word(const uint8_t bytes[4]);

/* Does a client begin so: a whole startup message with a user, a request for TLS or GSS, a cancellation? */
enum pg_evidence pg_begins(struct slice bytes);
/* May a server begin so? It never proves anything: PG_NONE or PG_MORE. */
enum pg_evidence pg_answers(struct slice bytes);
/* In mid-stream: does a statement end here, with its tag, and is the server ready then? */
enum pg_evidence pg_ready(struct slice bytes);
/* May a client's message begin here, as far as it is there, and those behind it? */
bool pg_asks(struct slice bytes);

/* Is this a type that a client, or a server, sends? */
bool pg_is_request(uint8_t type);
bool pg_is_answer(uint8_t type);

#endif
