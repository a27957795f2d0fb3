/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to struct options, by argp and the tables of option_table.c. */
#include "options.h"

#include "option_table.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SNAPLEN_DEFAULT	   (256u << 10)
#define RING_DEFAULT	   (16u << 20)
#define MEMORY_DEFAULT	   (256u << 20)
#define BODY_LIMIT_DEFAULT (64u << 10)
#define BODY_MAX_DEFAULT   (2u << 10)
#define TIMEOUT_DEFAULT_NS 60000000000ull
#define PENDING_DEFAULT_NS 2000000000ull
#define FILTER_WIDTH	   30 /* in --help */

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
	"Listens to the HTTP conversations on this machine, encrypted or not, and shows "
	"requests with their responses.";

static error_t parse_key(int key, char *arg, struct argp_state *state);

/* Of the first row the name may be left out. */
static void put_forms(FILE *out)
{
	for (size_t i = 0; i < command_row_count; i++)
		fprintf(out, i ? "\n%s %s" : "[%s] %s", command_rows[i].name, command_rows[i].form);
}

/* What stands behind the options. argp would wrap its lines to the first column. */
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

/* argp's table: the rows and an end. */
static struct argp_option *argp_table(void)
{
	struct argp_option *table = calloc(option_row_count + 1, sizeof(*table));

	for (size_t i = 0; table && i < option_row_count; i++)
		table[i] = option_rows[i].argp;
	return table;
}

static void show_help(unsigned int what)
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
		struct argp argp = {
			.options = table, .parser = parse_key, .args_doc = forms, .doc = purpose
		};

		argp_help(&argp, stdout, what, (char *)"hark");
		if (what & ARGP_HELP_DOC)
			put_tail(stdout);
	}
	free(forms);
	free(table);
}

static error_t parse_option(struct parse *parse, int key, const char *arg)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].argp.key != key)
			continue;
		if (option_rows[i].take)
			return option_rows[i].take(parse, arg) ? EINVAL : 0;
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
	struct argp_option *table = argp_table();
	struct argp argp = { .options = table, .parser = parse_key };
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));
	int err = 2;

	if (!copy || !table) {
		usage_error("out of memory");
		goto out;
	}
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	err = argp_parse(&argp, argc, copy, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, parse) ? 2 : parse->done;
out:
	free(table);
	free(copy);
	return err;
}

/* https://no-color.org: set and not empty. Beside a command the text goes to stderr. */
static bool decide_color(const struct options *options, enum color_when when)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (when != COLOR_AUTO)
		return when == COLOR_ALWAYS;
	if ((no_color && *no_color) || (term && strcmp(term, "dumb") == 0))
		return false;
	return isatty(options->child_argv ? STDERR_FILENO : STDOUT_FILENO);
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
		.memory_bytes = MEMORY_DEFAULT,
		.body_limit_bytes = BODY_LIMIT_DEFAULT,
		.body_max_bytes = BODY_MAX_DEFAULT,
		.pending_ns = PENDING_DEFAULT_NS,
	};
	err = split_command(options, &argc, argv);
	if (!err)
		err = parse_arguments(&parse, argc, argv);
	if (!err)
		err = take_words(&parse);
	if (!err && options->command != COMMAND_DOCTOR)
		err = take_filters(&parse);
	if (!err)
		err = check_options(&parse);
	if (!err)
		options->color = decide_color(options, parse.color);
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
	free(options->pids);
	redact_free(options->redact);
	redact_free(options->redact_recording);
	*options = (struct options){ 0 };
}
