/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An option is one row: its names, its help, how its value is read and where it
 * goes, its default and its limits. Completion and the man page's list follow
 * (make docs). Adding a view is one row and its sinks.
 */
#include "option_table.h"

#include "base/log.h"
#include "base/number.h"
#include "library/library_claim.h"
#include "model/pipeline.h"
#include "routes/routes_pattern.h"
#include "sinks/serve/serve_address.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define KIB    UINT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define SECOND UINT64_C(1000000000)

/* The command line is the user's own, but it may hold anything; log_error keeps it on one line. */
int option_usage_error(const char *format, ...)
{
	char text[512];
	size_t len;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	len = strlen(text);
	log_error("%s%s hark --help", text, len && text[len - 1] == '?' ? " See" : "; see");
	return 2;
}

/* --- values of a kind; -EINVAL: the row says what is wrong ------------------------------- */

/* A field of any width, booleans and enums among them. */
static void field_set(struct options *options, const struct option_row *row, uint64_t value)
{
	char *field = (char *)options + row->into;
	uint32_t narrow = (uint32_t)value;

	if (row->width == sizeof(bool))
		*(bool *)field = value;
	else
		memcpy(field, row->width == sizeof(narrow) ? (void *)&narrow : (void *)&value, row->width);
}

static int take_flag(struct parse *parse, const struct option_row *row, const char *value)
{
	(void)value;
	field_set(parse->options, row, row->most);
	return 0;
}

static int take_string(struct parse *parse, const struct option_row *row, const char *value)
{
	*(const char **)((char *)parse->options + row->into) = value;
	return 0;
}

static int take_duration(struct parse *parse, const struct option_row *row, const char *value)
{
	uint64_t ns;

	if (number_parse_duration(value, &ns) < 0 || ns < row->least)
		return -EINVAL;
	field_set(parse->options, row, ns);
	return 0;
}

static int take_size(struct parse *parse, const struct option_row *row, const char *value)
{
	size_t bytes;

	if (number_parse_size(value, &bytes) < 0 || bytes < row->least || bytes > row->most)
		return -EINVAL;
	field_set(parse->options, row, bytes);
	return 0;
}

static int take_number(struct parse *parse, const struct option_row *row, const char *value)
{
	size_t len = strlen(value);
	uint64_t number = strspn(value, "0123456789") == len && len < 19 ? strtoull(value, NULL, 10) : 0;

	if (number == 0 || number > row->most)
		return -EINVAL;
	field_set(parse->options, row, number);
	return 0;
}

static int take_choice(struct parse *parse, const struct option_row *row, const char *value)
{
	for (uint64_t i = 0; row->choices[i]; i++) {
		if (strcmp(value, row->choices[i]) != 0)
			continue;
		field_set(parse->options, row, i);
		return 0;
	}
	return -EINVAL;
}

/* --- values of one option ------------------------------------------------------------------ */

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

int option_take_pids(struct options *options, const char *list)
{
	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ",");
		int err = pid_add(options, p, len);

		if (err == -ENOMEM)
			return option_usage_error("out of memory");
		if (err < 0)
			return option_usage_error("'%.*s' is no process id (a positive number); programs "
						  "have names in --comm, as in: hark --comm %.*s",
						  (int)len, p, (int)len, p);
		p += len;
		if (!*p)
			return 0;
	}
}

static int take_pids(struct parse *parse, const struct option_row *row, const char *list)
{
	(void)row;
	return option_take_pids(parse->options, list);
}

static int comm_add(struct parse *parse, const char *name, size_t len)
{
	char **comms;

	if (len == 0)
		return option_usage_error("a program name is empty");
	comms = reallocarray(parse->comms, parse->comm_count + 1, sizeof(*comms));
	if (!comms)
		return option_usage_error("out of memory");
	parse->comms = comms;
	comms[parse->comm_count] = strndup(name, len);
	if (!comms[parse->comm_count])
		return option_usage_error("out of memory");
	parse->comm_count++;
	return 0;
}

static int take_comm(struct parse *parse, const struct option_row *row, const char *list)
{
	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ",");
		int err = comm_add(parse, p, len);

		(void)row;
		p += len;
		if (err || !*p)
			return err;
	}
}

static int take_output(struct parse *parse, const struct option_row *row, const char *value)
{
	struct options *options = parse->options;
	const char *colon = strchr(value, ':');
	struct output_choice *output = &options->outputs[options->output_count];

	(void)row;
	if (options->output_count == OUTPUTS_MAX)
		return option_usage_error("more than %d outputs (-o)", OUTPUTS_MAX);
	if (colon && !colon[1])
		return option_usage_error("-o %s names nothing after the colon", value);
	output->format = colon ? strndup(value, (size_t)(colon - value)) : strdup(value);
	if (!output->format)
		return option_usage_error("out of memory");
	output->path = colon && strcmp(colon + 1, "-") != 0 ? colon + 1 : NULL;
	options->output_count++;
	return 0;
}

