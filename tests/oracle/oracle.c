/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle: conversations whose true list of exchanges is known go through the pipeline as events that come
 * whole, late, cut or not at all, and what comes out is judged (judge.h). How soon whole exchanges come again
 * behind a loss is measured.
 *
 *	oracle                          the conversations of `make check`
 *	oracle --seconds 60 --seed 7    as many as fit
 *	oracle --table                  the figures of docs/correctness.md
 *	oracle --seed 1 --conversation 17 --transform lose --at 5 -v      one case, told
 */
#include "judge.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANY   (-1)
#define PLANS UINT64_C(1000003) /* plans of different seeds are different */

/* --- what is known to be wrong still ------------------------------------------------ */

#define ON(name)    (1u << TRANSFORM_##name)
#define ON_ANY_LOSS (ON(LOSE) | ON(BURST) | ON(REFUSE) | ON(SNAP))
#define IS(name)    (1u << FAULT_##name)

/* To be emptied: each row is a kind of mistake that the pipeline makes today, with the reason. */
static const struct known_bad {
	enum family family;
	unsigned int transforms, faults;
	const char *reason;
} known_bad[] = {
	/* Of 2,100 conversations (300 of a kind), seed 3; docs/correctness.md. */
	{ FAMILY_HTTP1_PIPED, ON(JOIN), IS(PAIR) | IS(FIELD) | IS(LACK) | IS(SPLIT) | IS(MISSING),
	  "joined late, a client kept as many requests open for five answers on end: one case in thirty" },
	{ FAMILY_HTTP1_PIPED, ON_ANY_LOSS, IS(PAIR) | IS(FIELD) | IS(LACK) | IS(SPLIT) | IS(MISSING),
	  "behind a lost call that was the first with two requests: one case in two hundred" },
	{ FAMILY_HTTP1_TRAPS, ON(JOIN) | ON_ANY_LOSS,
	  IS(PAIR) | IS(PHANTOM) | IS(FIELD) | IS(TWICE) | IS(SPLIT) | IS(MISSING),
	  "text in a body, where a turn begins, is taken for a head: one or two cases in a hundred" },
	{ FAMILY_HTTP1_TRAPS, ON_ANY_LOSS, IS(UNTOUCHED), "such text bears the number of a true exchange" },
	{ FAMILY_HTTP2_H2C, ON(BURST), IS(MISSING),
	  "one case in a million: the request that asked for h2c and both prefaces are lost, and its answer "
	  "goes uncounted" },
};

/* --- sums --------------------------------------------------------------------------- */

static const int distances[] = { 0, 1, 2, 3, 5, 10 };
#define DISTANCES (sizeof(distances) / sizeof(*distances))

struct recovery {
	uint64_t total, named, whole;
};

/* How much must be whole again at a distance, in per cent; of fewer exchanges nothing is said. */
#define GATE_EXCHANGES 200
static const struct gate {
	enum family family;
	unsigned int transforms;
	int distance;
	unsigned int percent;
} gates[] = {
	/* Joined late, a client shows by five exchanges that it waits; until then all are guesses. */
	{ FAMILY_HTTP1, ON(JOIN), 10, 99 },
	{ FAMILY_HTTP1, ON(LOSE), 2, 93 },
	{ FAMILY_HTTP1, ON(LOSE), 3, 97 },
	{ FAMILY_HTTP1, ON(BURST), 2, 68 },
	{ FAMILY_HTTP1, ON(BURST), 3, 93 },
	{ FAMILY_HTTP1, ON(REFUSE), 2, 87 },
	{ FAMILY_HTTP1, ON(SNAP), 2, 80 },
	{ FAMILY_HTTP1_LEFT, ON(JOIN), 10, 97 },
	{ FAMILY_HTTP1_LEFT, ON(LOSE) | ON(BURST), 3, 93 },
	{ FAMILY_HTTP1_TRAPS, ON(JOIN), 10, 93 },
	{ FAMILY_HTTP1_TRAPS, ON(LOSE), 3, 87 },
};

struct finding {
	uint64_t times;
	uint64_t conversation;
	struct plan plan;
	char text[200];
};

