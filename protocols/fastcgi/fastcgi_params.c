/* SPDX-License-Identifier: Apache-2.0 */
#include "fastcgi_params.h"

#include "ascii.h"
#include "http1/http1_line.h"

#define NAME_MAX_BYTES 256 /* of a field made of a variable */

/* The variables that make the request's own parts. */
struct variables {
	struct slice method, uri, script, path_info, query, scheme, https, server_name, length;
};

/* A length of one byte, or four with the highest bit set (3.4). False: it is not there whole. */
static bool take_length(struct slice *bytes, size_t *length)
{
	if (bytes->len >= 1 && bytes->data[0] < 0x80) {
		*length = bytes->data[0];
		*bytes = slice_drop(*bytes, 1);
		return true;
	}
	if (bytes->len < 4)
		return false;
	*length = (size_t)(bytes->data[0] & 0x7f) << 24 | (size_t)bytes->data[1] << 16 |
		  (size_t)bytes->data[2] << 8 | bytes->data[3];
	*bytes = slice_drop(*bytes, 4);
	return true;
}

static bool take_pair(struct slice *bytes, struct slice *name, struct slice *value)
{
	struct slice rest = *bytes;
	size_t name_len, value_len;

	if (!take_length(&rest, &name_len) || !take_length(&rest, &value_len) || name_len > rest.len ||
	    value_len > rest.len - name_len)
		return false;
	*name = slice_take(rest, name_len);
	*value = slice_take(slice_drop(rest, name_len), value_len);
	*bytes = slice_drop(rest, name_len + value_len);
	return true;
}

static struct slice *variable_of(struct variables *variables, struct slice name)
{
	const struct {
		struct slice name;
		struct slice *to;
	} rows[] = {
		{ SLICE("REQUEST_METHOD"), &variables->method },
		{ SLICE("REQUEST_URI"), &variables->uri },
		{ SLICE("SCRIPT_NAME"), &variables->script },
		{ SLICE("PATH_INFO"), &variables->path_info },
		{ SLICE("QUERY_STRING"), &variables->query },
		{ SLICE("REQUEST_SCHEME"), &variables->scheme },
		{ SLICE("HTTPS"), &variables->https },
		{ SLICE("SERVER_NAME"), &variables->server_name },
		{ SLICE("CONTENT_LENGTH"), &variables->length },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_equal(name, rows[i].name))
			return rows[i].to;
	return NULL;
}

/* HTTP_X_Y, CONTENT_TYPE and CONTENT_LENGTH are fields of HTTP; the name as one. data NULL: it is none. */
static struct slice field_name(struct slice name, uint8_t text[NAME_MAX_BYTES])
{
	if (slice_has_prefix(name, SLICE("HTTP_")))
		name = slice_drop(name, sizeof("HTTP_") - 1);
	else if (!slice_equal(name, SLICE("CONTENT_TYPE")) && !slice_equal(name, SLICE("CONTENT_LENGTH")))
		return (struct slice){ 0 };
	if (!name.len || name.len > NAME_MAX_BYTES)
		return (struct slice){ 0 };
	for (size_t i = 0; i < name.len; i++)
		text[i] = name.data[i] == '_' ? '-' : ascii_lower(name.data[i]);
	return slice_of(text, name.len);
}

static void add_field(struct message *message, struct slice name, struct slice value, bool few)
{
	enum header_name known = message_name(name);

	if (few && !message_asks(known))
		return;
	if (message_add_known(message, &message->headers, known, name, value, 0) < 0)
		message->flags |= FLAG_TRUNCATED;
}

static void copy(struct message *request, struct slice from, struct slice *to)
{
	if (arena_copy(&request->arena, from, to) < 0)
		request->flags |= FLAG_TRUNCATED;
}

/* The target as it was sent, else what the script was called by. */
static void fill_target(struct message *request, const struct variables *variables)
{
	const struct slice mark = variables->query.len ? SLICE("?") : SLICE("");
	const struct slice parts[] = { variables->script, variables->path_info, mark, variables->query };
	size_t len = 0;
	uint8_t *text;

	if (variables->uri.len) {
		copy(request, variables->uri, &request->target);
		return;
	}
	if (!variables->script.len && !variables->path_info.len)
		return;
	for (size_t i = 0; i < 4; i++)
		len += parts[i].len;
	text = arena_alloc(&request->arena, len);
	if (!text) {
		request->flags |= FLAG_TRUNCATED;
		return;
	}
	request->target = slice_of(text, len);
	for (size_t i = 0; i < 4; i++) {
		if (parts[i].len)
			memcpy(text, parts[i].data, parts[i].len);
		text += parts[i].len;
	}
}

