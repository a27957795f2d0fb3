/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From one call that moved bytes to records in the ring. Shared by the socket
 * way, the syscall way and the TLS probes: all end in capture_run().
 *
 * A call is a list of user buffers (one, or vectors), of which `left` bytes
 * were moved from position `pos` on. It becomes records of at most 16 KiB that
 * tile its range exactly: copied pieces first, then one record without payload
 * for whatever was not copied and why. A reservation that fails is counted;
 * its range shows as a hole.
 *
 * The record is prepared once on the stack and copied into each reservation.
 * Nothing slow stands between reserve and submit, no payload passes through
 * per-CPU memory (uprobe programs can be preempted).
 */
#ifndef HARK_BPF_CAPTURE_H
#define HARK_BPF_CAPTURE_H

#include "maps.h"
#include <bpf/bpf_core_read.h>

/* Keeps clang from folding a bound that the verifier needs to see. */
#define hide_value(var) asm volatile("" : "+r"(var))

#define VECTORS_LOOPED	 2048	/* steps of bpf_loop: vectors and pieces of one call */
#define VECTORS_BOUNDED	 64	/* where the kernel has no bpf_loop (before 5.17) */
#define SKIP_WORTH_BYTES 4096	/* smaller calls are not worth the look-up */
#define GATHER_VECTORS	 1024	/* UIO_MAXIOV */
#define WAKE_BULK_NS	 200000 /* records of some KiB wake the reader no sooner again */
#define STACK_NEAR_BYTES (128 * 1024)

/* What nobody wants: all before a number, and for how long that leaves no record. */
struct amid {
	__u32 until;
	__u32 untold_ns;
};

/* The walk through one call's buffers. No larger: syscall_exit has no stack left for it. */
struct capture {
	struct event_data record; /* template */
	__u64 range;		  /* user address of the buffer under way */
	__u64 range_bytes;	  /* left in it */
	__u64 vectors;		  /* user address of the vectors not yet begun */
	__u64 messages;		  /* user address of the struct mmsghdr not yet begun */
	__u32 vector_count;
	__u32 message_count;
	union {
		struct {
			__u32 part; /* left of the message under way; without mmsghdr the whole call is one */
			__u32 left; /* of the call's bytes, not yet recorded */
		};
		struct amid amid; /* instead, of a call that leaves no record: drop is SKIP_UNTOLD */
	};
	__u32 drop;   /* of its first bytes, not wanted */
	__u32 snap;   /* may still be copied */
	__u32 hole;   /* enum event_hole: why the rest is not copied */
	__u16 found;  /* the buffers were looked for */
	__u16 no_ulp; /* the socket surely has no protocol above TCP */
};

/*
 * The process number in hark's pid namespace, with `thread` the thread's. The kernel knows it in each
 * namespace from the initial one down to the task's own, by level.
 */
static __noinline __u32 number_translated(struct task_struct *task, bool thread)
{
	struct task_struct *of = thread ? task : BPF_CORE_READ(task, group_leader);
	struct pid *pid = BPF_CORE_READ(of, thread_pid);
	__u32 level = pid_level;
	struct upid *number = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			      level * bpf_core_type_size(struct upid);

	if (pid && level <= BPF_CORE_READ(pid, level) &&
	    BPF_CORE_READ(number, ns, ns.inum) == settings.pid_namespace)
		return BPF_CORE_READ(number, nr);
	return BPF_CORE_READ(of, pid) | EVENT_PID_ELSEWHERE;
}

static __always_inline __u32 process_number(struct task_struct *task)
{
	return settings.pid_namespace ? number_translated(task, false) : BPF_CORE_READ(task, tgid);
}

