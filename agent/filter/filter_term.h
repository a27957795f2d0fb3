/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the filter: what a parsed filter is made of, and what the
 * files of it (parse, values, keys, match) ask of each other.
 */
#ifndef HARK_FILTER_TERM_H
#define HARK_FILTER_TERM_H

#include "base/url.h"
#include "filter.h"
#include "slice.h"

struct filter_regex;

/* Of text: the same bytes, a glob (* any bytes, ? one, a backslash takes the meaning), or ~ and a regex. */
struct filter_pattern {
	enum {
		PATTERN_EXACT,
		PATTERN_GLOB,
		PATTERN_REGEX
	} kind;
	bool nocase;
	bool within;		    /* anywhere in the subject; a regex always is; without nocase */
	struct slice text;	    /* of the value's text; of a regex without its ~, and NUL-terminated */
	struct filter_regex *regex; /* of PATTERN_REGEX */
};

/* An address and a length of prefix; IPv4 stands as ::ffff:a.b.c.d. */
struct filter_peer {
	uint8_t bytes[16];
	unsigned int bits; /* 0: any address */
	bool ipv6;	   /* written as IPv6 */
	bool unix_socket, port_known;
	uint16_t port;
};

/* One of the values of a term; which members count is the matter of its key's parse and match. */
struct filter_value {
	char *text; /* quotes and backslashes taken off; NUL-terminated, owned */
	size_t len;
	uint64_t low, high; /* a range, both included; low > high: nothing is in it */
	bool none;	    /* the word `none`, or the like */
	bool present;	    /* header: its name suffices */
	bool bounded;	    /* fact: the range counts, not the pattern */
	struct slice name;  /* header: of text */
	struct filter_pattern pattern;
	struct filter_peer peer;
};

struct filter_node {
	enum {
		NODE_TERM,
		NODE_ALL,
		NODE_ANY
	} kind;
	bool negated;
	const struct filter_key *key; /* of a term */
	struct filter_value *values;
	size_t value_count, value_capacity;
	struct filter_node *first, *last; /* of a group */
	struct filter_node *next;
};

/* The exchange or connection that a filter is asked about. */
struct filter_subject {
	const struct exchange *exchange; /* NULL: there is none */
	const struct conn_facts *conn;	 /* NULL: not known */
	const struct mover *mover;	 /* NULL: not known */
	struct url url;			 /* of the request, once url_known */
	bool url_known;
	bool any_address; /* what is not known of the socket stays unknown, also of an exchange */
};

struct filter {
	struct filter_node *root; /* NULL: matches all */
	uint32_t *pids;
	uint16_t *ports;
	size_t pid_count, port_count;
};

void filter_node_free(struct filter_node *node);
void filter_node_append(struct filter_node *group, struct filter_node *child);

/* Fills in the sets of filter_kernel(); without memory there are none. */
void filter_sets_make(struct filter *filter);

/* --- of the values (filter_values.c) ------------------------------------------ */

/* "12" or "12-20", each of them from min to max. 0 or -EINVAL. */
int filter_range_parse(const char *text, uint64_t min, uint64_t max, struct filter_value *value);
/* The same, or a bound: ">=12", "<20", "=12", of a number from min to max. text is value's own. */
int filter_number_parse(const char *text, uint64_t min, uint64_t max, struct filter_value *value);
/* The sign that the text begins with: ">=", "<=", ">", "<", "="; NULL: none. */
const char *filter_sign(const char *text);
/* The value's range becomes what stands to it as the sign says: all that is above it, below it, ... */
void filter_bound_set(struct filter_value *value, const char *sign);
/* ">50ms", "10ms-50ms": unit reads one number of value's kind. 0 or -EINVAL. */
int filter_bound_parse(struct filter_value *value, int (*unit)(const char *text, uint64_t *number));
/* "10.0.0.0/8", "[::1]:443", "unix". 0 or -EINVAL. */
int filter_peer_parse(const char *given, struct filter_peer *peer);

/* text is borrowed. regex: a ~ in front is one. 0, -ENOMEM, or -EINVAL and why. */
int filter_pattern_parse(struct filter_pattern *pattern, struct slice text, bool regex, char *why,
			 size_t size);
void filter_pattern_fini(struct filter_pattern *pattern);
bool filter_pattern_match(const struct filter_pattern *pattern, struct slice subject);

bool filter_in_range(const struct filter_value *value, uint64_t number);

#endif
