/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own type information says which features it has, never its
 * version, for distributions move features between versions. Needs no privilege.
 */
#include "probes.h"

#include "doctor_kernel.h"

#include <bpf/btf.h>
#include <string.h>
#include <sys/utsname.h>

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

static void features_print(FILE *out, const struct btf *btf)
{
	bool loop = enum_has(btf, "bpf_func_id", "BPF_FUNC_loop");
	bool iterator = kind_has(btf, "bpf_iter_task_file", BTF_KIND_FUNC);

	doctor_say(out, "transfers", "%s",
		   kind_has(btf, "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF)
			   ? "the socket's own tracepoints are there (they cost other programs nothing)"
			   : "no socket tracepoints (Linux 6.3): each system call's exit is looked at");
	if (probes_session_supported())
		doctor_say(out, "TLS calls",
			   "uprobe sessions work: programs that switch stacks in a call are safe");
	else if (enum_has(btf, "bpf_attach_type", "BPF_TRACE_UPROBE_SESSION"))
		doctor_say(out, "TLS calls",
			   "uprobe sessions are known but refused: return probes (privilege?)");
	else
		doctor_say(out, "TLS calls",
			   "no uprobe sessions (Linux 6.13): return probes, which a program that switches\n"
			   "             stacks in a call makes hark take off");
	doctor_say(out, "features", "ring buffer %s, bpf_loop %s, task_file iterator %s",
		   enum_has(btf, "bpf_map_type", "BPF_MAP_TYPE_RINGBUF") ? "yes" : "NO (Linux 5.8)",
		   loop ? "yes" : "no (5.17; shorter walks)",
		   iterator ? "yes" : "no (5.8; idle connections are not listed)");
}

void probes_features_print(FILE *out)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct utsname name;

	if (uname(&name) == 0)
		doctor_say(out, "kernel", "%s %s, %s, %s", name.sysname, name.release, name.machine,
			   btf ? "with type information (BTF)"
			       : "WITHOUT BTF: needs one built with CONFIG_DEBUG_INFO_BTF");
	if (btf)
		features_print(out, btf);
	btf__free(btf);
}
