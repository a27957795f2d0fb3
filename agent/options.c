/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One const table of options: each row is what argp needs for parsing and help,
 * and the function that takes the value. Adding an option is one row, one
 * function, and its paragraph in docs/hark.1 (a test compares the two).
 *
 * The words are taken after the options: they depend on each other (which view
 * has which format), and argp may hand them over in any order.
 */
#include "options.h"

#include "log.h"

#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define SNAPLEN_DEFAULT	   (64u << 10)
#define SNAPLEN_MIN	   256u
#define SNAPLEN_MAX	   (1u << 20)
#define RING_DEFAULT	   (16u << 20)
#define RING_MIN	   (64u << 10)
#define RING_MAX	   (1u << 30)
#define BODY_LIMIT_DEFAULT (64u << 10)
#define TIMEOUT_DEFAULT_NS 60000000000ull
#define WORDS_MAX	   64

enum { /* options without a short form */
	KEY_COMM = 256,
	KEY_SNAPLEN,
	KEY_RING,
	KEY_CAPTURE,
	KEY_TIMEOUT,
	KEY_REDACT,
	KEY_SHOW_SECRETS,
	KEY_STATS_JSON,
	KEY_COLOR,
	KEY_NO_COLOR,
	KEY_DEBUG,
};

enum color_when {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

struct parse {
	struct options *options;
	enum color_when color;
	const char *redact_names[WORDS_MAX];
	size_t redact_count;
	char *words[WORDS_MAX];
	size_t word_count;
	bool done; /* help or version was printed */
};

/* 0, or a usage error that was reported: 2. */
typedef int take_fn(struct parse *parse, const char *value);

static int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The command line is the user's own, but it may hold anything; log_error keeps it on one line. */
static int usage_error(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s; see hark --help", text);
	return 2;
}

/* --- the values -------------------------------------------------------------- */

static int pid_add(struct options *options, const char *text, size_t len)
{
	uint64_t pid = 0;
	uint32_t *pids;

	for (size_t i = 0; i < len && pid <= INT32_MAX; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		pid = pid * 10 + (uint64_t)(text[i] - '0');
	}
	if (pid == 0 || pid > INT32_MAX)
		return -EINVAL;
	pids = reallocarray(options->pids, options->pid_count + 1, sizeof(*pids));
	if (!pids)
		return -ENOMEM;
	options->pids = pids;
	pids[options->pid_count++] = (uint32_t)pid;
	return 0;
}

static int take_pids(struct parse *parse, const char *list)
{
	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ",");
		int err = pid_add(parse->options, p, len);

		if (err == -ENOMEM)
			return usage_error("out of memory");
		if (err < 0)
			return usage_error("'%.*s' is no process id (a positive number)", (int)len, p);
		p += len;
		if (!*p)
			return 0;
	}
}

static int comm_add(struct options *options, const char *name, size_t len)
{
	char **comms;

	if (len == 0)
		return usage_error("a program name is empty");
	comms = reallocarray(options->comms, options->comm_count + 1, sizeof(*comms));
	if (!comms)
		return usage_error("out of memory");
	options->comms = comms;
	comms[options->comm_count] = strndup(name, len);
	if (!comms[options->comm_count])
		return usage_error("out of memory");
	options->comm_count++;
	return 0;
}

static int take_comm(struct parse *parse, const char *name)
{
	return comm_add(parse->options, name, strlen(name));
}

static int take_output(struct parse *parse, const char *value)
{
	struct options *options = parse->options;
	const char *colon = strchr(value, ':');
	struct output *output = &options->outputs[options->output_count];

	if (options->output_count == OUTPUTS_MAX)
		return usage_error("more than %d outputs (-o)", OUTPUTS_MAX);
	if (colon && !colon[1])
		return usage_error("-o %s names no file after the colon", value);
	output->format = colon ? strndup(value, (size_t)(colon - value)) : strdup(value);
	if (!output->format)
		return usage_error("out of memory");
	output->path = colon && strcmp(colon + 1, "-") != 0 ? colon + 1 : NULL;
	options->output_count++;
	return 0;
}

