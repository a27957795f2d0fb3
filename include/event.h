/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The records that travel from the kernel (bpf/) to user space (agent/), and
 * the very same bytes that a recording holds. This is the project's only ABI:
 * fixed widths, explicit padding, every byte initialised by whoever submits.
 *
 * Later versions add types, and counters at the end of their array: a reader
 * takes a shorter array, with 0 for what is not there.
 *
 * Each record is self-contained: a data record names its socket, its process
 * and its position, so that the loss of any one record leaves a hole of known
 * size and nothing else. Native byte order (a recording's header says which).
 *
 * Positions. On TCP `pos` is the kernel's own sequence number of the first
 * byte (32 bits, EVENT_POS_SEQ32 set; user space widens it); `offset`, when
 * EVENT_OFFSET_KNOWN is set, is how many stream bytes came before it since
 * the connection began, so 0 means "seen from the first byte". Unix sockets
 * and TLS plaintext only have a counter from hark's first sight of them.
 */
#ifndef HARK_EVENT_H
#define HARK_EVENT_H

#include "direction.h"

#ifndef __bpf__
#include <assert.h>
#include <stddef.h>
#include <linux/types.h>
#endif

#define EVENT_ABI_VERSION     1
#define EVENT_PAYLOAD_MAX     16384 /* bytes of payload in one record at most */
#define EVENT_COMM_LEN	      16
#define EVENT_NAME_LEN	      64
#define EVENT_CGROUP_LEN      256
#define EVENT_NAMES_LEN	      3072 /* of all texts of an event_names, with their ends */
#define EVENT_LABEL_LEN	      64   /* a power of two */
#define EVENT_SECRET_MAX      64   /* bytes of a secret of TLS; those of today have 48 at most */
#define EVENT_GENERATION_LEN  5
#define EVENT_GENERATION_MASK ((1ull << 8 * EVENT_GENERATION_LEN) - 1)
#define EVENT_RANDOM_AT	      16 /* no time and no sign of a version stands there (RFC 8446, 4.1.3) */

enum event_type {
	EVENT_SOCKET_DATA = 1, /* struct event_data: a transfer on a stream socket */
	EVENT_TLS_DATA = 2,    /* struct event_data: plaintext moved by a TLS library call */
	EVENT_TLS_BIND = 3,    /* struct event_data without payload: ssl belongs to this socket */
	EVENT_TLS_REFUSED =
		4,	    /* struct event_data without payload: an unmeasured call, hole of unknown size */
	EVENT_TLS_FREE = 5, /* struct event_data without payload: SSL_free(ssl). With EVENT_OFFSET_KNOWN pos
			       is how much the session had sent, offset how much it had received */
	EVENT_SOCKET_STATE = 6, /* struct event_state: a TCP state change */
	EVENT_EXEC = 7, /* struct event_process: from exec, or from user space's first sight of a process */
	EVENT_EXIT = 8, /* struct event_process: the whole process (thread group) ended */
	EVENT_POLL = 9, /* struct event_header: user space finished one poll of the ring (its clock) */
	EVENT_COUNTERS = 10, /* struct event_counters: the kernel's counters so far */
	EVENT_STACK_SWITCH =
		11, /* struct event_data without payload: nested TLS entries on unrelated stacks */
	EVENT_SOCKET_SEEN = 12, /* struct event_state: a socket that was there when hark began; no change */
	EVENT_CGROUP = 13, /* struct event_cgroup: where a process belongs; by the kernel at an exec, and by
			      user space */
	EVENT_UNSEEN = 14, /* struct event_unseen: traffic that hark cannot read; once a socket */
	EVENT_TLS_EARLY = 15, /* struct event_data without payload: what became of early data */
	EVENT_FORK = 16,      /* struct event_process: a process began as a copy of its parent */
	EVENT_TLS_RANDOMS =
		17,	     /* struct event_data without payload: of the hellos of a session whose socket is
				not known, EVENT_RANDOM_AT bytes into each random 8 bytes: pos of the client's,
				offset of the server's. direction is the way of the client's hello */
	EVENT_DATAGRAM = 18, /* struct event_data: a UDP datagram that looks like the beginning of a QUIC
				connection. pos and offset are 0 */
	EVENT_NAMES =
		19, /* struct event_names: how people call that place; by user space, after EVENT_CGROUP */
	EVENT_STREAM_DATA =
		20, /* struct event_data: bytes of one QUIC stream that an HTTP/3 library was given or
		       gave out. ssl is its connection object, offset the stream's id; pos counts all
		       streams of the direction together, and each EVENT_EOF for one */
	EVENT_STREAM_OVER = 21, /* struct event_data without payload: the stream (offset) is over both ways;
				   pos is the error code (RFC 9114, 8.1) */
	EVENT_TLS_SECRET =
		22, /* struct event_secret: what decrypts a session. Only of a hark with --keylog */
};

/*
 * Process numbers are those of hark's own pid namespace. A process that is not in it has none there: its
 * number is the kernel's own with this bit, unique as well, and means nothing to people.
 */
#define EVENT_PID_ELSEWHERE 0x80000000u

/* event_header.flags */
enum event_flag {
	EVENT_POS_SEQ32 = 1 << 0,    /* pos is a 32-bit TCP sequence number */
	EVENT_OFFSET_KNOWN = 1 << 1, /* offset is valid */
	EVENT_EOF = 1 << 2,	   /* a read returned 0: this direction ended; EVENT_STREAM_DATA: the stream's
				      does, behind the last record of the call */
	EVENT_RESET = 1 << 3,	   /* the call failed with ECONNRESET or EPIPE */
	EVENT_FROM_START = 1 << 4, /* TLS: the handshake of this session was seen */
	EVENT_PID_VALID = 1 << 5,  /* pid, tid, uid and comm are those of the actor */
	EVENT_MORE = 1 << 6,	   /* the same call goes on in a further record */
	EVENT_SYNTHETIC = 1 << 7,  /* made by user space, not by the kernel */
	EVENT_REACHED =
		1 << 8, /* all before pos has been read; what no record holds of it, in no user buffer */
	EVENT_CALL_TIME = 1 << 9, /* EVENT_TLS_DATA: offset is when the call was entered, of what was
				     sent. Set of EVENT_STREAM_DATA too, whose offset is no position either */
	EVENT_EARLY = 1 << 10,	  /* EVENT_TLS_DATA: early data; EVENT_TLS_EARLY: the server takes it */
	EVENT_FILLED = 1 << 11,	  /* EVENT_TLS_DATA of a file on trial: the call changed its buffer. Not
				     in recordings */
};

/* event_data.hole: why `len - copied` bytes were not copied */
enum event_hole {
	HOLE_NONE = 0,
	HOLE_SNAPLEN = 1, /* beyond --snaplen */
	HOLE_SKIPPED = 2, /* user space asked to skip to a position */
	HOLE_KERNEL = 3,  /* sendfile, splice, io_uring: no user buffer */
	HOLE_COMPAT = 4,  /* 32-bit caller */
	HOLE_FOREIGN = 5, /* the fd of the syscall is not this socket's */
	HOLE_FAULT = 6,	  /* the buffer could not be read (lost, not skipped) */
	HOLE_TRUNC = 7,	  /* MSG_TRUNC on TCP: bytes were discarded, not delivered */
	/*
	 * Muted connection: counts only; with EVENT_REACHED: they are counted. Of no bytes and without a
	 * flag (EVENT_PID_VALID aside): from here on some transfers of the socket are counted as ciphertext
	 * and leave no record.
	 */
	HOLE_MUTED = 8,
	HOLE_VECTOR = 9, /* more vectors or messages than the kernel side walks */
};

/* event_data.source: how the bytes moved */
enum event_source {
	SOURCE_UNKNOWN = 0,
	SOURCE_SOCKET = 1,  /* socket tracepoint */
	SOURCE_SYSCALL = 2, /* syscall exit */
	SOURCE_OPENSSL =
		3, /* and above: a TLS library, by the number of its row in agent/library/libraries.c */
	SOURCE_KERNEL_TLS = 0x80, /* a socket whose TLS the kernel does: EVENT_TLS_DATA, EVENT_TLS_REFUSED */
};

struct event_header {
	__u32 size;    /* whole record in use: fixed part and copied payload */
	__u16 type;    /* enum event_type */
	__u16 flags;   /* enum event_flag */
	__u64 time_ns; /* CLOCK_MONOTONIC, at the return of the call; of TLS, when the socket had taken what
			  it sent */
	__u32 pid;     /* thread group */
	__u32 tid;
	__u32 uid;
	__u32 lost; /* records of all kinds that the kernel had lost when this one was made, modulo 2^32; 0 in
		       recordings from before, and of records by user space */
	char comm[EVENT_COMM_LEN]; /* of the thread; NUL-terminated by the kernel */
};

struct event_socket {
	__u64 id;	  /* cookie (socket way) or sockfs inode (syscall way); 0: not known */
	__u64 sk;	  /* struct sock pointer: a hint between state changes, never an identity */
	__s32 fd;	  /* -1: not known */
	__u16 family;	  /* AF_INET, AF_INET6, AF_UNIX; 0: not known */
	__u16 protocol;	  /* IPPROTO_TCP, IPPROTO_MPTCP, IPPROTO_UDP, 0 for Unix */
	__u16 local_port; /* host order */
	__u16 peer_port;
	__u8 state;	/* TCP state now */
	__u8 netns[3];	/* tells network namespaces apart, see docs/recording.md; 0: not known */
	__u8 local[16]; /* IPv4 stands in the first 4 bytes */
	__u8 peer[16];
};

struct event_data {
	struct event_header h;
	struct event_socket sock;
	__u64 ssl;	/* address of the TLS object in its process; 0 for sockets; of SOURCE_KERNEL_TLS that
			   of the struct sock, with the socket's id as generation */
	__u64 pos;	/* of the first byte of this record */
	__u64 offset;	/* bytes of this direction before pos since the stream began */
	__u32 len;	/* stream bytes that this record stands for */
	__u32 copied;	/* of them, from the first on, how many follow as payload */
	__u8 direction; /* enum event_direction */
	__u8 hole;	/* enum event_hole */
	__u8 source;	/* enum event_source */
	/*
	 * Of TLS records: which session at this address it is, little-endian; another one for each that ever
	 * stood there. 0: not told (recordings from before).
	 */
	__u8 generation[EVENT_GENERATION_LEN];
#ifndef __bpf__
	__u8 payload[]; /* the kernel side has a struct for each size class */
#endif
};

struct event_state {
	struct event_header h; /* pid only with EVENT_PID_VALID */
	struct event_socket sock;
	__u8 old_state;
	__u8 new_state;
	__u8 offset_known; /* of struct event_state_end: a bit a direction, 1 << enum event_direction */
	__u8 unread;	   /* of struct event_state_end: received bytes wait, which may still be read */
	__u8 pad[4];
};

/*
 * EVENT_SOCKET_STATE with EVENT_POS_SEQ32, when a TCP socket is closed: how far each direction had got, by
 * enum event_direction, in the units of event_data. What no record stands for until there was lost.
 */
struct event_state_end {
	struct event_state state;
	__u64 pos[2];
	__u64 offset[2];
};

struct event_process {
	struct event_header h;
	__u32 parent;		   /* of EVENT_EXEC and EVENT_FORK; 0: not known */
	__u32 status;		   /* of EVENT_EXIT: the wait status */
	char name[EVENT_NAME_LEN]; /* base name of the executable; empty: not known */
};

/* A path that is longer is not given at all: half of a name would be another name. */
struct event_cgroup {
	struct event_header h;
	char path[EVENT_CGROUP_LEN]; /* of /proc/PID/cgroup, as the kernel shows it; NUL-terminated */
};

/* The texts of an event_names, in this order; more may follow in later versions. */
enum event_name {
	EVENT_NAME_CONTAINER = 0, /* as the engine calls it */
	EVENT_NAME_POD = 1,	  /* this and the next three: Kubernetes' */
	EVENT_NAME_NAMESPACE = 2,
	EVENT_NAME_POD_UID = 3,
	EVENT_NAME_POD_CONTAINER = 4, /* of the container within its pod */
	EVENT_NAME_HOSTNAME = 5,      /* of a pod whose name is not known, as its /etc/hostname says */
	EVENT_NAME_COUNT
};

/* h.size says how much of the text is there: one text behind the other, each NUL-terminated; empty: not
 * known. */
struct event_names {
	struct event_header h;
	char text[EVENT_NAMES_LEN];
};

enum event_unseen_kind {
	UNSEEN_UDP_443 = 1,  /* UDP to or from port 443: HTTP/3, most likely */
	UNSEEN_IO_URING = 2, /* a stream socket whose bytes move through io_uring */
	UNSEEN_RINGS = 3, /* no socket: a process that uses io_uring, where its transfers are not noticed */
};

struct event_unseen {
	struct event_header h;
	struct event_socket sock; /* of an unconnected UDP socket: the peer of the first datagram */
	__u32 kind;		  /* enum event_unseen_kind */
	__u32 pad;
};

/* A line of NSS' key log: what a TLS library has for it, as its program's memory has it. */
struct event_secret {
	struct event_header h;
	char label[EVENT_LABEL_LEN]; /* NUL-terminated */
	__u8 random[32];	     /* the client's */
	__u8 secret[EVENT_SECRET_MAX];
	__u8 secret_len;
	__u8 source; /* as event_data.source */
	__u8 pad[6];
};

/* The kernel side's counters; the same array backs the BPF per-CPU map. */
enum kernel_counter {
	KC_EVENTS_SUBMITTED,
	KC_EVENTS_LOST, /* ring full */
	KC_BYTES_MOVED, /* of the decoded layer, sent and received */
	KC_BYTES_COPIED,
	KC_BYTES_SKIPPED,
	KC_BYTES_LOST,
	KC_BYTES_CIPHERTEXT, /* of TLS connections, never copied */
	KC_RETURNS_REFUSED,  /* TLS calls not followed because a return was pending in the thread */
	KC_RETURNS_STALE,    /* pending TLS calls whose return was never seen */
	KC_MAP_FULL,	     /* no room in a kernel map */
	KC_FAULTS,	     /* a buffer could not be read */
	KC_COMPAT,	     /* transfers of 32-bit callers */
	KC_IO_URING,	     /* transfers through io_uring */
	KC_PEEKED,	     /* MSG_PEEK, SSL_peek: seen, not counted */
	KC_VECTORS,	     /* calls with more vectors than are walked */
	KC_OUT_OF_BAND,	     /* MSG_OOB, MSG_ERRQUEUE */
	KC_UDP_443,	     /* datagrams to or from UDP port 443 */
	KC_PROGRAMS_SKIPPED, /* by user space: calls for which the kernel did not run a program of ours */
	KC_DATAGRAMS,	     /* EVENT_DATAGRAMs, lost ones too */
	KC_DATAGRAMS_LIMIT,  /* times that a socket had no more of them for the rest of a second */
	KC_COUNT,
};

struct event_counters {
	struct event_header h;
	__u64 value[KC_COUNT];
};

#ifndef __bpf__
static_assert(sizeof(struct event_header) == 48, "ABI");
static_assert(sizeof(struct event_socket) == 64, "ABI");
static_assert(sizeof(struct event_data) == 152, "ABI");
static_assert(offsetof(struct event_data, payload) == 152, "ABI");
static_assert(sizeof(struct event_state) == 120, "ABI");
static_assert(sizeof(struct event_state_end) == 152, "ABI");
static_assert(sizeof(struct event_process) == 120, "ABI");
static_assert(sizeof(struct event_cgroup) == 304, "ABI");
static_assert(sizeof(struct event_names) == 48 + EVENT_NAMES_LEN, "ABI");
static_assert(sizeof(struct event_unseen) == 120, "ABI");
static_assert(sizeof(struct event_secret) == 216, "ABI");
static_assert(sizeof(struct event_counters) == 48 + 8 * KC_COUNT, "ABI");
#endif

#endif
