/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Keys and values of the maps that agent/capture/probes.c reads or writes. Not part of
 * a recording, so not in include/event.h.
 */
#ifndef HARK_MAPS_ABI_H
#define HARK_MAPS_ABI_H

#include "event.h"

/* The job of a function of a TLS library. */
enum tls_call_kind {
	TLS_READ,
	TLS_READ_OR_PEEK, /* a peek when the argument `done`, flags, has TLS_FLAG_PEEK */
	TLS_WRITE,
	TLS_WRITEV,	    /* from an array of struct iovec, `size` of them */
	TLS_WRITEV_OFFSET,  /* the same from byte `done` of them on: a hole, unless that is the first */
	TLS_WRITE_EARLY,    /* of a client before the server answered */
	TLS_WRITE_OR_EARLY, /* early of a session that is seen from its start and has received nothing */
	TLS_READ_APART,	    /* into memory of the library's own: a hole */
	TLS_SENDFILE,	    /* from a descriptor: a hole; the last of those that move bytes */
	TLS_PEEK,	    /* bytes are seen, not counted; only what is nested matters */
	TLS_FLUSH,	    /* sends what writes before it left in the session, where they were counted */
	TLS_TRANSPORT,	    /* gives ciphertext to the socket: only what is nested matters */
	TLS_HANDSHAKE,	    /* only what is nested matters */
	TLS_STREAM_NEW,	    /* HTTP/3 (bpf/tls/nghttp3.bpf.c): a connection is made */
	TLS_STREAM_OFFER,   /* bytes to be sent are shown */
	TLS_SET_FD,	    /* a hint; of this one and those below only the entry is probed */
	TLS_FREE,
	TLS_WRITE_UNMEASURED, /* nobody can tell what of it arrives: a hole of unknown size */
	TLS_STREAM_READ,      /* bytes of a stream were received */
	TLS_STREAM_TAKE,      /* so many of the bytes that were shown are sent */
	TLS_STREAM_CLOSE,     /* a stream is over */
	TLS_TAKE, /* so many bytes are read of those that the library keeps and showed to the program */
	TLS_CALL_KINDS,
};

/* How its return tells that it succeeded, and how many bytes it moved. */
enum tls_result {
	TLS_RETURNS_INT,	/* an int, more than 0: so many */
	TLS_RETURNS_LONG,	/* ssize_t, the same */
	TLS_STORES_IF_POSITIVE, /* an int, more than 0: the size_t at `done` */
	TLS_STORES_IF_ZERO,	/* an int, 0: the size_t at `done`, where one is */
	TLS_STORES,		/* whatever it returns: the size_t at `done` */
	TLS_RETURNS_PAIR,	/* two words, the first 0: the second (Rust's io::Result<usize>) */
};

#define TLS_ARGUMENT_INT 0x80 /* of `size`: the argument has 32 bits */
/* Of `session`: the argument is a PRFileDesc; of NSS's own layer, `secret` is the TLS object, which begins
 * with the address of its PRFileDesc. */
#define TLS_ARGUMENT_LAYER 0x80
#define TLS_FLAG_PEEK	   2 /* MSG_PEEK and PR_MSG_PEEK */

/*
 * In the place of a library's number: of a file whose functions are a guess, a number each
 * (agent/capture/trials.c). From TLS_TRIAL_ENDLESS on nobody sees where its sessions end.
 */
#define TLS_TRIAL_FIRST	  0xe0
#define TLS_TRIAL_ENDLESS 0xf0
/* Of `session`: the TLS object is rustls's, told by bpf/tls/rust.h; `done` says what the argument is. */
#define TLS_ARGUMENT_RUST 0x40

enum tls_rust_argument {
	RUST_CONNECTION,	 /* the object's address */
	RUST_CONNECTION_POINTER, /* of a pointer to the object */
	RUST_RECEIVED_POINTER,	 /* of a pointer to what the object received */
	RUST_SENDABLE,		 /* of what the object has to send, inside of it */
};

/* A probed function, as the attach cookie tells it. Arguments count from 1; 0: there is none. */
struct tls_function {
	__u8 library; /* its number in recordings: event_data.source; or one from TLS_TRIAL_FIRST on */
	__u8 kind;    /* enum tls_call_kind */
	__u8 result;  /* enum tls_result */
	__u8 session; /* which argument is the TLS object */
	__u8 buffer, size;
	__u8 done; /* where the number of moved bytes is stored; of TLS_READ_OR_PEEK, the flags; where a Go
		      call ends in what it defers: how many words above its stack pointer, and 1; 0: in a
		      register */
	union {
		__u8 fd;     /* of TLS_SET_FD; where another is for what is sent, `done` is that */
		__u8 layout; /* of all others: in tls_layouts, where its sessions keep their hellos; 0: not
				known */
	};
};