static int take_record(struct parse *parse, const char *path)
{
	if (parse->options->record_path)
		return usage_error("-w is given twice");
	parse->options->record_path = path;
	return 0;
}

static int take_stats_json(struct parse *parse, const char *path)
{
	parse->options->stats_json_path = path;
	return 0;
}

static int take_duration(const char *option, const char *value, uint64_t *ns)
{
	if (parse_duration(value, ns) < 0 || *ns == 0)
		return usage_error("%s: '%s' is no duration (10, 0.5, 500ms, 2m, 1h)", option, value);
	return 0;
}

static int take_run_time(struct parse *parse, const char *value)
{
	return take_duration("-d", value, &parse->options->duration_ns);
}

static int take_timeout(struct parse *parse, const char *value)
{
	return take_duration("--timeout", value, &parse->options->timeout_ns);
}

static int take_count(struct parse *parse, const char *value)
{
	size_t len = strlen(value);
	uint64_t count = strspn(value, "0123456789") == len && len < 19 ? strtoull(value, NULL, 10) : 0;

	if (count == 0)
		return usage_error("-n: '%s' is no number of lines (1 or more)", value);
	parse->options->count = count;
	return 0;
}

static int take_snaplen(struct parse *parse, const char *value)
{
	size_t *bytes = &parse->options->snaplen_bytes;

	if (parse_size(value, bytes) < 0 || *bytes < SNAPLEN_MIN || *bytes > SNAPLEN_MAX)
		return usage_error("--snaplen: '%s' is no size from 256 to 1M", value);
	return 0;
}

static int take_ring(struct parse *parse, const char *value)
{
	size_t ring = RING_MIN;
	size_t bytes;

	if (parse_size(value, &bytes) < 0 || bytes < RING_MIN || bytes > RING_MAX)
		return usage_error("--ring: '%s' is no size from 64K to 1G", value);
	while (ring < bytes)
		ring *= 2;
	parse->options->ring_bytes = ring;
	return 0;
}

static int take_capture(struct parse *parse, const char *value)
{
	static const char *const ways[] = {
		[CAPTURE_AUTO] = "auto",
		[CAPTURE_SOCKET] = "socket",
		[CAPTURE_SYSCALL] = "syscall",
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(value, ways[i]) != 0)
			continue;
		parse->options->capture = (enum capture_way)i;
		return 0;
	}
	return usage_error("--capture: '%s' is none of auto, socket, syscall", value);
}

/* Kept until --show-secrets is known. */
static int take_redact(struct parse *parse, const char *names)
{
	if (parse->redact_count == WORDS_MAX)
		return usage_error("more than %d --redact options", WORDS_MAX);
	parse->redact_names[parse->redact_count++] = names;
	return 0;
}

static int take_color(struct parse *parse, const char *value)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto",
		[COLOR_ALWAYS] = "always",
		[COLOR_NEVER] = "never",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		parse->color = (enum color_when)i;
		return 0;
	}
	return usage_error("--color: '%s' is none of auto, always, never", value);
}

static int take_flag(struct parse *parse, int key)
{
	struct options *options = parse->options;

	switch (key) {
	case 'q':
		options->quiet = true;
		break;
	case 'v':
		options->verbose += options->verbose < 2;
		break;
	case KEY_SHOW_SECRETS:
		options->show_secrets = true;
		break;
	case KEY_NO_COLOR:
		parse->color = COLOR_NEVER;
		break;
	case KEY_DEBUG:
		options->debug = true;
		break;
	}
	return 0;
}

/* --- the table --------------------------------------------------------------- */

enum {
	GROUP_WHAT = 1,
	GROUP_OUTPUT,
	GROUP_CAPTURE,
	GROUP_HELP
};

struct option_row {
	struct argp_option argp;
	take_fn *take; /* NULL: take_flag() */
};