static __always_inline __u32 current_number(void)
{
	if (settings.pid_namespace)
		return number_translated((struct task_struct *)bpf_get_current_task(), false);
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline __u32 current_thread_number(void)
{
	if (settings.pid_namespace)
		return number_translated((struct task_struct *)bpf_get_current_task(), true);
	return bpf_get_current_pid_tgid();
}

/* Has it become another program since user space looked at it? */
static __noinline bool process_began_after(__u32 number, __u64 time_ns)
{
	__u64 *began_ns = bpf_map_lookup_elem(&began, &number);

	return began_ns && *began_ns > time_ns;
}

/* By its number in hark's namespace. */
static __always_inline bool process_wanted(__u32 number)
{
	__u64 *mark;

	/* The loader drops those that this run does not have. */
	for (__u32 i = 0; i < OWN_PROCESSES_MAX; i++)
		if (i < settings.own_count && number == settings.own[i])
			return false;
	if (!settings.filter_pids && !settings.ignore_pids)
		return true;
	mark = bpf_map_lookup_elem(&pids, &number);
	if (!mark)
		return !settings.filter_pids;
	return *mark == KP_FOLLOWED || process_began_after(number, *mark);
}

static __always_inline bool port_wanted(__u16 port)
{
	return ports[port / 64] >> (port % 64) & 1;
}

/* By what is known of the socket: while it connects, and where it is closed, a port may be missing. */
static __always_inline bool socket_wanted(const struct event_socket *s)
{
	if (!settings.filter_ports || !s->family)
		return true;
	if (s->family != AF_UNIX && (!s->local_port || !s->peer_port))
		return true;
	return port_wanted(s->local_port) || port_wanted(s->peer_port);
}

static __always_inline void header_fill(struct event_header *h, __u16 type, __u16 flags)
{
	h->size = 0;
	h->type = type;
	h->flags = flags | EVENT_PID_VALID;
	h->time_ns = bpf_ktime_get_ns();
	h->pid = current_number();
	h->tid = current_thread_number();
	h->uid = (__u32)bpf_get_current_uid_gid();
	h->lost = records_lost;
	bpf_get_current_comm(h->comm, sizeof(h->comm));
}

/* The process's number of a task whose fields the kernel lets a program load (Linux 5.11). */
static __always_inline __u32 task_number(struct task_struct *task)
{
	return settings.pid_namespace ? number_translated(task, false) : (__u32)task->tgid;
}

/* header_fill() of such a task, the current one: loads instead of calls, which are what a record costs. */
static __always_inline void header_load(struct event_header *h, __u16 type, __u16 flags,
					struct task_struct *task, __u32 uid, __u64 time_ns)
{
	_Static_assert(sizeof(h->comm) == 2 * sizeof(__u64), "it is loaded in words");
	h->size = 0;
	h->type = type;
	h->flags = flags | EVENT_PID_VALID;
	h->time_ns = time_ns;
	h->pid = task_number(task);
	h->tid = settings.pid_namespace ? number_translated(task, true) : (__u32)task->pid;
	h->uid = uid;
	h->lost = records_lost;
	((__u64 *)h->comm)[0] = ((const volatile __u64 *)task->comm)[0];
	((__u64 *)h->comm)[1] = ((const volatile __u64 *)task->comm)[1];
}

/*
 * Most records need no wake-up, the reader polls, unless it sleeps; one in sixteen looks at the fill level:
 * by chance, which the time's lower bits are, and one in sixteen pieces of a call.
 */
static __always_inline __u64 wake_flags(const struct event_data *record)
{
	if (((record->h.time_ns >> 4) + record->pos / EVENT_PAYLOAD_MAX) & 15)
		return wake_sleeper();
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > settings.wake_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return wake_sleeper();
}

/*
 * Much at once is a body, most often, which nobody wants: the sooner the reader is there, the less of it is
 * copied. While it is on its way, waking it again would bring nothing.
 */
static __always_inline __u64 wake_flags_bulk(const struct event_data *record)
{
	if ((__s64)(record->h.time_ns - bulk_woken_ns) > WAKE_BULK_NS &&
	    bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > settings.wake_bulk_bytes) {
		bulk_woken_ns = record->h.time_ns;
		return BPF_RB_FORCE_WAKEUP;
	}
	return wake_flags(record);
}

/* A record without payload. */
static __always_inline void submit_bare(const struct event_data *record)
{
	struct event_data *out = bpf_ringbuf_reserve(&events, sizeof(*out), 0);

	if (!out) {
		kernel_count_lost();
		return;
	}
	__builtin_memcpy(out, record, sizeof(*out));
	out->h.size = sizeof(*out);
	bpf_ringbuf_submit(out, wake_flags(record));
	kernel_count(KC_EVENTS_SUBMITTED, 1);
}

enum submitted {
	SUBMITTED_COPIED,
	SUBMITTED_BARE, /* the bytes could not be read */
	SUBMITTED_NOT,	/* the ring is full */
};

/*
 * One size class: reserve, copy, submit. Nobody looks behind the payload, where the ring holds what it held
 * before.
 */
#define DEFINE_SUBMIT(bytes)                                                                               \
	struct record_##bytes {                                                                            \
		struct event_data data;                                                                    \
		__u8 payload[bytes];                                                                       \
	};                                                                                                 \
	static __always_inline enum submitted submit_##bytes(struct capture *c, __u64 n)                   \
	{                                                                                                  \
		struct record_##bytes *out = bpf_ringbuf_reserve(&events, sizeof(*out), 0);                \
		enum submitted submitted = SUBMITTED_COPIED;                                               \
		__u64 copied = n;                                                                          \
                                                                                                           \
		if (!out)                                                                                  \
			return SUBMITTED_NOT;                                                              \
		__builtin_memcpy(&out->data, &c->record, sizeof(out->data));                               \
		hide_value(copied);                                                                        \
		if (copied > (bytes))                                                                      \
			copied = (bytes);                                                                  \
		if (bpf_probe_read_user(out->payload, copied, (void *)c->range) < 0) {                     \
			copied = 0;                                                                        \
			out->data.hole = HOLE_FAULT;                                                       \
			submitted = SUBMITTED_BARE;                                                        \
		}                                                                                          \
		out->data.len = n;                                                                         \
		out->data.copied = copied;                                                                 \
		out->data.h.size = sizeof(out->data) + copied;                                             \
		bpf_ringbuf_submit(out,                                                                    \
				   (bytes) < 4096 ? wake_flags(&c->record) : wake_flags_bulk(&c->record)); \
		return submitted;                                                                          \
	}

