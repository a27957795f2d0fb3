/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines and what comes of them; then the option table against the man page. */
#include "cli/option_table.h"

#include "filter_text.h"

#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 16

/* stdout and stderr of a call, caught in files. */
struct caught {
	int saved[2];
	FILE *file[2];
	char text[2][16384];
};

static void catch_begin(struct caught *caught)
{
	for (int i = 0; i < 2; i++) {
		fflush(i ? stderr : stdout);
		caught->file[i] = tmpfile();
		assert_non_null(caught->file[i]);
		caught->saved[i] = dup(i + 1);
		dup2(fileno(caught->file[i]), i + 1);
	}
}

static void catch_end(struct caught *caught)
{
	for (int i = 0; i < 2; i++) {
		size_t len;

		fflush(i ? stderr : stdout);
		dup2(caught->saved[i], i + 1);
		close(caught->saved[i]);
		rewind(caught->file[i]);
		len = fread(caught->text[i], 1, sizeof(caught->text[i]) - 1, caught->file[i]);
		caught->text[i][len] = '\0';
		fclose(caught->file[i]);
	}
}

/* Splits at spaces; the words live in `line`. */
static int split(char *line, char **argv)
{
	int argc = 0;

	for (char *word = strtok(line, " "); word && argc < ARGS_MAX - 1; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static void describe_lists(FILE *out, const struct options *o)
{
	for (size_t i = 0; i < o->output_count; i++)
		fprintf(out, " -o %s:%s", o->outputs[i].format,
			o->outputs[i].path ? o->outputs[i].path : "-");
	for (size_t i = 0; i < o->pid_count; i++)
		fprintf(out, " pid %u", o->pids[i]);
	if (o->filter) {
		char *text = filter_text(o->filter);

		assert_non_null(text);
		fprintf(out, " filter %s", text);
		free(text);
	}
	for (char **arg = o->child_argv; arg && *arg; arg++)
		fprintf(out, " run %s", *arg);
}

static const char *view_name(enum view view)
{
	for (size_t i = 0; i < command_row_count; i++)
		if (command_rows[i].command == COMMAND_LIVE && command_rows[i].view == view)
			return command_rows[i].name;
	return "?";
}

/* Tells in words how options differ from the defaults. */
static void describe(FILE *out, const struct options *o)
{
	static const char *const commands[] = { "live", "replay", "doctor" };
	static const char *const ways[] = { "auto", "socket", "syscall" };

	fprintf(out, "%s %s", commands[o->command], view_name(o->view));
	if (o->replay_path)
		fprintf(out, " file %s", o->replay_path);
	if (o->record_path)
		fprintf(out, " -w %s", o->record_path);
	if (o->export_path)
		fprintf(out, " export %s", o->export_path);
	if (o->stats_json_path)
		fprintf(out, " stats %s", o->stats_json_path);
	describe_lists(out, o);
	if (o->verbose)
		fprintf(out, " verbose %d", o->verbose);
	fprintf(out, "%s%s%s%s", o->quiet ? " quiet" : "", o->debug ? " debug" : "",
		o->show_secrets ? " secrets" : "", o->color ? " color" : "");
	if (o->duration_ns)
		fprintf(out, " for %llu", (unsigned long long)o->duration_ns);
	if (o->count)
		fprintf(out, " count %llu", (unsigned long long)o->count);
	if (o->pending_given)
		fprintf(out, " pending %llu", (unsigned long long)o->pending_ns);
	if (o->conn)
		fprintf(out, " conn %llu", (unsigned long long)o->conn);
	if (o->trace)
		fprintf(out, " trace %s", o->trace);
	if (o->user)
		fprintf(out, " user %s", o->user);
	if (o->body_max_bytes != 2048)
		fprintf(out, " body %zu", o->body_max_bytes);
	fprintf(out, "%s%s", o->hex ? " hex" : "", o->redacted ? " redacted" : "");
	if (o->timeout_ns != 60000000000ull)
		fprintf(out, " timeout %llu", (unsigned long long)o->timeout_ns);
	if (o->snaplen_bytes != 262144)
		fprintf(out, " snaplen %zu", o->snaplen_bytes);
	if (o->ring_bytes != 16 << 20)
		fprintf(out, " ring %zu", o->ring_bytes);
	if (o->memory_bytes != 256 << 20)
		fprintf(out, " memory %zu", o->memory_bytes);
	if (o->capture != CAPTURE_AUTO)
		fprintf(out, " %s", ways[o->capture]);
}

#define WATCH "live watch -o text:-"

static const struct {
	const char *line, *expected;
} good[] = {
	{ "hark", WATCH },
	{ "hark watch", WATCH },
	{ "hark tree", "live tree -o text:-" },
	{ "hark tree 4bf9 -o json --top 3", "live tree -o json:- trace 4bf9" },
	{ "hark replay f tree order-7", "replay tree file f -o text:- trace order-7" },
	{ "hark conns -o json", "live conns -o json:-" },
	{ "hark -v conns -v", "live conns -o text:- verbose 2" },
	{ "hark -vvv", WATCH " verbose 2" },
	{ "hark -o text -o json:/tmp/a:b", "live watch -o text:- -o json:/tmp/a:b" },
	{ "hark -o json:-", "live watch -o json:-" },
	{ "hark record -w x", "live record -w x" },
	{ "hark record -w -", "live record -w -" },
	{ "hark -w x", "live watch -w x -o text:-" },
	{ "hark -w - -o json:f", "live watch -w - -o json:f" },
	{ "hark replay F", "replay watch file F -o text:-" },
	{ "hark replay F conns pid:1 -v", "replay conns file F -o text:- filter pid:1 verbose 1" },
	{ "hark replay watch", "replay watch file watch -o text:-" },
	{ "hark doctor", "doctor watch -o text:-" },
	{ "hark doctor 12 13", "doctor watch -o text:- pid 12 pid 13" },
	{ "hark -p 1,2 --pid=3", WATCH " pid 1 pid 2 pid 3 filter pid:1,2,3" },
	{ "hark pid:7,8 comm:a,b", WATCH " filter pid:7,8 comm:a,b" },
	{ "hark -p 7 pid:7,8 --comm a* comm:b", WATCH " pid 7 filter pid:7 comm:a* pid:7,8 comm:b" },
	{ "hark --comm a(b", WATCH " filter comm:\"a(b\"" },
	{ "hark --comm a\\*\"", WATCH " filter comm:\"a\\\\*\\\"\"" },
	{ "hark -p 5 -- id", WATCH " pid 5 run id" },
	{ "hark -p 5 comm:a -- id", WATCH " pid 5 filter comm:a run id" },
	{ "hark conns (host:a or host:b) !status:200",
	  "live conns -o text:- filter (host:a or host:b) !status:200" },
	{ "hark host:a or host:b -p 1", WATCH " pid 1 filter pid:1 (host:a or host:b)" },
	{ "hark --slow 1.5", WATCH " filter latency:>=1.500000000" },
	{ "hark --errors --slow 20ms host:a",
	  WATCH " filter latency:>=0.020000000 (status:4xx,5xx or grpc:error or "
		"(flag:reset,closed,timeout,unanswered !flag:gap,late-joined,in-flight,truncated)) host:a" },
	{ "hark --comm nginx --comm=a,b", WATCH " filter comm:nginx,a,b" },
	{ "hark -d 2.5 -n 10", WATCH " for 2500000000 count 10" },
	{ "hark --timeout 500ms", WATCH " timeout 500000000" },
	{ "hark --snaplen 1M --ring 100K", WATCH " snaplen 1048576 ring 131072" },
	{ "hark --ring 64K --capture syscall", WATCH " ring 65536 syscall" },
	{ "hark --memory 16M", WATCH " memory 16777216" },
	{ "hark --memory=64G", WATCH " memory 68719476736" },
	{ "hark --capture=socket -q --debug", WATCH " quiet debug socket" },
	{ "hark --show-secrets --color=always", WATCH " secrets color" },
	{ "hark --color=always --no-color", WATCH },
	{ "hark --redact x-a,x-b --stats-json s", "live watch stats s -o text:-" },
	{ "hark -- curl -v --pid", WATCH " run curl run -v run --pid" },
	{ "hark raw --hex", "live raw -o text:- hex" },
	{ "hark frames -o json", "live frames -o json:-" },
	{ "hark conns -x 18014398509481985", "live conns -o text:- conn 18014398509481985" },
	{ "hark record -w x --redacted", "live record -w x redacted" },
	{ "hark -vv --body-max 64K --pending 0", WATCH " verbose 2 pending 0 body 65536" },
	{ "hark --pending=500ms", WATCH " pending 500000000" },
	{ "hark -u nobody -- id", WATCH " run id user nobody" },
	{ "hark doctor -p 3 -v --ring 64K --pending 3",
	  "doctor watch -o text:- pid 3 verbose 1 pending 3000000000 ring 65536" },
	{ "hark record -w x --redacted --redact a", "live record -w x redacted" },
	{ "hark -o json --route /a --fold-static --pending 1", "live watch -o json:- pending 1000000000" },
	{ "hark -o text -o json:f --wide --both-ends", "live watch -o text:- -o json:f" },
	{ "hark --summary --by host --sort p99 --top 3", WATCH },
	{ "hark conns -- conns -- x", "live conns -o text:- run conns run -- run x" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char line[128], *argv[ARGS_MAX], *text = NULL;
		struct options options;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		strcpy(line, good[i].line);
		assert_int_equal(options_parse(&options, split(line, argv), argv), 0);
		assert_non_null(options.redact);
		describe(out, &options);
		fclose(out);
		if (strcmp(text, good[i].expected) != 0)
			fail_msg("%s: %s, not %s", good[i].line, text, good[i].expected);
		free(text);
		options_fini(&options);
	}
}

static const struct {
	const char *line, *complaint; /* part of what stderr says */
} bad[] = {
	{ "hark hots:x", "there is no filter 'hots:'; did you mean host:? See hark --help\nhark:   "
			 "hots:x\nhark:   ^^^^\n" },
	{ "hark conns pid:1 (host:a status:6y)",
	  "\nhark:   pid:1 (host:a status:6y)\nhark:                        ^^\n" },
	{ "hark caf\xc3\xa9:1 whatever", "\nhark:   caf\xc3\xa9:1 whatever\nhark:   ^^^^\n" },
	{ "hark pid:1 path:",
	  "'path:' has no value; see hark --help\nhark:   pid:1 path:\nhark:         ^^^^^\n" },
	{ "hark whatever",
	  "'whatever' is neither a view nor a filter (key:value); a command to trace stands behind --, "
	  "as in: hark -- whatever" },
	{ "hark tops", "'tops' is neither a view nor a filter; did you mean 'top'?" },
	{ "hark recrod -w x", "did you mean 'record'?" },
	{ "hark help", "did you mean '--help'?" },
	{ "hark 5xx", "did you mean 'status:5xx'?" },
	{ "hark conns watch", "'watch' is a view: one view, before all filters; see hark --help\n" },
	{ "hark comm:nginx stat", "'stat' is a view: one view, before all filters; see hark --help\n" },
	{ "hark pid:", "'pid:' has no value" },
	{ "hark pid:0", "'pid:0' is wrong: a process id is a positive number" },
	{ "hark -p -5", "'-5' is no process id" },
	{ "hark -p 1,,2", "'' is no process id" },
	{ "hark -p 4294967297", "'4294967297' is no process id" },
	{ "hark -p 12x", "'12x' is no process id" },
	{ "hark comm:a,", "a value of 'comm:' is empty" },
	{ "hark doctor x", "'x' is no process id" },
	{ "hark doctor -w x", "doctor takes process ids only" },
	{ "hark replay", "replay needs the FILE" },
	{ "hark replay F -- x", "replay runs no command" },
	{ "hark replay F doctor",
	  "'doctor' looks at this machine as it is: it stands alone, as in: hark doctor" },
	{ "hark watch replay", "'replay' is the first word, as in: hark replay FILE" },
	{ "hark record", "record needs -w FILE" },
	{ "hark record -w x -o json", "record shows nothing" },
	{ "hark --", "no command stands after --" },
	{ "hark -o xml", "-o xml: this view has no such format (it has text, json, curl, har" },
	{ "hark -o json:", "names nothing after the colon" },
	{ "hark -o text -o json", "two outputs go to stdout; give one a file (-o json:FILE)" },
	{ "hark -w -", "two outputs go to stdout" },
	{ "hark -w a -w b", "-w is given twice" },
	{ "hark -d 0", "-d: '0' is no duration" },
	{ "hark -d x", "-d: 'x' is no duration" },
	{ "hark -n 0", "-n: '0' is no number from 1 to 999999999999999999" },
	{ "hark -n -1", "-n: '-1' is no number from 1 to" },
	{ "hark stat --top 0", "--top: '0' is no number from 1 to 999999999;" },
	{ "hark -d 9999999999h", "-d: '9999999999h' is no duration from 1 ns to 292 years (" },
	{ "hark replay F --speed 0", "--speed: '0' is no factor from 0.001 to 1000000 (" },
	{ "hark --snaplen 2M", "--snaplen: '2M' is no size from 256 to 1M" },
	{ "hark --memory 15M", "--memory: '15M' is no size from 16M to 64G" },
	{ "hark --memory 65G", "--memory: '65G' is no size from 16M to 64G" },
	{ "hark --ring 4K", "--ring: '4K' is no size from 64K to 1G" },
	{ "hark --capture x", "--capture: 'x' is none of" },
	{ "hark --tls-library x", "--tls-library: 'x' is no PATH=NAME" },
	{ "hark --tls-library /x=x", "--tls-library: 'x' is no TLS library that can be named; there are " },
	{ "hark --tls-library /no/such=openssl", "--tls-library: /no/such cannot be read: No such file" },
	{ "hark doctor --tls-library /dev/null=openssl",
	  "--tls-library: /dev/null is no executable or library" },
	{ "hark --color=x", "--color: 'x' is none of" },
	{ "hark --redact a:b", "--redact: 'a:b' is no list of header names" },
	{ "hark --hex", "--hex belongs to raw, as text;" },
	{ "hark --redacted", "--redacted belongs to a recording (record, or -w beside a view);" },
	{ "hark --by endpoint", "--by belongs to stat, top and watch --summary;" },
	{ "hark --top 3 -o json", "--top belongs to stat, top, tree and watch --summary;" },
	{ "hark -i 3", "-i belongs to stat and top;" },
	{ "hark conns --heat", "--heat belongs to stat, as text;" },
	{ "hark --speed 2", "--speed belongs to replay;" },
	{ "hark -u nobody", "-u says who runs the command" },
	{ "hark -u no-such-user -- id", "-u: there is no user 'no-such-user'" },
	{ "hark --comm a,,b", "a program name is empty" },
	{ "hark -x 0", "-x: '0' is no number from 1 to 999999999999999999 (as hark conns shows it)" },
	{ "hark -x 1x", "-x: '1x' is no number" },
	{ "hark --pending x", "--pending: 'x' is no duration" },
	{ "hark -o sqlite", "-o sqlite needs a FILE: -o sqlite:FILE; see hark --help" },
	{ "hark -o otlp", "-o otlp needs a URL: -o otlp:URL; see hark --help" },
	{ "hark -o otlp:a:4318", "-o otlp:a:4318: this is no URL of a receiver" },
	{ "hark replay F -o clickhouse:ftp://a/",
	  "this is no URL of a receiver: http:// or https://, and its host" },
	{ "hark stat -o sqlite:a", "-o sqlite: this view has no such format (it has text, json)" },
	{ "hark --keep 7d", "--keep belongs to watch -o sqlite:FILE" },
	{ "hark -o sqlite:a --keep 7",
	  "--keep: '7' is no age (12h, 7d) and no size of 1M or more (500M, 1G)" },
	{ "hark -o sqlite:a --keep 1d,", "--keep: '1d,' is no age" },
	{ "hark -o sqlite:a --keep 10K", "--keep: '10K' is no age" },
	{ "hark --body-max 2M", "--body-max: '2M' is no size from 1 to 1M" },
	{ "hark frames -o html", "-o html: this view has no such format" },
	{ "hark --nonsense", "hark: unrecognized option" },
	{ "./build/hark --nonsense", "hark: unrecognized option" },
	{ "/usr/bin/hark -Z", "hark: invalid option" },
	{ "/usr/bin/hark -p", "hark: option requires an argument" },
	{ "hark http://h/",
	  "did you mean 'host:h'? See hark --help\nhark:   http://h/\nhark:   ^^^^^^^^^\n" },
	{ "hark --listen 127.0.0.1:80", "--listen belongs to serve;" },
	{ "hark --replay F", "--replay belongs to serve and mcp;" },
	{ "hark mcp --show-secrets", "mcp redacts always" },
	{ "hark mcp -- true", "start the command elsewhere" },
	{ "hark serve --listen 9464", "is no ADDRESS:PORT (127.0.0.1:9464, " },
	{ "hark serve --listen 0.0.0.0:9464",
	  "can be reached from other machines: that needs TLS and a token" },
	{ "hark serve --tls-cert F", "--tls-cert and --tls-key belong together" },
	{ "hark serve --series 0", "--series: '0' is no number from 1 to 100000" },
	{ "hark serve -o json", "-o json: this view has no such format" },
	{ "hark /api", "'/api' is neither a view nor a filter; did you mean 'path:/api'? See hark --help" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[128], *argv[ARGS_MAX];
		static struct caught caught;
		struct options options;
		int result;

		strcpy(line, bad[i].line);
		catch_begin(&caught);
		result = options_parse(&options, split(line, argv), argv);
		catch_end(&caught);
		if (result != 2 || !strstr(caught.text[1], bad[i].complaint) || caught.text[0][0] ||
		    strncmp(caught.text[1], "hark: ", 6) != 0)
			fail_msg("%s: %d, stdout '%s', stderr '%s'", bad[i].line, result, caught.text[0],
				 caught.text[1]);
	}
}

/* Options that change nothing are taken, and said to be such. */
static const char *const idle[][2] = {
	{ "hark raw --hex -o json", "hark: --hex has no effect here: it belongs to raw, as text" },
	{ "hark --body-max 3K",
	  "hark: --body-max has no effect here: it belongs to watch with -vv, as text" },
	{ "hark -v --body-max 2K",
	  "hark: --body-max has no effect here: it belongs to watch with -vv, as text" },
	{ "hark -vv --body-max 2K -o json",
	  "hark: --body-max has no effect here: it belongs to watch with -vv, as text" },
	{ "hark frames -vv --body-max 2K",
	  "hark: --body-max has no effect here: it belongs to watch with -vv, as text" },
	{ "hark conns --pending 2", "hark: --pending has no effect here: it belongs to watch" },
	{ "hark --sort p99", "hark: --sort has no effect here: it belongs to stat, top and watch --summary" },
	{ "hark --summary -o json", "hark: --summary has no effect here: it belongs to watch, as text" },
	{ "hark stat --hist -o json", "hark: --hist has no effect here: it belongs to stat, as text" },
	{ "hark --fold-static",
	  "hark: --fold-static has no effect here: it belongs to stat, top, serve, mcp, "
	  "watch --summary and watch -o json" },
	{ "hark raw --route /a", "hark: --route has no effect here: it belongs to stat, top," },
	{ "hark raw --wide",
	  "hark: --wide has no effect here: it belongs to watch, conns, stat and tree, as text" },
	{ "hark -o json --wide",
	  "hark: --wide has no effect here: it belongs to watch, conns, stat and tree, as text" },
	{ "hark conns --both-ends",
	  "hark: --both-ends has no effect here: it belongs to watch, top and queries" },
	{ "hark stat -n 3", "hark: -n has no effect here: it belongs to watch, conns, raw, frames, query "
			    "and queries (-d ends the others)" },
	{ "hark record -w x -x 5",
	  "hark: -x has no effect here: it belongs to the views that show something" },
	{ "hark record -w x --show-secrets",
	  "hark: --show-secrets has no effect here: it belongs to the views that show something" },
	{ "hark record -w x --redact a", "hark: --redact has no effect here: it belongs to the views that "
					 "show something, and record --redacted" },
	{ "hark query F -p 3", "hark: -p has no effect here: it belongs to live runs, replays and doctor" },
	{ "hark query F --comm a", "hark: --comm has no effect here: it belongs to live runs and replays" },
	{ "hark replay F -d 3",
	  "hark: -d has no effect here: it belongs to live runs, and query: a recording ends by itself" },
	{ "hark replay F --ring 1M",
	  "hark: --ring has no effect here: it belongs to live runs: a recording was captured before" },
	{ "hark replay F --snaplen 1M", "hark: --snaplen has no effect here: it belongs to live runs" },
	{ "hark replay F --capture socket", "hark: --capture has no effect here: it belongs to live runs" },
	{ "hark replay F --tls-library /no/such=openssl",
	  "hark: --tls-library has no effect here: it belongs to live runs" },
	{ "hark doctor -o json", "hark: -o has no effect here: it belongs to" },
	{ "hark doctor --comm a", "hark: --comm has no effect here: it belongs to" },
	{ "hark doctor --errors", "hark: --errors has no effect here: it belongs to" },
};

static void test_without_effect(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		char line[128], *argv[ARGS_MAX];
		static struct caught caught;
		struct options options;
		int result;

		strcpy(line, idle[i][0]);
		catch_begin(&caught);
		result = options_parse(&options, split(line, argv), argv);
		catch_end(&caught);
		if (result != 0 || !strstr(caught.text[1], idle[i][1]))
			fail_msg("%s: %d, stderr '%s'", idle[i][0], result, caught.text[1]);
		options_fini(&options);
	}
}

static const char *const talk[][2] = {
	{ "hark --help", "Examples:" },
	{ "hark --help",
	  "  comm:NAME                       Program: name of its file or thread, or a glob\n" },
	{ "hark -h", "--stats-json=FILE" },
	{ "hark -V", "hark " HARK_VERSION "\n" },
	{ "hark --version nonsense", "hark " },
	{ "hark --usage", "[--stats-json=FILE]" },
	{ "hark conns -h -p x", "conns" },
};

static void test_help_and_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(talk) / sizeof(talk[0]); i++) {
		char line[128], *argv[ARGS_MAX];
		static struct caught caught;
		struct options options;
		int result;

		strcpy(line, talk[i][0]);
		catch_begin(&caught);
		result = options_parse(&options, split(line, argv), argv);
		catch_end(&caught);
		if (result != 1 || !strstr(caught.text[0], talk[i][1]) || caught.text[1][0])
			fail_msg("%s: %d, stdout '%s', stderr '%s'", talk[i][0], result, caught.text[0],
				 caught.text[1]);
	}
}