#define ROW(name_, key_, arg_, group_, take_, doc_)                                                \
	{                                                                                          \
		.argp = { .name = name_, .key = key_, .arg = arg_, .doc = doc_, .group = group_ }, \
		.take = take_                                                                      \
	}

static const struct option_row rows[] = {
	ROW("pid", 'p', "PID[,PID...]", GROUP_WHAT, take_pids, "Only these processes (repeatable)"),
	ROW("comm", KEY_COMM, "NAME", GROUP_WHAT, take_comm,
	    "Only programs of this name: the file's base name or the thread's name (repeatable)"),
	ROW("duration", 'd', "SECONDS", GROUP_WHAT, take_run_time,
	    "End after this time (10, 0.5, 500ms, 2m, 1h)"),
	ROW("count", 'n', "COUNT", GROUP_WHAT, take_count, "End after so many exchanges"),
	ROW("output", 'o', "FORMAT[:FILE]", GROUP_OUTPUT, take_output,
	    "text (default) or json, to FILE instead of stdout (repeatable)"),
	ROW("write", 'w', "FILE", GROUP_OUTPUT, take_record,
	    "Record the raw events to FILE, beside any view"),
	ROW("verbose", 'v', NULL, GROUP_OUTPUT, NULL, "Show headers; twice: bodies too"),
	ROW("redact", KEY_REDACT, "NAME[,NAME...]", GROUP_OUTPUT, take_redact,
	    "Header fields whose values are secrets, besides the usual ones (repeatable)"),
	ROW("show-secrets", KEY_SHOW_SECRETS, NULL, GROUP_OUTPUT, NULL, "Redact nothing"),
	ROW("color", KEY_COLOR, "WHEN", GROUP_OUTPUT, take_color, "auto (default), always or never"),
	ROW("no-color", KEY_NO_COLOR, NULL, GROUP_OUTPUT, NULL, "The same as --color=never"),
	ROW("stats-json", KEY_STATS_JSON, "FILE", GROUP_OUTPUT, take_stats_json,
	    "Write the counters to FILE as one JSON object at the end"),
	ROW("capture", KEY_CAPTURE, "WAY", GROUP_CAPTURE, take_capture,
	    "auto (default), socket (Linux 6.3 and later) or syscall"),
	ROW("ring", KEY_RING, "SIZE", GROUP_CAPTURE, take_ring,
	    "Ring buffer between kernel and hark (default 16M), rounded up to a power of two"),
	ROW("snaplen", KEY_SNAPLEN, "SIZE", GROUP_CAPTURE, take_snaplen,
	    "Bytes copied of one call at most (default 64K)"),
	ROW("timeout", KEY_TIMEOUT, "SECONDS", GROUP_CAPTURE, take_timeout,
	    "Show a request as unanswered after this time (default 60)"),
	ROW("quiet", 'q', NULL, GROUP_HELP, NULL, "Say nothing on stderr but errors"),
	ROW("debug", KEY_DEBUG, NULL, GROUP_HELP, NULL, "Say more on stderr about hark itself"),
	ROW("help", 'h', NULL, GROUP_HELP, NULL, "Show this help"),
	ROW("version", 'V', NULL, GROUP_HELP, NULL, "Show the version"),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

const char *options_name(size_t index, char *letter)
{
	if (index >= ROW_COUNT)
		return NULL;
	*letter = rows[index].argp.key < 256 ? (char)rows[index].argp.key : '\0';
	return rows[index].argp.name;
}

/* --- help and parsing ---------------------------------------------------------- */

static const char usage_forms[] = "[watch] [FILTER...] [-- COMMAND...]\n"
				  "conns [FILTER...] [-- COMMAND...]\n"
				  "record -w FILE [FILTER...] [-- COMMAND...]\n"
				  "replay FILE [VIEW] [FILTER...]\n"
				  "doctor [PID...]";

static const char help_text[] =
	"Listens to the HTTP conversations on this machine, encrypted or not, and shows requests with their "
	"responses.\v"
	"Views:\n"
	"  watch    one line an exchange (the default)\n"
	"  conns    connections: addresses, process, TLS, exchanges, bytes, losses\n"
	"  record   raw events to a file, for replay\n"
	"  replay   a recording through the same pipeline; needs no privilege\n"
	"  doctor   what works on this machine and what does not, and why\n"
	"\n"
	"Filters:\n"
	"  pid:PID[,PID...]     comm:NAME[,NAME...]\n"
	"\n"
	"Examples:\n"
	"  hark                                  everything, one line an exchange\n"
	"  hark -- curl https://localhost/       this command and its children alone\n"
	"  hark -v comm:nginx                    nginx, with headers\n"
	"  hark -p 812 -d 10 -o json:out.jsonl   one process for ten seconds, as JSON lines\n"
	"  hark record -w day.rec                record now ...\n"
	"  hark replay day.rec conns             ... look later, anywhere\n"
	"  hark doctor                           why do I see nothing?\n"
	"\n"
	"Exit status: 0 ok, 1 failed, 2 usage; after -- COMMAND the command's own.";

static error_t parse_key(int key, char *arg, struct argp_state *state);

static void show_help(void)
{
	struct argp_option table[ROW_COUNT + 1] = { 0 };
	struct argp argp = {
		.options = table, .parser = parse_key, .args_doc = usage_forms, .doc = help_text
	};

	for (size_t i = 0; i < ROW_COUNT; i++)
		table[i] = rows[i].argp;
	argp_help(&argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, (char *)"hark");
}

static error_t parse_option(struct parse *parse, int key, const char *arg)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].argp.key != key)
			continue;
		if (rows[i].take)
			return rows[i].take(parse, arg) ? EINVAL : 0;
		return take_flag(parse, key) ? EINVAL : 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_key(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;

	if (key == ARGP_KEY_ARG) {
		if (parse->word_count == WORDS_MAX)
			return usage_error("more than %d words", WORDS_MAX) ? EINVAL : 0;
		parse->words[parse->word_count++] = arg;
		return 0;
	}
	if (key != 'h' && key != 'V')
		return parse_option(parse, key, arg);
	if (key == 'h')
		show_help();
	else
		printf("hark %s\n", HARK_VERSION);
	parse->done = true;
	state->next = state->argc; /* nothing after it matters */
	return 0;
}