static int take_export_header(struct parse *parse, const struct option_row *row, const char *value)
{
	char why[HEADERS_WHY_MAX];

	(void)row;
	if (upload_headers_add(&parse->options->export_headers, value, why) < 0)
		return option_usage_error("--export-header: %s", why);
	return 0;
}

/* Ages and sizes, which their units tell apart. */
static int take_keep(struct parse *parse, const struct option_row *row, const char *list)
{
	struct options *options = parse->options;
	char word[32];

	(void)row;
	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ",");
		uint64_t ns = 0;
		size_t bytes = 0;

		if (len == 0 || len >= sizeof(word))
			return -EINVAL;
		memcpy(word, p, len);
		word[len] = '\0';
		if (strchr("KMG", word[len - 1]) && number_parse_size(word, &bytes) == 0 && bytes >= MIB)
			options->keep_bytes = bytes;
		else if (strchr("smhd", word[len - 1]) && number_parse_duration(word, &ns) == 0 &&
			 ns >= SECOND)
			options->keep_ns = ns;
		else
			return -EINVAL;
		p += len;
		if (!*p)
			return 0;
	}
}

static int take_as(struct parse *parse, const struct option_row *row, const char *value)
{
	(void)row;
	parse->options->as = value;
	return strcmp(value, "curl") == 0 ? 0 : -EINVAL;
}

static int take_record(struct parse *parse, const struct option_row *row, const char *path)
{
	(void)row;
	if (parse->options->record_path)
		return option_usage_error("-w is given twice");
	parse->options->record_path = path;
	return 0;
}

static int take_no_config(struct parse *parse, const struct option_row *row, const char *value)
{
	(void)row;
	(void)value;
	parse->no_config = true;
	return 0;
}

static int take_verbose(struct parse *parse, const struct option_row *row, const char *value)
{
	(void)row;
	(void)value;
	parse->options->verbose += parse->options->verbose < 2;
	return 0;
}

/* The next power of two. */
static int take_ring(struct parse *parse, const struct option_row *row, const char *value)
{
	size_t *bytes = &parse->options->ring_bytes, ring = row->least;
	int error = take_size(parse, row, value);

	while (ring < *bytes)
		ring *= 2;
	*bytes = ring;
	return error;
}

static int take_by(struct parse *parse, const struct option_row *row, const char *value)
{
	(void)row;
	parse->options->stats.by_fact = value;
	return stats_by_of(value, &parse->options->stats.by);
}

static int take_sort(struct parse *parse, const struct option_row *row, const char *value)
{
	struct stats_options *stats = &parse->options->stats;

	(void)row;
	stats->sort_given = true;
	stats->reverse = *value == '-';
	return stats_sort_of(value + stats->reverse, &stats->sort);
}

static int take_route(struct parse *parse, const struct option_row *row, const char *value)
{
	struct options *options = parse->options;
	struct pattern pattern;
	const char *error;
	size_t at;

	(void)row;
	if (options->routes.pattern_count == ROUTES_MAX)
		return option_usage_error("more than %d --route patterns", ROUTES_MAX);
	if (routes_pattern_parse(value, &pattern, &error, &at) < 0)
		return option_usage_error("--route: '%s': %s, at '%s'", value, error, value + at);
	options->patterns[options->routes.pattern_count++] = value;
	options->routes.patterns = options->patterns;
	return 0;
}

/* The file is looked at once it is known that the run wants it. */
static int take_claim(struct parse *parse, const struct option_row *row, const char *value)
{
	struct options *options = parse->options;
	struct library_claim *claims =
		reallocarray(options->claims, options->claim_count + 1, sizeof(*options->claims));
	char why[CLAIM_WHY_MAX];

	(void)row;
	if (!claims)
		return option_usage_error("out of memory");
	options->claims = claims;
	if (options->claim_count == CLAIMS_MAX)
		return option_usage_error("more than %d --tls-library options", CLAIMS_MAX);
	if (library_claim_parse(value, &claims[options->claim_count], why) < 0)
		return option_usage_error("--tls-library: %s", why);
	options->claim_count++;
	return 0;
}

static int take_speed(struct parse *parse, const struct option_row *row, const char *value)
{
	char *end;
	double speed = strtod(value, &end);

	(void)row;
	if (strcmp(value, "max") == 0)
		speed = 0;
	else if (end == value || *end || !(speed >= 0.001 && speed <= 1e6))
		return -EINVAL;
	parse->options->speed = speed;
	return 0;
}

static int take_listen(struct parse *parse, const struct option_row *row, const char *value)
{
	struct serve_address address;

	(void)row;
	parse->options->serve.listen = value;
	return serve_address_parse(value, &address);
}

