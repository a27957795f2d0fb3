/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request and its response on one connection, as one side saw them. At
 * least one of the two is there. The exchange owns its messages.
 */
#ifndef HARK_EXCHANGE_H
#define HARK_EXCHANGE_H

#include "conn_facts.h"
#include "message.h"
#include "mover.h"

#include <stdint.h>

#define EXCHANGE_INTERIMS_MAX 8 /* more are counted, not kept */

/* Client and server are both on this machine, and both were seen (join.h). */
enum exchange_join {
	JOIN_NONE,   /* only this side was seen, or the other not yet */
	JOIN_FIRST,  /* `other` is the other side: they are shown together, this one first */
	JOIN_SECOND, /* the other side was shown with, or before, this one */
};

struct exchange {
	struct message *request;			 /* NULL: not seen */
	struct message *response;			 /* NULL: not seen */
	const struct conn_facts *conn;			 /* borrowed; outlives the exchange's callback */
	struct message *interims[EXCHANGE_INTERIMS_MAX]; /* 1xx responses in order; owned */
	size_t interim_count;
	struct mover mover;   /* of the request, or else of the response */
	uint64_t start_ns;    /* first request byte, else first response byte */
	uint64_t duration_ns; /* first request byte to last response byte; never negative */
	uint64_t ttfb_ns;     /* first request byte to first response byte */
	uint64_t waited_ns;   /* of a pending one: since the first byte of the request */
	uint32_t key;	      /* as message.h's; 0 for HTTP/1 */
	unsigned int flags;   /* enum message_flag: both messages' and its own */
	uint32_t error;	      /* the stream's (RFC 9113, 7; RFC 9114, 8.1) */
	bool error_known, duration_known, ttfb_known;
	bool split_answer; /* its request was shown alone before, or one that cannot be told from it: not to
			      be counted */
	bool pending;	   /* not over: it will come again */
	bool answer_done;  /* the end of the response was seen, or the decoder's */
	bool opening; /* its request is the first of the connection, as far as hark was there: what it took
			 to connect is its own */

	bool keepable; /* its messages may go over to whoever it is shown to: exchange_take() */

	/* Of join.h; 0, NULL and false before it. */
	uint64_t peer_connection;      /* id of the socket at the other end, on this machine; 0: not known */
	const struct conn_facts *peer; /* the same while it is open; else NULL */
	enum exchange_join join;
	const struct exchange *other; /* of a joined one: the other side, while both are at hand; else NULL */
	uint64_t server_ns,
		network_ns; /* of a joined one: the server's duration, and the rest of the client's */
	bool split_known;
};

/* An exchange that has its messages, and the facts of its connection. */
struct exchange_own {
	struct exchange exchange;
	struct conn_facts conn;
};

/*
 * The messages, which the exchange loses, go over to *own, with the facts of the connection as they are now:
 * a connection may turn to TLS, or change hands, before the exchange is shown. False: the exchange is not
 * keepable, and nothing changed.
 */
bool exchange_take(struct exchange_own *own, struct exchange *exchange);

/*
 * Copies an exchange with messages of its own (message_copy_whole() with these limits), which go by
 * exchange_fini(). The connection stays borrowed, of the other end only its figures remain. 0 or -ENOMEM.
 */
int exchange_copy(struct exchange *copy, const struct exchange *exchange, size_t head_limit_bytes,
		  size_t body_limit_bytes);

/* All the memory that its messages take. */
size_t exchange_memory(const struct exchange *exchange);

/* Frees the messages of an exchange. */
void exchange_fini(struct exchange *exchange);

/*
 * Does it belong in a table, whose rows show no marks? Not what may be no HTTP at all, and not the second
 * half of one that came out in two. A pair that is a guess only because something was lost, or came
 * before hark, is one exchange anyway.
 */
bool exchange_counts(const struct exchange *exchange);

/* An answer on a connection that was there before hark, whose request went by unseen. */
bool exchange_was_under_way(const struct exchange *exchange);

/* RFC 9113, 7: "NO_ERROR", "CANCEL", …; NULL for codes that the RFC does not name. */
const char *exchange_h2_error_name(uint32_t error);

/* The name of the exchange's error in its version of HTTP, as that RFC has it; NULL: it has none. */
const char *exchange_error_name(const struct exchange *exchange);

/* The names of docs/interface.md. Calls fn for each flag that is set, in the document's order. */
void exchange_flags_each(unsigned int flags, void (*fn)(void *ctx, const char *name), void *ctx);
/* The flag of this name; 0: there is none. */
unsigned int exchange_flag_find(const char *name);

/*
 * The scheme of the request: its own, as sent; for HTTP/1 else by
 * TLS (RFC 9112, 3.3). data NULL: not known.
 */
struct slice exchange_scheme(const struct exchange *exchange);

/* The version that the request names, else the response. */
enum http_version exchange_version(const struct exchange *exchange);

/* The code of the error that a statement ended with (SQLSTATE, or a number); data NULL: none, or no
 * statement. */
struct slice exchange_error_code(const struct exchange *exchange);

struct content;

/* What was found out of the type that came last, for most exchanges have that one, too. All zero: nothing. */
struct content_memo {
	uint8_t bytes[64];
	size_t len;
	const struct content *content;
};

/* content_of_type() by way of the memo. */
const struct content *content_memo_find(struct content_memo *memo, struct slice type);
/* exchange_content() by way of the memo. */
const struct content *exchange_content_again(struct content_memo *memo, const struct exchange *exchange);

/* The content of its bodies, by the request's Content-Type, else the response's; NULL: no row has it. */
const struct content *exchange_content(const struct exchange *exchange);

/*
 * How a call ended by what its content says beside HTTP, 0 is success; -1: it says nothing, or that is not
 * known. only: of another content, too, nothing is known; NULL: any will do. The second one is given the
 * content.
 */
int exchange_outcome(const struct exchange *exchange, const struct content *only);
int exchange_outcome_of(const struct exchange *exchange, const struct content *content);

/*
 * Did it fail? 4xx, 5xx, a call whose content says so, reset, closed, timed out, unanswered; but not by what
 * hark itself lost, or did not see from begin to end. memo: as above, the caller's.
 */
bool exchange_failed(struct content_memo *memo, const struct exchange *exchange);

#define EXCHANGE_ERROR_MAX 64

/*
 * error.type, in OpenTelemetry's sense: a few words that exchanges are told apart by; NULL: it succeeded, or
 * what is missing was lost by hark. A status of 400 and more is a client's error, of 500 and more a
 * server's. content: exchange_content() of it. Static, or made in `text`.
 */
const char *exchange_error_type(const struct exchange *exchange, const struct content *content,
				char text[EXCHANGE_ERROR_MAX]);

#endif