static int parse_arguments(struct parse *parse, int argc, char **argv)
{
	struct argp_option table[ROW_COUNT + 1] = { 0 };
	struct argp argp = { .options = table, .parser = parse_key };

	for (size_t i = 0; i < ROW_COUNT; i++)
		table[i] = rows[i].argp;
	return argp_parse(&argp, argc, argv, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, parse) ? 2 : 0;
}

/* --- the words ----------------------------------------------------------------- */

static const char filters_known[] = "known filters: pid:PID[,PID...] comm:NAME[,NAME...]";

static int take_filter(struct options *options, struct parse *parse, const char *word)
{
	if (strncmp(word, "pid:", 4) == 0) {
		if (options->pid_count)
			return usage_error("'%s': processes were named before; name them all in one filter",
					   word);
		return take_pids(parse, word + 4);
	}
	if (strncmp(word, "comm:", 5) == 0) {
		if (options->comm_count)
			return usage_error("'%s': programs were named before; name them all in one filter",
					   word);
		for (const char *p = word + 5;; p++) {
			size_t len = strcspn(p, ",");
			int err = comm_add(options, p, len);

			p += len;
			if (err || !*p)
				return err;
		}
	}
	if (strchr(word, ':'))
		return usage_error("'%s' is no filter that hark knows (%s)", word, filters_known);
	return usage_error("'%s' is neither a view (watch, conns, record, replay, doctor) nor a filter (%s)",
			   word, filters_known);
}

