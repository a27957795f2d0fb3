/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One byte layer of a connection, both directions: the socket's own bytes, or
 * the plaintext of one TLS session. It finds out what the bytes are, then
 * gives them to a decoder and the decoder's messages to the pairing.
 */
#ifndef HARK_FLOW_H
#define HARK_FLOW_H

#include "call_queue.h"
#include "held.h"
#include "model/conn_facts.h"
#include "model/pipeline.h"
#include "pair/pair.h"
#include "protocol.h"
#include "stream.h"

#include <stdbool.h>
#include <stdint.h>

/* The state says what is done with the bytes; flow_state.h has the table of what leads from one to the other.
 */
enum flow_state {
	FLOW_UNDETERMINED, /* held, and judged */
	FLOW_HTTP,	   /* decoded */
	FLOW_TUNNEL,	   /* behind an Upgrade: what goes on there is read */
	FLOW_HELLO,	   /* ciphertext: counted, and the hellos in it are read */
	FLOW_TLS,	   /* ciphertext: counted */
	FLOW_MUTED,	   /* not HTTP: counted */
	FLOW_ENDED,	   /* none comes any more */
};

/* Of a direction: is anything of it found, or worth a search? */
enum flow_hearing {
	FLOW_HEARD,
	FLOW_SIDE_MUTED, /* too many bytes without a sign: they are counted, until hark listens again */
	FLOW_REJOINS,	 /* heard again: what passed uncopied since the last record is no loss */
	FLOW_AWAITED,	 /* the same, and since then the other direction alone moved */
};

enum flow_end_sign {
	FLOW_END_UNKNOWN,
	FLOW_END_STANDS,   /* how far the direction had got was told; the last of it may still come */
	FLOW_END_FINISHED, /* and it came */
};

#define FLOW_NO_TURN SIZE_MAX

struct hello;
struct tls_key;
struct tunnel;

struct flow_side {
	struct flow *flow;
	enum event_direction direction;
	struct stream stream;
	struct held held;
	enum flow_hearing hearing;
	enum flow_end_sign end;
	bool from_start;       /* the first byte that is held or will be fed is the first of its protocol */
	bool told_start;       /* the decoder was told so, before anything of this direction showed */
	uint64_t missed_bytes; /* and so many before the first that shows did not; to be told with that one */
	bool fed;	       /* what the layer was taken for (HTTP, TLS) had bytes of it */
	uint64_t lost_bytes;   /* so many of its first were lost before anybody knew what they are; 0: none,
				* HOLE_UNKNOWN_SIZE */
	uint64_t searched_bytes;
	size_t turn_at;	       /* in `held`: the newest turn's beginning, which may still be a message's */
	uint64_t hinted_until; /* by the last hint given */
	uint32_t lost;	       /* event_header.lost of the newest record, or of the other direction's first */
	uint64_t last_ns;
};

struct flow {
	const struct pipeline *pipeline;
	struct conn_facts *facts;
	const struct tls_key *session; /* NULL: the socket's own bytes */
	enum flow_state state;
	const struct protocol_ops *ops; /* of the decoder, or as judged */
	struct protocol *decoder;
	const struct mover *mover;     /* of the bytes that are being fed */
	uint64_t fed_ns;	       /* their time */
	uint32_t lost;		       /* event_header.lost of the first record */
	bool lossy;		       /* records were lost between the first one and the newest */
	int moved_last;		       /* the direction that did; -1: none yet */
	enum protocol_role role_found; /* by the start line that began HTTP/1 after a late join */
	struct pair pair;
	struct flow_side side[2]; /* by enum event_direction */
	size_t held_bytes;	  /* as counted in the connection's */
	struct call_queue calls;  /* what was not given out yet */
	struct hello *hello;	  /* exactly in FLOW_HELLO */
	uint64_t undetermined_copied, undetermined_skipped;
	bool unheard;	      /* who holds the socket may move bytes that no record and no counter tells of */
	bool shrunk;	      /* since it moved last */
	bool joined_late;     /* a session older than hark, whose counters do not say so */
	const char *muted;    /* why one direction or all is muted; static */
	uint64_t relisten_ns; /* when what is muted is listened to again; 0: never */
	unsigned int relistens;
	bool leaves; /* the decoder left its protocol during a feed, */
	const struct protocol_ops
		*leaves_for; /* for this one; NULL: a tunnel, or one that hark does not know */
	unsigned int upgrades;
	struct tunnel *tunnel;	   /* while the flow leaves for it, and exactly in FLOW_TUNNEL */
	struct message *switching; /* a 101, until the decoder tells what to */
	uint8_t *upgrade_settings; /* of a request for h2c; NULL: none are known */
	size_t upgrade_settings_len;
};