/* Kept until --show-secrets is known. */
static int take_redact(struct parse *parse, const struct option_row *row, const char *names)
{
	(void)row;
	if (parse->redact_count == WORDS_MAX)
		return option_usage_error("more than %d --redact options", WORDS_MAX);
	parse->redact_names[parse->redact_count++] = names;
	return 0;
}

/* --- the rows -------------------------------------------------------------------------------- */

static const char *const colors[] = {
	[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never", NULL
};

static const char *const ways[] = {
	[CAPTURE_AUTO] = "auto", [CAPTURE_SOCKET] = "socket", [CAPTURE_SYSCALL] = "syscall", NULL
};

enum {
	GROUP_WHAT = 1,
	GROUP_OUTPUT,
	GROUP_NUMBERS,
	GROUP_SERVE,
	GROUP_CAPTURE,
	GROUP_HELP
};

const char *const option_groups[] = {
	[GROUP_WHAT] = "What is shown",
	[GROUP_OUTPUT] = "Output",
	[GROUP_NUMBERS] = "Numbers (stat, top, watch --summary)",
	[GROUP_SERVE] = "Serving",
	[GROUP_CAPTURE] = "Capture",
	[GROUP_HELP] = "Other",
};

/* clang-format off */
#define ROW(name_, letter_, arg_, group_, doc_, more_, ...)                                            \
	{                                                                                              \
		.argp = { .name = name_, .key = letter_, .arg = arg_, .doc = doc_, .group = group_ },  \
		.more = more_, __VA_ARGS__                                                             \
	}
#define INTO(member) .into = offsetof(struct options, member), .width = sizeof(((struct options *)0)->member)
#define GIVEN(member) .given = offsetof(struct options, member)
#define WRONG(text) .wrong = text
#define TAKES(function) .take = function
#define SETS(member, value) TAKES(take_flag), INTO(member), .most = value
#define FLAG(member) SETS(member, true)
#define STRING(member) TAKES(take_string), INTO(member)
#define CHOICE(member, choices_, wrong_) TAKES(take_choice), INTO(member), .choices = choices_, WRONG(wrong_)
#define NUMBER(member, most_, ...) TAKES(take_number), INTO(member), .most = most_, \
	WRONG("is no number from 1 to " #most_ __VA_ARGS__)
#define DURATION(member, standard_) \
	TAKES(take_duration), INTO(member), .standard = standard_, .least = 1, \
	WRONG("is no duration from 1 ns to 292 years (10, 0.5, 500ms, 2m, 1h)")
#define BYTES(member, standard_, least_, most_, wrong_) \
	INTO(member), .standard = standard_, .least = least_, .most = most_, WRONG(wrong_)
#define SIZE(...) TAKES(take_size), BYTES(__VA_ARGS__)
#define SHOWS(what) .shows = what
#define ALONE .alone = true
#define BELONGS(places_, words) .places = places_, .belongs = words
#define NEEDS(places_) .needs = places_
#define TO_VIEWS BELONGS(IN_VIEWS, "the views that show something")
#define TO_RUNS BELONGS(IN_RUN, "live runs and replays")
#define TO_NUMBERS BELONGS(IN_NUMBERS, "stat, top and watch --summary")
#define TO_ROUTES BELONGS(IN_NUMBERS | IN_WATCH_JSON | IN_SERVE | IN_MCP, \
	"stat, top, serve, mcp, watch --summary and watch -o json")
#define TO_SERVE BELONGS(IN_SERVE, "serve"), NEEDS(IN_SERVE)
#define TO_CAPTURE BELONGS(IN_LIVE | IN_DOCTOR, "live runs: a recording was captured before")
/* clang-format on */

const struct option_row option_rows[] = {

	ROW("pid", 'p', "PID[,PID...]", GROUP_WHAT, "Only these processes (repeatable)",
	    "Processes that they start are not among them, as with strace without -f: the number says one "
	    "process in each view. A line at the start and one at the end name the children that are left "
	    "out.",
	    TAKES(take_pids), BELONGS(IN_RUN | IN_DOCTOR, "live runs, replays and doctor"), ALONE),
	ROW("comm", 0, "NAME[,NAME...]", GROUP_WHAT,
	    "Only programs of this name: the file's base name or the thread's name (repeatable)", NULL,
	    TAKES(take_comm), TO_RUNS),
	ROW("connection", 'x', "ID", GROUP_WHAT, "Only the connection of this number, as hark conns shows it",
	    "From 1 to 999999999999999999. Text shows behind a # which connection of the run it is, the same "
	    "in "
	    "each view of a recording. JSON has the socket's own number too (hark.connection), and conns "
	    "shows "
	    "it at the end of a line (id): that is the same in each run of hark.",
	    NUMBER(conn, 999999999999999999, " (as hark conns shows it)"), TO_VIEWS, ALONE),
	ROW("duration", 'd', "SECONDS", GROUP_WHAT, "End after this time (10, 0.5, 500ms, 2m, 1h)", NULL,
	    DURATION(duration_ns, 0),
	    BELONGS(IN_LIVE | IN_QUERY, "live runs, and query: a recording ends by itself")),
	ROW("count", 'n', "COUNT", GROUP_WHAT,
	    "End after so many exchanges, calls (raw), frames, or rows (query)",
	    "From 1 to 999999999999999999.", NUMBER(count, 999999999999999999),
	    BELONGS(IN_WATCH | IN_CONNS | IN_RAW | IN_FRAMES | IN_QUERY | IN_QUERIES,
		    "watch, conns, raw, frames, query and queries (-d ends the others)")),
	ROW("slow", 0, "SECONDS", GROUP_WHAT, "Only exchanges that took this long or longer (100ms, 0.5, 2s)",
	    "Short for the filter latency:>=.", DURATION(slow_ns, 0), TO_RUNS),
	ROW("errors", 0, NULL, GROUP_WHAT,
	    "Only exchanges that failed: 4xx, 5xx, a gRPC error, reset, closed, timed out, unanswered", NULL,
	    FLAG(errors), TO_RUNS),
	ROW("user", 'u', "USER", GROUP_WHAT,
	    "Who runs the command behind -- (default: who called sudo, else you)", NULL, STRING(user), ALONE),
	ROW("all", 0, NULL, GROUP_WHAT,
	    "Also answers whose request came before hark, and Unix sockets without HTTP",
	    "watch leaves out the answers, of which only the status is known, and counts them at the end; "
	    "conns leaves out the Unix sockets, which most often are a program's own, between its processes.",
	    FLAG(all), BELONGS(IN_WATCH | IN_CONNS, "watch and conns")),
	ROW("output", 'o', "FORMAT[:FILE]", GROUP_OUTPUT,
	    "text (default), json, pcapng, or with watch har, curl or sqlite, to FILE instead of stdout; "
	    "with watch otlp or clickhouse to a URL (repeatable)",
	    "One of the outputs at most goes to the standard output. har is one HTTP archive (1.2) of the "
	    "run, "
	    "with bodies; its FILE is whole at each moment. sqlite adds to a database, of which hark query "
	    "asks. pcapng (watch, raw) is the plaintext as packets, "
	    "for Wireshark: hark -o pcapng:- | wireshark -k -i -",
	    TAKES(take_output), BELONGS(IN_RUN | IN_QUERY, "the views and query"), ALONE),
	ROW("export-header", 0, "HEADER|@FILE", GROUP_OUTPUT,
	    "A header field for what otlp and clickhouse are sent to: 'Name: value', or lines of FILE "
	    "(repeatable)",
	    "Everybody sees a command line (ps): a secret stands better in a file that others cannot read. "
	    "otlp also takes those of OTEL_EXPORTER_OTLP_HEADERS (name=value,name=value, values "
	    "percent-encoded).",
	    TAKES(take_export_header), ALONE, BELONGS(IN_EXPORT, "watch -o otlp:URL and -o clickhouse:URL")),
	ROW("keep", 0, "LIMIT[,LIMIT]", GROUP_OUTPUT,
	    "With -o sqlite: take away what is older (7d, 12h) or, from the oldest on, what is more (1G, "
	    "500M)",
	    "An age from 1s on, a size from 1M on, or both; without it everything stays. The pages of what "
	    "went are used "
	    "again.",
	    TAKES(take_keep), WRONG("is no age (12h, 7d) and no size of 1M or more (500M, 1G)"),
	    BELONGS(IN_HISTORY, "watch -o sqlite:FILE"), NEEDS(IN_HISTORY)),
	ROW("sql", 0, "SELECT", GROUP_OUTPUT,
	    "With query: this question, which can read the file and nothing else",
	    "One statement. Tables and columns are in docs/history.md.", STRING(sql),
	    BELONGS(IN_QUERY, "query"), NEEDS(IN_QUERY), ALONE),
	ROW("since", 0, "TIME", GROUP_OUTPUT, "With query: not what began before (2h, 7d, 2026-01-02T03:04)",
	    "An age, or a time in UTC.", STRING(since), BELONGS(IN_QUERY, "query"), NEEDS(IN_QUERY), ALONE),
	ROW("until", 0, "TIME", GROUP_OUTPUT, "With query: not what began then, or later", "As with --since.",
	    STRING(until), BELONGS(IN_QUERY, "query"), NEEDS(IN_QUERY), ALONE),
	ROW("as", 0, "FORMAT", GROUP_OUTPUT, "curl: each exchange as a command that sends its request again",
	    "The command is for any POSIX shell and stands on one line; lines before it that begin with # "
	    "say "
	    "what it does not repeat. Secrets are placeholders unless --show-secrets is given.",
	    TAKES(take_as), WRONG("is not curl (an HTTP archive is -o har:FILE)"),
	    BELONGS(IN_WATCH_TEXT, "watch, as text"), NEEDS(IN_WATCH_TEXT), ALONE),
	ROW("write", 'w', "FILE", GROUP_OUTPUT, "Record the raw events to FILE, beside any view",
	    "- is the standard output. Of the filters pid:, port: and container: restrict it, others only "
	    "the view.",
	    TAKES(take_record), TO_RUNS, ALONE),
	ROW("redacted", 0, NULL, GROUP_OUTPUT, "Overwrite secret values before they are recorded",
	    "They keep their length. What could not be judged with certainty is left out of the recording.",
	    FLAG(redacted), BELONGS(IN_RECORDING, "a recording (record, or -w beside a view)"),
	    NEEDS(IN_RECORDING)),
	ROW("verbose", 'v', NULL, GROUP_OUTPUT, "Show headers; twice: bodies too", NULL, TAKES(take_verbose)),
	ROW("body-max", 0, "SIZE", GROUP_OUTPUT, "With -vv: bytes shown of a decoded body (default 2K)",
	    "From 1 to 1M.", SIZE(body_max_bytes, 2 * KIB, 1, MIB, "is no size from 1 to 1M"),
	    BELONGS(IN_BODY_TEXT, "watch with -vv, as text")),
	ROW("proto", 0, "FILE", GROUP_OUTPUT, "With -vv: show gRPC's messages by the names in this schema",
	    "A FileDescriptorSet, as protoc writes it with descriptor_set_out and include_imports. Without "
	    "one, "
	    "or of services that it lacks, fields have their numbers.",
	    STRING(proto_path), BELONGS(IN_WATCH, "watch")),
	ROW("hex", 0, NULL, GROUP_OUTPUT, "With raw: show the bytes as a hex dump", NULL, FLAG(hex),
	    BELONGS(IN_RAW_TEXT, "raw, as text"), NEEDS(IN_RAW)),
	ROW("pending", 0, "SECONDS", GROUP_OUTPUT,
	    "Show a request that waits for its answer after this time (default 2, 0: never)",
	    "Its exchange comes when it ends. A response that goes on for so long is shown too. With -o json "
	    "such lines come only when this option is given.",
	    TAKES(take_duration), INTO(pending_ns), .standard = 2 * SECOND, GIVEN(pending_given),
	    WRONG("is no duration from 0 (never) to 292 years (2, 0.5, 500ms, 1m)"),
	    BELONGS(IN_WATCH | IN_QUERIES | IN_DOCTOR, "watch and queries")),
	ROW("redact", 0, "NAME[,NAME...]", GROUP_OUTPUT,
	    "Header fields and parameters whose values are secrets, besides the usual ones (repeatable)",
	    NULL, TAKES(take_redact),
	    BELONGS(IN_VIEWS | IN_REDACTED, "the views that show something, and record --redacted")),
	ROW("show-secrets", 0, NULL, GROUP_OUTPUT, "Redact nothing", "mcp redacts always.",
	    FLAG(show_secrets), TO_VIEWS),
	ROW("color", 0, "WHEN", GROUP_OUTPUT, "auto (default), always or never",
	    "auto is colour when the standard output is a terminal and the environment does not speak "
	    "against it.",
	    CHOICE(color_when, colors, "is none of auto, always, never")),
	ROW("no-color", 0, NULL, GROUP_OUTPUT, "The same as --color=never", NULL,
	    SETS(color_when, COLOR_NEVER)),
	ROW("stats-json", 0, "FILE", GROUP_OUTPUT, "Write the counters to FILE as one JSON object at the end",
	    NULL, STRING(stats_json_path), TO_RUNS),
	ROW("keylog", 0, "FILE", GROUP_OUTPUT,
	    "Write the secrets of TLS sessions to FILE, which decrypt captures of them",
	    "NSS' key log format, as SSLKEYLOGFILE has it: of OpenSSL, BoringSSL, GnuTLS and Go's "
	    "crypto/tls, of handshakes "
	    "from the start of hark on. Who has FILE can read what was captured, and join in: keep it "
	    "private (mode 0600). "
	    "With -o pcapng they stand in that as well.",
	    STRING(keylog_path), TO_RUNS, ALONE),
	ROW("relative", 0, NULL, GROUP_OUTPUT, "Times of lines in seconds since the first line", NULL,
	    FLAG(relative), BELONGS(IN_TEXT, "watch, conns, raw and frames, as text")),
	ROW("export", 0, "FILE", GROUP_OUTPUT,
	    "With top: where its e writes the exchanges that are chosen, as HAR",
	    "The file is made at the start, when hark may still make files, and is whole after each key.",
	    STRING(export_path), BELONGS(IN_TOP, "top"), NEEDS(IN_TOP)),
	ROW("wide", 0, NULL, GROUP_OUTPUT, "Long URLs whole: lines may be wider than the terminal", NULL,
	    FLAG(wide), BELONGS(IN_LINES, "watch, conns, stat and tree, as text")),
	ROW("both-ends", 0, NULL, GROUP_OUTPUT,
	    "One line for each end of an exchange whose client and server are both on this machine",
	    "Without it text shows such an exchange once: the server's figures, with the client's time "
	    "beside them. JSON always has both.",
	    FLAG(both_ends), BELONGS(IN_WATCH | IN_TOP | IN_QUERIES, "watch, top and queries")),
	ROW("replay", 0, "FILE", GROUP_OUTPUT,
	    "With serve and mcp: look at this recording instead of the machine",
	    "The same as hark replay FILE and the view, for a program that starts hark by the view's name.",
	    STRING(replay_path),
	    BELONGS(IN_SERVE | IN_MCP, "serve and mcp; other views are hark replay FILE VIEW"),
	    NEEDS(IN_SERVE | IN_MCP), ALONE),
	ROW("speed", 0, "FACTOR", GROUP_OUTPUT,
	    "With replay: so many times as fast as it was (1, 10, max; default max, with top 1)",
	    "From 0.001 to 1000000.", TAKES(take_speed), GIVEN(speed_given),
	    WRONG("is no factor from 0.001 to 1000000 (1, 10, 0.5) and not max"),
	    BELONGS(IN_REPLAY, "replay"), NEEDS(IN_REPLAY)),
	ROW("by", 0, "KEY", GROUP_NUMBERS,
	    "Group by endpoint (default), host, path, process, peer, status, connection, trace, container, "
	    "pod, unit, or what a body says",
	    "What a body says is grouped by under the key that JSON has of it: rpc.method, "
	    "gen_ai.request.model, "
	    "hark.sse.events.",
	    TAKES(take_by),
	    WRONG("is none of endpoint, host, path, process, peer, status, connection, trace, container, "
		  "pod, "
		  "unit, and no key with a dot"),
	    TO_NUMBERS, NEEDS(IN_NUMBERS)),
	ROW("sort", 0, "COLUMN", GROUP_NUMBERS,
	    "Sort by this column (default count, top: total), largest first; with a - before it smallest "
	    "first",
	    "The columns are count, rate, in_flight, errors, p50, p90, p99, p99.9, max, ttfb, total (of all "
	    "durations together), request_bytes, response_bytes and name.",
	    TAKES(take_sort),
	    WRONG("is none of count, rate, in_flight, errors, p50, p90, p99, p99.9, max, ttfb, total, "
		  "request_bytes, response_bytes, name"),
	    TO_NUMBERS),
	ROW("top", 0, "N", GROUP_NUMBERS, "Only the first N rows, or traces of tree", "From 1 to 999999999.",
	    NUMBER(stats.top, 999999999),
	    BELONGS(IN_NUMBERS | IN_TREE, "stat, top, tree and watch --summary"),
	    NEEDS(IN_NUMBERS | IN_TREE)),
	ROW("interval", 'i', "SECONDS", GROUP_NUMBERS,
	    "With stat: a table every so often, each of its own interval; with top: how often it draws", NULL,
	    DURATION(stats.interval_ns, 0), BELONGS(IN_STAT | IN_TOP, "stat and top"),
	    NEEDS(IN_STAT | IN_TOP)),
	ROW("hist", 0, NULL, GROUP_NUMBERS, "With stat: how the latencies are spread, as a picture", NULL,
	    FLAG(stats.hist), BELONGS(IN_STAT_TEXT, "stat, as text"), NEEDS(IN_STAT)),
	ROW("heat", 0, NULL, GROUP_NUMBERS, "With stat: latencies over time, as a picture", NULL,
	    FLAG(stats.heat), BELONGS(IN_STAT_TEXT, "stat, as text"), NEEDS(IN_STAT)),
	ROW("outermost", 0, NULL, GROUP_NUMBERS,
	    "Count a request that goes through a proxy once, where it came in",
	    "What a process asks for that answers requests itself (a proxy, a gateway, a service that asks "
	    "another one) is left out.",
	    FLAG(stats.outermost), BELONGS(IN_STAT | IN_SUMMARY, "stat and watch --summary"),
	    NEEDS(IN_STAT | IN_SUMMARY)),
	ROW("route", 0, "PATTERN", GROUP_NUMBERS,
	    "What of a path is one endpoint, as in 'GET /v1/users/{id}/*' (repeatable)",
	    "{name} stands for one segment, * as the last segment for one or more. The method may be left "
	    "out. The first pattern that matches counts, before anything that hark finds out by itself.",
	    TAKES(take_route), TO_ROUTES),
	ROW("fold-static", 0, NULL, GROUP_NUMBERS, "Fold static files by their extension: /css/{file}.css",
	    NULL, FLAG(routes.fold_static), TO_ROUTES),
	ROW("summary", 0, NULL, GROUP_NUMBERS, "With watch: the table of endpoints at the end", NULL,
	    FLAG(summary),
	    BELONGS(IN_WATCH_TEXT, "watch, as text; stat and top show the numbers by themselves"),
	    NEEDS(IN_WATCH)),
	ROW("listen", 0, "ADDRESS:PORT", GROUP_SERVE,
	    "With serve: where it is asked (default 127.0.0.1:9464; port 0: a free one)",
	    "Beyond loopback this needs --tls-cert, --tls-key and --token-file.", TAKES(take_listen),
	    WRONG("is no ADDRESS:PORT (127.0.0.1:9464, [::1]:9464, 0.0.0.0:9464)"), TO_SERVE),
	ROW("tls-cert", 0, "FILE", GROUP_SERVE, "With serve: its certificate (PEM), for TLS",
	    "With the certificates that lead to it, if there are any.", STRING(serve.cert_path), TO_SERVE),
	ROW("tls-key", 0, "FILE", GROUP_SERVE, "With serve: the key of its certificate (PEM)", NULL,
	    STRING(serve.key_path), TO_SERVE),
	ROW("token-file", 0, "FILE", GROUP_SERVE, "With serve: who asks must know what stands in this file",
	    "Authorization: Bearer TOKEN. One line of 16 to 512 characters without blanks, which nobody but "
	    "its owner may read (mode 0600). On a machine with several users it keeps the others out.",
	    STRING(serve.token_path), TO_SERVE),
	ROW("series", 0, "N", GROUP_SERVE,
	    "With serve: label sets of requests that /metrics has at most (default 1000)",
	    "From 1 to 100000, for servers and for clients each. Those that come most often have their own; "
	    "all others are counted in one, and in limit.series.",
	    NUMBER(serve.series_max, 100000), .standard = 1000, TO_SERVE),
	ROW("capture", 0, "WAY", GROUP_CAPTURE, "auto (default), socket (Linux 6.3 and later) or syscall",
	    "socket takes the transfers from the sockets' own tracepoints, syscall from the exit of system "
	    "calls; auto takes the first that works.",
	    CHOICE(capture, ways, "is none of auto, socket, syscall"), TO_CAPTURE),
	ROW("tls-library", 0, "PATH=NAME[,FUNCTION@OFFSET...]", GROUP_CAPTURE,
	    "A file that is, or holds, a TLS library that hark does not recognise (repeatable)",
	    "NAME is boringssl, libressl, openssl, gnutls, mbedtls, wolfssl or s2n; OFFSET is where in the "
	    "file a "
	    "function begins that has no symbol: "
	    "/opt/app/server=openssl,SSL_read@0x1b3a0,SSL_write@0x1b7c0,SSL_free@0x18f10. Nothing is shown "
	    "before HTTP was read and written there; where it is not, or by the other function, the file is "
	    "let go, with a line. Without the function that frees a session, sessions that have no socket "
	    "are not shown.",
	    TAKES(take_claim), TO_CAPTURE),
	ROW("ring", 0, "SIZE", GROUP_CAPTURE,
	    "Ring buffer between kernel and hark (default 16M), rounded up to a power of two",
	    "From 64K to 1G. Enlarge it when events are lost.", TAKES(take_ring),
	    BYTES(ring_bytes, 16 * MIB, 64 * KIB, GIB, "is no size from 64K to 1G"), TO_CAPTURE),
	ROW("memory", 0, "SIZE", GROUP_CAPTURE,
	    "What hark holds at most of what it observes, without the ring (default 256M)",
	    "From 16M to 64G. Beyond it the connections that hold most are forgotten, the longest quiet "
	    "first; what was under way on them is shown as truncated, and limit.memory counts them.",
	    SIZE(memory_bytes, 256 * MIB, 16 * MIB, 64 * GIB, "is no size from 16M to 64G")),
	ROW("snaplen", 0, "SIZE", GROUP_CAPTURE, "Bytes copied of one call at most (default 256K)",
	    "From 256 to 1M. Servers send several HTTP/2 frames in one call of more than 64K, and a cut "
	    "there loses the borders of the frames.",
	    SIZE(snaplen_bytes, 256 * KIB, 256, MIB, "is no size from 256 to 1M"), TO_CAPTURE),
	ROW("timeout", 0, "SECONDS", GROUP_CAPTURE,
	    "Show a request as unanswered after this time (default 60)", "Counted from its last byte.",
	    DURATION(timeout_ns, PIPELINE_TIMEOUT_NS)),
	ROW("no-config", 0, NULL, GROUP_HELP, "Read no configuration file", NULL, TAKES(take_no_config),
	    ALONE),
	ROW("quiet", 'q', NULL, GROUP_HELP, "Say nothing on stderr but errors", NULL, FLAG(quiet)),
	ROW("debug", 0, NULL, GROUP_HELP, "Say more on stderr about hark itself", NULL, FLAG(debug)),
	ROW("help", 'h', NULL, GROUP_HELP, "Show this help", NULL, SHOWS(OPTION_HELP)),
	ROW("usage", 0, NULL, GROUP_HELP, "Show the forms of the command line", NULL, SHOWS(OPTION_USAGE)),
	ROW("version", 'V', NULL, GROUP_HELP, "Show the version", NULL, SHOWS(OPTION_VERSION)),
};

const size_t option_row_count = sizeof(option_rows) / sizeof(option_rows[0]);

static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= 64, "parse.given has a bit for each row");

