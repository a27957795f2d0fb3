/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One screen about this machine, in the order in which somebody asks who sees
 * nothing: can it work here, does it know the library, does my program use
 * that. What can be tried is tried: the kernel side is loaded and attached for a
 * moment, the watch is opened. Every "no" comes with its remedy.
 */
#include "doctor.h"

#include "base/clock.h"
#include "capture/probes.h"
#include "doctor_files.h"
#include "doctor_kernel.h"
#include "doctor_processes.h"
#include "library/library_search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void watch_print(FILE *out)
{
	struct library_search *search = library_search_new(NULL, NULL); /* which looks at nothing */
	int fd = search ? library_search_watch(search) : -ENOMEM;

	if (fd >= 0)
		doctor_say(out, "new programs", "watched: a library is probed when somebody maps it");
	else
		doctor_say(out, "new programs",
			   "not watched (%s): only libraries found at the start are probed", strerror(-fd));
	library_search_free(search);
}

static void limits_print(FILE *out, const struct doctor_config *config, const struct probes *probes)
{
	doctor_say(out, "limits",
		   "ring %zu KiB (--ring), %zu MiB held (--memory), %zu KiB of a call (--snaplen), "
		   "%zu connections / %zu exchanges each",
		   config->capture.ring_bytes >> 10, config->memory_bytes >> 20,
		   config->capture.snaplen_bytes >> 10, config->connection_limit, config->exchange_limit);
	doctor_say(out, "", "unanswered after %.0f s (--timeout), waiting after %.1f s (--pending)",
		   (double)config->timeout_ns / 1e9, (double)config->pending_ns / 1e9);
	if (probes)
		doctor_say(out, "",
			   "in the kernel: %zu processes, %zu sockets, %zu TLS sessions, %zu TLS calls",
			   probes_map_entries(probes, "pids"), probes_map_entries(probes, "marks"),
			   probes_map_entries(probes, "sessions"), probes_map_entries(probes, "tls_calls"));
}

/* Loads and attaches everything once. What fails is told by probes_open() on stderr, with its remedy. */
static struct probes *capture_try(FILE *out, const struct doctor_config *config)
{
	uint64_t start_ns;
	struct probes *probes;

	fflush(out);
	start_ns = clock_ns();
	probes = probes_open(&config->capture);
	if (!probes)
		doctor_say(out, "capture", "DOES NOT WORK: the reason stands on stderr");
	else
		doctor_say(out, "capture", "works, by %s (tried: loaded and attached in %" PRIu64 " ms)",
			   probes_capture(probes) == CAPTURE_SOCKET ? "the socket tracepoints"
								    : "the system calls' exits",
			   (clock_ns() - start_ns) / 1000000);
	return probes;
}

static bool machine_print(FILE *out, const struct doctor_config *config)
{
	struct probes *probes;

	doctor_kernel_print(out, config->calls_filtered);
	probes = capture_try(out, config);
	watch_print(out);
	limits_print(out, config, probes);
	probes_close(probes);
	return probes != NULL;
}

/* Readers of a file or a pipe can put up with longer lines, but with lines. */
#define COLUMNS_ELSEWHERE 132

static int all_print(FILE *out, struct doctor_files *files, const struct doctor_config *config)
{
	const struct doctor_screen screen = {
		.columns = config->columns ? config->columns : COLUMNS_ELSEWHERE,
		.color = config->color,
		.detail = config->detail,
	};
	struct doctor_processes *processes;
	int err = library_search_scan(files->search);

	processes = err ? NULL : doctor_processes_scan(files, (uint32_t)getpid()); /* hark has nghttp3, too */
	if (!processes) {
		err = err ? err : -errno;
		fprintf(out, "processes cannot be looked at: %s\n", strerror(-err));
		return err;
	}
	fprintf(out, "\nTLS libraries, followed wherever a process maps them\n");
	doctor_files_print(files, out, config->detail);
	fprintf(out, "\nPrograms with TLS\n");
	doctor_processes_print(processes, out, &screen);
	doctor_processes_free(processes);
	fprintf(out, "\nNot read: HTTP/3 (UDP), except through nghttp3. Only sizes: io_uring, sendfile,\n"
		     "splice, 32-bit programs. Unknown: header fields that HTTP/2 compressed before\n"
		     "hark began.\n");
	return 0;
}

int doctor_run(FILE *out, const struct doctor_config *config)
{
	struct doctor_files *files = doctor_files_new();
	bool works;
	int err = 0;

	if (!files) {
		fprintf(out, "out of memory\n");
		return 1;
	}
	files->detail = config->detail || config->pid_count;
	library_search_claim(files->search, config->claims, config->claim_count);
	works = config->pids_only || machine_print(out, config);
	if (!config->pid_count)
		err = all_print(out, files, config);
	else if (!config->pids_only)
		fprintf(out, "\n");
	for (size_t i = 0; i < config->pid_count; i++)
		if (doctor_process_print(files, config->pids[i], out))
			err = -ESRCH;
	doctor_files_free(files);
	return works && !err ? 0 : 1;
}