static void test_redact_reaches_the_list(void **state)
{
	char line[] = "hark --redact x-key", *argv[ARGS_MAX];
	struct options options;

	(void)state;
	assert_int_equal(options_parse(&options, split(line, argv), argv), 0);
	assert_true(redact_name(options.redact, NAME_FIELD, SLICE("X-Key")));
	assert_true(redact_name(options.redact, NAME_FIELD, SLICE("cookie")));
	options_fini(&options);
}

static const struct {
	const char *text;
	int err;
	size_t bytes;
} sizes[] = {
	{ "0", 0, 0 },
	{ "1", 0, 1 },
	{ "64K", 0, 65536 },
	{ "64k", 0, 65536 },
	{ "16M", 0, 16 << 20 },
	{ "1G", 0, 1 << 30 },
	{ "", -EINVAL, 0 },
	{ "K", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "1KB", -EINVAL, 0 },
	{ "1.5K", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 },
	{ "18446744073709551615", 0, SIZE_MAX },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "17179869184G", -ERANGE, 0 },
};

static const struct {
	const char *text;
	int err;
	uint64_t ns;
} durations[] = {
	{ "1", 0, 1000000000 },
	{ "0.1s", 0, 100000000 },
	{ "500ms", 0, 500000000 },
	{ "1.5ms", 0, 1500000 },
	{ "2m", 0, 120000000000 },
	{ "1h", 0, 3600000000000 },
	{ "0.5h", 0, 1800000000000 },
	{ "7d", 0, 604800000000000 },
	{ "0.000000001", 0, 1 },
	{ "0", 0, 0 },
	{ "", -EINVAL, 0 },
	{ ".5", -EINVAL, 0 },
	{ "5.", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "1w", -EINVAL, 0 },
	{ "1 s", -EINVAL, 0 },
	{ "1.2.3", -EINVAL, 0 },
	{ "1e3", -EINVAL, 0 },
	{ "0.0000000001", -EINVAL, 0 },
	{ "9999999999h", -ERANGE, 0 },
	{ "99999999999999999999", -ERANGE, 0 },
	{ "inf", -EINVAL, 0 },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t bytes = 0;

		if (number_parse_size(sizes[i].text, &bytes) != sizes[i].err || bytes != sizes[i].bytes)
			fail_msg("size %s: %zu", sizes[i].text, bytes);
	}
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		uint64_t ns = 0;

		if (number_parse_duration(durations[i].text, &ns) != durations[i].err ||
		    ns != durations[i].ns)
			fail_msg("duration %s: %llu", durations[i].text, (unsigned long long)ns);
	}
}