/* facts, which may be changed with flow_move(), and session are borrowed. */
void flow_init(struct flow *flow, const struct pipeline *pipeline, struct conn_facts *facts,
	       const struct tls_key *session);
void flow_fini(struct flow *flow);

/* The layer belongs to another connection from here on. */
void flow_move(struct flow *flow, struct conn_facts *facts);

/* Takes one data record of this layer. beginning_seen: see stream_start(). */
void flow_record(struct flow *flow, const struct event_data *event, const struct mover *mover,
		 bool beginning_seen);

/*
 * Takes a record of a layer whose bytes come by streams (EVENT_STREAM_DATA, EVENT_STREAM_OVER): it is HTTP/3,
 * for nothing else is given to such a library. Calls on one connection come one after the other and so do
 * their records: a position that is left out is lost.
 */
void flow_record_streams(struct flow *flow, const struct event_data *event, const struct mover *mover);

/*
 * From here on the kernel side counts some transfers of the socket as ciphertext, without a record: what is
 * missing was not lost. Nothing else follows from it.
 */
void flow_unrecorded(struct flow *flow);

/*
 * A call that nobody measured moved bytes (EVENT_TLS_REFUSED): a hole of unknown size, which waits its turn
 * behind what misses a record in either direction. Told before that, it would stand before bytes that it is
 * behind.
 */
void flow_unknown(struct flow *flow, const struct event_data *event, const struct mover *mover);

/*
 * At its end the direction had got to this position: what no record stands for until there was lost. Of a
 * direction that never moved only with a known offset, and when the other one did.
 */
void flow_stood(struct flow *flow, const struct event_data *event, const struct mover *mover,
		bool beginning_seen);

/* A direction ended, as the connection's states tell. */
void flow_finish(struct flow *flow, enum event_direction direction);

/* A poll passed. True while something waits for the next one. */
bool flow_poll(struct flow *flow);

/* Is a record of the direction missing that may still come? */
bool flow_may_get(const struct flow *flow, enum event_direction direction);

/* Is an exchange open, or a record missing? */
bool flow_is_unfinished(const struct flow *flow);

/* The memory that the layer holds: bytes, messages, tables. */
size_t flow_memory(const struct flow *flow);

/* About once a second: exchanges that do not move expire, and what was muted is listened to again. */
void flow_expire(struct flow *flow);

/*
 * About once a second: when nothing moved for a while, what the decoder keeps to save time is given back.
 * True when it was: flow_memory() is another.
 */
bool flow_shrink(struct flow *flow);

/* Is nobody interested in the bytes of a direction, for now? */
bool flow_is_muted(const struct flow *flow, enum event_direction direction);

/* Ends the layer: everything under way comes out. Nothing may be put afterwards. */
void flow_end(struct flow *flow, enum protocol_end reason);

static inline bool flow_is_tls(const struct flow *flow)
{
	return flow->state == FLOW_HELLO || flow->state == FLOW_TLS;
}

/*
 * Was the direction seen from its first byte, or will it be? One that has not moved yet begins with its first
 * byte, if hark was there when the other one did.
 */
static inline bool flow_side_begins(const struct flow *flow, int direction)
{
	const struct flow_side *side = &flow->side[direction];

	return side->from_start || (!side->stream.started && flow->side[!direction].from_start);
}

#endif