DEFINE_SUBMIT(256)
DEFINE_SUBMIT(1024)
DEFINE_SUBMIT(4096)
DEFINE_SUBMIT(16384)

/* The next record stands n bytes further. */
static __always_inline void record_pass(struct event_data *record, __u64 n)
{
	record->pos += n;
	if (!(record->h.flags & EVENT_CALL_TIME))
		record->offset += n;
}

/* Counts a record of n bytes, of which `moved` were not counted as such so far. */
static __always_inline void submitted_count(enum submitted submitted, __u64 n, __u64 moved)
{
	struct kernel_counters *counters = kernel_counters_here();

	if (!counters)
		return;
	if (moved)
		__sync_fetch_and_add(&counters->value[KC_BYTES_MOVED], moved);
	if (submitted == SUBMITTED_COPIED) {
		__sync_fetch_and_add(&counters->value[KC_EVENTS_SUBMITTED], 1);
		__sync_fetch_and_add(&counters->value[KC_BYTES_COPIED], n);
		return;
	}
	__sync_fetch_and_add(&counters->value[KC_BYTES_LOST], n);
	if (submitted == SUBMITTED_NOT) {
		kernel_count_lost();
		return;
	}
	__sync_fetch_and_add(&counters->value[KC_EVENTS_SUBMITTED], 1);
	__sync_fetch_and_add(&counters->value[KC_FAULTS], 1);
}

/* n bytes at c->range (at most 16 KiB) as one record. */
static __always_inline void capture_piece(struct capture *c, __u64 n)
{
	enum submitted submitted;

	if (n <= 256)
		submitted = submit_256(c, n);
	else if (n <= 1024)
		submitted = submit_1024(c, n);
	else if (n <= 4096)
		submitted = submit_4096(c, n);
	else
		submitted = submit_16384(c, n);
	submitted_count(submitted, n, 0);
	record_pass(&c->record, n);
}

#define STRAIGHT_BYTES 1024

/* Most calls are a few bytes in one buffer: they need no walk. False: this one does. */
static __always_inline bool capture_straight(struct capture *c)
{
	__u64 n = c->left;

	if (n > STRAIGHT_BYTES || n > c->range_bytes || n > c->snap || c->part != n || c->drop)
		return false;
	submitted_count(n <= 256 ? submit_256(c, n) : submit_1024(c, n), n, n);
	return true;
}