/* nginx's name of a server that has none is "_" or empty. */
static void fill_authority(struct message *request, const struct variables *variables)
{
	struct slice host = message_known(request, HEADER_HOST);

	if (!host.len && !slice_equal(variables->server_name, SLICE("_")))
		host = variables->server_name;
	if (host.len)
		copy(request, host, &request->authority);
}

static void fill(struct message *request, const struct variables *variables)
{
	if (variables->method.len)
		copy(request, variables->method, &request->method);
	fill_target(request, variables);
	fill_authority(request, variables);
	if (variables->scheme.len)
		copy(request, variables->scheme, &request->scheme);
	else if (slice_equal_nocase(variables->https, SLICE("on")))
		request->scheme = SLICE("https");
}

void fastcgi_request_fill(struct message *request, struct slice params, bool whole, bool few,
			  uint64_t *length)
{
	struct variables variables = { .method = { 0 } };
	struct slice name, value, field, *variable;
	uint8_t text[NAME_MAX_BYTES];

	while (params.len && take_pair(&params, &name, &value)) {
		if (!name.data)
			name = SLICE("");
		variable = variable_of(&variables, name);
		if (variable && variable->data && !slice_equal(*variable, value))
			request->flags |= FLAG_MALFORMED; /* two meanings: the first */
		else if (variable)
			*variable = value;
		field = field_name(name, text);
		/* RFC 3875, 4.1.2: without a body they may be empty, which no field of HTTP is meant by. */
		if (slice_has_prefix(name, SLICE("CONTENT_")) && !value.len)
			continue;
		add_field(request, field.data ? field : name, value.data ? value : SLICE(""), few);
	}
	if (whole && params.len)
		request->flags |= FLAG_MALFORMED | FLAG_PARTIAL_HEADERS;
	if (!whole)
		request->flags |= FLAG_PARTIAL_HEADERS;
	if (!slice_number(variables.length, length))
		*length = 0; /* there is none */
	fill(request, &variables);
}

/* --- the response's head --------------------------------------------------------------------------- */

size_t fastcgi_head_end(struct slice bytes, size_t from)
{
	/* A line feed before `from` may be the first of two. */
	size_t i = from > 2 ? from - 2 : 0;

	if (bytes.len && bytes.data[0] == '\n')
		return 1;
	if (bytes.len > 1 && bytes.data[0] == '\r' && bytes.data[1] == '\n')
		return 2;
	for (; i < bytes.len; i++) {
		struct slice rest = slice_drop(bytes, i);

		if (rest.data[0] != '\n')
			continue;
		if (rest.len > 1 && rest.data[1] == '\n')
			return i + 2;
		if (rest.len > 2 && rest.data[1] == '\r' && rest.data[2] == '\n')
			return i + 3;
	}
	return 0;
}

/* RFC 3875, 6.3.3: three digits, then nothing or a phrase. 0: it is none. */
static int status_of(struct slice value)
{
	int status = 0;

	if (value.len < 3 || (value.len > 3 && value.data[3] != ' ' && value.data[3] != '\t'))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (!ascii_is_digit(value.data[i]))
			return 0;
		status = status * 10 + value.data[i] - '0';
	}
	return status >= 100 ? status : 0;
}

/*
 * Without Status it is 200, or with the Location of another server 302 (6.2.3, 6.3.3); with a local one
 * (6.2.2) servers do as they like.
 */
static int status_implied(struct slice location)
{
	if (!location.data)
		return 200;
	return location.len && location.data[0] != '/' ? 302 : 0;
}

void fastcgi_response_fill(struct message *response, struct slice head, bool whole, bool few)
{
	struct slice location = { 0 };
	bool named = false;

	while (head.len) {
		size_t end = slice_find(head, '\n');
		struct slice line = slice_take(head, end), name, value;

		if (end == head.len && !whole)
			break; /* the line goes on */
		head = slice_drop(head, end + 1);
		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		if (!line.len)
			continue;
		if (!http1_field_parse(line, &name, &value)) {
			response->flags |= FLAG_MALFORMED;
			continue;
		}
		add_field(response, name, value, few);
		if (slice_equal_nocase(name, SLICE("location")))
			location = value;
		if (!slice_equal_nocase(name, SLICE("status")))
			continue;
		if (named && status_of(value) != response->status)
			response->flags |= FLAG_MALFORMED;
		else
			response->status = status_of(value);
		if (!response->status)
			response->flags |= FLAG_MALFORMED;
		named = true;
	}
	if (!whole)
		response->flags |= FLAG_PARTIAL_HEADERS;
	else if (!named && !(response->flags & FLAG_MALFORMED))
		response->status = status_implied(location);
}