/* A write of which only the entry can be probed: it is noticed, and leaves a hole of unknown size. */
static inline struct tls_function maps_tls_unmeasured(const struct tls_function *write)
{
	struct tls_function call = { .library = write->library,
				     .kind = TLS_WRITE_UNMEASURED,
				     .session = write->session };

	return call;
}

#define TLS_LAYOUTS 32 /* a power of two; the first is not used */

/* Where a TLS object keeps the randoms of its hellos, and which end it is: offsets in bytes. */
struct tls_layout {
	__u16 pointer; /* to what holds the randoms; 0: the object itself does */
	__u16 client_random, server_random;
	__u16 server;	  /* this byte */
	__u8 server_mask; /* of that byte: 1 of a server, 0 of a client */
	/* rustls: where what it has to send and what it received are, each a queue behind so many bytes. */
	__u8 queue;
	__u16 sendable, received;
};

#define TLS_ARGUMENTS_MAX 6

/* Before Linux 5.15 there are no cookies: as many functions, of all libraries, have a program of their own.
 */
#define TLS_SLOTS 112

static inline int maps_tls_kind_returns(__u32 kind)
{
	return kind < TLS_SET_FD;
}

/* The kind without what only the arguments or the session can say. */
static inline __u32 maps_tls_kind_plain(__u32 kind)
{
	if (kind == TLS_READ_OR_PEEK)
		return TLS_READ;
	return kind == TLS_WRITE_OR_EARLY ? TLS_WRITE : kind;
}

/* The state of a client's early data: it is written, then the server answers, then the client tells. */
enum tls_early_state {
	EARLY_NONE,
	EARLY_WRITTEN,
	EARLY_ANSWERED,
};

/* In `marks`. */
enum kernel_mark {
	KM_MUTED_SENT = 1 << 0, /* a direction is muted: KM_MUTED_SENT << enum event_direction */
	KM_MUTED_RECEIVED = 1 << 1,
	KM_CIPHERTEXT = 1 << 2,
	KM_SKIP = 1 << 3,   /* `skips` has an entry */
	KM_PLACED = 1 << 4, /* `placed` is to follow the socket: it is muted or TLS, or was muted once */
};

/* In `pids`; every other value is the time as of which user space said to ignore the process. */
#define KP_FOLLOWED 1

#define OWN_PROCESSES_MAX 9 /* hark, and one an output */

struct kernel_settings {
	__u32 own[OWN_PROCESSES_MAX]; /* hark's own processes: never observed */
	__u32 own_count;
	__u32 snaplen_bytes; /* copied of one call at most */
	__u32 pid_namespace; /* hark's own, by its number; 0: the initial one, whose numbers are the kernel's
			      */
	__u32 wake_bytes;    /* wake user space when the ring holds more */
	__u32 wake_bulk_bytes; /* the same at a record of some KiB */
	__u8 filter_pids;      /* only the processes in `pids` */
	__u8 follow_children;
	__u8 filter_ports;     /* only the sockets with a port of `ports` */
	__u8 ignore_pids;      /* not the processes that `pids` says to ignore */
	__u8 hold_processor;   /* the kernel has a bpf_preempt_disable() for us (Linux 6.15) */
	__u8 hold_tracepoints; /* and tracepoints are preemptible (Linux 7.0) */
	__u8 go;	       /* the programs for Go are loaded (Linux 5.15) */
	__u8 pad[1];
};

/* A bit a port. */
#define PORT_WORDS (65536 / 64)

struct kernel_counters {
	__u64 value[KC_COUNT];
};

struct skip_key {
	__u64 id;	  /* socket id, or SSL* */
	__u64 generation; /* of the session at SSL*; 0 for sockets */
	__u32 pid;	  /* 0 for sockets */
	__u32 direction;
};

/*
 * What nobody wants of one direction. Calls that lie before `until` leave a record now and then, as signs of
 * life. User space writes both, the kernel side told_ns; should that hit what is another socket's by now, its
 * next sign comes later.
 */
struct skip {
	__u64 until;   /* the first position that is wanted again */
	__u64 count;   /* of bytes before it */
	__u64 told_ns; /* when the newest record was left */
};

#define SKIP_TOLD_NS 250000000u

struct count_key {
	__u64 id;
	__u64 direction;
};

struct session_key {
	__u64 ssl;
	__u32 pid;
	__u32 pad;
};

/* What nobody wants of one direction of a session, and until when that leaves no record. */
struct session_unwanted {
	__u32 until;	 /* the lower bits of the first position that is wanted again */
	__u64 untold_ns; /* 0: nothing is known to be unwanted */
};

