/* SPDX-License-Identifier: Apache-2.0 */
/* Keys about what was asked and answered. */
#include "filter_keys.h"

#include "base/number.h"
#include "model/grpc.h"
#include "model/show.h"

#include <stdlib.h>

/* --- the request ------------------------------------------------------------------ */

static const struct message *request_of(const struct filter_subject *subject)
{
	return subject->exchange ? subject->exchange->request : NULL;
}

static const struct message *response_of(const struct filter_subject *subject)
{
	return subject->exchange ? subject->exchange->response : NULL;
}

static const struct url *url_of(struct filter_subject *subject)
{
	if (!subject->url_known && request_of(subject))
		url_of_request(request_of(subject), &subject->url);
	subject->url_known = true;
	return &subject->url;
}

/* Of a request that names no host: the address of the server. */
static enum filter_answer address_match(const struct filter_value *value, const struct conn_facts *conn)
{
	struct buffer text = { .data = NULL };
	enum filter_answer result;

	if (!conn || conn->role == ROLE_UNKNOWN || !show_has_address(&conn->sock))
		return FILTER_UNKNOWN;
	show_address(&text, &conn->sock, conn->role == ROLE_CLIENT ? conn->sock.peer : conn->sock.local);
	result = filter_says(filter_pattern_match(&value->pattern, slice_of(text.data, text.len)));
	buffer_fini(&text);
	return result;
}

enum filter_answer match_host(const struct filter_value *value, struct filter_subject *subject)
{
	const struct conn_facts *conn = subject->conn;
	const struct url *url = url_of(subject);

	if (url->host.data)
		return filter_says(filter_pattern_match(&value->pattern, url->host) ||
				   filter_pattern_match(&value->pattern, url->authority));
	if (subject->exchange)
		return address_match(value, conn);
	/* No exchange of it will ever be seen: what its hello says is all there is. */
	if (conn && conn->opaque && conn->sni[0])
		return filter_says(
			filter_pattern_match(&value->pattern, field_slice(conn->sni, sizeof(conn->sni))));
	return FILTER_UNKNOWN;
}

int value_method(struct filter_value *value, char *why, size_t size)
{
	for (const char *p = value->text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("*?~/:", *p))
			return filter_wrong(why, size, "a method is a word such as GET");
	return 0;
}

enum filter_answer match_method(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *request = request_of(subject);

	if (!request || !request->method.data)
		return FILTER_UNKNOWN;
	return filter_says(slice_equal_nocase(request->method, value_slice(value)));
}

int value_path(struct filter_value *value, char *why, size_t size)
{
	return filter_pattern_parse(&value->pattern, value_slice(value), true, why, size);
}

enum filter_answer match_path(const struct filter_value *value, struct filter_subject *subject)
{
	struct slice path = url_of(subject)->path;

	return path.data ? filter_says(filter_pattern_match(&value->pattern, path)) : FILTER_UNKNOWN;
}

/* --- the response, and both ---------------------------------------------------------- */

int value_status(struct filter_value *value, char *why, size_t size)
{
	const char *text = value->text;

	value->none = strcmp(text, "none") == 0;
	if (value->none)
		return 0;
	if (value->len == 3 && text[0] >= '1' && text[0] <= '9' && strcasecmp(text + 1, "xx") == 0) {
		value->low = (uint64_t)(text[0] - '0') * 100;
		value->high = value->low + 99;
		return 0;
	}
	if (filter_range_parse(text, 100, 999, value) < 0)
		return filter_wrong(why, size, "a status is 404, 5xx, 200-204 or none");
	return 0;
}

enum filter_answer match_status(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *response = response_of(subject);
	int status = response ? response->status : 0;

	if (!subject->exchange)
		return FILTER_UNKNOWN;
	if (value->none)
		return filter_says(status == 0);
	return status > 0 ? filter_says(filter_in_range(value, (uint64_t)status)) : FILTER_UNKNOWN;
}

