/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own type information says which features it has, never its
 * version, for distributions move features between versions. Needs no privilege.
 */
#include "probes.h"

#include "base/small_file.h"

#include <bpf/btf.h>
#include <string.h>

static bool type_has(const struct btf *btf, const char *name, __u32 kind)
{
	return btf__find_by_name_kind(btf, name, kind) > 0;
}

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

/* A tracepoint is there when there is its prototype, a helper when its number is in the kernel's list. */
void probes_features(struct probes_features *features)
{
	struct btf *btf = btf__load_vmlinux_btf();

	*features = (struct probes_features){ .built = true };
	if (!btf)
		return;
	*features = (struct probes_features){
		.built = true,
		.btf = true,
		.socket_tracepoints = type_has(btf, "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF) &&
				      type_has(btf, "btf_trace_sock_send_length", BTF_KIND_TYPEDEF),
		.session = probes_session_supported(),
		.session_named =
			type_has_member(btf, "bpf_attach_type", BTF_KIND_ENUM, "BPF_TRACE_UPROBE_SESSION"),
		.ring_buffer = type_has_member(btf, "bpf_map_type", BTF_KIND_ENUM, "BPF_MAP_TYPE_RINGBUF"),
		.loop = type_has_member(btf, "bpf_func_id", BTF_KIND_ENUM, "BPF_FUNC_loop"),
		.file_iterator = type_has(btf, "bpf_iter_task_file", BTF_KIND_FUNC),
		/* Before Linux 6.15 no global function may be called meanwhile, and capture_step() is one. */
		.hold_processor = type_has(btf, "bpf_preempt_disable", BTF_KIND_FUNC) &&
				  type_has_member(btf, "bpf_subprog_info", BTF_KIND_STRUCT, "might_sleep"),
	};
	btf__free(btf);
}

bool probes_locked_down(void)
{
	char text[128];

	small_file_read("/sys/kernel/security/lockdown", text, sizeof(text));
	return strstr(text, "[confidentiality]") != NULL;
}