/* The name that its user knows. */
static void name_put(char name[32], const struct argp_option *option)
{
	if (option->key)
		snprintf(name, 32, "-%c", option->key);
	else
		snprintf(name, 32, "--%s", option->name);
}

int option_take(struct parse *parse, const struct option_row *row, const char *value)
{
	char name[32];
	int error = row->take(parse, row, value);

	parse->given |= UINT64_C(1) << (row - option_rows);
	if (row->given)
		*(bool *)((char *)parse->options + row->given) = true;
	if (error != -EINVAL)
		return error;
	name_put(name, &row->argp);
	return option_usage_error("%s: '%s' %s", name, value, row->wrong);
}

int option_check_places(const struct parse *parse, uint32_t places)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		char name[32];

		if (!((parse->given & ~parse->of_file) >> i & 1) || !row->places || row->places & places)
			continue;
		name_put(name, &row->argp);
		if (row->needs && !(row->needs & places))
			return option_usage_error("%s belongs to %s", name, row->belongs);
		log_warn("%s has no effect here: it belongs to %s", name, row->belongs);
	}
	return 0;
}

void option_defaults(struct options *options)
{
	*options = (struct options){ 0 };
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].standard)
			field_set(options, &option_rows[i], option_rows[i].standard);
}

/* --- the first word ---------------------------------------------------------------------------- */