/* https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
static const char *const grpc_names[] = {
	"OK",	     "CANCELLED",	"UNKNOWN",	     "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
	"NOT_FOUND", "ALREADY_EXISTS",	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED",   "OUT_OF_RANGE",	"UNIMPLEMENTED",     "INTERNAL",	   "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
};

#define GRPC_LAST (sizeof(grpc_names) / sizeof(grpc_names[0]) - 1)

int value_grpc(struct filter_value *value, char *why, size_t size)
{
	if (strcmp(value->text, "error") == 0) {
		value->low = 1;
		value->high = GRPC_LAST;
		return 0;
	}
	for (size_t i = 0; i <= GRPC_LAST; i++) {
		if (strcasecmp(grpc_names[i], value->text) != 0)
			continue;
		value->low = value->high = i;
		return 0;
	}
	if (filter_range_parse(value->text, 0, GRPC_LAST, value) < 0)
		return filter_wrong(why, size,
				    "a gRPC status is 0 to 16, a name such as NOT_FOUND, or error");
	return 0;
}

enum filter_answer match_grpc(const struct filter_value *value, struct filter_subject *subject)
{
	int status = subject->exchange ? exchange_grpc_status(subject->exchange) : -1;

	return status < 0 ? FILTER_UNKNOWN : filter_says(filter_in_range(value, (uint64_t)status));
}

int value_proto(struct filter_value *value, char *why, size_t size)
{
	static const struct {
		const char *word;
		enum http_version low, high;
	} words[] = { { "1", HTTP_1_0, HTTP_1_1 },
		      { "1.0", HTTP_1_0, HTTP_1_0 },
		      { "1.1", HTTP_1_1, HTTP_1_1 },
		      { "h1", HTTP_1_0, HTTP_1_1 },
		      { "2", HTTP_2, HTTP_2 },
		      { "2.0", HTTP_2, HTTP_2 },
		      { "h2", HTTP_2, HTTP_2 },
		      { "http/1", HTTP_1_0, HTTP_1_1 },
		      { "http/1.0", HTTP_1_0, HTTP_1_0 },
		      { "http/1.1", HTTP_1_1, HTTP_1_1 },
		      { "http/2", HTTP_2, HTTP_2 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i].word, value->text) != 0)
			continue;
		value->low = words[i].low;
		value->high = words[i].high;
		return 0;
	}
	return filter_wrong(why, size, "a protocol is 1, 1.0, 1.1, 2, h2 or http/2");
}

enum filter_answer match_proto(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *request = request_of(subject), *response = response_of(subject);
	enum http_version version = subject->conn ? subject->conn->version : HTTP_VERSION_UNKNOWN;

	if (request && request->version)
		version = request->version;
	else if (response && response->version)
		version = response->version;
	return version ? filter_says(filter_in_range(value, version)) : FILTER_UNKNOWN;
}

int value_latency(struct filter_value *value, char *why, size_t size)
{
	if (filter_bound_parse(value, number_parse_duration) < 0)
		return filter_wrong(why, size, "a latency is >50ms, >=1s, <0.5, <=2m, =1s or 10ms-50ms");
	return 0;
}

enum filter_answer match_latency(const struct filter_value *value, struct filter_subject *subject)
{
	const struct exchange *exchange = subject->exchange;

	if (!exchange || (!exchange->pending && !exchange->duration_known))
		return FILTER_UNKNOWN;
	return filter_says(
		filter_in_range(value, exchange->pending ? exchange->waited_ns : exchange->duration_ns));
}

static int size_unit(const char *text, uint64_t *number)
{
	size_t bytes = 0;
	int error = number_parse_size(text, &bytes);

	*number = bytes;
	return error;
}

int value_size(struct filter_value *value, char *why, size_t size)
{
	if (filter_bound_parse(value, size_unit) < 0)
		return filter_wrong(why, size, "a size is >1M, >=64K, <100, <=1G, =0 or 1K-64K");
	return 0;
}

/* The larger of both bodies; where an end was not seen the number is a lower bound. */
enum filter_answer match_size(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *const messages[] = { request_of(subject), response_of(subject) };
	bool whole = subject->exchange && !subject->exchange->pending;
	uint64_t bytes = 0;

	if (!subject->exchange)
		return FILTER_UNKNOWN;
	for (size_t i = 0; i < 2; i++) {
		if (!messages[i])
			continue;
		bytes = messages[i]->body_bytes > bytes ? messages[i]->body_bytes : bytes;
		whole = whole && messages[i]->body_known;
	}
	if (whole || bytes > value->high || (bytes >= value->low && value->high == UINT64_MAX))
		return filter_says(filter_in_range(value, bytes));
	return FILTER_UNKNOWN;
}

