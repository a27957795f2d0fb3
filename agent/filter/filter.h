/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter language of every view, parsed once:
 *
 *   filter = all { "or" all }
 *   all    = term { term }           a space: both
 *   term   = { "!" } ( "(" filter ")" | key ":" value { "," value } )
 *
 * A word of the shell that is a filter by itself is a group. In a value, "..." and a backslash take their
 * meaning from space, comma, parenthesis, quote and backslash; a backslash before anything else stays.
 *
 * A term about something that is not known does not match, and its negation
 * does: `!status:200` shows what has no status. What a view shows before, or
 * without, an exchange (connections, calls, frames) is matched as far as it can
 * be told: what cannot be told does not hide it.
 */
#ifndef HARK_FILTER_H
#define HARK_FILTER_H

#include "model/conn_facts.h"
#include "model/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_DEPTH_MAX      16 /* parentheses within each other */
#define FILTER_TERMS_MAX      256
#define FILTER_VALUES_MAX     4096 /* of all terms */
#define FILTER_VALUE_LEN_MAX  512  /* bytes of one value */
#define FILTER_KERNEL_IDS_MAX 4096 /* pids, or ports, that are handed to the kernel */

#define FILTER_GUESS_MAX 100 /* bytes of what may have been meant */

struct container;
struct filter;

struct filter_error {
	size_t word;	/* of the words given, from 0 on */
	size_t at, len; /* bytes of that word: what is wrong */
	bool bare;	/* what is wrong is a word without a colon: it may be meant as something else */
	char guess[FILTER_GUESS_MAX]; /* bare: the filter that may be meant; "": nobody knows */
	char message[240];	      /* one sentence without its full stop: what, and what is right */
};

/* Of smaller to larger, so that "both" is the smaller answer and "either" the larger. */
enum filter_answer {
	FILTER_NO,
	FILTER_UNKNOWN,
	FILTER_YES,
};

/*
 * Words as the shell gave them; a word may hold several terms, a parenthesis may span words. NULL: *error
 * says what is wrong and where (message "out of memory" when it is that). No words: a filter that matches
 * all.
 */
struct filter *filter_parse(const char *const *words, size_t count, struct filter_error *error);
void filter_free(struct filter *filter); /* NULL is legal */

/* And-ed with one more filter, which is taken (also on failure). 0 or -ENOMEM. */
int filter_add(struct filter *filter, struct filter *more);

/* True when the exchange is to be shown. NULL matches all. */
bool filter_exchange(const struct filter *filter, const struct exchange *exchange);
/* The same for what has no exchange: false only when it cannot match, whatever comes. conn may be NULL. */
bool filter_conn(const struct filter *filter, const struct conn_facts *conn, const struct mover *mover);
/* Is the exchange left out while nobody knows its socket, whose addresses port: or peer: ask for? */
bool filter_lacks_address(const struct filter *filter, const struct exchange *exchange);
/* FILTER_YES: the facts of the connection alone suffice. */
enum filter_answer filter_conn_answer(const struct filter *filter, const struct conn_facts *conn,
				      const struct mover *mover);

/* False: nothing that a process in this container does can match. NULL: in none. */
bool filter_container(const struct filter *filter, const struct container *container);

/* Does the filter say anything about exchanges (path:, status:, …)? Then a connection without a matching one
 * is none that `hark conns` shows, unless its own facts suffice. */
bool filter_about_exchanges(const struct filter *filter);

/*
 * The part that the kernel side can decide, as sets that hold of everything the filter lets through: a list
 * is valid when its count is not 0. Sorted; borrowed from the filter.
 */
struct filter_kernel {
	const uint32_t *pids;
	size_t pid_count;
	const uint16_t *ports; /* local or peer */
	size_t port_count;
	bool containers; /* filter_container() says which processes are to be ignored */
};
void filter_kernel(const struct filter *filter, struct filter_kernel *kernel);

struct filter_value;
struct filter_subject;

/* By what a key is decided at the earliest. */
enum filter_decider {
	FILTER_BY_PIDS,	      /* the kernel side: a set of the numbers that its values have as low and high */
	FILTER_BY_PORTS,      /* the same; they are part of the socket's addresses */
	FILTER_BY_CONTAINERS, /* the kernel side, told of each process */
	FILTER_BY_ADDRESS,    /* the socket's addresses */
	FILTER_BY_CONN,	      /* other facts of a connection, or of a process */
	FILTER_BY_EXCHANGE,
	FILTER_BY_FIELDS, /* an exchange with all its header fields, not only those that message_asks() wants
			   */
	FILTER_BY_BODIES, /* the same, and with its bodies */
	FILTER_BY_FACTS,  /* an exchange with what its bodies say */
};

/* The keys, for help, completion and the man page. */
struct filter_key {
	const char *name; /* "status" */
	const char *form; /* "5xx, 200-204, 404" */
	const char *doc;  /* one sentence without its full stop */
	const char *more; /* what the man page says besides: sentences; NULL: nothing */
	enum filter_decider decider;
	/* value->text is filled. 0, -ENOMEM, or -EINVAL and why (size bytes) says what is right. */
	int (*parse)(struct filter_value *value, char *why, size_t size);
	enum filter_answer (*match)(const struct filter_value *value, struct filter_subject *subject);
};
extern const struct filter_key filter_keys[];
extern const size_t filter_key_count;

/* Can the kernel side decide it, and does it, with these sets? */
bool filter_key_in_kernel(const struct filter_key *key);
bool filter_key_decided(const struct filter_key *key, const struct filter_kernel *kernel);

/* Does the filter ask for any header field (FILTER_BY_FIELDS, FILTER_BY_BODIES)? */
bool filter_wants_fields(const struct filter *filter);
/* Does it ask for what bodies say (FILTER_BY_BODIES)? */
bool filter_wants_bodies(const struct filter *filter);

/* Does a term ask for one of these flags (enum message_flag) by its name? */
bool filter_asks_flag(const struct filter *filter, unsigned int flags);

/* Does a term ask for a protocol of which this is true? */
bool filter_asks_version(const struct filter *filter, bool (*is)(enum http_version version));

/* Does it ask for what bodies say (FILTER_BY_FACTS)? */
bool filter_wants_facts(const struct filter *filter);

/* The first text without * that url: or path: asks for, borrowed, and the key; NULL: none. */
const char *filter_whole_text(const struct filter *filter, const char **key);

/* Does a term of the filter have this key? */
bool filter_uses(const struct filter *filter, const struct filter_key *key);

#endif
