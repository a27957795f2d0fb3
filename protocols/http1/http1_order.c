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
 */
#include "http1_order.h"

#include "protocol.h"

#define EXPLAINED_OPEN	 2  /* a lost answer, and the next request whose answer showed that */
#define EXPLAINED_STRAYS 1  /* the answer to a lost request */
#define PROOF_SHORT	 1  /* exchanges that show a client to wait behind the loss of few requests */
#define PROOF_LONG	 8  /* and of nobody knows how many */
#define ALTERNATE_SOME	 4  /* who waited so often will rather wait on */
#define ALTERNATE_LONG	 32 /* who waited so often before a loss is not suspected */
#define ALTERNATE_AGAIN	 8  /* nor who did so behind it any more */

/* clang-format off */
static const uint8_t order_next[ORDER_STATES][ORDER_EVENTS] = {
	/*                      REQUEST          ANSWER           STRAY            LOSE_REQUESTS    LOSE_ANSWERED    LOSE_ANSWERS     SUSPECT          PROVE */
	[ORDER_KNOWN]     = { ORDER_KNOWN,     ORDER_KNOWN,     ORDER_KNOWN,     ORDER_OWED,      ORDER_ANSWERED,  ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_KNOWN },
	[ORDER_JOINED]    = { ORDER_TRIAL,     ORDER_JOINED,    ORDER_ANSWERED,  ORDER_OWED,      ORDER_ANSWERED,  ORDER_ANSWERED,  ORDER_SUSPECTED, ORDER_PIPELINED },
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
	if (order->proof < proof)
		order->proof = proof;
}

void http1_order_init(struct http1_order *order, unsigned int flag)
{
	*order = (struct http1_order){
		.state = flag ? ORDER_JOINED : ORDER_KNOWN,
		.why = flag,
		.joined = flag,
	};
}

void http1_order_distrust(struct http1_order *order)
{
	if (order->state != ORDER_JOINED)
		return;
	order->why |= FLAG_GAP;
	order_unprove(order, PROOF_SHORT);
}

/* In doubt a client is seen to wait when each request stands behind exactly one response. */
static void order_watch(struct http1_order *order)
{
	order->alternate = order->strays == 1 ? order->alternate + 1 : 0;
	if (order->alternate >= ALTERNATE_AGAIN)
		order->state = ORDER_ANSWERED;
}

bool http1_order_request(struct http1_order *order, uint64_t first_ns, unsigned int *flags)
{
	if (order->state == ORDER_SUSPECTED)
		order_watch(order);
	/* Of the answers that were due one at least should have shown behind the loss. */
	if (order->state == ORDER_ANSWERED && order->open > order->strays + 1)
		order_unprove(order, PROOF_SHORT);
	order_step(order, ORDER_REQUEST);
	order->strays = 0;
	order->open = 0;
	*flags = (order->state == ORDER_TRIAL || order->state == ORDER_KNOWN) && order->unproven
			 ? order->unproven | FLAG_GUESS
			 : 0;
	if (order->state == ORDER_KNOWN || order->state == ORDER_TRIAL)
		return true;
	if (order->state == ORDER_PASSED && !order->passed++)
		order->passed_ns = first_ns;
	*flags = order->why;
	return false;
}

void http1_order_quiet(struct http1_order *order)
{
	if (order->state == ORDER_KNOWN)
		return;
	order->state = ORDER_ANSWERED;
	order->unproven = order->joined = 0;
	order->strays = 0;
	order->open = order->passed = 0;
}

void http1_order_waited(struct http1_order *order)
{
	if (order->pipelines)
		return;
	if (++order->alternate >= ALTERNATE_SOME)
		order->joined = 0;
	if (order->unproven && !--order->proof)
		order->unproven = 0;
}

bool http1_order_prove(struct http1_order *order)
{
	/* Who does not wait did not prove the trial by it. */
	bool trial = order->state == ORDER_TRIAL ||
		     (order->state == ORDER_KNOWN && (order->unproven || order->joined));

	order->pipelines = true;
	order->alternate = 0;
	order_step(order, ORDER_PROVE);
	if (!trial)
		return false;
	order->state = ORDER_PIPELINED;
	order->why |= order->unproven | order->joined;
	return true;
}

bool http1_order_answer(struct http1_order *order, bool early, bool last)
{
	if (early && http1_order_prove(order))
		return false;
	order_step(order, ORDER_ANSWER);
	/* The loss began in the middle of a request, and that one is answered. */
	if (order->state == ORDER_OWED && !order->sure && last)
		order->state = ORDER_ANSWERED;
	return true;
}

void http1_order_stray(struct http1_order *order, bool contiguous)
{
	order->strays++;
	/* More answers than requests: the trial took one that was not its own. */
	if (order->state == ORDER_KNOWN && (order->unproven || order->joined)) {
		order->state = ORDER_ANSWERED;
		order->why |= order->unproven | order->joined;
		order_unprove(order, PROOF_LONG);
	}
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
	if (order->joined)
		order_unprove(order, PROOF_LONG);
	else if (!order->unproven)
		order_suspect(order);
}

bool http1_order_lose_requests(struct http1_order *order, bool whole, uint64_t most)
{
	bool trial = order->state == ORDER_TRIAL;

	order->why |= FLAG_GAP;
	/* Unless one request was lost, and its answer came. */
	if (most && (!whole || most != 1 || order->strays != 1 || order->state != ORDER_KNOWN))
		order_unprove(order, most != HOLE_UNKNOWN_SIZE || order->alternate >= ALTERNATE_SOME
					     ? PROOF_SHORT
					     : PROOF_LONG);
	if (order->pipelines) {
		order->state = ORDER_PIPELINED;
		return trial;
	}
	order->sure = whole || (order->sure && (order->state == ORDER_OWED || order->state == ORDER_PASSED));
	order_step(order, order->strays ? ORDER_LOSE_ANSWERED : ORDER_LOSE_REQUESTS);
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