/* --- header fields --------------------------------------------------------------------- */

int value_header(struct filter_value *value, char *why, size_t size)
{
	char *sign = strchr(value->text, '=');
	size_t len = sign ? (size_t)(sign - value->text) : value->len;

	if (len == 0)
		return filter_wrong(why, size, "a header field is name, or name=value");
	for (size_t i = 0; i < len; i++)
		if (value->text[i] <= ' ' || value->text[i] >= 0x7f || strchr("*?~:", value->text[i]))
			return filter_wrong(why, size,
					    "the name of a header field is written out: name=value");
	value->name = slice_of(value->text, len);
	value->present = !sign;
	if (value->present)
		return 0;
	value->pattern.nocase = true;
	return filter_pattern_parse(&value->pattern, slice_of(sign + 1, value->len - len - 1), true, why,
				    size);
}

static enum filter_answer fields_match(const struct filter_value *value, const struct header_list *fields)
{
	enum filter_answer best = FILTER_NO;

	for (size_t i = 0; i < fields->count && best != FILTER_YES; i++) {
		const struct header *field = &fields->items[i];

		if (field->name.data && !slice_equal_nocase(field->name, value->name))
			continue;
		if (!field->name.data || (!value->present && !field->value.data))
			best = FILTER_UNKNOWN; /* it may be the one */
		else if (value->present || filter_pattern_match(&value->pattern, field->value))
			best = FILTER_YES;
	}
	return best;
}

enum filter_answer match_header(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *const messages[] = { request_of(subject), response_of(subject) };
	enum filter_answer best = FILTER_NO;

	if (!subject->exchange)
		return FILTER_UNKNOWN;
	for (size_t i = 0; i < 2; i++) {
		enum filter_answer head, tail;

		if (!messages[i])
			continue;
		head = fields_match(value, &messages[i]->headers);
		tail = fields_match(value, &messages[i]->trailers);
		best = head > best ? head : best;
		best = tail > best ? tail : best;
	}
	return best;
}

/* --- flags ----------------------------------------------------------------------------- */

struct flag_search {
	const char *name; /* NULL: all of them are listed */
	bool found;
	char *list;
	size_t size;
};

static void flag_look(void *ctx, const char *name)
{
	struct flag_search *search = ctx;
	size_t len = search->list ? strlen(search->list) : 0;

	if (search->list)
		snprintf(search->list + len, search->size - len, "%s%s", len ? ", " : "", name);
	else if (strcmp(name, search->name) == 0)
		search->found = true;
}

int value_flag(struct filter_value *value, char *why, size_t size)
{
	struct flag_search search = { .name = value->text };

	for (unsigned int bit = 1; bit; bit <<= 1) {
		flags_each(bit, flag_look, &search);
		if (search.found) {
			value->low = bit;
			return 0;
		}
	}
	why[0] = '\0';
	search = (struct flag_search){ .list = why, .size = size };
	flags_each(~0u, flag_look, &search);
	return -EINVAL;
}

enum filter_answer match_flag(const struct filter_value *value, struct filter_subject *subject)
{
	if (subject->exchange)
		return filter_says(subject->exchange->flags & value->low);
	/* An exchange that is still to come may have it. */
	return subject->conn && (subject->conn->flags & value->low) ? FILTER_YES : FILTER_UNKNOWN;
}
