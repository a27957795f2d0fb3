/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include "base/buffer.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES	 (16u << 10)
#define DOCTOR_BYTES_MAX (256u << 10)
#define LINES		 16
#define LINE_MAX_BYTES	 512

struct host {
	struct sink_host sink;
	struct doctor_config config;
	struct buffer doctor;		   /* what it said at the start; empty: it could not look */
	char lines[LINES][LINE_MAX_BYTES]; /* a ring */
	size_t line_count;
};

static void line_take(void *ctx, const char *line)
{
	struct host *host = ctx;

	snprintf(host->lines[host->line_count++ % LINES], LINE_MAX_BYTES, "%s", line);
	fprintf(stderr, "hark: %s\n", line);
}

static void put_said(void *ctx, struct buffer *out)
{
	const struct host *host = ctx;
	size_t first = host->line_count > LINES ? host->line_count - LINES : 0;

	for (size_t i = first; i < host->line_count; i++) {
		buffer_string(out, host->lines[i % LINES]);
		buffer_char(out, '\n');
	}
}

/* All that comes, as far as it has room. */
static void text_read(struct host *host, int fd)
{
	ssize_t n;

	while (buffer_room(&host->doctor, READ_BYTES) && host->doctor.len < DOCTOR_BYTES_MAX &&
	       (n = read(fd, host->doctor.data + host->doctor.len, READ_BYTES)) > 0)
		host->doctor.len += (size_t)n;
}

static void put_doctor(void *ctx, uint32_t pid, struct buffer *out)
{
	const struct host *host = ctx;
	struct doctor_config config = host->config;
	char *text = NULL;
	size_t size;
	FILE *file;

	if (pid == 0) {
		buffer_put(out, host->doctor.data, host->doctor.len);
		return;
	}
	config.pids = &pid;
	config.pid_count = 1;
	config.pids_only = true;
	file = open_memstream(&text, &size);
	if (file) {
		doctor_run(file, &config);
		fclose(file);
	}
	buffer_string(out, text ? text : "out of memory\n");
	free(text);
}

static void line_print(void *ctx, const char *line)
{
	fprintf(ctx, "%s\n", line);
}

/*
 * In a process of its own, which leaves nothing behind: libbpf does not survive that its handlers are
 * registered a second time (1.1 keeps a pointer to what it freed). Its messages stand in the text.
 */
static void doctor_ask_apart(struct host *host)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	child = fork();
	if (child == 0) {
		FILE *out = fdopen(ends[1], "w");

		if (out) {
			log_divert(line_print, out);
			doctor_run(out, &host->config);
			fflush(out);
		}
		_exit(0);
	}
	close(ends[1]);
	if (child > 0) {
		text_read(host, ends[0]);
		waitpid(child, NULL, 0);
	}
	close(ends[0]);
}

struct host *host_new(const struct doctor_config *config)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->config = *config;
	host->sink = (struct sink_host){ .ctx = host, .doctor = put_doctor, .said = put_said };
	doctor_ask_apart(host);
	log_divert(line_take, host);
	return host;
}

const struct sink_host *host_of(struct host *host)
{
	return &host->sink;
}

void host_set_failed(struct host *host)
{
	host->sink.failed = true;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	log_divert(NULL, NULL);
	buffer_fini(&host->doctor);
	free(host);
}