static __always_inline void capture_advance(struct capture *c, __u64 n)
{
	c->range += n;
	c->range_bytes -= n;
	c->part -= n;
}

static __always_inline int capture_fault(struct capture *c)
{
	kernel_count(KC_FAULTS, 1);
	c->hole = HOLE_FAULT;
	return 1;
}

static __always_inline int capture_next_message(struct capture *c)
{
	struct user_mmsghdr message;

	if (!c->message_count) {
		c->hole = HOLE_KERNEL;
		return 1;
	}
	if (bpf_probe_read_user(&message, sizeof(message), (void *)c->messages) < 0)
		return capture_fault(c);
	c->messages += sizeof(message);
	c->message_count--;
	c->vectors = message.header.iov;
	c->vector_count = message.header.iov_count;
	c->range_bytes = 0;
	c->part = message.len;
	return 0;
}

static __always_inline int capture_next_vector(struct capture *c)
{
	struct user_iovec vector;

	if (!c->vector_count) {
		c->hole = HOLE_KERNEL;
		return 1;
	}
	if (bpf_probe_read_user(&vector, sizeof(vector), (void *)c->vectors) < 0)
		return capture_fault(c);
	c->vectors += sizeof(vector);
	c->vector_count--;
	c->range = vector.base;
	c->range_bytes = vector.len;
	return 0;
}

/* Takes the next message or vector, or drops unwanted bytes, or copies one piece. 1: nothing more can be
 * copied. */
static __always_inline int capture_take(struct capture *c)
{
	__u64 n;

	if (!c->left || !c->snap)
		return 1;
	if (!c->part)
		return capture_next_message(c);
	if (!c->range_bytes)
		return capture_next_vector(c);
	n = c->range_bytes;
	if (n > c->part)
		n = c->part;
	if (c->drop) {
		if (n > c->drop)
			n = c->drop;
		capture_advance(c, n);
		c->drop -= n;
		return 0;
	}
	if (n > c->left)
		n = c->left;
	if (n > c->snap)
		n = c->snap;
	if (n > EVENT_PAYLOAD_MAX)
		n = EVENT_PAYLOAD_MAX;
	c->left -= n;
	c->snap -= n;
	if (c->left)
		c->record.h.flags |= EVENT_MORE;
	else
		c->record.h.flags &= ~EVENT_MORE;
	capture_piece(c, n);
	capture_advance(c, n);
	return !c->left;
}

/*
 * A global function: the verifier looks at it once, for any content of *c, not
 * at every round of the loop with what it learnt in the rounds before (which
 * is too much for it).
 */
__weak __noinline int capture_step(struct capture *c)
{
	if (!c)
		return 1;
	return capture_take(c);
}

static __always_inline struct capture *capture_scratch(void)
{
	__u32 zero = 0;

	_Static_assert(sizeof(struct capture) <= sizeof(struct capture_scratch), "a capture fits");
	return bpf_map_lookup_elem(&scratch, &zero);
}

/*
 * The same for kernels without bpf_loop. Before Linux 5.12 a global function
 * takes no pointer to a struct, so the walk stands in per-CPU memory: those
 * kernels do not preempt BPF programs.
 */
__weak __noinline int capture_step_scratch(int round __attribute__((unused)))
{
	struct capture *c = capture_scratch();

	if (!c)
		return 1;
	return capture_take(c);
}

static __always_inline void capture_bounded(struct capture *c)
{
	struct capture *walk = capture_scratch();

	if (!walk)
		return;
	__builtin_memcpy(walk, c, sizeof(*walk));
	for (int i = 0; i < VECTORS_BOUNDED; i++) {
		if (capture_step_scratch(i))
			break;
	}
	__builtin_memcpy(c, walk, sizeof(*c));
}

static long capture_step_looped(__u32 index __attribute__((unused)), void *ctx)
{
	return capture_step(*(struct capture **)ctx) != 0;
}

/* A hole record over the next n bytes of the call. */
static __always_inline void capture_hole(struct capture *c, __u32 n, __u8 why)
{
	c->record.hole = why;
	c->record.len = n;
	c->record.copied = 0;
	c->record.h.flags &= ~EVENT_MORE;
	if (n < c->left)
		c->record.h.flags |= EVENT_MORE;
	kernel_count(why == HOLE_FAULT ? KC_BYTES_LOST : KC_BYTES_SKIPPED, n);
	submit_bare(&c->record);
	c->record.hole = HOLE_NONE;
	record_pass(&c->record, n);
	c->left -= n;
}

