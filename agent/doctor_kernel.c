/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is only looked up: the kernel's own type information says which features
 * it has (never the version, for distributions move features between them),
 * /proc/sys and CapEff say what is allowed. It needs no privilege, so that the
 * doctor has an answer for those who lack one. Whether it all works together is
 * tried elsewhere.
 */
#include "doctor_kernel.h"

#include "probes.h"

#include <bpf/btf.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

void doctor_say(FILE *out, const char *topic, const char *format, ...)
{
	va_list args;

	fprintf(out, "%-12s ", topic);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fputc('\n', out);
}

/* The first line of a small file of /proc or /sys; empty when it cannot be read. */
static void line_read(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");

	out[0] = '\0';
	if (!file)
		return;
	if (!fgets(out, (int)size, file))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(file);
}

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

static void lockdown_print(FILE *out)
{
	char line[128];

	line_read("/sys/kernel/security/lockdown", line, sizeof(line));
	if (strstr(line, "[confidentiality]"))
		doctor_say(out, "lockdown",
			   "confidentiality: BPF may not read memory; boot with lockdown=integrity");
}

static void settings_print(FILE *out)
{
	char jit[32], paranoid[32], unprivileged[32];
	struct rlimit locked;

	line_read("/proc/sys/net/core/bpf_jit_enable", jit, sizeof(jit));
	line_read("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid));
	line_read("/proc/sys/kernel/unprivileged_bpf_disabled", unprivileged, sizeof(unprivileged));
	fprintf(out, "%-12s BPF compiler %s, perf_event_paranoid %s, unprivileged_bpf_disabled %s, memlock ",
		"settings", jit[0] == '0' ? "OFF (slow: sysctl net.core.bpf_jit_enable=1)" : "on",
		paranoid[0] ? paranoid : "?", unprivileged[0] ? unprivileged : "?");
	if (getrlimit(RLIMIT_MEMLOCK, &locked) < 0)
		fprintf(out, "?\n");
	else if (locked.rlim_cur == RLIM_INFINITY)
		fprintf(out, "unlimited\n");
	else
		fprintf(out, "%llu KiB\n", (unsigned long long)locked.rlim_cur >> 10);
}

void doctor_kernel_print(FILE *out)
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
	lockdown_print(out);
	settings_print(out);
}

uint64_t doctor_capabilities(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	uint64_t found = 0;
	char line[256];

	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status))
		if (strncmp(line, "CapEff:", strlen("CapEff:")) == 0)
			found = strtoull(line + strlen("CapEff:"), NULL, 16);
	fclose(status);
	return found;
}

/* What each is for; CAP_SYS_ADMIN stands for the first two and the last on all kernels. */
static const struct {
	unsigned int number;
	bool by_admin;
	const char *name, *lost;
} needed[] = {
	{ CAP_BPF, true, "CAP_BPF", "nothing can be loaded" },
	{ CAP_PERFMON, true, "CAP_PERFMON", "nothing can be attached, new programs are not watched" },
	{ CAP_NET_ADMIN, false, "CAP_NET_ADMIN", "socket programs may be refused (before Linux 5.17)" },
	{ CAP_SYS_PTRACE, false, "CAP_SYS_PTRACE",
	  "other users' processes and their libraries are not seen" },
	{ CAP_DAC_READ_SEARCH, false, "CAP_DAC_READ_SEARCH", "libraries in private folders cannot be read" },
	{ CAP_CHECKPOINT_RESTORE, true, "CAP_CHECKPOINT_RESTORE",
	  "replaced or deleted libraries are not found" },
};

void doctor_privileges_print(FILE *out, uint64_t capabilities)
{
	bool admin = capabilities >> CAP_SYS_ADMIN & 1;
	size_t missing = 0;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if ((capabilities >> needed[i].number & 1) || (admin && needed[i].by_admin))
			continue;
		doctor_say(out, missing++ ? "" : "privilege", "no %s: %s", needed[i].name, needed[i].lost);
	}
	if (missing)
		doctor_say(out, "",
			   "remedy: run it as root (sudo hark ...) or give the binary these by setcap");
	else
		doctor_say(out, "privilege", "%s",
			   geteuid() == 0 ? "root" : "all capabilities that it needs, without being root");
}