/* True when the word is a view; sets it. */
static bool take_view(struct options *options, const char *word)
{
	static const struct {
		const char *name;
		enum view view;
	} views[] = { { "watch", VIEW_WATCH }, { "conns", VIEW_CONNS }, { "record", VIEW_RECORD } };

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (strcmp(word, views[i].name) != 0)
			continue;
		options->view = views[i].view;
		return true;
	}
	return false;
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
			err = take_pids(parse, parse->words[at]);
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
	for (; at < parse->word_count && !err; at++)
		err = take_filter(options, parse, parse->words[at]);
	return err;
}

/* --- what must fit together ---------------------------------------------------- */

static int check_outputs(struct options *options)
{
	bool to_stdout = options->record_path && strcmp(options->record_path, "-") == 0;

	for (size_t i = 0; i < options->output_count; i++) {
		const struct output *output = &options->outputs[i];

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

static int check(struct options *options)
{
	bool records = options->view == VIEW_RECORD;

	if (options->command == COMMAND_DOCTOR && (options->child_argv || options->record_path))
		return usage_error("doctor takes process ids only");
	if (options->command == COMMAND_REPLAY && options->child_argv)
		return usage_error("replay runs no command");
	if (records && !options->record_path)
		return usage_error("record needs -w FILE");
	if (records && options->output_count)
		return usage_error("record shows nothing: -o belongs to watch and conns (with -w beside it)");
	if (!records && options->output_count == 0) {
		options->outputs[0].format = strdup("text");
		if (!options->outputs[0].format)
			return usage_error("out of memory");
		options->output_count = 1;
	}
	return check_outputs(options);
}

/* https://no-color.org: set and not empty. */
static bool decide_color(enum color_when when)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (when != COLOR_AUTO)
		return when == COLOR_ALWAYS;
	if ((no_color && *no_color) || (term && strcmp(term, "dumb") == 0))
		return false;
	return isatty(STDOUT_FILENO);
}

static int make_redact(struct parse *parse)
{
	struct options *options = parse->options;

	options->redact = redact_new(options->show_secrets);
	if (!options->redact)
		return usage_error("out of memory");
	for (size_t i = 0; i < parse->redact_count; i++) {
		int err = redact_add(options->redact, parse->redact_names[i]);

		if (err == -EINVAL)
			return usage_error("--redact: '%s' is no list of header names",
					   parse->redact_names[i]);
		if (err < 0)
			return usage_error("out of memory");
	}
	return 0;
}

/* Everything from "--" on is the command; argp never sees it. */
static int split_command(struct options *options, int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		*argc = i;
		options->child_argv = argv + i + 1;
		if (!argv[i + 1])
			return usage_error("no command stands after --");
		return 0;
	}
	return 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
	struct parse parse = { .options = options };
	char **shortened = NULL;
	int err;

	*options = (struct options){
		.timeout_ns = TIMEOUT_DEFAULT_NS,
		.snaplen_bytes = SNAPLEN_DEFAULT,
		.ring_bytes = RING_DEFAULT,
		.body_limit_bytes = BODY_LIMIT_DEFAULT,
	};
	err = split_command(options, &argc, argv);
	/* argp wants NULL at the end, and sorts what it is given. */
	if (!err)
		shortened = calloc((size_t)argc + 1, sizeof(*shortened));
	if (!err && !shortened)
		err = usage_error("out of memory");
	if (!err) {
		memcpy(shortened, argv, (size_t)argc * sizeof(*shortened));
		err = parse_arguments(&parse, argc, shortened);
	}
	if (!err && parse.done)
		err = 1;
	if (!err)
		err = take_words(&parse);
	if (!err)
		err = make_redact(&parse);
	if (!err)
		err = check(options);
	if (!err)
		options->color = decide_color(parse.color);
	free(shortened);
	if (err)
		options_fini(options);
	return err;
}

void options_fini(struct options *options)
{
	for (size_t i = 0; i < options->output_count; i++)
		free((void *)options->outputs[i].format);
	for (size_t i = 0; i < options->comm_count; i++)
		free(options->comms[i]);
	free(options->comms);
	free(options->pids);
	redact_free(options->redact);
	*options = (struct options){ 0 };
}