#define FILTERS "[FILTER...] [-- COMMAND...]"

const struct command_row command_rows[] = {
	{ "watch", FILTERS, "One line an exchange (the default)", COMMAND_LIVE, VIEW_WATCH },
	{ "conns", FILTERS, "Connections: addresses, process, TLS, exchanges, bytes, losses", COMMAND_LIVE,
	  VIEW_CONNS },
	{ "raw", FILTERS, "Each call's direction, length and plain bytes, HTTP or not", COMMAND_LIVE,
	  VIEW_RAW },
	{ "frames", FILTERS, "One line an HTTP/2 frame", COMMAND_LIVE, VIEW_FRAMES },
	{ "top", "[FILTER...]", "Live table by endpoint, connection or process", COMMAND_LIVE, VIEW_TOP },
	{ "stat", FILTERS, "Numbers by endpoint or another key, at the end or every -i seconds", COMMAND_LIVE,
	  VIEW_STAT },
	{ "tree", "[TRACE] " FILTERS, "Who called whom with times, of a trace; without one the traces",
	  COMMAND_LIVE, VIEW_TREE },
	{ "serve", "[FILTER...]", "Metrics, events and JSON by HTTP, on loopback unless told otherwise",
	  COMMAND_LIVE, VIEW_SERVE },
	{ "queries", FILTERS, "One line a statement that a database is asked", COMMAND_LIVE, VIEW_SQL },
	{ "mcp", "[FILTER...]", "Answers an assistant on stdin: Model Context Protocol", COMMAND_LIVE,
	  VIEW_MCP },
	{ "record", "-w FILE " FILTERS, "Raw events to a file, for replay", COMMAND_LIVE, VIEW_RECORD },
	{ "replay", "FILE [VIEW] [FILTER...]", "A recording through the same pipeline; needs no privilege",
	  COMMAND_REPLAY, VIEW_WATCH },
	{ "query", "FILE [QUESTION] [KEY:VALUE...]",
	  "Questions to a history (-o sqlite:FILE); needs no privilege", COMMAND_QUERY, VIEW_WATCH },
	{ "doctor", "[PID...]", "What works on this machine and what does not, and why", COMMAND_DOCTOR,
	  VIEW_WATCH },
};

const size_t command_row_count = sizeof(command_rows) / sizeof(command_rows[0]);

const struct command_row *option_command_find(const char *word)
{
	for (size_t i = 0; i < command_row_count; i++)
		if (strcmp(command_rows[i].name, word) == 0)
			return &command_rows[i];
	return NULL;
}