/* The walk through the vectors of one call, into one record. */
struct gather {
	__u8 *payload;
	__u64 vectors;
	__u64 done, total;
};

/*
 * Appends one vector; 1: all is there, or it does not work. half is
 * the most that offset and length may be.
 */
static __always_inline long gather_one(struct gather *g, __u64 half)
{
	struct user_iovec vector;
	__u64 offset = g->done, n;

	if (offset >= g->total || bpf_probe_read_user(&vector, sizeof(vector), (void *)g->vectors) < 0)
		return 1;
	g->vectors += sizeof(vector);
	n = vector.len;
	if (n > g->total - offset)
		n = g->total - offset;
	hide_value(offset);
	hide_value(n);
	if (offset >= half || n > half)
		return 1;
	if (bpf_probe_read_user(g->payload + offset, n, (void *)vector.base) < 0)
		return 1;
	g->done = offset + n;
	return 0;
}

/*
 * Several vectors as one record: servers send a head and a body, or the frames
 * of many responses, in one writev(), and a record costs more than the copy of
 * a few hundred bytes. Half a class is the bound, so that the verifier sees
 * that offset and length, each below the half, stay inside. 0, or -1: take the
 * way that has no bounds.
 */
#define DEFINE_GATHER(bytes)                                                                \
	static long gather_step_##bytes(__u32 index __attribute__((unused)), void *ctx)     \
	{                                                                                   \
		return gather_one(ctx, (bytes) / 2);                                        \
	}                                                                                   \
	static __always_inline int gather_##bytes(struct capture *c)                        \
	{                                                                                   \
		struct record_##bytes *out = bpf_ringbuf_reserve(&events, sizeof(*out), 0); \
		struct gather g = { .vectors = c->vectors, .total = c->left };              \
                                                                                            \
		if (!out)                                                                   \
			return -1;                                                          \
		g.payload = out->payload;                                                   \
		bpf_loop(c->vector_count, gather_step_##bytes, &g, 0);                      \
		if (g.done != g.total) {                                                    \
			bpf_ringbuf_discard(out, BPF_RB_NO_WAKEUP);                         \
			return -1;                                                          \
		}                                                                           \
		__builtin_memcpy(&out->data, &c->record, sizeof(out->data));                \
		out->data.len = g.total;                                                    \
		out->data.copied = g.total;                                                 \
		out->data.h.size = sizeof(out->data) + g.total;                             \
		bpf_ringbuf_submit(out, wake_flags(&c->record));                            \
		return 0;                                                                   \
	}

DEFINE_GATHER(1024)
DEFINE_GATHER(4096)
DEFINE_GATHER(16384)

static __always_inline bool capture_gather(struct capture *c)
{
	int failed;

	if (c->vector_count < 2 || c->vector_count > GATHER_VECTORS || c->drop || c->range_bytes ||
	    !c->part || c->left > c->snap)
		return false;
	if (c->left <= 512)
		failed = gather_1024(c);
	else if (c->left <= 2048)
		failed = gather_4096(c);
	else if (c->left <= 8192)
		failed = gather_16384(c);
	else
		return false;
	if (failed)
		return false;
	kernel_count(KC_EVENTS_SUBMITTED, 1);
	kernel_count(KC_BYTES_COPIED, c->left);
	return true;
}

/* How the walk through a call's buffers is made. */
enum capture_form {
	CAPTURE_BOUNDED, /* the kernel has no bpf_loop (before 5.17) */
	CAPTURE_LOOPED,
	CAPTURE_APART, /* the same in global functions, for which there is stack from 6.13 on */
};

/* Turns the call into records. */
static __always_inline void capture_here(struct capture *c, bool looped)
{
	kernel_count(KC_BYTES_MOVED, c->left);
	if (looped && capture_gather(c))
		return;
	if (c->drop) {
		__u32 drop = c->drop < c->left ? c->drop : c->left;

		capture_hole(c, drop, HOLE_SKIPPED);
		c->drop = drop;
	}
	if (!looped)
		capture_bounded(c);
	else if (!capture_step(c)) /* most calls are one step */
		bpf_loop(VECTORS_LOOPED, capture_step_looped, &c, 0);
	if (!c->left)
		return;
	if (c->hole == HOLE_NONE)
		c->hole = c->snap ? HOLE_VECTOR : HOLE_SNAPLEN;
	if (c->hole == HOLE_VECTOR)
		kernel_count(KC_VECTORS, 1);
	capture_hole(c, c->left, c->hole);
}

/*
 * A global function: the verifier does not follow it anew from each of the ways that lead to it, which halves
 * the time that hark takes to begin. Always 0.
 */
__weak __noinline int capture_apart(struct capture *c)
{
	if (c)
		capture_here(c, true);
	return 0;
}

static __always_inline void capture_run(struct capture *c, enum capture_form form)
{
	if (form == CAPTURE_APART && capture_straight(c))
		return;
	if (form == CAPTURE_APART)
		capture_apart(c);
	else
		capture_here(c, form == CAPTURE_LOOPED);
}

#define SKIP_UNTOLD (~0u)

/*
 * How many of the next `len` bytes of the record's direction user space does not want. SKIP_UNTOLD: none, and
 * that need not be told either; they are counted. may_be_untold: should the connection end amid these bytes,
 * something else will tell how far it had got.
 */
static __always_inline __u32 skip_wanted(const struct skip_key *key, const struct event_data *record,
					 __u32 len, bool may_be_untold, struct amid *amid)
{
	struct skip *skip = bpf_map_lookup_elem(&skips, key);
	bool seq32 = record->h.flags & EVENT_POS_SEQ32;
	__s64 ahead;

	if (!skip)
		return 0;
	ahead = seq32 ? (__s32)((__u32)skip->until - (__u32)record->pos) : (__s64)(skip->until - record->pos);
	/* Such a number may be that of an earlier connection of the socket. */
	if (ahead > 0 && (__u64)ahead > skip->count)
		return 0;
	if (ahead <= len) {
		if (seq32) /* 2 GiB on its number would be ahead again */
			bpf_map_delete_elem(&skips, key);
		return ahead > 0 ? ahead : 0;
	}
	if (may_be_untold && record->h.time_ns - skip->told_ns < SKIP_TOLD_NS) {
		kernel_count_unwanted(len);
		amid->until = skip->until;
		amid->untold_ns = SKIP_TOLD_NS - (record->h.time_ns - skip->told_ns);
		return SKIP_UNTOLD;
	}
	skip->told_ns = record->h.time_ns;
	return len;
}

/*
 * Adds n to a count that other processors add to as well and returns what it was. Before Linux 5.12 the sum
 * cannot be had atomically (those kernels have no bpf_loop either): two calls at once may then claim the same
 * positions, which user space sees as an overlap.
 */
static __always_inline __u64 count_add(__u64 *count, __u64 n, bool looped)
{
	__u64 before;

	if (looped)
		return __sync_fetch_and_add(count, n);
	before = *(volatile __u64 *)count;
	__sync_fetch_and_add(count, n);
	return before;
}

/* The next position of a socket that has no sequence numbers; claims n bytes. */
static __always_inline __u64 count_claim(__u64 id, __u8 direction, __u64 n, bool looped)
{
	struct count_key key = { .id = id, .direction = direction };
	__u64 zero = 0, *count = bpf_map_lookup_elem(&counts, &key);

	if (!count) {
		if (bpf_map_update_elem(&counts, &key, &zero, BPF_NOEXIST) == -7 /* E2BIG */)
			kernel_count(KC_MAP_FULL, 1);
		count = bpf_map_lookup_elem(&counts, &key);
		if (!count)
			return 0;
	}
	return count_add(count, n, looped);
}

/* The same for a record's socket; 0 of one that a port filter leaves out: nobody would tell when it is gone.
 */
static __always_inline __u64 count_wanted(const struct event_data *record, __u8 direction, __u64 n,
					  bool looped)
{
	return socket_wanted(&record->sock) ? count_claim(record->sock.id, direction, n, looped) : 0;
}

#endif