struct sums {
	uint64_t cases, exchanges;
	struct recovery recovery[FAMILY_COUNT][TRANSFORM_COUNT][DISTANCES];
	struct finding finding[FAMILY_COUNT][TRANSFORM_COUNT][FAULT_COUNT];
};

struct options {
	uint64_t seed, conversations, conversation;
	double seconds;
	size_t exchanges, at;
	int family, transform;
	bool one, at_given, table, all, verbose;
};

static const struct known_bad *known_bad_find(int family, int transform, int fault)
{
	for (size_t i = 0; i < sizeof(known_bad) / sizeof(*known_bad); i++) {
		const struct known_bad *row = &known_bad[i];

		if ((int)row->family == family && row->transforms & 1u << transform &&
		    row->faults & 1u << fault)
			return row;
	}
	return NULL;
}

static void sums_add(struct sums *sums, const struct play *play, const struct verdict *verdict,
		     uint64_t conversation)
{
	enum family family = play->conversation->family;
	enum transform transform = play->plan.transform;

	sums->cases++;
	sums->exchanges += play->conversation->count;
	for (size_t id = 0; id < play->conversation->count; id++) {
		const struct fate *fate = &verdict->fate[id];

		for (size_t i = 0; i < DISTANCES; i++) {
			struct recovery *recovery = &sums->recovery[family][transform][i];

			if (fate->distance != distances[i] ||
			    (!fate->distance && !fate->present[0] && !fate->present[1]))
				continue;
			recovery->total++;
			recovery->named += fate->named;
			recovery->whole += fate->whole;
		}
	}
	for (int fault = 0; fault < FAULT_COUNT; fault++) {
		struct finding *finding = &sums->finding[family][transform][fault];

		if (!(verdict->faults & 1u << fault) || finding->times++)
			continue;
		finding->conversation = conversation;
		finding->plan = play->plan;
		snprintf(finding->text, sizeof(finding->text), "%s", verdict->text[fault]);
	}
}

/* --- cases -------------------------------------------------------------------------- */

static uint64_t seed_of(uint64_t seed, uint64_t conversation)
{
	struct random random = { .state = seed };

	random.state = random_next(&random) + conversation;
	return random_next(&random);
}

static enum family family_of(const struct options *options, uint64_t conversation)
{
	return options->family != ANY ? (enum family)options->family
				      : (enum family)(conversation % FAMILY_COUNT);
}

static void case_run(const struct options *options, struct sums *sums,
		     const struct conversation *conversation, uint64_t number, const struct plan *plan)
{
	struct verdict verdict = { .talk = options->verbose ? stdout : NULL };
	struct play play;

	play_init(&play, conversation, plan);
	judge(&play, &verdict);
	sums_add(sums, &play, &verdict, number);
	play_fini(&play);
}

static size_t records_of(const struct conversation *conversation, const struct plan *plan)
{
	struct plan plain = { .transform = TRANSFORM_NONE, .seed = plan->seed };
	struct play play;
	size_t count;

	play_init(&play, conversation, &plain);
	count = play.count;
	play_fini(&play);
	return count;
}

/* Every record in turn, or so many plans of their own. */
static void transform_run(const struct options *options, struct sums *sums,
			  const struct conversation *conversation, uint64_t number, enum transform transform)
{
	static const struct {
		bool each;
		size_t plans;
	} how[] = {
		[TRANSFORM_NONE] = { false, 4 },   [TRANSFORM_REORDER] = { false, 8 },
		[TRANSFORM_JOIN] = { true, 1 },	   [TRANSFORM_LOSE] = { true, 1 },
		[TRANSFORM_BURST] = { false, 16 }, [TRANSFORM_REFUSE] = { true, 1 },
		[TRANSFORM_SNAP] = { false, 8 },
	};
	struct plan plan = { .transform = transform,
			     .seed = seed_of(options->seed * PLANS + number, transform) };
	size_t count = how[transform].each ? records_of(conversation, &plan) : how[transform].plans;

	for (plan.at = 0; plan.at < count; plan.at++) {
		if (options->at_given && plan.at != options->at)
			continue;
		if (!how[transform].each)
			plan.seed = seed_of(options->seed * PLANS + number, transform + 100 * (plan.at + 1));
		case_run(options, sums, conversation, number, &plan);
	}
}