/* Not a terminal here: the environment and the option decide. */
static void test_color(void **state)
{
	char line[] = "hark --color=always", *argv[ARGS_MAX];
	struct options options;

	(void)state;
	setenv("NO_COLOR", "1", 1);
	assert_int_equal(options_parse(&options, split(line, argv), argv), 0);
	assert_true(options.color);
	options_fini(&options);
	unsetenv("NO_COLOR");
}

static char *read_man_page(void)
{
	static char text[65536];
	FILE *in = fopen("docs/hark.1", "r");

	if (!in)
		fail_msg("docs/hark.1 cannot be read: run the test in the project's folder");
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return text;
}

/* An option as the page writes it: with its hyphens escaped. */
static void in_roff(const char *name, char *text)
{
	text += sprintf(text, "\\-\\-");
	for (; *name; name++)
		text += *name == '-' ? sprintf(text, "\\-") : sprintf(text, "%c", *name);
}

/* Each option has a paragraph: a line that begins with it, in bold, behind its letter if it has one. */
static void test_table_is_in_man_page(void **state)
{
	const char *page = read_man_page();

	(void)state;
	for (size_t i = 0; i < option_row_count; i++) {
		const struct argp_option *row = &option_rows[i].argp;
		char name[64], text[160];

		in_roff(row->name, name);
		if (row->key && row->arg)
			snprintf(text, sizeof(text), "\n\\fB\\-%c\\fR \\fI%s\\fR, \\fB%s\\fR", row->key,
				 row->arg, name);
		else if (row->key)
			snprintf(text, sizeof(text), "\n\\fB\\-%c\\fR, \\fB%s\\fR\n", row->key, name);
		else
			snprintf(text, sizeof(text), "\n\\fB%s\\fR%s", name, row->arg ? "=" : "\n");
		if (!strstr(page, text))
			fail_msg("--%s has no paragraph in docs/hark.1; make docs writes it", row->name);
	}
}

