/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An option that a file gives is one that the run may have no use for: where it has none, nothing is said,
 * as it is on the command line.
 */
#include "config_file.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_BYTES_MAX (64u << 10)
#define BLANKS		 " \t\r"

/* Why a file is not taken, in words; NULL: it is. */
static const char *file_fault(const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		return "it is no plain file";
	if (status->st_uid != 0 && status->st_uid != geteuid())
		return "it belongs to another user";
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to it";
	if (status->st_size >= CONFIG_BYTES_MAX)
		return "it is larger than 64K";
	return NULL;
}

/* Why the text is none; NULL: it is there. */
static const char *read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return strerror(errno);
	text[len] = '\0';
	return strlen(text) == len ? NULL : "it holds a NUL";
}

/*
 * -errno. Another user's link is not followed: when $HOME is theirs, what is wrong with a line would tell
 * them of files that they may not read.
 */
static int file_open(const char *path)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, fd = open(path, flags | O_NOFOLLOW);
	struct stat link;

	if (fd < 0 && errno == ELOOP && lstat(path, &link) == 0) {
		if (link.st_uid != 0 && link.st_uid != geteuid())
			return -EPERM;
		fd = open(path, flags);
	}
	return fd < 0 ? -errno : fd;
}

/* Its text, to be freed; NULL: it is not there, or a line says why it is not taken. wanted: it has to be
 * there. */
static char *file_read(const char *path, bool wanted)
{
	int fd = file_open(path);
	struct stat status;
	const char *fault;
	char *text = NULL;

	if (fd < 0) {
		if (wanted || (fd != -ENOENT && fd != -ENOTDIR))
			log_warn("%s is not read: %s", path, strerror(-fd));
		return NULL;
	}
	fault = fstat(fd, &status) < 0 ? strerror(errno) : file_fault(&status);
	if (!fault) {
		text = malloc(CONFIG_BYTES_MAX);
		fault = text ? read_all(fd, text, CONFIG_BYTES_MAX) : strerror(ENOMEM);
	}
	if (fault) {
		log_warn("%s is not read: %s", path, fault);
		free(text);
		text = NULL;
	}
	close(fd);
	return text;
}

static const struct option_row *row_find(const char *name)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (strcmp(option_rows[i].argp.name, name) == 0)
			return &option_rows[i];
	return NULL;
}

/* Was this option, or one that sets the same, in what counts more? */
static bool is_overruled(const struct option_row *row, uint64_t before)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *other = &option_rows[i];

		if (before >> i & 1 &&
		    (other == row || (row->width && other->width && other->into == row->into)))
			return true;
	}
	return false;
}

/* line: without blanks at its ends, not empty; it is cut in two. before: what counts more. */
static int line_take(struct parse *parse, char *line, uint64_t before)
{
	char *name = line + (strncmp(line, "--", 2) == 0 ? 2 : 0), *value = name + strcspn(name, BLANKS "=");
	bool has_value = *value != '\0';
	const struct option_row *row;

	if (has_value) {
		char *end = value;

		value += strspn(value, BLANKS);
		value += *value == '=';
		value += strspn(value, BLANKS);
		*end = '\0';
	}
	row = row_find(name);
	if (!row)
		return option_usage_error("there is no option '%s'", name);
	if (row->shows != OPTION_NOTHING || row->alone)
		return option_usage_error("'%s' belongs on the command line", name);
	if (row->argp.arg && !has_value)
		return option_usage_error("'%s' wants a value: %s", name, row->argp.arg);
	if (!row->argp.arg && has_value)
		return option_usage_error("'%s' has no value", name);
	if (is_overruled(row, before))
		return 0;
	parse->of_file |= UINT64_C(1) << (row - option_rows);
	return option_take(parse, row, has_value ? value : NULL);
}

/* Blanks at both ends are taken off. */
static char *line_trim(char *line)
{
	size_t len;

	line += strspn(line, BLANKS);
	len = strlen(line);
	while (len && strchr(BLANKS, line[len - 1]))
		line[--len] = '\0';
	return line;
}

int config_file_take(struct parse *parse, const char *path, unsigned int slot, bool wanted)
{
	char *text = file_read(path, wanted), *rest = text, *line;
	uint64_t before = parse->given;
	unsigned int number = 0;
	int err = 0;

	parse->options->config_texts[slot] = text;
	if (wanted && !text)
		return option_usage_error("HARK_CONFIG names '%s', which is not read", path);
	while (!err && (line = strsep(&rest, "\n"))) {
		number++;
		line = line_trim(line);
		if (*line && *line != '#')
			err = line_take(parse, line, before);
		if (err)
			log_error("%s:%u: this line is wrong", path, number);
	}
	return err;
}

int config_files_take(struct parse *parse)
{
	const char *only = getenv("HARK_CONFIG"), *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char path[4096];
	int len = 0, err = 0;

	if (only)
		return *only ? config_file_take(parse, only, 0, true) : 0;
	if (folder && *folder == '/')
		len = snprintf(path, sizeof(path), "%s/hark.conf", folder);
	else if (home && *home == '/')
		len = snprintf(path, sizeof(path), "%s/.config/hark.conf", home);
	if (len > 0 && (size_t)len < sizeof(path))
		err = config_file_take(parse, path, 0, false);
	return err ? err : config_file_take(parse, "/etc/hark.conf", 1, false);
}
