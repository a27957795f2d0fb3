/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: the socket's own bytes, the TLS sessions on it, and what is
 * known about it.
 */
#ifndef HARK_CONN_H
#define HARK_CONN_H

#include "base/table.h"
#include "decode/flow.h"
#include "model/conn_facts.h"
#include "tls.h"

#include <stdbool.h>
#include <stdint.h>

struct fd_pointer;
struct sk_entry;

/* A client's hello that a process sent or received. */
struct hello_key {
	uint64_t hello_id;
	uint32_t pid;
	uint32_t direction; /* enum event_direction */
};

/*
 *                                         | lives             | orphaned | may end
 * the last process lets go of it          | orphaned: TCP whose close is to come; else may end
 * a process shows that it holds it        | -                 | lives    | -
 * bytes move                              | -                 | lives    | lives
 * its states tell that it closed here     | -                 | may end  | -
 * long silence; its address is another's  | may end           | may end  | -
 * its states tell that it is over         | ends              | ends     | ends
 * its socket connects again               | gone at once, and so from `ends`
 */
enum conn_life {
	CONN_LIVES,
	CONN_ORPHANED, /* no process is known to hold it any more; its state will tell its end */
	CONN_MAY_END,  /* at close_poll (late_ns, unread_ns), unless something shows that it lives */
	CONN_ENDS,     /* at close_poll (late_ns, unread_ns) */
};

/* Of TLS: what was seen of its plaintext? */
enum conn_plaintext {
	CONN_PLAINTEXT_UNSEEN,
	CONN_PLAINTEXT_APART, /* a process of it has sessions that no socket is known of */
	CONN_PLAINTEXT_SEEN,  /* a session of it */
};

#define CONN_OPAQUE_NS UINT64_C(400000000) /* so long a library's record may come after the socket's */
/* So long nothing is told of what was under way: its next call may be the first that is seen whole. */
#define CONN_BEGAN_NS UINT64_C(2000000000)

struct conn {
	struct conn_facts facts;
	const struct pipeline *pipeline;
	struct flow socket_flow;
	struct tls_session *sessions, *awake_sessions; /* all; those that the next polls look at */
	uint64_t sequence;			       /* order of appearance */
	uint64_t socket_id;			       /* 0: not known (yet) */
	bool reported;				       /* the sinks know it under its number, which stays */
	bool was_muted;				       /* and is counted as such */
	bool peer_ended;			       /* as its bytes told */
	bool before_probes;   /* TLS that moved before the libraries were probed, and not since */
	bool began_before;    /* it was there before the first poll */
	bool ciphertext;      /* the kernel side was told so */
	enum mark muted_mark; /* what it was told last of what is muted */
	uint32_t read_number; /* TCP's, behind the newest record of what was received; */
	bool read_known;      /* if there was one */
	enum conn_plaintext plaintext;
	const char *unread_why;	    /* by its process, in words (static); NULL: that was gone */
	bool unread_followed;	    /* its library is followed: in time a call would show */
	struct hello_key hello_key; /* in the tracker's `hellos`; hello_id 0: it has none yet */
	UT_hash_handle hello_hh;
	struct mover mover;   /* of the newest record */
	uint64_t mover_names; /* the tracker's count of new names when `mover` was filled */
	uint64_t last_ns;

	enum conn_life life;
	enum protocol_end close_reason; /* but in CONN_LIVES */
	uint64_t close_poll;
	uint64_t late_ns;     /* until then records of what is open may come; 0: they have all come */
	uint64_t finish_poll; /* when the sent direction surely ended; 0: it did not */
	uint64_t unread_ns;   /* CONN_ENDS: until then what it received may be read; 0: nothing is left */

	/* The tracker's. */
	UT_hash_handle hh;
	struct conn *prev, *next; /* by last activity */
	struct conn *awake_prev, *awake_next;
	uint64_t awake_until;			/* the poll; 0: polls do not look at it */
	struct conn *ending_prev, *ending_next; /* in the tracker's `ending`, if is_ending */
	bool is_ending;
	size_t held_bytes;		      /* by the connection and its layers */
	size_t charged_bytes;		      /* of that, in the budget */
	unsigned int weight;		      /* its list in the tracker's `heavy` */
	struct conn *heavy_prev, *heavy_next; /* of like weight, by last activity */
	struct conn *opaque_prev, *opaque_next;
	uint64_t opaque_ns; /* when to say that it is opaque; 0: it does not wait for that */
	struct fd_pointer *pointers;
	struct sk_entry *sk;
};

/* A connection that was just seen, the sequence-th of all; not reported yet. NULL: out of memory. */
struct conn *conn_new(const struct pipeline *pipeline, uint64_t sequence, const struct event_socket *sock);

/* Frees without emitting; in no table. NULL is legal. */
void conn_free(struct conn *conn);

/* Was it there before all libraries were probed? */
bool conn_began_before(const struct conn *conn);

/* Is anything open that a record may still end? */
bool conn_is_unfinished(const struct conn *conn);

/* Reports it to the sinks, once, when its first facts stand. */
void conn_report_opened(struct conn *conn);

/* The connection's socket is this one. The number follows, unless something was shown under it. */
void conn_learn_id(struct conn *conn, uint64_t socket_id);

/* A transfer on the socket. conn->mover is its mover. */
void conn_socket_data(struct conn *conn, const struct event_data *event);

/* The socket closes, and had got so far in both directions. */
void conn_stood(struct conn *conn, const struct event_state_end *end);

/* Where its sequence numbers begin, if this record tells. */
void conn_learn_origin(struct conn *conn, const struct event_data *event);

/*
 * Is the record of a later connection of the same socket? Asked where records were lost, for one of its
 * states would have told: the numbers begin elsewhere.
 */
bool conn_is_earlier(const struct conn *conn, const struct event_data *event);

/* The newest addresses; what a record does not know stays. */
void conn_update_socket(struct conn *conn, const struct event_socket *sock);

/* A TLS library owns the socket's bytes. */
void conn_mark_tls(struct conn *conn, const char *library);

void conn_add_session(struct conn *conn, struct tls_session *session);

/* Takes over sessions, counts and number of a connection without a socket; that one is empty afterwards. */
void conn_absorb(struct conn *conn, struct conn *socketless);

/* A poll passed. True while something waits for the next. */
bool conn_poll(struct conn *conn);

/* TLS of which no session was seen so far. */
bool conn_looks_encrypted(const struct conn *conn);
/* The same, past its handshake, and nobody was told so. */
bool conn_looks_opaque(const struct conn *conn);

/* Says that its plaintext is not seen. */
void conn_tell_opaque(struct conn *conn);

/* The next polls look at this session of its. */
void conn_wake_session(struct conn *conn, struct tls_session *session);

/* A layer of the connection may hold more or less than before: held_bytes is brought up to date. */
void conn_weigh_flow(struct conn *conn, struct flow *flow);

/* About once a second. */
void conn_expire(struct conn *conn);

/* Messages under way will come out as truncated: the connection is forgotten to stay within a limit. */
void conn_truncate(struct conn *conn);

/* Everything under way comes out, and the connection is reported as closed. */
void conn_end(struct conn *conn, enum protocol_end reason);

#endif
