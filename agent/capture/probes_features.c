/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own type information says which features it has, never its
 * version, for distributions move features between versions. Needs no privilege.
 */
#include "probes.h"

#include "base/small_file.h"
#include "kernel_types.h"

#include <bpf/btf.h>
#include <string.h>

/* A value of an enum, or a member of a struct. */
static bool type_has_member(const struct btf *btf, const char *type_name, __u32 kind, const char *member)
{
	int id = btf__find_by_name_kind(btf, type_name, kind);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++) {
		const char *name =
			btf__name_by_offset(btf, kind == BTF_KIND_ENUM ? btf_enum(type)[i].name_off
								       : btf_members(type)[i].name_off);

		if (name && strcmp(name, member) == 0)
			return true;
	}
	return false;
}

enum {
	TYPE_RECEIVED,
	TYPE_SENT,
	TYPE_SESSION,
	TYPE_RING_BUFFER,
	TYPE_LOOP,
	TYPE_FILE_ITERATOR,
	TYPE_PREEMPT,
	TYPE_MIGHT_SLEEP,
	TYPE_TRACEPOINT_GUARD,
	TYPE_COUNT
};

/* A tracepoint is there when there is its prototype, a helper when its number is in the kernel's list. */
static const struct kernel_type types_asked[TYPE_COUNT] = {
	[TYPE_RECEIVED] = { .name = "btf_trace_sock_recv_length", .kind = BTF_KIND_TYPEDEF },
	[TYPE_SENT] = { .name = "btf_trace_sock_send_length", .kind = BTF_KIND_TYPEDEF },
	[TYPE_SESSION] = { "bpf_attach_type", "BPF_TRACE_UPROBE_SESSION", BTF_KIND_ENUM, false },
	[TYPE_RING_BUFFER] = { "bpf_map_type", "BPF_MAP_TYPE_RINGBUF", BTF_KIND_ENUM, false },
	[TYPE_LOOP] = { "bpf_func_id", "BPF_FUNC_loop", BTF_KIND_ENUM, false },
	[TYPE_FILE_ITERATOR] = { .name = "bpf_iter_task_file", .kind = BTF_KIND_FUNC },
	[TYPE_PREEMPT] = { .name = "bpf_preempt_disable", .kind = BTF_KIND_FUNC },
	[TYPE_MIGHT_SLEEP] = { "bpf_subprog_info", "might_sleep", BTF_KIND_STRUCT, false },
	/* The guard that a kernel runs tracepoints under when they may be preempted. */
	[TYPE_TRACEPOINT_GUARD] = { .name = "class_srcu_fast_notrace_t", .kind = BTF_KIND_TYPEDEF },
};

/* libbpf may know kinds of types that hark does not. */
static bool types_ask_libbpf(struct kernel_type *types)
{
	struct btf *btf = btf__load_vmlinux_btf();

	for (size_t i = 0; btf && i < TYPE_COUNT; i++)
		types[i].found = types[i].member
					 ? type_has_member(btf, types[i].name, types[i].kind, types[i].member)
					 : btf__find_by_name_kind(btf, types[i].name, types[i].kind) > 0;
	btf__free(btf);
	return btf != NULL;
}

void probes_features(struct probes_features *features)
{
	struct kernel_type types[TYPE_COUNT];

	memcpy(types, types_asked, sizeof(types));
	*features = (struct probes_features){ .built = true };
	if (!kernel_types_read(types, TYPE_COUNT) && !types_ask_libbpf(types))
		return;
	*features = (struct probes_features){
		.built = true,
		.btf = true,
		.socket_tracepoints = types[TYPE_RECEIVED].found && types[TYPE_SENT].found,
		.session = probes_session_supported(),
		.session_named = types[TYPE_SESSION].found,
		.ring_buffer = types[TYPE_RING_BUFFER].found,
		.loop = types[TYPE_LOOP].found,
		.file_iterator = types[TYPE_FILE_ITERATOR].found,
		/* Before Linux 6.15 no global function may be called meanwhile, and capture_step() is one. */
		.hold_processor = types[TYPE_PREEMPT].found && types[TYPE_MIGHT_SLEEP].found,
		.tracepoints_preemptible = types[TYPE_TRACEPOINT_GUARD].found,
	};
}

bool probes_locked_down(void)
{
	char text[128];

	small_file_read("/sys/kernel/security/lockdown", text, sizeof(text));
	return strstr(text, "[confidentiality]") != NULL;
}
