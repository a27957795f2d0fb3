/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the command line to struct options, by argp and the tables of
 * option_table.c. Words, filters and what must fit together are taken after all
 * options: which formats there are depends on the view, and argp may hand over
 * both in any order.
 */
#include "options.h"

#include "base/buffer.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/user.h"
#include "base/word_distance.h"
#include "bytes.h"
#include "config_file.h"
#include "content/protobuf_schema.h"
#include "library/library_claim.h"
#include "option_table.h"
#include "sinks/export_url.h"
#include "sinks/serve/serve_address.h"
#include "sinks/sinks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA_MAX     (64u << 20)
#define SCHEMA_PIECE   65536
#define FILTER_WIDTH   30 /* in --help */
#define DOC_COLUMN     27 /* the same, of options */
#define LAST_COLUMN    79
#define LINE_MAX_BYTES 1000 /* of words shown around what is wrong */

/* --- help, and the options ---------------------------------------------------------------- */

static const char filters[] = "\n"
			      "A space means and, or between filters is or, a comma within a value is or, !\n"
			      "in front is not, parentheses group. See FILTERS in hark(1).\n"
			      "\n";

static const char examples[] =
	"Examples:\n"
	"  hark                                  everything, one line an exchange\n"
	"  hark -- curl https://localhost/       this command and its children alone\n"
	"  hark -v comm:nginx                    nginx, with headers\n"
	"  hark 'status:5xx or latency:>1s' !host:*.internal\n"
	"                                        what failed or took long, but not within\n"
	"  hark -p 812 -o json:out.jsonl         one process, as JSON lines\n"
	"  hark raw --hex -p 812                 what it sends and receives, HTTP or not\n"
	"  hark record -w day.rec                record now ...\n"
	"  hark replay day.rec conns             ... look later, anywhere\n"
	"  hark doctor                           why do I see nothing?\n"
	"\n"
	"Exit status: 0 ok, 1 failed, 2 usage; after -- COMMAND the command's own.\n";

static const char purpose[] =
	"Listens to the HTTP conversations on this machine, encrypted or not, and shows\n"
	"requests with their responses.";

static error_t parse_key(int key, char *arg, struct argp_state *state);

/* Of the first row the name may be left out. */
static void put_forms(FILE *out)
{
	for (size_t i = 0; i < command_row_count; i++)
		fprintf(out, i ? "\n%s %s" : "[%s] %s", command_rows[i].name, command_rows[i].form);
}

/* The part of the help behind the options. */
static void put_tail(FILE *out)
{
	fprintf(out, "\nViews:\n");
	for (size_t i = 0; i < command_row_count; i++)
		fprintf(out, "  %-8s %s\n", command_rows[i].name, command_rows[i].doc);
	fprintf(out, "\nFilters:\n");
	for (size_t i = 0; i < filter_key_count; i++) {
		const struct filter_key *key = &filter_keys[i];

		fprintf(out, "  %s:%-*s %s\n", key->name, (int)(FILTER_WIDTH - strlen(key->name)), key->form,
			key->doc);
	}
	fprintf(out, "%s%s", filters, examples);
}

/* The key of an option for argp: its letter, or a number that is none. */
static int key_of(size_t row)
{
	return option_rows[row].argp.key ? option_rows[row].argp.key : 256 + (int)row;
}

/* argp's table: the rows and an end. */
static struct argp_option *argp_table(void)
{
	struct argp_option *table = calloc(option_row_count + 1, sizeof(*table));

	for (size_t i = 0; table && i < option_row_count; i++) {
		table[i] = option_rows[i].argp;
		table[i].key = key_of(i);
	}
	return table;
}

/* The words of the text from DOC_COLUMN on, none past LAST_COLUMN; the line so far takes `used`. */
static void put_wrapped(FILE *out, const char *text, size_t used)
{
	for (const char *word = text; *word;) {
		size_t len = strcspn(word, " ");

		if (used > DOC_COLUMN && used + 1 + len > LAST_COLUMN) {
			fputc('\n', out);
			used = 0;
		}
		if (used < DOC_COLUMN)
			used += (size_t)fprintf(out, "%*s", (int)(DOC_COLUMN - used), "");
		else if (used > DOC_COLUMN)
			used += (size_t)fprintf(out, " ");
		used += (size_t)fprintf(out, "%.*s", (int)len, word);
		word += len + (word[len] == ' ');
	}
	fputc('\n', out);
}

