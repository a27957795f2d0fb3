/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is what a search found HTTP at all? Bodies and other protocols carry text
 * that looks like heads, so a found start line is a guess until something else
 * agrees with it. The evidence, each kind by its name:
 *
 *  - a turn: the start line begins with the first byte that a side moves after
 *    the other side moved. Inside a body nobody else has a turn.
 *  - an answer: one request that began a turn and whose framing ended with the
 *    last byte of it, then a response that begins a turn. After several
 *    requests at once: as many responses, and nothing left over.
 *  - a refusal: bytes behind a guess that no message can begin with; a turn of
 *    the other side that is no answer to it; a start line of the other kind in
 *    the same direction; such a turn in the midst of a start line of requests;
 *    more guesses in a row than anybody would send unanswered. Each refutes: from then on only a turn may
 *    begin a message.
 *
 * A connection that was once proven needs less: a turn is enough, for holes do
 * not make another protocol of it. The same where the other direction is framed
 * from its start.
 */
#ifndef HARK_HTTP1_EVIDENCE_H
#define HARK_HTTP1_EVIDENCE_H

#include "http1_connection.h"

/* Bytes of a direction came. True when they begin a turn. */
bool http1_evidence_turn(struct protocol *http1, enum event_direction direction);

/*
 * True when nothing but guesses spoke for HTTP, and they are refuted: by what the parsers met, or by these
 * bytes, which are about to be given to the parser of a direction. Not for a hold.
 */
bool http1_evidence_refutes(const struct protocol *http1, enum event_direction direction, struct slice bytes);

/* A message begins: marks it, if it is a guess. */
void http1_evidence_begin(struct protocol *http1, struct http1_parser *parser);

/* A response begins that answers the front of the queue; after http1_evidence_begin(). */
void http1_evidence_answer(struct protocol *http1, struct message *response);

/* A response ended where it should, and its request left the queue. */
void http1_evidence_answered(struct protocol *http1, struct message *response);

#endif
