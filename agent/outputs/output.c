/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include "base/log.h"
#include "base/private_file.h"
#include "sinks/sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)

/* The buffer: the C library ignores a size without one. Without memory its own small one does. */
static FILE *file_open(const char *path, int standard_fd, char **buffer)
{
	int fd = path ? private_file_open(path) : fcntl(standard_fd, F_DUPFD_CLOEXEC, 3);
	FILE *file;

	if (path && fd < 0)
		errno = -fd;
	if (fd < 0)
		return NULL;
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return NULL;
	}
	*buffer = malloc(BUFFER_BYTES);
	if (*buffer)
		setvbuf(file, *buffer, _IOFBF, BUFFER_BYTES);
	return file;
}

const char *output_name(const struct output *output)
{
	return output->path ? output->path : "to stdout";
}

int output_open(struct output *output, const struct output_choice *choice, enum view view, int standard_fd,
		struct sink_config config)
{
	*output = (struct output){ .path = choice->path, .ops = sinks_find(choice->format, view) };
	output->file = file_open(choice->path, standard_fd, &output->buffer);
	if (!output->file) {
		log_error("cannot write %s: %s", output_name(output), private_file_error(errno));
		return -EIO;
	}
	config.out = output->file;
	output->sink = output->ops ? sink_new(output->ops, &config) : NULL;
	if (output->sink)
		return 0;
	log_error("out of memory");
	return -ENOMEM;
}

/* errno: of what failed since it was 0. */
static int flush(const struct output *output)
{
	int error = 0;

	if (fflush(output->file) == EOF || ferror(output->file))
		error = errno ? errno : EIO;
	clearerr(output->file);
	return error;
}

int output_flush(const struct output *output)
{
	errno = 0;
	return flush(output);
}

int output_close(struct output *output)
{
	int error = 0;

	errno = 0; /* some sinks flush themselves */
	sink_free(output->ops, output->sink);
	if (output->file) {
		error = flush(output);
		fclose(output->file);
	}
	free(output->buffer);
	return error;
}
