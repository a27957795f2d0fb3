/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubt, its proof and its end.
 *
 * Seen whole, responses answer requests in turn, and no time is asked. A loss
 * breaks the turn: nobody knows how many requests or responses it held. It is
 * found again at a quiet point, where nothing is outstanding. A client that
 * waits for each answer is quiet whenever its next request begins; one that
 * pipelines never shows it. So everything rests on whether the client waits,
 * and evidence against it counts only when it is certain: a request that left
 * before the answer to the one before it came, by the times of both, with no
 * loss between. What merely piled up behind a loss proves nothing. A loss
 * that a client that waits does not explain (three requests without an
 * answer, two answers without a request) is a suspicion; it ends when the
 * client was seen to wait for long.
 *
 * Joined late, or behind a loss before it was ever seen to wait, a client that
 * keeps as many requests open all along looks like one that waits: pairs are
 * guesses until it did so for some exchanges in a row, or nothing moved for
 * long. An answer too many, or two requests at once, takes all that back.
 */
#include "http1_order.h"

#include "protocol.h"

#define EXPLAINED_OPEN	  2  /* a lost answer, and the next request whose answer showed that */
#define EXPLAINED_STRAYS  1  /* the answer to a lost request */
#define PROOF_SHORT	  1  /* exchanges that show a client to wait, behind the loss of its requests */
#define PROOF_STRANGER	  2  /* when it was never seen to wait before */
#define PROOF_JOINED_LATE 5  /* when hark joined late: one that pipelines seldom looks so for as long */
#define PROOF_LONG	  8  /* and nobody knows how many requests were lost, or whether it ever waited */
#define ALTERNATE_LONG	  32 /* who waited so often before a loss is not suspected */
#define ALTERNATE_AGAIN	  8  /* nor who did so behind it any more */

/* clang-format off */
static const uint8_t order_next[ORDER_STATES][ORDER_EVENTS] = {
	/*                      REQUEST          ANSWER           STRAY            LOSE_REQUESTS    LOSE_ANSWERED    LOSE_ANSWERS     SUSPECT          PROVE */
	[ORDER_KNOWN]     = { ORDER_KNOWN,     ORDER_KNOWN,     ORDER_KNOWN,     ORDER_OWED,      ORDER_ANSWERED,  ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_KNOWN },
	[ORDER_JOINED_LATE]    = { ORDER_TRIAL,     ORDER_JOINED_LATE,    ORDER_ANSWERED,  ORDER_OWED,      ORDER_ANSWERED,  ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_PIPELINED },
	[ORDER_FRAMING]   = { ORDER_KNOWN,     ORDER_FRAMING,   ORDER_ANSWERED,  ORDER_OWED,      ORDER_ANSWERED,  ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_FRAMING },
	[ORDER_OWED]      = { ORDER_PASSED,    ORDER_OWED,      ORDER_ANSWERED,  ORDER_OWED,      ORDER_ANSWERED,  ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_PIPELINED },
	[ORDER_PASSED]    = { ORDER_PASSED,    ORDER_PASSED,    ORDER_ANSWERED,  ORDER_PASSED,    ORDER_PASSED,    ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_PIPELINED },
	[ORDER_ANSWERED]  = { ORDER_TRIAL,     ORDER_ANSWERED,  ORDER_ANSWERED,  ORDER_OWED,      ORDER_ANSWERED,  ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_PIPELINED },
	[ORDER_TRIAL]     = { ORDER_TRIAL,     ORDER_KNOWN,     ORDER_TRIAL,     ORDER_PASSED,    ORDER_PASSED,    ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_PIPELINED },
	[ORDER_SUSPECTED] = { ORDER_SUSPECTED, ORDER_SUSPECTED, ORDER_SUSPECTED, ORDER_SUSPECTED, ORDER_SUSPECTED, ORDER_SUSPECTED, ORDER_SUSPECTED, ORDER_PIPELINED },
	[ORDER_PIPELINED] = { ORDER_PIPELINED, ORDER_PIPELINED, ORDER_PIPELINED, ORDER_PIPELINED, ORDER_PIPELINED, ORDER_PIPELINED, ORDER_PIPELINED, ORDER_PIPELINED },
};
/* clang-format on */

static void order_step(struct http1_order *order, enum http1_order_event event)
{
	order->state = (enum http1_order_state)order_next[order->state][event];
	if (order->state == ORDER_KNOWN)
		order->why = 0;
	if (order->state != ORDER_PASSED)
		order->passed = 0;
}

static void order_suspect(struct http1_order *order)
{
	if (order->alternate >= ALTERNATE_LONG)
		return;
	order->alternate = 0;
	order_step(order, ORDER_SUSPECT);
}

/* The next pairs are guesses, but of a client that is known to wait. */
static void order_unprove(struct http1_order *order, unsigned int proof)
{
	if (order->alternate >= ALTERNATE_LONG)
		return;
	order->unproven |= order->why;
	order->tried |= order->unproven;
	if (order->proof < proof)
		order->proof = proof;
}

/* More answers than requests: the trial, or what came behind it, took one that was not its own. */
static void order_retract(struct http1_order *order)
{
	order->state = ORDER_ANSWERED;
	order->why |= order->tried;
	order_unprove(order, PROOF_LONG);
}

void http1_order_init(struct http1_order *order, unsigned int flag)
{
	*order = (struct http1_order){
		.state = flag ? ORDER_JOINED_LATE : ORDER_KNOWN,
		.why = flag,
		.unproven = flag,
		.tried = flag,
		.proof = flag ? PROOF_JOINED_LATE : 0,
	};
}

void http1_order_distrust(struct http1_order *order)
{
	if (order->state != ORDER_JOINED_LATE)
		return;
	order->why |= FLAG_GAP;
	order_unprove(order, PROOF_SHORT);
}

