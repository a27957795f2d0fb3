/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker's tables: connections by socket id, the pointers {pid, fd} and
 * {pid, ssl} to them, processes, and sockets by their kernel address.
 */
#ifndef HARK_TRACKER_TABLE_H
#define HARK_TRACKER_TABLE_H

#include "spares.h"
#include "base/table.h"
#include "conn.h"
#include "model/container.h"
#include "model/pipeline.h"

#include <stdbool.h>
#include <stdint.h>

struct process;
struct quic_socket;

struct fd_key {
	uint32_t pid;
	int32_t fd; /* -1: the process holds the socket under a number that is not known */
};

/* A process holds a socket. */
struct fd_pointer {
	struct fd_key key;
	struct conn *conn;
	struct process *process;
	UT_hash_handle hh;		/* only with a known fd */
	struct fd_pointer *prev, *next; /* of the connection */
	struct fd_pointer *process_prev, *process_next;
};

struct process {
	uint32_t pid;
	char exe[EVENT_NAME_LEN];
	const struct container *container; /* one of `places`; NULL: none, or not known */
	uint64_t gone_poll;		   /* when it is forgotten, for it exited; 0: it did not */
	struct fd_pointer *pointers;
	struct tls_session *sessions;
	uint64_t apart;		/* TLS sessions that were never bound to a socket, ended ones too */
	size_t sought;		/* of its sessions, those with SEEK_ASKED */
	uint64_t seek_until_ns; /* while they go on; of those in `seeking` */
	struct process *seek_prev, *seek_next;
	bool seeks;		/* it is in `seeking`, and was told of by pipeline_handler.seek_sockets() */
	bool unheard;		/* see flow.unheard, of the sockets' own layers */
	bool tls_looked;	/* for why its TLS is not read */
	const char *unread_why; /* static; NULL: it was gone, or nobody looked */
	bool unread_followed;	/* its library is followed */
	UT_hash_handle hh;
	struct process *prev, *next;	       /* of those that exited */
	bool idle;			       /* nothing but its name is known: it may be forgotten */
	struct process *idle_prev, *idle_next; /* of those, the first to go first */
};

/* Facts that the state changes of a socket told, kept by its address until state 7. */
struct sk_entry {
	uint64_t sk;
	uint64_t id;	   /* 0: not told */
	struct conn *conn; /* NULL: no record and no known process yet */
	enum protocol_role role;
	uint64_t opened_ns, connect_start_ns, connect_ns;
	uint32_t opened_lost;
	bool again; /* the socket had another connection before */
	struct event_socket sock;
	struct mover mover; /* pid 0: not known */
	UT_hash_handle hh;
	struct sk_entry *prev, *next; /* of those without a connection, oldest first */
};

/* Lives as long as the tracker: movers point to its container. */
struct place {
	UT_hash_handle hh;
	struct container container; /* of `text` */
	uint8_t text[];		    /* its names, each behind its length (size_t) */
};

#define TRACKER_ENDED	4096 /* sockets that are known again; of those of one place the last */
#define TRACKER_WEIGHTS 65   /* how many bits a size may take */

struct tracker {
	struct pipeline pipeline;
	struct pipeline_reading reading;
	struct conn *heavy[TRACKER_WEIGHTS]; /* by how many bits held_bytes takes; each the oldest first */
	size_t charged_bytes;		     /* of all connections */
	size_t waiting_bytes;		     /* of `waiting` */
	uint32_t *pids;
	struct conn *hellos; /* those that carry a client's, by it */
	struct conn *by_id;
	struct conn *conns; /* by last activity, oldest first */
	struct conn *awake;
	struct conn *ending; /* that only late records may keep, by late_ns */
	struct conn *opaque; /* to be told so, by time */
	size_t conn_count, waiting_count;
	struct fd_pointer *fds;
	struct tls_session *sessions;
	struct process *processes, *exited, *idle, *seeking;
	size_t pointer_count, holder_bytes; /* of `fds` and others; of them and of `processes` */
	struct sk_entry *sks, *waiting;
	struct place *places;
	uint64_t names; /* goes up when a process gets a name or a container */
	uint64_t next_sequence;
	uint64_t sweep_ns, pending_ns;	       /* when both were last looked at */
	struct pair *watched;		       /* pairs with open exchanges */
	struct spares entries;		       /* of pairs */
	struct quic_socket *quic_by_id, *quic; /* of tracker_quic.c */
	size_t quic_bytes;		       /* of them, in the budget */
	uint64_t ended[TRACKER_ENDED]; /* TCP sockets whose connections ended, each in its place; 0: none */
};

