/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One screen about this machine. What can be tried is tried: the kernel side
 * is loaded and attached for a moment, the watch is opened. What is only looked up (the
 * tracepoint in the kernel's own type information, never the version) says
 * why a try went as it did. Every "no" comes with its remedy.
 */
#include "doctor.h"
#include "doctor_files.h"
#include "options.h"
#include "probes.h"
#include "processes.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BTF_PATH "/sys/kernel/btf/vmlinux"

static void say(const char *topic, const char *text)
{
	printf("%-12s %s\n", topic, text);
}

/* CapEff of this process; 0 when it cannot be read. */
static uint64_t capabilities(void)
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

static bool capable(uint64_t set, unsigned int capability)
{
	return (set >> capability & 1) || (set >> CAP_SYS_ADMIN & 1);
}

static void privileges_print(void)
{
	uint64_t set = capabilities();
	bool bpf = capable(set, CAP_BPF), perfmon = capable(set, CAP_PERFMON);
	bool files = capable(set, CAP_CHECKPOINT_RESTORE);

	if (bpf && perfmon)
		say("privilege", geteuid() == 0 ? "root" : "CAP_BPF and CAP_PERFMON");
	else
		printf("%-12s missing%s%s: run as root, or give the binary these capabilities\n", "privilege",
		       bpf ? "" : " CAP_BPF", perfmon ? "" : " CAP_PERFMON");
	if (!files || !(set >> CAP_SYS_PTRACE & 1))
		say("", "without CAP_CHECKPOINT_RESTORE and CAP_SYS_PTRACE other users' processes are not "
			"looked at");
}

static void lockdown_print(void)
{
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "";

	if (file) {
		if (!fgets(line, sizeof(line), file))
			line[0] = '\0';
		fclose(file);
	}
	if (strstr(line, "[confidentiality]"))
		say("lockdown",
		    "confidentiality: the kernel refuses to let BPF read memory; boot without it");
	else
		say("lockdown", strstr(line, "[integrity]") ? "integrity (does not matter)" : "none");
}

static bool btf_has_enum_value(const struct btf *btf, const char *type_name, const char *value_name)
{
	int id = btf__find_by_name_kind(btf, type_name, BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	if (!type)
		return false;
	for (int i = 0; i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(btf, btf_enum(type)[i].name_off);

		if (name && strcmp(name, value_name) == 0)
			return true;
	}
	return false;
}

static void kernel_print(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct utsname name;

	if (uname(&name) == 0)
		printf("%-12s %s %s, %s\n", "kernel", name.sysname, name.release, name.machine);
	if (!btf) {
		say("types", "no " BTF_PATH ": needs a kernel with CONFIG_DEBUG_INFO_BTF");
		return;
	}
	say("types", BTF_PATH);
	say("transfers", btf__find_by_name_kind(btf, "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF) > 0
				 ? "the socket's own tracepoints are there (they cost other programs nothing)"
				 : "no socket tracepoints (Linux 6.3): each system call's exit is looked at");
	if (probes_session_supported())
		say("TLS calls", "uprobe sessions work: programs that switch stacks in a TLS call are safe");
	else if (btf_has_enum_value(btf, "bpf_attach_type", "BPF_TRACE_UPROBE_SESSION"))
		say("TLS calls", "uprobe sessions are known but refused: return probes (privilege?)");
	else
		say("TLS calls", "no uprobe sessions (Linux 6.13): return probes, taken off a file when a "
				 "program switches stacks in a TLS call; one that moves a coroutine to "
				 "another thread there cannot be protected");
	btf__free(btf);
}

static void library_ignore(void *ctx, int fd, const char *path, uint32_t pid)
{
	(void)ctx, (void)fd, (void)path, (void)pid;
}

static void watch_print(void)
{
	struct processes *processes = processes_new(library_ignore, NULL);
	int fd = processes ? processes_watch(processes) : -ENOMEM;

	if (fd >= 0)
		say("new programs", "watched: a library is probed when somebody maps it");
	else
		printf("%-12s not watched (%s): only libraries found at the start are probed; run as root or "
		       "with "
		       "CAP_PERFMON\n",
		       "new programs", strerror(-fd));
	processes_free(processes);
}

/* Loads and attaches everything once. What fails is told by probes_open() on stderr, with its remedy. */
static bool capture_try(const struct options *options)
{
	struct probes_config config = {
		.capture = options->capture,
		.ring_bytes = options->ring_bytes,
		.snaplen_bytes = options->snaplen_bytes,
	};
	struct probes *probes;
	bool works;

	fflush(stdout);
	probes = probes_open(&config);
	works = probes != NULL;
	if (!works)
		say("capture", "does not work: the reason stands on stderr");
	else if (probes_capture(probes) == CAPTURE_SOCKET)
		say("capture", "works, by the socket tracepoints (loaded and attached for a moment)");
	else
		say("capture", "works, by the system calls' exits (loaded and attached for a moment)");
	probes_close(probes);
	return works;
}

static void limits_print(void)
{
	printf("\nNot seen: TLS libraries other than OpenSSL (their connections are listed as opaque); data "
	       "that\n"
	       "io_uring, sendfile and splice move and 32-bit programs' data (sizes only); UDP, so HTTP/3;\n"
	       "headers that HTTP/2 compressed before hark began (shown as unknown).\n");
}

int doctor_run(const struct options *options)
{
	bool works;
	int err;

	kernel_print();
	privileges_print();
	lockdown_print();
	works = capture_try(options);
	watch_print();
	printf("%-12s %zu KiB shared by all processors (--ring), %ld KiB to watch new programs\n", "memory",
	       options->ring_bytes >> 10, 68 * sysconf(_SC_NPROCESSORS_ONLN));
	err = doctor_files(options->pids, options->pid_count);
	if (err && !options->pid_count)
		printf("processes cannot be looked at: %s\n", strerror(-err));
	limits_print();
	return works && !err ? 0 : 1;
}
