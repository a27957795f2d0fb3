/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which TLS object of rustls a call is about. The object itself is no number for it: the program moves it,
 * mostly after the handshake, and another one may come to stand where it was. But inside of it are two
 * queues, of what it has to send and of what it received, whose memory stays where it is until a queue grows,
 * and no two objects have the same. So an object is known again by the memory of one of its queues, as long
 * as the other did not shrink, which no queue does; it has a number of hark's own, never used twice.
 *
 * A queue is a VecDeque (Rust 1.67 and later): capacity, memory, index of the first, count. Words that cannot
 * be those give no object: nothing is followed by guess.
 */
#ifndef HARK_BPF_TLS_RUST_H
#define HARK_BPF_TLS_RUST_H

#include "return.h"

#define RUST_CAPACITY_MAX (1 << 20)
#define RUST_LOWEST	  0x10000 /* nothing is mapped below (vm.mmap_min_addr) */

struct rust_queue {
	__u64 capacity, memory, first, count;
};

struct rust_queues {
	struct rust_queue sendable, received;
};

static __always_inline bool rust_queue_is_sane(const struct rust_queue *queue)
{
	if (queue->capacity > RUST_CAPACITY_MAX || queue->count > queue->capacity)
		return false;
	if (!queue->capacity)
		return !queue->first;
	return queue->first < queue->capacity && queue->memory >= RUST_LOWEST && !(queue->memory & 7);
}

static __always_inline const struct tls_layout *rust_layout(const struct tls_function *function)
{
	return &tls_layouts[function->layout & (TLS_LAYOUTS - 1)];
}

/* Where the object is that the call's argument tells; 0: not to be read. */
static __always_inline __u64 rust_connection(__u64 argument, const struct tls_function *function)
{
	const struct tls_layout *layout = rust_layout(function);
	__u64 at = argument;

	if (!function->layout)
		return 0;
	if ((function->done == RUST_CONNECTION_POINTER || function->done == RUST_RECEIVED_POINTER) &&
	    bpf_probe_read_user(&at, sizeof(at), (void *)argument) < 0)
		return 0;
	if (function->done == RUST_RECEIVED_POINTER)
		return at - layout->received;
	return function->done == RUST_SENDABLE ? at - layout->sendable : at;
}

/* False: not to be read, or not what they have to be. */
static __always_inline bool rust_queues_read(struct rust_queues *queues, __u64 connection,
					     const struct tls_layout *layout)
{
	__u64 sendable = connection + layout->sendable + layout->queue;
	__u64 received = connection + layout->received + layout->queue;

	return bpf_probe_read_user(&queues->sendable, sizeof(queues->sendable), (void *)sendable) == 0 &&
	       bpf_probe_read_user(&queues->received, sizeof(queues->received), (void *)received) == 0 &&
	       rust_queue_is_sane(&queues->sendable) && rust_queue_is_sane(&queues->received);
}

static __always_inline bool rust_is_same(const struct kernel_session *session,
					 const struct rust_queues *queues)
{
	__u64 sendable = queues->sendable.capacity, received = queues->received.capacity;

	if (sendable == session->capacity[DIRECTION_SENT] &&
	    queues->sendable.memory == session->queue[DIRECTION_SENT])
		return received >= session->capacity[DIRECTION_RECEIVED];
	return received && received == session->capacity[DIRECTION_RECEIVED] &&
	       queues->received.memory == session->queue[DIRECTION_RECEIVED] &&
	       sendable >= session->capacity[DIRECTION_SENT];
}

/* The session of the object that has this memory; 0: none is known. */
static __always_inline struct kernel_session *rust_session(__u64 memory, const struct rust_queues *queues,
							   __u64 *number)
{
	struct session_key key = { .ssl = memory, .pid = bpf_get_current_pid_tgid() >> 32 };
	__u64 *known = bpf_map_lookup_elem(&rust_objects, &key);
	struct kernel_session *session;

	if (!known)
		return 0;
	*number = key.ssl = *known;
	session = bpf_map_lookup_elem(&sessions, &key);
	if (!session || session->owner != process_identity() || !rust_is_same(session, queues))
		return 0;
	return session;
}

static __always_inline void rust_memory_set(__u64 memory, __u64 number)
{
	struct session_key key = { .ssl = memory, .pid = bpf_get_current_pid_tgid() >> 32 };

	if (!memory)
		return;
	if (!number)
		bpf_map_delete_elem(&rust_objects, &key);
	else if (bpf_map_update_elem(&rust_objects, &key, &number, BPF_ANY) < 0)
		kernel_count(KC_MAP_FULL, 1);
}

/* Where this queue of the object is now: what it left is anybody's. */
static __always_inline void rust_queue_keep(struct kernel_session *session, int direction,
					    const struct rust_queue *queue, __u64 number)
{
	if (queue->capacity == session->capacity[direction] && queue->memory == session->queue[direction])
		return;
	rust_memory_set(session->queue[direction], 0);
	session->queue[direction] = queue->capacity ? queue->memory : 0;
	session->capacity[direction] = queue->capacity;
	rust_memory_set(session->queue[direction], number);
}

/*
 * The number of the object that the call of this function is about, as an address is of others'
 * (session_key). 0: none is known, as of one that never had anything to send; or it cannot be told. An object
 * that ends is forgotten.
 */
static __noinline __u64 rust_object(__u64 argument, __u64 cookie)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	__u64 connection = rust_connection(argument, function), number = 0;
	struct kernel_session *session;
	struct rust_queues queues;

	if (!connection || !rust_queues_read(&queues, connection, rust_layout(function))) {
		kernel_count(KC_FAULTS, 1);
		return 0;
	}
	if (!queues.sendable.capacity)
		return 0;
	session = rust_session(queues.sendable.memory, &queues, &number);
	if (!session && queues.received.capacity)
		session = rust_session(queues.received.memory, &queues, &number);
	if (function->kind == TLS_FREE) {
		if (!session)
			return 0;
		rust_memory_set(session->queue[DIRECTION_SENT], 0);
		rust_memory_set(session->queue[DIRECTION_RECEIVED], 0);
		return number;
	}
	if (!session) {
		number = bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
		session = session_claim(number, bpf_get_current_pid_tgid() >> 32, function->library,
					process_identity());
	}
	if (!session)
		return 0;
	rust_queue_keep(session, DIRECTION_SENT, &queues.sendable, number);
	rust_queue_keep(session, DIRECTION_RECEIVED, &queues.received, number);
	return number;
}

#endif