/* The default that a row tells is the one that it sets. */
static void test_defaults_are_as_told(void **state)
{
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		const char *told = strstr(row->argp.doc, "(default ");
		uint64_t ns = 0;
		size_t bytes = 0;
		char text[16];

		if (!row->standard)
			continue;
		assert_non_null(told);
		assert_int_equal(sscanf(told, "(default %15[^,)]", text), 1);
		number_parse_duration(text, &ns);
		number_parse_size(text, &bytes);
		if (row->standard != ns && row->standard != bytes)
			fail_msg("--%s: the default is not %s", row->argp.name, text);
		found++;
	}
	assert_int_equal(found, 7);
}

/* "No number from 1 to 10" is what the manual calls "From 1 to 10." */
static void test_ranges_are_as_told(void **state)
{
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		const char *range = row->wrong ? strstr(row->wrong, " from ") : NULL;
		size_t len = range ? strcspn(range + 6, "(") : 0;
		char told[80];

		if (row->argp.arg && row->most > 1 && !range)
			fail_msg("--%s: '%s' names no range", row->argp.name, row->wrong);
		if (!range || strstr(row->wrong, " no duration "))
			continue;
		len -= range[6 + len] == '(';
		snprintf(told, sizeof(told), "From %.*s", (int)len, range + 6);
		if (!row->more || !strstr(row->more, told))
			fail_msg("--%s: its manual does not say '%s'", row->argp.name, told);
		found++;
	}
	assert_int_equal(found, 9);
}