static void conversation_run(const struct options *options, struct sums *sums, uint64_t number)
{
	struct conversation conversation;

	conversation_make(&conversation, family_of(options, number), seed_of(options->seed, number),
			  options->exchanges);
	for (int transform = 0; transform < TRANSFORM_COUNT; transform++)
		if (options->transform == ANY || options->transform == transform)
			transform_run(options, sums, &conversation, number, (enum transform)transform);
	conversation_fini(&conversation);
}

/* --- one case, told ------------------------------------------------------------------ */

static void tell_bytes(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len && i < 60; i++)
		putchar(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
	putchar('\n');
}

static void tell_owners(const uint8_t *owner, size_t len)
{
	int last = ANY;

	for (size_t i = 0; i < len; i++) {
		if (owner[i] == last)
			continue;
		last = owner[i];
		if (last != BYTE_NOBODY)
			printf(" #%d", last);
	}
}

static void tell_play(const struct play *play)
{
	printf("%s of a %s, %s: %zu exchanges, %zu records\n", play->tls ? "TLS session" : "socket",
	       play->server ? "server" : "client", family_name(play->conversation->family),
	       play->conversation->count, play->count);
	for (size_t i = 0; i < play->count; i++) {
		const struct record *record = &play->records[play->order[i]];
		const struct true_direction *direction = &play->conversation->direction[record->direction];

		printf("  %c %6zu..%zu%s", record->direction ? '<' : '>', record->begin, record->end,
		       record->refused ? " REFUSED"
		       : record->lost  ? " LOST"
				       : "");
		if (!record->lost && record->seen_from > record->begin)
			printf(" seen from %zu", record->seen_from);
		if (record->seen_to < record->end)
			printf(" seen to %zu", record->seen_to);
		tell_owners(direction->owner + record->begin, record->end - record->begin);
		printf(" ");
		tell_bytes(direction->bytes + record->begin, record->end - record->begin);
		for (int polls = play->records[i].polls; polls > 0; polls--)
			printf("  poll\n");
	}
	printf("  %s\n", play->close ? "closed" : "goes on");
}

static void tell_conversation(const struct options *options)
{
	struct conversation conversation;
	struct plan plan = { .transform = (enum transform)options->transform, .at = options->at };
	struct play play;

	conversation_make(&conversation, family_of(options, options->conversation),
			  seed_of(options->seed, options->conversation), options->exchanges);
	plan.seed = seed_of(options->seed * PLANS + options->conversation, plan.transform);
	if (plan.transform == TRANSFORM_NONE || plan.transform == TRANSFORM_REORDER ||
	    plan.transform == TRANSFORM_BURST || plan.transform == TRANSFORM_SNAP)
		plan.seed = seed_of(options->seed * PLANS + options->conversation,
				    plan.transform + 100 * (plan.at + 1));
	play_init(&play, &conversation, &plan);
	tell_play(&play);
	play_fini(&play);
	conversation_fini(&conversation);
}

/* --- what is said in the end ----------------------------------------------------------- */

/* The shortest conversation of that number in which the same goes wrong. */
static void finding_shrink(const struct options *options, struct finding *finding, int family, int fault,
			   size_t *exchanges)
{
	struct options smaller = *options;

	smaller.family = family;
	smaller.transform = finding->plan.transform;
	smaller.verbose = smaller.at_given = false;
	for (smaller.exchanges = 1; smaller.exchanges < options->exchanges; smaller.exchanges++) {
		struct sums *sums = calloc(1, sizeof(*sums));
		bool found;

		if (!sums)
			abort();
		conversation_run(&smaller, sums, finding->conversation);
		found = sums->finding[family][finding->plan.transform][fault].times > 0;
		if (found)
			*finding = sums->finding[family][finding->plan.transform][fault];
		free(sums);
		if (found)
			break;
	}
	*exchanges = smaller.exchanges;
}