/* A TLS object of a process. */
struct kernel_session {
	__u64 generation;	  /* when it was first seen, in 16 us; told in 40 bits */
	__u64 owner;		  /* which process; see process_identity() */
	struct event_socket sock; /* id 0: not known yet */
	__u64 count[2];		  /* plaintext bytes by direction */
	__u64 tried_ns;		  /* since when a write is tried that did not succeed; 0: none is */
	__u64 tried_bytes;	  /* how many it was to write: OpenSSL takes no fewer of them again */
	__u64 carrier;	    /* TLS in TLS: the object whose plaintext is this one's ciphertext; 0: none */
	__u64 handshake_ns; /* when the first handshake call began; 0: not seen */
	__u16 from_start;   /* seen from its first byte */
	__u16 told;	    /* which hellos are its own */
	__u16 used;	    /* a call was made on it, not only a hint given */
	__u16 hinted;	    /* SSL_set_fd() was called since the socket is known */
	__s32 hint;	    /* its descriptor; -1: none */
	__u16 received;	    /* something was */
	__u8 early;	    /* enum tls_early_state */
	__u8 library;	    /* struct tls_function */
	__u32 calls;	    /* Go: of goroutines, under way */
	__u32 closing;	    /* Go: it ends with the last of them */
	__u64 queue[2];	    /* rustls: the memory of its queues, by direction */
	__u32 capacity[2];  /* rustls: how many there is room for in each */
	struct session_unwanted unwanted[2]; /* by direction */
};

/* Of an encrypted record: the bytes behind its header, which no two records have alike. */
#define CIPHERTEXT_BYTES 16

struct ciphertext_key {
	__u32 pid;
	__u8 bytes[CIPHERTEXT_BYTES];
};

struct ciphertext_owner {
	__u64 ssl, generation; /* of the session that made it */
};

struct tls_call_key {
	__u64 thread; /* pid_tgid */
	__u64 level;  /* 0: the outermost */
};

#define TLS_CALLS_MAX 4 /* within one another in a thread */

struct tls_call {
	__u64 ssl, generation;
	__u64 buffer, size, done; /* done: address of the out parameter, 0: none */
	__u64 sp;		  /* Go: where its function is */
	__u64 start_ns;
	__u64 sent_ns; /* when its ciphertext left; 0: none did inside the call */
	__u64 before;  /* of a file on trial: a mix of what was in its buffer; 0: not known */
	__u64 settled; /* the socket on which its ciphertext needs counting and nothing else; 0: none */
	__u8 library, kind, result, layout; /* struct tls_function */
	__u16 inner;			    /* of the outermost: how many are under way within it */
	__u16 shared; /* of the outermost: another stack was seen in this thread: no nested binding */
};

#define GO_CALLS_MAX	      2 /* within one another: TLS in TLS */
#define GO_FUNCTION_BYTES_MAX 65536

/* Of a goroutine. ssl 0: there is none. */
struct go_calls {
	struct tls_call call[GO_CALLS_MAX];
	__u64 owner; /* which process; see process_identity() */
};

/* A call of an HTTP/3 library under way in a thread, by user addresses. */
struct stream_call {
	__u64 sp;
	__u64 conn;    /* the connection, or where a new one will stand */
	__u64 id, fin; /* where the call will say which stream it is, and whether it ends there */
	__u64 vectors;
	__u32 kind; /* enum tls_call_kind */
	__u32 library;
};

#define STREAM_VECTORS_MAX 64

/* The bytes of a stream that an HTTP/3 library showed last, of which so many were taken. */
struct stream_offer {
	__u64 generation; /* of its session */
	__u64 stream;
	__u64 vectors; /* a user address */
	__u64 mixed;   /* of where they lay: tells whether the vectors still say the same */
	__u64 total, taken;
	__u32 count; /* of vectors */
	__u32 fin;   /* the stream ends behind them */
};

/* Room for a struct capture (capture.h). */
struct capture_scratch {
	__u64 words[40];
};

struct unseen_key {
	__u64 id;   /* of the socket */
	__u64 kind; /* enum event_unseen_kind */
};

struct datagram_looks {
	__u64 since_ns; /* when the window began; 0: none did */
	__u32 looked, copied;
};

/* Between the two functions that look at a datagram and hand it on: no stack is left for it before Linux 6.8.
 */
struct datagram_found {
	__u64 base, len; /* its buffer */
	__u64 at;	 /* the second argument, or the address of its struct mmsghdr */
	__u64 bytes;
};

struct mmsg_progress {
	__u64 vector; /* user address */
	__u32 nr, index;
};

#ifndef __bpf__
static_assert(sizeof(struct tls_function) == sizeof(__u64), "it is a cookie");
#endif

#endif