static void put_option(FILE *out, const struct argp_option *option)
{
	size_t used;

	if (option->key)
		used = (size_t)fprintf(out, "  -%c, --%s", option->key, option->name);
	else
		used = (size_t)fprintf(out, "      --%s", option->name);
	if (option->arg)
		used += (size_t)fprintf(out, "=%s", option->arg);
	if (used + 2 > DOC_COLUMN) {
		fputc('\n', out);
		used = 0;
	}
	put_wrapped(out, option->doc, used);
}

/* Options by group, in the order of the table, as the manual has them. */
static void show_help(FILE *out)
{
	int group = 0;

	for (size_t i = 0; i < command_row_count; i++)
		fprintf(out, i ? "       hark [OPTION...] %s %s\n" : "Usage: hark [OPTION...] [%s] %s\n",
			command_rows[i].name, command_rows[i].form);
	fprintf(out, "\n%s\n", purpose);
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].argp.group != group)
			fprintf(out, "\n%s:\n", option_groups[option_rows[i].argp.group]);
		group = option_rows[i].argp.group;
		put_option(out, &option_rows[i].argp);
	}
	put_tail(out);
}

static void show_usage(void)
{
	struct argp_option *table = argp_table();
	char *forms = NULL;
	size_t size;
	FILE *out = open_memstream(&forms, &size);

	if (out) {
		put_forms(out);
		fclose(out);
	}
	if (table && forms) {
		struct argp argp = { .options = table, .parser = parse_key, .args_doc = forms };

		argp_help(&argp, stdout, ARGP_HELP_USAGE, (char *)"hark");
	}
	free(forms);
	free(table);
}

static error_t parse_option(struct parse *parse, const struct option_row *row, const char *arg)
{
	switch (row->shows) {
	case OPTION_HELP:
		show_help(stdout);
		break;
	case OPTION_USAGE:
		show_usage();
		break;
	case OPTION_VERSION:
		printf("hark %s\n", HARK_VERSION);
		break;
	case OPTION_NOTHING:
		return option_take(parse, row, arg) ? EINVAL : 0;
	}
	parse->done = true;
	return 0;
}

static error_t parse_key(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	error_t error = ARGP_ERR_UNKNOWN;

	if (key == ARGP_KEY_ARG) {
		if (parse->word_count == WORDS_MAX)
			return option_usage_error("more than %d words", WORDS_MAX) ? EINVAL : 0;
		parse->words[parse->word_count++] = arg;
		return 0;
	}
	for (size_t i = 0; i < option_row_count; i++)
		if (key_of(i) == key)
			error = parse_option(parse, &option_rows[i], arg);
	if (parse->done)
		state->next = state->argc; /* nothing after it matters */
	return error;
}

/* argp wants NULL behind the last argument, and moves words about: it gets a copy. */
static int parse_arguments(struct parse *parse, int argc, char **argv)
{
	struct argp_option *table = argp_table();
	struct argp argp = { .options = table, .parser = parse_key };
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));
	int err = 2;

	if (!copy || !table) {
		option_usage_error("out of memory");
		goto out;
	}
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	if (argc)
		copy[0] = (char *)"hark"; /* getopt begins its messages with it, a path or not */
	err = argp_parse(&argp, argc, copy, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, parse) ? 2 : parse->done;
out:
	free(table);
	free(copy);
	return err;
}

/* https://no-color.org: set and not empty. Beside a command the text goes to stderr. */
static bool decide_color(const struct options *options)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (options->color_when != COLOR_AUTO)
		return options->color_when == COLOR_ALWAYS;
	if ((no_color && *no_color) || (term && strcmp(term, "dumb") == 0))
		return false;
	return isatty(options->child_argv ? STDERR_FILENO : STDOUT_FILENO);
}

/* --- the words that are no options: a view, what belongs to it, filters -------------------- */

/* True when the word is a view; sets it. */
static bool take_view(struct options *options, const char *word)
{
	const struct command_row *row = option_command_find(word);

	if (!row || row->command != COMMAND_LIVE)
		return false;
	options->view = row->view;
	return true;
}

