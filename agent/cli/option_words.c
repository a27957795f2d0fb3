/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and what must fit together. Taken after all options: which formats there
 * are depends on the view, and argp may hand both over in any order.
 */
#include "option_table.h"

#include "base/user.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* True when the word is a view; sets it. */
static bool take_view(struct options *options, const char *word)
{
	const struct command_row *row = command_find(word);

	if (!row || row->command != COMMAND_LIVE)
		return false;
	options->view = row->view;
	return true;
}

int take_words(struct parse *parse)
{
	struct options *options = parse->options;
	size_t at = 0;
	int err = 0;

	if (parse->word_count == 0)
		return 0;
	if (strcmp(parse->words[0], "doctor") == 0) {
		options->command = COMMAND_DOCTOR;
		for (at = 1; at < parse->word_count && !err; at++)
			err = take_pids(parse, parse->words[at]);
		parse->filter_at = parse->word_count;
		return err;
	}
	if (strcmp(parse->words[0], "replay") == 0) {
		if (parse->word_count < 2)
			return usage_error("replay needs the FILE of a recording");
		options->command = COMMAND_REPLAY;
		options->replay_path = parse->words[1];
		at = 2;
	}
	if (at < parse->word_count && take_view(options, parse->words[at]))
		at++;
	parse->filter_at = at;
	return 0;
}

static int make_redact(struct parse *parse)
{
	struct options *options = parse->options;

	options->redact = redact_new(options->show_secrets);
	options->redact_recording = redact_new(false);
	if (!options->redact || !options->redact_recording)
		return usage_error("out of memory");
	for (size_t i = 0; i < parse->redact_count; i++) {
		int err = redact_add(options->redact, parse->redact_names[i]);

		err = err ? err : redact_add(options->redact_recording, parse->redact_names[i]);

		if (err == -EINVAL)
			return usage_error("--redact: '%s' is no list of header names",
					   parse->redact_names[i]);
		if (err < 0)
			return usage_error("out of memory");
	}
	return 0;
}

static int check_outputs(struct options *options)
{
	bool to_stdout = options->record_path && strcmp(options->record_path, "-") == 0;

	for (size_t i = 0; i < options->output_count; i++) {
		const struct output_choice *output = &options->outputs[i];

		if (!sink_find(output->format, options->view))
			return usage_error("-o %s: this view has no such format (text, json)",
					   output->format);
		if (!output->path && to_stdout)
			return usage_error("two outputs go to stdout; give one a file (-o %s:FILE)",
					   output->format);
		to_stdout |= !output->path;
	}
	return 0;
}

/* What belongs to some views only. */
static int check_views(struct options *options)
{
	enum view view = options->view;
	const struct stats_options *stats = &options->stats;
	bool numbers = view == VIEW_STAT || view == VIEW_TOP;

	options->stats.routes = &options->routes;
	if (options->hex && view != VIEW_RAW)
		return usage_error("--hex belongs to raw");
	if ((stats->hist || stats->heat) && view != VIEW_STAT)
		return usage_error("--hist and --heat belong to stat");
	if (stats->interval_ns && !numbers)
		return usage_error("-i belongs to stat and top");
	if (options->summary && view != VIEW_WATCH)
		return usage_error("--summary belongs to watch; stat and top show the numbers by themselves");
	if ((stats->by != BY_ENDPOINT || stats->top) && !numbers && !options->summary)
		return usage_error("--by and --top belong to stat, top and watch --summary");
	if (options->speed_given && options->command != COMMAND_REPLAY)
		return usage_error("--speed belongs to replay");
	if (view == VIEW_TOP && !options->speed_given)
		options->speed = 1;
	return 0;
}

/* The screen is top's alone. */
static int check_top(const struct options *options)
{
	if (options->view != VIEW_TOP)
		return 0;
	if (options->child_argv)
		return usage_error(
			"top needs the terminal for itself: start the command elsewhere, and name it by "
			"-p or --comm");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return usage_error("top needs a terminal; stat prints the same numbers");
	return 0;
}

int check_options(struct parse *parse)
{
	struct options *options = parse->options;
	bool records = options->view == VIEW_RECORD;

	if (make_redact(parse))
		return 2;
	if (options->command == COMMAND_DOCTOR && (options->child_argv || options->record_path))
		return usage_error("doctor takes process ids only");
	if (options->user && !options->child_argv)
		return usage_error("-u says who runs the command behind --, and there is none");
	if (options->user && !user_is_known(options->user))
		return usage_error("-u: there is no user '%s'", options->user);
	if (options->redacted && !options->record_path)
		return usage_error("--redacted belongs to a recording (record, or -w beside a view)");
	if (options->command == COMMAND_REPLAY && options->child_argv)
		return usage_error("replay runs no command");
	if (records && !options->record_path)
		return usage_error("record needs -w FILE");
	if (records && options->output_count)
		return usage_error("record shows nothing: -o belongs to the other views (with -w beside it)");
	if (!records && options->output_count == 0) {
		options->outputs[0].format = strdup("text");
		if (!options->outputs[0].format)
			return usage_error("out of memory");
		options->output_count = 1;
	}
	return check_views(options) || check_top(options) || check_outputs(options) ? 2 : 0;
}
