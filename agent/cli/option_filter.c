/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of a run: the words of the command line and the options that are
 * short for filters, all of which must hold. What is wrong is shown where it
 * stands.
 */
#include "option_table.h"

#include "base/buffer.h"
#include "base/escape.h"
#include "base/log.h"
#include "filter/filter.h"

#include <stdlib.h>

#define LINE_MAX_BYTES 1000 /* of words shown around what is wrong */

/* What hark lost, or did not see to its end, is no failure of the programs. */
static const char failed[] = "(status:4xx,5xx or grpc:error or (flag:reset,closed,timeout,unanswered "
			     "!flag:gap,late-joined,in-flight,truncated))";

/* A value that stands for itself, whatever is in it. */
static void put_quoted(struct buffer *text, const char *value)
{
	buffer_char(text, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buffer_char(text, '\\');
		buffer_char(text, *value);
	}
	buffer_char(text, '"');
}

/* Beside a command -p adds processes to it; alone it is a filter. */
static void put_options(struct buffer *text, const struct parse *parse)
{
	const struct options *options = parse->options;
	size_t pid_count = options->child_argv ? 0 : options->pid_count;

	for (size_t i = 0; i < pid_count; i++)
		buffer_format(text, "%s%u", i ? "," : " pid:", options->pids[i]);
	for (size_t i = 0; i < parse->comm_count; i++) {
		buffer_string(text, i ? "," : " comm:");
		put_quoted(text, parse->comms[i]);
	}
	if (options->slow_ns)
		buffer_format(text, " latency:>=%llu.%09llu",
			      (unsigned long long)(options->slow_ns / 1000000000),
			      (unsigned long long)(options->slow_ns % 1000000000));
	if (options->errors)
		buffer_format(text, " %s", failed);
}

/* Characters, which is columns for nearly all that people write. */
static size_t columns_of(const struct buffer *text)
{
	size_t columns = 0;

	for (size_t i = 0; i < text->len; i++)
		columns += (text->data[i] & 0xc0) != 0x80;
	return columns;
}

/* The words on one line, and carets under what is wrong. */
static void point_at(const char *const *words, size_t count, const struct filter_error *error)
{
	struct buffer line = { .data = NULL }, carets = { .data = NULL };
	size_t from = 0, to = 0;

	for (size_t i = 0; i < count; i++) {
		struct slice word = slice_of_string(words[i]);

		buffer_char(&line, ' ');
		if (i == error->word) {
			escape_text(&line, slice_take(word, error->at), true);
			from = columns_of(&line);
			word = slice_drop(word, error->at);
			escape_text(&line, slice_take(word, error->len), true);
			to = columns_of(&line);
			word = slice_drop(word, error->len);
		}
		escape_text(&line, word, true);
	}
	for (size_t i = 0; i < from; i++)
		buffer_char(&carets, ' ');
	for (size_t i = from; i < to || i == from; i++)
		buffer_char(&carets, '^');
	if (!line.failed && !carets.failed && line.len <= LINE_MAX_BYTES && carets.len <= LINE_MAX_BYTES) {
		log_error(" %.*s", (int)line.len, line.data);
		log_error(" %.*s", (int)carets.len, carets.data);
	}
	buffer_fini(&line);
	buffer_fini(&carets);
}

static int complain(const char *const *words, size_t count, const struct filter_error *error)
{
	struct buffer known = { .data = NULL };
	const struct command_row *row = error->bare ? command_find(words[error->word]) : NULL;

	if (row) {
		usage_error(row->command == COMMAND_LIVE ? "'%s' is a view: one view, before all filters"
							 : "'%s' comes first, or not at all",
			    row->name);
	} else if (error->bare) {
		for (size_t i = 0; i < filter_key_count; i++)
			buffer_format(&known, " %s:", filter_keys[i].name);
		usage_error("'%s' is neither a view (watch, conns, raw, frames, top, stat, record, replay, "
			    "doctor) nor a filter (known filters:%.*s)",
			    words[error->word], (int)known.len, known.data ? known.data : "");
		buffer_fini(&known);
	} else {
		usage_error("%s", error->message);
	}
	point_at(words, count, error);
	return 2;
}

static int filter_take(struct options *options, const char *const *words, size_t count)
{
	struct filter_error error;
	struct filter *filter = filter_parse(words, count, &error);

	if (!filter)
		return complain(words, count, &error);
	if (!options->filter)
		options->filter = filter;
	else if (filter_add(options->filter, filter) < 0)
		return usage_error("out of memory");
	return 0;
}

int take_filters(struct parse *parse)
{
	const char *const *words = (const char *const *)parse->words + parse->filter_at;
	size_t count = parse->word_count - parse->filter_at;
	struct buffer text = { .data = NULL };
	const char *only;
	int err = 0;

	put_options(&text, parse);
	buffer_char(&text, '\0');
	if (text.failed) {
		buffer_fini(&text);
		return usage_error("out of memory");
	}
	only = text.data + (*text.data == ' ');
	if (*only)
		err = filter_take(parse->options, &only, 1);
	if (!err && count)
		err = filter_take(parse->options, words, count);
	buffer_fini(&text);
	return err;
}