/* FILE [QUESTION] [FILTER...]: a filter has a colon, and a question has none. */
static int take_query(struct parse *parse)
{
	struct options *options = parse->options;
	size_t at = 2;

	if (parse->word_count < 2)
		return option_usage_error("query needs the FILE that -o sqlite:FILE wrote");
	options->command = COMMAND_QUERY;
	options->query_path = parse->words[1];
	parse->filter_at = parse->word_count;
	if (at < parse->word_count && !strchr(parse->words[at], ':'))
		options->question = parse->words[at++];
	if (options->question && options->sql)
		return option_usage_error("query: a question or --sql, not both");
	for (; at < parse->word_count; at++) {
		if (options->query_filter_count == QUERY_FILTERS_MAX)
			return option_usage_error("more than %d filters", QUERY_FILTERS_MAX);
		options->query_filters[options->query_filter_count++] = parse->words[at];
	}
	return 0;
}

static int take_words(struct parse *parse)
{
	struct options *options = parse->options;
	size_t at = 0;
	int err = 0;

	if (parse->word_count == 0)
		return 0;
	if (strcmp(parse->words[0], "doctor") == 0) {
		options->command = COMMAND_DOCTOR;
		for (at = 1; at < parse->word_count && !err; at++)
			err = option_take_pids(options, parse->words[at]);
		parse->filter_at = parse->word_count;
		return err;
	}
	if (strcmp(parse->words[0], "query") == 0)
		return take_query(parse);
	if (strcmp(parse->words[0], "replay") == 0) {
		if (parse->word_count < 2)
			return option_usage_error("replay needs the FILE of a recording");
		options->command = COMMAND_REPLAY;
		options->replay_path = parse->words[1];
		at = 2;
	}
	if (at < parse->word_count && take_view(options, parse->words[at]))
		at++;
	/* --replay says the same as the word. */
	if (options->replay_path)
		options->command = COMMAND_REPLAY;
	/* A filter has a colon, and an id has none. */
	if (options->view == VIEW_TREE && at < parse->word_count && !strpbrk(parse->words[at], ":()!"))
		options->trace = parse->words[at++];
	parse->filter_at = at;
	return 0;
}

/* --- the filter: what is left of the words, and the options that are short for one; all must hold -- */

/* An exchange that hark lost a part of, or did not see to its end, is no failure of the programs. */
static const char failed[] = "(status:4xx,5xx or grpc:error or (flag:reset,closed,timeout,unanswered "
			     "!flag:gap,late-joined,in-flight,truncated))";

static const char failed_queries[] =
	"(fact:db.response.status_code=* or (flag:reset,closed,timeout,unanswered "
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
}