bool http1_order_request(struct http1_order *order, uint64_t first_ns, unsigned int *flags)
{
	/* In doubt a client is seen to wait when each request stands behind exactly one response. */
	if (order->state == ORDER_SUSPECTED) {
		order->alternate = order->strays == 1 ? order->alternate + 1 : 0;
		if (order->alternate >= ALTERNATE_AGAIN)
			order->state = ORDER_ANSWERED;
	}
	/* Nor did a lost request show that the surplus answer would have been to. */
	if (order->state == ORDER_KNOWN && order->strays && order->tried)
		order_retract(order);
	/* Of the answers that were due one at least should have shown behind the loss. */
	if (order->state == ORDER_ANSWERED && order->open > order->strays + 1)
		order_unprove(order, PROOF_SHORT);
	order_step(order, ORDER_REQUEST);
	order->strays = 0;
	order->open = 0;
	if (order->state == ORDER_KNOWN || order->state == ORDER_TRIAL) {
		*flags = order->unproven ? order->unproven | FLAG_GUESS : 0;
		return true;
	}
	if (order->state == ORDER_PASSED && !order->passed++)
		order->passed_ns = first_ns;
	*flags = order->why;
	return false;
}

void http1_order_quiet(struct http1_order *order)
{
	order->unproven = order->tried = 0;
	if (order->state == ORDER_KNOWN)
		return;
	order->state = ORDER_ANSWERED;
	order->strays = 0;
	order->open = order->passed = 0;
}

void http1_order_waited(struct http1_order *order)
{
	if (order->pipelines)
		return;
	order->alternate++;
	if (order->unproven && !--order->proof)
		order->unproven = 0;
}

bool http1_order_prove(struct http1_order *order)
{
	/* A client that does not wait did not prove the trial by it. */
	bool trial = order->state == ORDER_TRIAL || (order->state == ORDER_KNOWN && order->tried);

	order->pipelines = true;
	order->alternate = 0;
	order_step(order, ORDER_PROVE);
	if (!trial)
		return false;
	order->state = ORDER_PIPELINED;
	order->why |= order->tried;
	return true;
}

bool http1_order_answer(struct http1_order *order, bool second_begun, bool last)
{
	if (second_begun && http1_order_prove(order))
		return false;
	order_step(order, ORDER_ANSWER);
	/* The loss began in the middle of a request, and that one is answered. */
	if (order->state == ORDER_OWED && !order->sure && last)
		order->state = ORDER_ANSWERED;
	return true;
}

void http1_order_stray(struct http1_order *order, bool contiguous)
{
	http1_order_part(order, true);
	order->strays++;
	if (order->state == ORDER_KNOWN && order->unproven)
		order_retract(order);
	/* The lost request was unanswered when the next one left, and no answer was lost. */
	if (order->state == ORDER_PASSED && contiguous && (order->sure || order->passed > 1)) {
		http1_order_prove(order);
		return;
	}
	/*
	 * Nor are so many requests without an answer those of a client
	 * that waits, unless answers were lost.
	 */
	if (order->state == ORDER_PASSED && order->passed > EXPLAINED_OPEN)
		order_suspect(order);
	order_step(order, ORDER_STRAY);
	if (order->state != ORDER_ANSWERED || order->strays <= EXPLAINED_STRAYS)
		return;
	if (order->unproven & FLAG_LATE_JOINED)
		order_unprove(order, PROOF_LONG);
	else if (!order->unproven)
		order_suspect(order);
}

bool http1_order_lose_framing(struct http1_order *order, bool inside, bool answered)
{
	if (order->state != ORDER_KNOWN || order->unproven)
		return http1_order_lose_requests(order, false, 1, answered);
	order->why |= FLAG_GAP;
	order->state = ORDER_FRAMING;
	order->sure = !inside;
	return false;
}

bool http1_order_part(struct http1_order *order, bool answered)
{
	return order->state == ORDER_FRAMING && http1_order_lose_requests(order, order->sure, 1, answered);
}

bool http1_order_lose_requests(struct http1_order *order, bool whole, uint64_t most, bool answered)
{
	bool trial = order->state == ORDER_TRIAL;
	/* How often a client must be seen to wait behind lost requests. One that was never seen may not. */
	unsigned int proof = order->alternate || most == 1 ? PROOF_SHORT
			     : most == HOLE_UNKNOWN_SIZE   ? PROOF_LONG
							   : PROOF_STRANGER;

	order->why |= FLAG_GAP;
	/* Unless one request was lost, and its answer came. */
	if (most && (!whole || most != 1 || order->strays != 1 || order->state != ORDER_KNOWN))
		order_unprove(order, proof);
	if (order->pipelines) {
		order->state = ORDER_PIPELINED;
		return trial;
	}
	order->sure = whole || (order->sure && (order->state == ORDER_OWED || order->state == ORDER_PASSED));
	/* A client that waits, and whose request was cut, had the answers to all others before this. */
	answered = order->strays || (answered && !order->sure);
	order_step(order, answered ? ORDER_LOSE_ANSWERED : ORDER_LOSE_REQUESTS);
	if (trial)
		order->passed = 1;
	if (order->strays > EXPLAINED_STRAYS && !order->unproven)
		order_suspect(order);
	return trial;
}

void http1_order_lose_answers(struct http1_order *order, size_t open)
{
	open += order->passed;
	order->why |= FLAG_GAP;
	order->open = open;
	order->strays = 0;
	if (order->pipelines) {
		order->state = ORDER_PIPELINED;
		return;
	}
	order_step(order, ORDER_LOSE_ANSWERS);
	if (open > EXPLAINED_OPEN)
		order_suspect(order);
}