static void tell_finding(const struct options *options, const struct finding *found, int family, int fault)
{
	struct finding finding = *found;
	size_t exchanges = options->exchanges;

	finding_shrink(options, &finding, family, fault, &exchanges);
	printf("WRONG  %s, %s: %s, %llu cases: %s\n", family_name((enum family)family),
	       transform_name(finding.plan.transform), fault_name((enum fault)fault),
	       (unsigned long long)found->times, finding.text);
	printf("       build/tests/oracle/oracle --seed %llu --family %s --conversation %llu --transform %s "
	       "--at %zu "
	       "--exchanges %zu -v\n",
	       (unsigned long long)options->seed, family_name((enum family)family),
	       (unsigned long long)finding.conversation, transform_name(finding.plan.transform),
	       finding.plan.at, exchanges);
}

/* How many kinds are wrong that no row of known_bad names. */
static size_t tell_findings(const struct options *options, const struct sums *sums)
{
	size_t wrong = 0;

	for (int family = 0; family < FAMILY_COUNT; family++)
		for (int transform = 0; transform < TRANSFORM_COUNT; transform++)
			for (int fault = 0; fault < FAULT_COUNT; fault++) {
				const struct finding *finding = &sums->finding[family][transform][fault];
				const struct known_bad *row = known_bad_find(family, transform, fault);

				if (!finding->times)
					continue;
				if (!row || options->all) {
					tell_finding(options, finding, family, fault);
					wrong += !row;
				} else {
					printf("known  %s, %s: %s, %llu cases: %s\n",
					       family_name((enum family)family),
					       transform_name((enum transform)transform),
					       fault_name((enum fault)fault),
					       (unsigned long long)finding->times, row->reason);
				}
			}
	return wrong;
}

static bool gate_holds(const struct gate *gate, const struct sums *sums, unsigned int transform)
{
	for (size_t i = 0; i < DISTANCES; i++) {
		const struct recovery *recovery = &sums->recovery[gate->family][transform][i];

		if (distances[i] == gate->distance && recovery->total >= GATE_EXCHANGES &&
		    recovery->whole * 100 < recovery->total * gate->percent) {
			printf("WRONG  %s, %s: %.1f %% whole at distance %d, %u %% are asked for\n",
			       family_name(gate->family), transform_name((enum transform)transform),
			       100.0 * (double)recovery->whole / (double)recovery->total, gate->distance,
			       gate->percent);
			return false;
		}
	}
	return true;
}

/* How many gates do not hold. */
static size_t tell_gates(const struct sums *sums)
{
	size_t wrong = 0;

	for (size_t i = 0; i < sizeof(gates) / sizeof(*gates); i++)
		for (unsigned int transform = 0; transform < TRANSFORM_COUNT; transform++)
			if (gates[i].transforms & 1u << transform)
				wrong += !gate_holds(&gates[i], sums, transform);
	return wrong;
}

static void tell_share(uint64_t part, uint64_t total)
{
	if (total)
		printf(" %.1f %% |", 100.0 * (double)part / (double)total);
	else
		printf(" |");
}

