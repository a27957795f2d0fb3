/* SPDX-License-Identifier: Apache-2.0 */
#include "http1_evidence.h"

#include "detect.h"

static void evidence_prove(struct protocol *http1)
{
	http1->proof = HTTP1_PROVEN;
	for (int i = 0; i < 2; i++) {
		struct http1_parser *parser = &http1->parser[i];

		parser->guesses = 0;
		if (parser->trust == HTTP1_TRUST_GUESS)
			parser->trust = HTTP1_TRUST_PROVEN;
		if (parser->message && parser->trust == HTTP1_TRUST_PROVEN)
			parser->message->flags &= ~(unsigned int)FLAG_GUESS;
	}
}

static enum http1_whose_turn turn_of(enum event_direction direction)
{
	return direction == DIRECTION_SENT ? HTTP1_TURN_SENDER : HTTP1_TURN_RECEIVER;
}

bool http1_evidence_turn(struct protocol *http1, enum event_direction direction)
{
	bool begins = http1->turn != turn_of(direction);

	http1->turn = turn_of(direction);
	return begins;
}

/* A guess was no request when its answer is nothing that an answer can begin with. */
static bool answer_is_alien(const struct protocol *http1, enum event_direction direction)
{
	const struct http1_parser *answer = &http1->parser[direction], *request = &http1->parser[!direction];

	return answer->kind == MESSAGE_RESPONSE && answer->trust == HTTP1_TRUST_SEARCH &&
	       request->trust == HTTP1_TRUST_GUESS && http1->queue.count;
}

/* A turn that begins with the start line which the other direction should have. */
static bool turn_contradicts(const struct protocol *http1, enum event_direction direction, struct slice bytes)
{
	enum detect_kind found;

	if (http1->role == ROLE_UNKNOWN || http1->turn == turn_of(direction))
		return false;
	found = detect_turn(bytes, false).kind;
	if (found == DETECT_OTHER)
		return answer_is_alien(http1, direction);
	return found == (http1->parser[direction].kind == MESSAGE_REQUEST ? DETECT_HTTP1_RESPONSE
									  : DETECT_HTTP1_REQUEST);
}

bool http1_evidence_refutes(const struct protocol *http1, enum event_direction direction, struct slice bytes)
{
	enum http1_trust a = http1->parser[0].trust, b = http1->parser[1].trust;

	if (http1->proof == HTTP1_PROVEN || a == HTTP1_TRUST_PROVEN || b == HTTP1_TRUST_PROVEN)
		return false;
	if (a != HTTP1_TRUST_GUESS && b != HTTP1_TRUST_GUESS &&
	    (a == HTTP1_TRUST_REFUTED || b == HTTP1_TRUST_REFUTED))
		return true;
	return turn_contradicts(http1, direction, bytes);
}

void http1_evidence_begin(struct protocol *http1, struct http1_parser *parser)
{
	const struct http1_parser *other = &http1->parser[!parser->direction];

	if (parser->message_first && (http1->proof == HTTP1_PROVEN || other->trust == HTTP1_TRUST_PROVEN))
		parser->trust = HTTP1_TRUST_PROVEN;
	if (parser->trust == HTTP1_TRUST_PROVEN)
		return;
	if (parser->trust != HTTP1_TRUST_GUESS)
		parser->guess_first = parser->message_first;
	parser->trust = HTTP1_TRUST_GUESS;
	parser->guesses++;
	parser->message->flags |= FLAG_GUESS;
}

/* Nothing of the request direction waits: its last message ended with its last byte. */
static bool requests_are_whole(const struct http1_parser *parser)
{
	return (parser->state == HTTP1_START || parser->state == HTTP1_ENDED) && !parser->line.size;
}

static bool request_agrees(struct protocol *http1)
{
	struct http1_parser *parser = http1_request_parser(http1);

	if (!http1_queue_at(&http1->queue, 0)->guess)
		return true;
	return parser->trust == HTTP1_TRUST_GUESS && parser->message_first && requests_are_whole(parser) &&
	       http1->queue.count == 1;
}

void http1_evidence_answer(struct protocol *http1, struct message *response)
{
	const struct http1_parser *parser = http1_response_parser(http1);

	if (request_agrees(http1) && (parser->trust == HTTP1_TRUST_PROVEN || parser->message_first))
		evidence_prove(http1);
	else if (http1_queue_at(&http1->queue, 0)->guess)
		response->flags |= FLAG_GUESS;
}

void http1_evidence_answered(struct protocol *http1, struct message *response)
{
	const struct http1_parser *request = http1_request_parser(http1),
				  *answer = http1_response_parser(http1);

	if (http1->proof == HTTP1_PROVEN || http1->queue.count || !requests_are_whole(request))
		return;
	if (request->trust != HTTP1_TRUST_GUESS || !request->guess_first)
		return;
	if (answer->trust != HTTP1_TRUST_PROVEN &&
	    (answer->trust != HTTP1_TRUST_GUESS || !answer->guess_first))
		return;
	evidence_prove(http1);
	response->flags &= ~(unsigned int)FLAG_GUESS;
}