static bool is_option(const char *word)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (strcmp(option_rows[i].argp.name, word) == 0)
			return true;
	return false;
}

static void test_man_page_is_in_table(void **state)
{
	const char *at = read_man_page();
	size_t found = 0;

	(void)state;
	while ((at = strstr(at, "\\-\\-"))) {
		char word[64];
		size_t len = 0;

		for (at += 4; (isalpha(*at) || strncmp(at, "\\-", 2) == 0) && len < 60;
		     at += *at == '\\' ? 2 : 1)
			word[len++] = *at == '\\' ? '-' : *at;
		word[len] = '\0';
		if (len && !is_option(word))
			fail_msg("docs/hark.1 describes --%s, which does not exist", word);
		found += len > 0;
	}
	assert_true(found >= 20);
}

static void test_views_are_in_man_page(void **state)
{
	const char *page = read_man_page();

	(void)state;
	for (size_t i = 0; i < command_row_count; i++) {
		char text[64];

		snprintf(text, sizeof(text), "\n.TP\n.B %s\n", command_rows[i].name);
		if (!strstr(page, text))
			fail_msg("the view %s has no paragraph in docs/hark.1", command_rows[i].name);
	}
}

/* Each key of the filter language has a paragraph, as make docs writes it. */
static void test_filters_are_in_man_page(void **state)
{
	const char *page = read_man_page();

	(void)state;
	for (size_t i = 0; i < filter_key_count; i++) {
		char text[64];

		snprintf(text, sizeof(text), "\n.TP\n\\fB%s:\\fI", filter_keys[i].name);
		if (!strstr(page, text))
			fail_msg("the filter %s: has no paragraph in docs/hark.1; make docs writes it",
				 filter_keys[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_without_effect),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_redact_reaches_the_list),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_defaults_are_as_told),
		cmocka_unit_test(test_ranges_are_as_told),
		cmocka_unit_test(test_table_is_in_man_page),
		cmocka_unit_test(test_man_page_is_in_table),
		cmocka_unit_test(test_views_are_in_man_page),
		cmocka_unit_test(test_filters_are_in_man_page),
	};

	setenv("NO_COLOR", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
