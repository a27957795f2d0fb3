/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts that are only looked up: /proc/sys and CapEff say what is allowed. That needs no privilege, so that
 * the doctor has an answer for those who lack one. Whether it all works together is tried elsewhere.
 */
#include "doctor_kernel.h"

#include "base/small_file.h"
#include "capture/probes.h"

#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
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

static void settings_print(FILE *out)
{
	char jit[32], paranoid[32], unprivileged[32];
	struct rlimit locked;

	small_file_read("/proc/sys/net/core/bpf_jit_enable", jit, sizeof(jit));
	small_file_read("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid));
	small_file_read("/proc/sys/kernel/unprivileged_bpf_disabled", unprivileged, sizeof(unprivileged));
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

static void tls_calls_print(FILE *out, const struct probes_features *features)
{
	if (features->session)
		doctor_say(out, "TLS calls",
			   "uprobe sessions work: programs that switch stacks in a call are safe");
	else if (features->session_named)
		doctor_say(out, "TLS calls",
			   "uprobe sessions are known but refused: return probes (privilege?)");
	else
		doctor_say(out, "TLS calls",
			   "no uprobe sessions (Linux 6.13): return probes, which a program that switches\n"
			   "             stacks in a call makes hark take off");
}

static void features_print(FILE *out)
{
	struct probes_features features;
	struct utsname name;

	probes_features(&features);
	if (!features.built) {
		doctor_say(out, "kernel",
			   "NOT USED: this hark was built without its kernel side and replays only");
		return;
	}
	if (uname(&name) == 0)
		doctor_say(out, "kernel", "%s %s, %s, %s", name.sysname, name.release, name.machine,
			   features.btf ? "with type information (BTF)"
					: "WITHOUT BTF: needs one built with CONFIG_DEBUG_INFO_BTF");
	if (!features.btf)
		return;
	doctor_say(out, "transfers", "%s",
		   features.socket_tracepoints
			   ? "the socket's own tracepoints are there (they cost other programs nothing)"
			   : "no socket tracepoints (Linux 6.3): each system call's exit is looked at");
	tls_calls_print(out, &features);
	doctor_say(out, "features", "ring buffer %s, bpf_loop %s, task_file iterator %s",
		   features.ring_buffer ? "yes" : "NO (Linux 5.8)",
		   features.loop ? "yes" : "no (5.17; shorter walks)",
		   features.file_iterator ? "yes" : "no (5.8; idle connections are not listed)");
}

/*
 * Each privilege with what is lost without it; CAP_SYS_ADMIN stands for the first two and the last on all
 * kernels.
 */
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

static void privileges_print(FILE *out, bool calls_filtered)
{
	char status[4096];
	uint64_t capabilities;
	size_t missing = 0;
	bool admin;

	small_file_read("/proc/self/status", status, sizeof(status));
	capabilities = strtoull(small_file_field(status, "CapEff"), NULL, 16);
	admin = capabilities >> CAP_SYS_ADMIN & 1;
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
	doctor_say(out, "hardening", "once ready hark gives up what it does not use: %s",
		   calls_filtered ? "capabilities, system calls, new privileges"
				  : "capabilities and new privileges; its system calls are not\n"
				    "             filtered (CONFIG_SECCOMP_FILTER)");
}

void doctor_kernel_print(FILE *out, bool calls_filtered)
{
	features_print(out);
	if (probes_locked_down())
		doctor_say(out, "lockdown",
			   "confidentiality: BPF may not read memory; boot with lockdown=integrity");
	settings_print(out);
	privileges_print(out, calls_filtered);
}
