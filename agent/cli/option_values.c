/* SPDX-License-Identifier: Apache-2.0 */
/* The values of options: each is checked when it is met, strictly, and a complaint names it. */
#include "option_values.h"

#include "base/log.h"
#include "base/number.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define SNAPLEN_MIN 256u
#define SNAPLEN_MAX (1u << 20)
#define RING_MIN    (64u << 10)
#define RING_MAX    (1u << 30)
#define MEMORY_MIN  (16u << 20)
#define MEMORY_MAX  ((size_t)64 << 30)
#define BODY_MAX    (1u << 20)

/* The command line is the user's own, but it may hold anything; log_error keeps it on one line. */
int usage_error(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s; see hark --help", text);
	return 2;
}

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

int take_pids(struct parse *parse, const char *list)
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

static int comm_add(struct parse *parse, const char *name, size_t len)
{
	char **comms;

	if (len == 0)
		return usage_error("a program name is empty");
	comms = reallocarray(parse->comms, parse->comm_count + 1, sizeof(*comms));
	if (!comms)
		return usage_error("out of memory");
	parse->comms = comms;
	comms[parse->comm_count] = strndup(name, len);
	if (!comms[parse->comm_count])
		return usage_error("out of memory");
	parse->comm_count++;
	return 0;
}

int take_comm(struct parse *parse, const char *list)
{
	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ",");
		int err = comm_add(parse, p, len);

		p += len;
		if (err || !*p)
			return err;
	}
}