/* The filter as people gave it, for what tells them of it. */
static int text_take(struct options *options, const struct buffer *short_forms, const char *const *words,
		     size_t count)
{
	struct buffer text = { .data = NULL };

	buffer_put(&text, short_forms->data, short_forms->len);
	buffer_string(&text, options->errors ? " --errors" : "");
	if (options->conn)
		buffer_format(&text, " -x %llu", (unsigned long long)options->conn);
	for (size_t i = 0; i < count; i++) {
		buffer_char(&text, ' ');
		buffer_string(&text, words[i]);
	}
	buffer_char(&text, '\0');
	options->filter_text = text.failed ? NULL : strdup(text.data + (*text.data == ' '));
	buffer_fini(&text);
	return options->filter_text ? 0 : option_usage_error("out of memory");
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

/* A view that the word is a slip of; NULL: none is near. */
static const char *view_guess(const char *word)
{
	for (size_t i = 0; i < command_row_count; i++) {
		const char *name = command_rows[i].name;

		if (word_distance(word, strlen(word), name, strlen(name)) <= strlen(name) / 3)
			return name;
	}
	return strcmp(word, "help") == 0 ? "--help" : NULL;
}

/* Is the word the name of a filter's key, as in tcpdump's "port 443"? */
static bool is_key(const char *word)
{
	for (size_t i = 0; i < filter_key_count; i++)
		if (strcmp(word, filter_keys[i].name) == 0)
			return true;
	return false;
}

static int complain(const char *const *words, size_t count, const struct filter_error *error)
{
	const char *word = words[error->word], *guess = error->bare ? view_guess(word) : NULL;
	const struct command_row *row = error->bare ? option_command_find(word) : NULL;

	if (row)
		option_usage_error(
			row->command == COMMAND_LIVE ? "'%s' is a view: one view, before all filters"
			: row->command == COMMAND_DOCTOR
				? "'%s' looks at this machine as it is: it stands alone, as in: hark doctor"
			: row->command == COMMAND_QUERY ? "'%s' is the first word, as in: hark query FILE"
							: "'%s' is the first word, as in: hark replay FILE",
			row->name);
	else if (error->bare && is_key(word) && error->word + 1 < count)
		option_usage_error("'%s %s' is no filter; did you mean '%s:%s'?", word,
				   words[error->word + 1], word, words[error->word + 1]);
	else if (error->bare && (guess || error->guess[0]))
		option_usage_error("'%s' is neither a view nor a filter; did you mean '%s'?", word,
				   guess ? guess : error->guess);
	else if (error->bare)
		option_usage_error("'%s' is neither a view nor a filter (key:value); a command to trace "
				   "stands behind --, as in: hark -- %s",
				   word, word);
	else
		option_usage_error("%s", error->message);
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
		return option_usage_error("out of memory");
	return 0;
}

static int take_filters(struct parse *parse)
{
	const char *const *words = (const char *const *)parse->words + parse->filter_at;
	size_t count = parse->word_count - parse->filter_at;
	struct buffer text = { .data = NULL };
	const char *only;
	int err = 0;

	put_options(&text, parse);
	err = text_take(parse->options, &text, words, count);
	if (parse->options->errors)
		buffer_format(&text, " %s", parse->options->view == VIEW_SQL ? failed_queries : failed);
	buffer_char(&text, '\0');
	if (text.failed) {
		buffer_fini(&text);
		return option_usage_error("out of memory");
	}
	only = text.data + (*text.data == ' ');
	if (!err && *only)
		err = filter_take(parse->options, &only, 1);
	if (!err && count)
		err = filter_take(parse->options, words, count);
	buffer_fini(&text);
	return err;
}

/* --- what depends on several options: fills in the default output, makes options->redact -------- */

static int make_redact(struct parse *parse)
{
	struct options *options = parse->options;

	options->redact = redact_new(options->show_secrets);
	options->redact_recording = redact_new(false);
	if (!options->redact || !options->redact_recording)
		return option_usage_error("out of memory");
	for (size_t i = 0; i < parse->redact_count; i++) {
		int err = redact_add(options->redact, parse->redact_names[i]);

		err = err ? err : redact_add(options->redact_recording, parse->redact_names[i]);

		if (err == -EINVAL)
			return option_usage_error("--redact: '%s' is no list of header names",
						  parse->redact_names[i]);
		if (err < 0)
			return option_usage_error("out of memory");
	}
	return 0;
}

static int no_such_format(const struct options *options, const char *format)
{
	struct buffer list = { .data = NULL };

	sinks_list(&list, options->view);
	buffer_char(&list, '\0');
	option_usage_error("-o %s: this view has no such format (it has %s)", format,
			   list.failed ? "others" : list.data);
	buffer_fini(&list);
	return 2;
}

/* An answer is one text on stdout. */
static int check_query_output(const struct options *options)
{
	const char *format = options->outputs[0].format;

	if (options->output_count > 1 || options->outputs[0].path)
		return option_usage_error("query writes one answer to stdout: -o json > FILE");
	if (strcmp(format, "text") == 0 || strcmp(format, "json") == 0 || strcmp(format, "csv") == 0)
		return 0;
	return option_usage_error("-o %s: query has no such format (it has text, json, csv)", format);
}

static int check_outputs(struct options *options)
{
	bool to_stdout = options->record_path && strcmp(options->record_path, "-") == 0;

	if (options->command == COMMAND_QUERY)
		return check_query_output(options);
	for (size_t i = 0; i < options->output_count; i++) {
		const struct output_choice *output = &options->outputs[i];

		const struct sink_ops *ops = sinks_find(output->format, options->view);
		const char *place = ops && ops->process ? "URL" : "FILE";
		struct export_url url;

		if (!ops)
			return no_such_format(options, output->format);
		if (ops->opens_place && !output->path)
			return option_usage_error("-o %s needs a %s: -o %s:%s", output->format, place,
						  output->format, place);
		if (ops->process && export_url_parse(&url, output->format, output->path) < 0)
			return 2;
		if (!output->path && to_stdout)
			return option_usage_error("two outputs go to stdout; give one a file (-o %s:FILE)",
						  output->format);
		to_stdout |= !output->path;
	}
	return 0;
}

/* Where this run takes place, so that no option is taken that can change nothing there. */
static uint32_t places_of(const struct options *options)
{
	static const uint32_t views[][3] = {
		/* each, as text, as JSON */
		[VIEW_WATCH] = { IN_WATCH, IN_WATCH_TEXT | IN_LINES | IN_TEXT, IN_WATCH_JSON },
		[VIEW_CONNS] = { IN_CONNS, IN_LINES | IN_TEXT, 0 },
		[VIEW_RAW] = { IN_RAW, IN_RAW_TEXT | IN_TEXT, 0 },
		[VIEW_FRAMES] = { IN_FRAMES, IN_TEXT, 0 },
		[VIEW_STAT] = { IN_STAT, IN_STAT_TEXT | IN_LINES, 0 },
		[VIEW_TOP] = { IN_TOP, 0, 0 },
		[VIEW_RECORD] = { 0, 0, 0 },
		[VIEW_TREE] = { IN_TREE, IN_LINES, 0 },
		[VIEW_SERVE] = { IN_SERVE, 0, 0 },
		[VIEW_SQL] = { IN_QUERIES, IN_LINES | IN_TEXT, 0 },
		[VIEW_MCP] = { IN_MCP, 0, 0 },
	};
	const uint32_t *view = views[options->view];
	uint32_t places = view[0];

	if (options->command == COMMAND_DOCTOR)
		return IN_DOCTOR;
	if (options->command == COMMAND_QUERY)
		return IN_QUERY;
	for (size_t i = 0; i < options->output_count; i++) {
		const struct sink_ops *ops = sinks_find(options->outputs[i].format, options->view);

		places |= view[strcmp(options->outputs[i].format, "text") == 0 ? 1 : 2];
		places |= ops && ops->process ? IN_EXPORT : 0;
		places |= ops && ops->writes_in_place ? IN_HISTORY : 0;
	}
	if (places & IN_WATCH_TEXT)
		places |= (options->verbose > 1 ? IN_BODY_TEXT : 0) | (options->summary ? IN_SUMMARY : 0);
	if (options->record_path)
		places |= IN_RECORDING | (options->redacted ? IN_REDACTED : 0);
	return places | (options->command == COMMAND_REPLAY ? IN_REPLAY : IN_LIVE);
}

/* The screen is top's alone. */
static int check_top(const struct options *options)
{
	if (options->view != VIEW_TOP)
		return 0;
	if (options->child_argv)
		return option_usage_error(
			"top needs the terminal for itself: start the command elsewhere, and name it by "
			"-p or --comm");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return option_usage_error("top needs a terminal; stat prints the same numbers");
	return 0;
}

/* Beyond loopback anybody may come by, and read on the way what is said. */
static int check_serve(struct options *options)
{
	struct serve_options *serve = &options->serve;
	struct serve_address address;

	if (options->view != VIEW_SERVE)
		return 0;
	if (!serve->listen)
		serve->listen = "127.0.0.1:9464";
	if (!serve->cert_path != !serve->key_path)
		return option_usage_error("--tls-cert and --tls-key belong together");
	if (serve_address_parse(serve->listen, &address) == 0 && !serve_address_is_loopback(&address) &&
	    !(serve->cert_path && serve->token_path))
		return option_usage_error(
			"--listen %s can be reached from other machines: that needs TLS and a token "
			"(--tls-cert, --tls-key, --token-file)",
			serve->listen);
	return 0;
}

/* stdin and stdout are the assistant's, and secrets no business of its. */
static int check_mcp(const struct options *options)
{
	if (options->view != VIEW_MCP)
		return 0;
	if (options->child_argv)
		return option_usage_error(
			"mcp has stdin and stdout for itself: start the command elsewhere, and name "
			"it by -p or --comm");
	if (options->show_secrets)
		return option_usage_error("mcp redacts always: --show-secrets is for people");
	return 0;
}

static int take_schema(struct options *options)
{
	FILE *file = fopen(options->proto_path, "re");
	struct bytes bytes = { .data = NULL };
	size_t len = 1;

	if (!file)
		return option_usage_error("--proto: %s: %s", options->proto_path, strerror(errno));
	while (len && bytes_reserve(&bytes, SCHEMA_PIECE, SCHEMA_MAX) == 0) {
		len = fread(bytes.data + bytes.len, 1, SCHEMA_PIECE, file);
		bytes.len += len;
	}
	fclose(file);
	options->schema = len ? NULL : protobuf_schema_new(bytes_slice(&bytes));
	bytes_fini(&bytes);
	if (options->schema)
		return 0;
	return option_usage_error(
		"--proto: %s is no FileDescriptorSet of at most 64 MiB; protoc --include_imports "
		"--descriptor_set_out=FILE writes one",
		options->proto_path);
}

static int check_claims(struct options *options)
{
	char why[CLAIM_WHY_MAX];

	for (size_t i = 0; i < options->claim_count; i++)
		if (library_claim_check(&options->claims[i], why) < 0)
			return option_usage_error("--tls-library: %s", why);
	return 0;
}

static int check_options(struct parse *parse)
{
	struct options *options = parse->options;
	bool records = options->view == VIEW_RECORD;

	if (make_redact(parse))
		return 2;
	if (options->command == COMMAND_DOCTOR && (options->child_argv || options->record_path))
		return option_usage_error("doctor takes process ids only");
	if (options->user && !options->child_argv)
		return option_usage_error("-u says who runs the command behind --, and there is none");
	if (options->user && !user_find(options->user))
		return option_usage_error("-u: there is no user '%s'", options->user);
	if (options->command == COMMAND_QUERY && (options->child_argv || options->record_path))
		return option_usage_error("query reads a file: it runs no command and records nothing");
	if (options->command == COMMAND_REPLAY && options->child_argv)
		return option_usage_error("replay runs no command");
	if (records && !options->record_path)
		return option_usage_error("record needs -w FILE");
	if (records && options->output_count)
		return option_usage_error(
			"record shows nothing: -o belongs to the other views (with -w beside it)");
	if (!records && options->output_count == 0) {
		options->outputs[0].format = strdup("text");
		if (!options->outputs[0].format)
			return option_usage_error("out of memory");
		options->output_count = 1;
	}
	if (option_check_places(parse, places_of(options)) || check_top(options) || check_serve(options) ||
	    check_mcp(options) || check_outputs(options))
		return 2;
	if (options->command != COMMAND_REPLAY && check_claims(options))
		return 2;
	if (options->proto_path && take_schema(options))
		return 2;
	options->stats.routes = &options->routes;
	if (options->view == VIEW_TOP && !options->speed_given)
		options->speed = 1;
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------ */

/* Everything from "--" on is the command; argp never sees it. */
static int split_command(struct options *options, int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		*argc = i;
		options->child_argv = argv + i + 1;
		if (!argv[i + 1])
			return option_usage_error("no command stands after --");
		return 0;
	}
	return 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
	struct parse parse = { .options = options };
	int err;

	option_defaults(options);
	err = split_command(options, &argc, argv);
	if (!err)
		err = parse_arguments(&parse, argc, argv);
	if (!err && !parse.no_config)
		err = config_files_take(&parse);
	if (!err)
		err = take_words(&parse);
	if (!err && options->command != COMMAND_DOCTOR && options->command != COMMAND_QUERY)
		err = take_filters(&parse);
	if (!err)
		err = check_options(&parse);
	if (!err)
		options->color = decide_color(options);
	else
		options_fini(options);
	for (size_t i = 0; i < parse.comm_count; i++)
		free(parse.comms[i]);
	free(parse.comms);
	return err;
}

void options_fini(struct options *options)
{
	for (size_t i = 0; i < options->output_count; i++)
		free((void *)options->outputs[i].format);
	filter_free(options->filter);
	free(options->filter_text);
	free(options->pids);
	free(options->claims);
	for (size_t i = 0; i < sizeof(options->config_texts) / sizeof(options->config_texts[0]); i++)
		free(options->config_texts[i]);
	protobuf_schema_free(options->schema);
	upload_headers_fini(&options->export_headers);
	redact_free(options->redact);
	redact_free(options->redact_recording);
	*options = (struct options){ 0 };
}