static void tell_recovery(const struct sums *sums, bool named)
{
	printf("| conversation | what happened |");
	for (size_t i = 0; i < DISTANCES; i++)
		printf(" %d |", distances[i]);
	printf("\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (int family = 0; family < FAMILY_COUNT; family++)
		for (int transform = TRANSFORM_JOIN; transform < TRANSFORM_COUNT; transform++) {
			if (!sums->recovery[family][transform][0].total)
				continue;
			printf("| %s | %s |", family_name((enum family)family),
			       transform_name((enum transform)transform));
			for (size_t i = 0; i < DISTANCES; i++) {
				const struct recovery *recovery = &sums->recovery[family][transform][i];

				tell_share(named ? recovery->named : recovery->whole, recovery->total);
			}
			printf("\n");
		}
}

/* --- command line ----------------------------------------------------------------------- */

enum {
	KEY_SECONDS = 256,
	KEY_CONVERSATION,
	KEY_FAMILY,
	KEY_TRANSFORM,
	KEY_AT,
	KEY_EXCHANGES,
	KEY_TABLE,
	KEY_ALL
};

static const struct argp_option option_list[] = {
	{ "seed", 's', "N", 0, "of all that is drawn (1)", 0 },
	{ "conversations", 'c', "N", 0, "so many", 0 },
	{ "seconds", KEY_SECONDS, "N", 0, "as many conversations as fit", 0 },
	{ "conversation", KEY_CONVERSATION, "N", 0, "this one only", 0 },
	{ "family", KEY_FAMILY, "NAME", 0, "this kind only", 0 },
	{ "transform", KEY_TRANSFORM, "NAME", 0, "this only", 0 },
	{ "at", KEY_AT, "N", 0, "this case only", 0 },
	{ "exchanges", KEY_EXCHANGES, "N", 0, "in each conversation", 0 },
	{ "table", KEY_TABLE, NULL, 0, "the figures as Markdown", 0 },
	{ "all", KEY_ALL, NULL, 0, "tell known mistakes with an example, too", 0 },
	{ "verbose", 'v', NULL, 0, "tell each record and exchange", 0 },
	{ 0 },
};

static int find_name(struct argp_state *state, const char *arg, int count, const char *(*name)(int))
{
	for (int i = 0; i < count; i++)
		if (strcmp(arg, name(i)) == 0)
			return i;
	argp_error(state, "no such name: %s", arg);
	return ANY;
}

static const char *family_name_of(int i)
{
	return family_name((enum family)i);
}

static const char *transform_name_of(int i)
{
	return transform_name((enum transform)i);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 's':
		options->seed = strtoull(arg, NULL, 10);
		return 0;
	case 'c':
		options->conversations = strtoull(arg, NULL, 10);
		return 0;
	case KEY_SECONDS:
		options->seconds = strtod(arg, NULL);
		return 0;
	case KEY_CONVERSATION:
		options->conversation = strtoull(arg, NULL, 10);
		options->one = true;
		return 0;
	case KEY_FAMILY:
		options->family = find_name(state, arg, FAMILY_COUNT, family_name_of);
		return 0;
	case KEY_TRANSFORM:
		options->transform = find_name(state, arg, TRANSFORM_COUNT, transform_name_of);
		return 0;
	case KEY_AT:
		options->at = strtoull(arg, NULL, 10);
		options->at_given = true;
		return 0;
	case KEY_EXCHANGES:
		options->exchanges = strtoull(arg, NULL, 10);
		if (!options->exchanges || options->exchanges > EXCHANGES_MAX)
			argp_error(state, "1 to %d exchanges", EXCHANGES_MAX);
		return 0;
	case KEY_TABLE:
		options->table = true;
		return 0;
	case KEY_ALL:
		options->all = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static double seconds_used(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { .options = option_list, .parser = parse };
	static struct sums sums;
	struct options options = {
		.seed = 1,
		.conversations = 350,
		.exchanges = CONVERSATION_LENGTH,
		.family = ANY,
		.transform = ANY,
	};
	size_t wrong;

	if (argp_parse(&argp, argc, argv, 0, NULL, &options))
		return 2;
	if (options.verbose && options.one && options.transform != ANY)
		tell_conversation(&options);
	if (options.one)
		conversation_run(&options, &sums, options.conversation);
	for (uint64_t i = 0; !options.one && (options.seconds > 0 ? seconds_used() < options.seconds
								  : i < options.conversations);
	     i++)
		conversation_run(&options, &sums, i);
	wrong = tell_findings(&options, &sums) + tell_gates(&sums);
	if (options.table) {
		printf("\nWhole, without a flag, at distance n:\n\n");
		tell_recovery(&sums, false);
		printf("\nMethod, target and status known, and no flag but `partial-headers`, at distance "
		       "n:\n\n");
		tell_recovery(&sums, true);
		printf("\n");
	}
	printf("%llu cases, %llu exchanges, %zu kinds wrong (seed %llu)\n", (unsigned long long)sums.cases,
	       (unsigned long long)sums.exchanges, wrong, (unsigned long long)options.seed);
	return wrong ? 1 : 0;
}
