/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own type information says which features it has, never its
 * version, for distributions move features between versions. Needs no privilege.
 */
#include "probes.h"

#include "base/small_file.h"

#include <bpf/btf.h>
#include <string.h>

static bool enum_has(const struct btf *btf, const char *type_name, const char *value_name)
{
	int id = btf__find_by_name_kind(btf, type_name, BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(btf, btf_enum(type)[i].name_off);

		if (name && strcmp(name, value_name) == 0)
			return true;
	}
	return false;
}

static bool kind_has(const struct btf *btf, const char *name, __u32 kind)
{
	return btf__find_by_name_kind(btf, name, kind) > 0;
}

void probes_features(struct probes_features *features)
{
	struct btf *btf = btf__load_vmlinux_btf();

	*features = (struct probes_features){ .built = true };
	if (!btf)
		return;
	features->btf = true;
	features->socket_tracepoints = kind_has(btf, "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF);
	features->session = probes_session_supported();
	features->session_named = enum_has(btf, "bpf_attach_type", "BPF_TRACE_UPROBE_SESSION");
	features->ring_buffer = enum_has(btf, "bpf_map_type", "BPF_MAP_TYPE_RINGBUF");
	features->loop = enum_has(btf, "bpf_func_id", "BPF_FUNC_loop");
	features->file_iterator = kind_has(btf, "bpf_iter_task_file", BTF_KIND_FUNC);
	btf__free(btf);
}

bool probes_locked_down(void)
{
	char text[128];

	small_file_read("/sys/kernel/security/lockdown", text, sizeof(text));
	return strstr(text, "[confidentiality]") != NULL;
}