int take_output(struct parse *parse, const char *value)
{
	struct options *options = parse->options;
	const char *colon = strchr(value, ':');
	struct output_choice *output = &options->outputs[options->output_count];

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

int take_record(struct parse *parse, const char *path)
{
	if (parse->options->record_path)
		return usage_error("-w is given twice");
	parse->options->record_path = path;
	return 0;
}

int take_stats_json(struct parse *parse, const char *path)
{
	parse->options->stats_json_path = path;
	return 0;
}

static int take_duration(const char *option, const char *value, uint64_t *ns)
{
	if (number_parse_duration(value, ns) < 0 || *ns == 0)
		return usage_error("%s: '%s' is no duration (10, 0.5, 500ms, 2m, 1h)", option, value);
	return 0;
}

int take_run_time(struct parse *parse, const char *value)
{
	return take_duration("-d", value, &parse->options->duration_ns);
}

int take_timeout(struct parse *parse, const char *value)
{
	return take_duration("--timeout", value, &parse->options->timeout_ns);
}

int take_pending(struct parse *parse, const char *value)
{
	parse->options->pending_given = true;
	if (number_parse_duration(value, &parse->options->pending_ns) < 0)
		return usage_error("--pending: '%s' is no duration (2, 0.5, 500ms, 1m; 0: never)", value);
	return 0;
}

int take_conn(struct parse *parse, const char *value)
{
	size_t len = strlen(value);
	uint64_t id = strspn(value, "0123456789") == len && len < 19 ? strtoull(value, NULL, 10) : 0;

	if (id == 0)
		return usage_error("-x: '%s' is no number of a connection (as hark conns shows it)", value);
	parse->options->conn = id;
	return 0;
}

int take_user(struct parse *parse, const char *name)
{
	parse->options->user = name;
	return 0;
}

int take_body_max(struct parse *parse, const char *value)
{
	size_t *bytes = &parse->options->body_max_bytes;

	if (number_parse_size(value, bytes) < 0 || *bytes == 0 || *bytes > BODY_MAX)
		return usage_error("--body-max: '%s' is no size from 1 to 1M", value);
	return 0;
}

int take_count(struct parse *parse, const char *value)
{
	size_t len = strlen(value);
	uint64_t count = strspn(value, "0123456789") == len && len < 19 ? strtoull(value, NULL, 10) : 0;

	if (count == 0)
		return usage_error("-n: '%s' is no number of lines (1 or more)", value);
	parse->options->count = count;
	return 0;
}

int take_by(struct parse *parse, const char *value)
{
	if (stats_by_of(value, &parse->options->stats.by) == 0)
		return 0;
	return usage_error("--by: '%s' is none of endpoint, host, path, process, peer, status, connection, "
			   "container",
			   value);
}

int take_sort(struct parse *parse, const char *value)
{
	struct stats_options *stats = &parse->options->stats;

	stats->reverse = *value == '-';
	if (stats_sort_of(value + stats->reverse, &stats->sort) == 0)
		return 0;
	return usage_error(
		"--sort: '%s' is none of count, rate, in_flight, errors, p50, p90, p99, p99.9, max, "
		"ttfb, request_bytes, response_bytes, name",
		value);
}

int take_top(struct parse *parse, const char *value)
{
	size_t len = strlen(value);
	uint64_t rows = strspn(value, "0123456789") == len && len < 10 ? strtoull(value, NULL, 10) : 0;

	if (rows == 0)
		return usage_error("--top: '%s' is no number of rows (1 or more)", value);
	parse->options->stats.top = rows;
	return 0;
}

int take_interval(struct parse *parse, const char *value)
{
	return take_duration("-i", value, &parse->options->stats.interval_ns);
}

int take_slow(struct parse *parse, const char *value)
{
	return take_duration("--slow", value, &parse->options->slow_ns);
}

int take_route(struct parse *parse, const char *value)
{
	struct options *options = parse->options;
	const char *error;
	size_t at;

	if (options->routes.pattern_count == ROUTES_MAX)
		return usage_error("more than %d --route patterns", ROUTES_MAX);
	if (routes_check_pattern(value, &error, &at) < 0)
		return usage_error("--route: '%s': %s, at '%s'", value, error, value + at);
	options->patterns[options->routes.pattern_count++] = value;
	options->routes.patterns = options->patterns;
	return 0;
}

int take_speed(struct parse *parse, const char *value)
{
	char *end;
	double speed = strtod(value, &end);

	parse->options->speed_given = true;
	if (strcmp(value, "max") == 0) {
		parse->options->speed = 0;
		return 0;
	}
	if (end == value || *end || !(speed >= 0.001 && speed <= 1e6))
		return usage_error("--speed: '%s' is no factor (1, 10, 0.5) and not max", value);
	parse->options->speed = speed;
	return 0;
}

int take_snaplen(struct parse *parse, const char *value)
{
	size_t *bytes = &parse->options->snaplen_bytes;

	if (number_parse_size(value, bytes) < 0 || *bytes < SNAPLEN_MIN || *bytes > SNAPLEN_MAX)
		return usage_error("--snaplen: '%s' is no size from 256 to 1M", value);
	return 0;
}

int take_ring(struct parse *parse, const char *value)
{
	size_t ring = RING_MIN;
	size_t bytes;

	if (number_parse_size(value, &bytes) < 0 || bytes < RING_MIN || bytes > RING_MAX)
		return usage_error("--ring: '%s' is no size from 64K to 1G", value);
	while (ring < bytes)
		ring *= 2;
	parse->options->ring_bytes = ring;
	return 0;
}

int take_memory(struct parse *parse, const char *value)
{
	size_t *bytes = &parse->options->memory_bytes;

	if (number_parse_size(value, bytes) < 0 || *bytes < MEMORY_MIN || *bytes > MEMORY_MAX)
		return usage_error("--memory: '%s' is no size from 16M to 64G", value);
	return 0;
}

int take_capture(struct parse *parse, const char *value)
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
int take_redact(struct parse *parse, const char *names)
{
	if (parse->redact_count == WORDS_MAX)
		return usage_error("more than %d --redact options", WORDS_MAX);
	parse->redact_names[parse->redact_count++] = names;
	return 0;
}

int take_color(struct parse *parse, const char *value)
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

int take_flag(struct parse *parse, int key)
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
	case KEY_HEX:
		options->hex = true;
		break;
	case KEY_REDACTED:
		options->redacted = true;
		break;
	case KEY_DEBUG:
		options->debug = true;
		break;
	case KEY_HIST:
		options->stats.hist = true;
		break;
	case KEY_HEAT:
		options->stats.heat = true;
		break;
	case KEY_FOLD_STATIC:
		options->routes.fold_static = true;
		break;
	case KEY_ERRORS:
		options->errors = true;
		break;
	case KEY_SUMMARY:
		options->summary = true;
		break;
	case KEY_WIDE:
		options->wide = true;
		break;
	case KEY_BOTH_ENDS:
		options->both_ends = true;
		break;
	}
	return 0;
}
