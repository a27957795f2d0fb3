/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_survey.h"

#include "base/escape.h"
#include "libraries.h"
#include "process_event.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAMS_MAX	256 /* more are not told apart */
#define EXECUTABLES_MAX 64  /* that were read; more are not read */
#define NAMED_MAX	4   /* of those that are not read */
#define LOOK_LEAST	(512 * 1024)
#define LOOK_MOST	(96 * 1024 * 1024)

struct program {
	char name[EVENT_NAME_LEN];
	bool read;
	uint32_t others; /* rows that are not followed, of the first such process */
};

struct executable {
	dev_t device;
	ino_t inode;
	uint32_t libraries;
};

struct tls_survey {
	survey_wanted_fn *wanted;
	void *ctx;
	bool followed;	 /* of the process that is being told */
	uint32_t others; /* the same */
	struct program programs[PROGRAMS_MAX];
	size_t program_count;
	struct executable executables[EXECUTABLES_MAX];
	size_t executable_count;
};

struct tls_survey *tls_survey_new(survey_wanted_fn *wanted, void *ctx)
{
	struct tls_survey *survey = calloc(1, sizeof(*survey));

	if (!survey)
		return NULL;
	survey->wanted = wanted;
	survey->ctx = ctx;
	return survey;
}

void tls_survey_free(struct tls_survey *survey)
{
	free(survey);
}

void tls_survey_mapping(struct tls_survey *survey, const char *base, bool followed)
{
	survey->followed |= followed;
	if (!followed)
		survey->others |= libraries_of_name(base) & ~libraries_followed();
}

/* fd: open for reading. */
static uint32_t executable_look(struct tls_survey *survey, int fd)
{
	struct executable *executable;
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size < LOOK_LEAST || st.st_size > LOOK_MOST)
		return 0;
	for (size_t i = 0; i < survey->executable_count; i++)
		if (survey->executables[i].device == st.st_dev && survey->executables[i].inode == st.st_ino)
			return survey->executables[i].libraries;
	if (survey->executable_count == EXECUTABLES_MAX)
		return 0;
	executable = &survey->executables[survey->executable_count++];
	*executable = (struct executable){ st.st_dev, st.st_ino,
					   libraries_of_executable(fd) & ~libraries_followed() };
	return executable->libraries;
}

/* The libraries that the process's executable holds and that are not followed. */
static uint32_t process_look(struct tls_survey *survey, uint32_t pid)
{
	uint32_t libraries;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return 0;
	libraries = executable_look(survey, fd);
	close(fd);
	return libraries;
}

static void program_add(struct tls_survey *survey, const struct event_process *process, bool read,
			uint32_t others)
{
	const char *name = process->name[0] ? process->name : process->h.comm;
	size_t size = sizeof(process->name);
	struct program *program;

	for (size_t i = 0; i < survey->program_count; i++) {
		program = &survey->programs[i];
		if (program->read == read && strncmp(program->name, name, size) == 0)
			return;
	}
	if (survey->program_count == PROGRAMS_MAX)
		return;
	program = &survey->programs[survey->program_count++];
	snprintf(program->name, sizeof(program->name), "%.*s", (int)size - 1, name);
	program->read = read;
	program->others = others;
}

void tls_survey_process(struct tls_survey *survey, uint32_t pid)
{
	struct event_process process;
	uint32_t others = survey->others;
	bool read = survey->followed;

	survey->followed = false;
	survey->others = 0;
	if (!read)
		others |= process_look(survey, pid);
	if ((!read && !others) || process_event_read(pid, &process) < 0)
		return;
	if (!survey->wanted || survey->wanted(survey->ctx, &process))
		program_add(survey, &process, read, others);
}

static void put_unread(const struct tls_survey *survey, struct buffer *text, size_t unread)
{
	size_t named = 0;

	buffer_string(text, "; not readable: ");
	for (size_t i = 0; i < survey->program_count && named < NAMED_MAX; i++) {
		const struct program *program = &survey->programs[i];

		if (program->read)
			continue;
		buffer_string(text, named++ ? ", " : "");
		escape_text(text, slice_of_string(program->name), true);
		buffer_format(text, " (%s)", libraries_row((size_t)__builtin_ctz(program->others))->title);
	}
	if (unread > named)
		buffer_format(text, " and %zu more", unread - named);
	buffer_string(text, " - see hark doctor");
}

void tls_survey_put(const struct tls_survey *survey, struct buffer *text, bool filtered)
{
	size_t all = survey->program_count, read = 0;

	for (size_t i = 0; i < all; i++)
		read += survey->programs[i].read;
	if (all == 0)
		buffer_string(text, filtered ? "none of the programs asked for runs with TLS yet"
					     : "no program that runs has TLS yet");
	else
		buffer_format(text, "%zu program%s ha%s TLS, %zu readable", all, all == 1 ? "" : "s",
			      all == 1 ? "s" : "ve", read);
	if (read < all)
		put_unread(survey, text, all - read);
}
