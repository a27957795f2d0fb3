/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One const table of options: each row is what argp needs for parsing and help,
 * and the function that takes the value. Adding an option is one row, one
 * function, and its paragraph in docs/hark.1 (a test compares the two).
 */
#include "options.h"

#include "option_values.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SNAPLEN_DEFAULT	   (256u << 10)
#define RING_DEFAULT	   (16u << 20)
#define BODY_LIMIT_DEFAULT (64u << 10)
#define BODY_MAX_DEFAULT   (2u << 10)
#define TIMEOUT_DEFAULT_NS 60000000000ull
#define PENDING_DEFAULT_NS 2000000000ull

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
	ROW("connection", 'x', "ID", GROUP_WHAT, take_conn, "Only the connection of this number"),
	ROW("user", 'u', "USER", GROUP_WHAT, take_user,
	    "Who runs the command behind -- (default: who called sudo, else you)"),
	ROW("count", 'n', "COUNT", GROUP_WHAT, take_count, "End after so many exchanges"),
	ROW("output", 'o', "FORMAT[:FILE]", GROUP_OUTPUT, take_output,
	    "text (default) or json, to FILE instead of stdout (repeatable)"),
	ROW("write", 'w', "FILE", GROUP_OUTPUT, take_record,
	    "Record the raw events to FILE, beside any view"),
	ROW("redacted", KEY_REDACTED, NULL, GROUP_OUTPUT, NULL,
	    "record: secret values are overwritten before they are written"),
	ROW("hex", KEY_HEX, NULL, GROUP_OUTPUT, NULL, "raw: show the bytes as a hex dump"),
	ROW("body-max", KEY_BODY_MAX, "SIZE", GROUP_OUTPUT, take_body_max,
	    "With -vv: bytes shown of a decoded body (default 2K)"),
	ROW("pending", KEY_PENDING, "SECONDS", GROUP_OUTPUT, take_pending,
	    "Show a request that waits for its answer after this time (default 2, 0: never)"),
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
	    "Bytes copied of one call at most (default 256K)"),
	ROW("timeout", KEY_TIMEOUT, "SECONDS", GROUP_CAPTURE, take_timeout,
	    "Show a request as unanswered after this time (default 60)"),
	ROW("quiet", 'q', NULL, GROUP_HELP, NULL, "Say nothing on stderr but errors"),
	ROW("debug", KEY_DEBUG, NULL, GROUP_HELP, NULL, "Say more on stderr about hark itself"),
	ROW("help", 'h', NULL, GROUP_HELP, NULL, "Show this help"),
	ROW("usage", KEY_USAGE, NULL, GROUP_HELP, NULL, "Show the forms of the command line"),
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

static const char usage_forms[] = "[watch] [FILTER...] [-- COMMAND...]\n"
				  "conns [FILTER...] [-- COMMAND...]\n"
				  "raw [FILTER...] [-- COMMAND...]\n"
				  "frames [FILTER...] [-- COMMAND...]\n"
				  "record -w FILE [FILTER...] [-- COMMAND...]\n"
				  "replay FILE [VIEW] [FILTER...]\n"
				  "doctor [PID...]";

static const char help_text[] =
	"Listens to the HTTP conversations on this machine, encrypted or not, and shows requests with their "
	"responses.\v"
	"Views:\n"
	"  watch    one line an exchange (the default)\n"
	"  conns    connections: addresses, process, TLS, exchanges, bytes, losses\n"
	"  raw      each call's direction, length and plain bytes, HTTP or not\n"
	"  frames   one line an HTTP/2 frame\n"
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
	"  hark -p 812 -o json:out.jsonl         one process, as JSON lines\n"
	"  hark record -w day.rec                record now ...\n"
	"  hark replay day.rec conns             ... look later, anywhere\n"
	"  hark doctor                           why do I see nothing?\n"
	"\n"
	"Exit status: 0 ok, 1 failed, 2 usage; after -- COMMAND the command's own.";

static error_t parse_key(int key, char *arg, struct argp_state *state);

static void show_help(unsigned int what)
{
	struct argp_option table[ROW_COUNT + 1] = { 0 };
	struct argp argp = {
		.options = table, .parser = parse_key, .args_doc = usage_forms, .doc = help_text
	};

	for (size_t i = 0; i < ROW_COUNT; i++)
		table[i] = rows[i].argp;
	argp_help(&argp, stdout, what, (char *)"hark");
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
	switch (key) {
	case 'h':
		show_help(ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
		break;
	case KEY_USAGE:
		show_help(ARGP_HELP_USAGE);
		break;
	case 'V':
		printf("hark %s\n", HARK_VERSION);
		break;
	default:
		return parse_option(parse, key, arg);
	}
	parse->done = true;
	state->next = state->argc; /* nothing after it matters */
	return 0;
}

/* argp wants NULL behind the last argument, and moves words about: it gets a copy. */
static int parse_arguments(struct parse *parse, int argc, char **argv)
{
	struct argp_option table[ROW_COUNT + 1] = { 0 };
	struct argp argp = { .options = table, .parser = parse_key };
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));
	int err;

	if (!copy)
		return usage_error("out of memory");
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	for (size_t i = 0; i < ROW_COUNT; i++)
		table[i] = rows[i].argp;
	err = argp_parse(&argp, argc, copy, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, parse);
	free(copy);
	if (err)
		return 2;
	return parse->done ? 1 : 0;
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
	int err;

	*options = (struct options){
		.timeout_ns = TIMEOUT_DEFAULT_NS,
		.snaplen_bytes = SNAPLEN_DEFAULT,
		.ring_bytes = RING_DEFAULT,
		.body_limit_bytes = BODY_LIMIT_DEFAULT,
		.body_max_bytes = BODY_MAX_DEFAULT,
		.pending_ns = PENDING_DEFAULT_NS,
	};
	err = split_command(options, &argc, argv);
	if (!err)
		err = parse_arguments(&parse, argc, argv);
	if (!err)
		err = take_words(&parse);
	if (!err)
		err = check_options(&parse);
	if (!err)
		options->color = decide_color(parse.color);
	else
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