struct conn *tracker_conn_find(const struct tracker *tracker, uint64_t socket_id);

/* A new connection in the tables, not reported yet; there is room for it. NULL: out of memory. */
struct conn *tracker_conn_add(struct tracker *tracker, const struct event_socket *sock);

/* The connection's socket becomes known. 0 or -ENOMEM. */
int tracker_conn_set_id(struct tracker *tracker, struct conn *conn, uint64_t socket_id);

/* Takes it out of every table and frees it; nothing is emitted. */
void tracker_conn_remove(struct tracker *tracker, struct conn *conn);

/* The memory that the connection holds changed: charges the budget. */
void tracker_conn_charge(struct tracker *tracker, struct conn *conn);

/* The connection moved bytes: newest of all, and to be looked at by the next polls. */
void tracker_conn_touch(struct tracker *tracker, struct conn *conn);

/* To be looked at by the next polls. */
void tracker_conn_wake(struct tracker *tracker, struct conn *conn);

/* Into `ending` where its late_ns places it; out of it, if it is there. */
void tracker_conn_ending_add(struct tracker *tracker, struct conn *conn);
void tracker_conn_ending_remove(struct tracker *tracker, struct conn *conn);

/* Ends (CONN_MAY_END, CONN_ENDS) when what is late has come. */
void tracker_conn_close_later(struct tracker *tracker, struct conn *conn, enum protocol_end reason,
			      enum conn_life life);

/* Is not told of as opaque any more; legal when it was not to be. */
void tracker_conn_unwatch(struct tracker *tracker, struct conn *conn);

/* {pid, fd} points to this connection from now on; what it pointed to before loses it. */
void tracker_fd_claim(struct tracker *tracker, struct conn *conn, uint32_t pid, int32_t fd);
void tracker_fd_remove(struct tracker *tracker, struct fd_pointer *pointer);

/*
 * A connection that lost its last pointer ends, but for TCP: somebody else may hold the socket, who has not
 * shown it yet (it came by fork or SCM_RIGHTS), so that ends by its state, or when it closed on this side
 * too.
 */
void tracker_conn_orphan(struct tracker *tracker, struct conn *conn, enum protocol_end reason);

/* NULL: not known. */
struct process *tracker_process_find(const struct tracker *tracker, uint32_t pid);
/* Finds or makes. NULL: out of memory. */
struct process *tracker_process_get(struct tracker *tracker, uint32_t pid);
/* The process may move bytes unheard (struct flow), on what it holds and will hold. */
void tracker_process_unheard(struct tracker *tracker, uint32_t pid);
/* The memory that the process holds, or whether it exited, has changed. */
void tracker_process_settle(struct tracker *tracker, struct process *process);
void tracker_process_remove(struct tracker *tracker, struct process *process);
/* Sockets of its sessions are looked for by their ciphertext, or no longer. */
void tracker_process_seek(struct tracker *tracker, struct process *process, bool wanted);

/* The one copy of what has these names; NULL: too many, or out of memory, which is counted. */
const struct container *tracker_place_get(struct tracker *tracker, const struct container *container);
void tracker_places_free(struct tracker *tracker);

/* Out of the tables; it stays with its connection. */
void tracker_session_unlink(struct tracker *tracker, struct tls_session *session);
/* The same, and its connection ends with it when it has no socket. */
void tracker_session_end(struct tracker *tracker, struct tls_session *session, enum protocol_end reason);

struct sk_entry *tracker_sk_find(const struct tracker *tracker, uint64_t sk);
/* Bounded: the oldest entry without a connection goes. NULL: out of memory. */
struct sk_entry *tracker_sk_add(struct tracker *tracker, uint64_t sk);
void tracker_sk_set_conn(struct tracker *tracker, struct sk_entry *entry, struct conn *conn);
void tracker_sk_remove(struct tracker *tracker, struct sk_entry *entry);

#endif
