/* SPDX-License-Identifier: Apache-2.0 */
#include "har_parts.h"

#include "ascii.h"
#include "base/url.h"

#include <inttypes.h>
#include <string.h>

static void put_string(struct json_writer *writer, struct slice bytes)
{
	escape_json(&writer->line, bytes);
}

static void put_member(struct json_writer *writer, const char *before, struct slice bytes)
{
	buffer_string(&writer->line, before);
	put_string(writer, bytes);
}

/* --- fields and cookies ------------------------------------------------------------------------ */

void har_put_fields(struct json_writer *writer, const struct header_list *list)
{
	struct buffer *line = &writer->line;

	buffer_char(line, '[');
	for (size_t i = 0; i < list->count; i++) {
		const struct header *header = &list->items[i];
		struct slice value =
			redact_value(writer->redact, header->name, header->value, &writer->scratch);

		buffer_string(line, i ? ",\n    " : "");
		put_member(writer, "{\"name\":", header->name.data ? header->name : SLICE("?"));
		put_member(writer, ",\"value\":", value);
		if (!header->name.data || !header->value.data)
			buffer_string(line, ",\"comment\":\"could not be decoded\"");
		buffer_char(line, '}');
	}
	buffer_char(line, ']');
}

/* Takes what stands before the separator, which neither part keeps. */
static struct slice take_until(struct slice *rest, uint8_t separator)
{
	size_t end = slice_find(*rest, separator);
	struct slice taken = slice_trim(slice_take(*rest, end));

	*rest = slice_drop(*rest, end + 1);
	return taken;
}

/* A pair without a = is all value (RFC 6265bis, 5.6). */
static void put_cookie(struct json_writer *writer, struct slice pair, bool secret)
{
	bool named = slice_find(pair, '=') < pair.len;
	struct slice name = named ? take_until(&pair, '=') : SLICE("");

	put_member(writer, "{\"name\":", name);
	put_member(writer, ",\"value\":", secret ? SLICE(REDACTED) : slice_trim(pair));
}

/* The attributes of a cookie (RFC 6265, 4.1.1). A date would have to be read to be written: it stands in the
 * field. */
static void put_attributes(struct json_writer *writer, struct slice rest)
{
	bool path = false, domain = false, http_only = false, secure = false;

	while (rest.len) {
		struct slice value = take_until(&rest, ';'), name = take_until(&value, '=');

		if (slice_equal_nocase(name, SLICE("path")) && !path) {
			path = true;
			put_member(writer, ",\"path\":", value);
		} else if (slice_equal_nocase(name, SLICE("domain")) && !domain) {
			domain = true;
			put_member(writer, ",\"domain\":", value);
		}
		http_only |= slice_equal_nocase(name, SLICE("httponly"));
		secure |= slice_equal_nocase(name, SLICE("secure"));
	}
	buffer_format(&writer->line, ",\"httpOnly\":%s,\"secure\":%s", http_only ? "true" : "false",
		      secure ? "true" : "false");
}

void har_put_cookies(struct json_writer *writer, const struct message *message)
{
	struct slice wanted = message->kind == MESSAGE_REQUEST ? SLICE("cookie") : SLICE("set-cookie");
	bool secret = redact_name(writer->redact, NAME_FIELD, wanted);
	const char *before = "[";

	for (size_t i = 0; i < message->headers.count; i++) {
		struct slice rest = message->headers.items[i].value;

		if (!slice_equal_nocase(message->headers.items[i].name, wanted))
			continue;
		while (rest.len) {
			struct slice pair = take_until(&rest, ';');

			buffer_string(&writer->line, before);
			put_cookie(writer, pair, secret);
			if (message->kind == MESSAGE_RESPONSE) {
				put_attributes(writer, rest);
				rest.len = 0;
			}
			buffer_char(&writer->line, '}');
			before = ",";
		}
	}
	buffer_string(&writer->line, *before == '[' ? "[]" : "]");
}

/* --- URL and query ------------------------------------------------------------------------------- */

/* The bytes escaped for a URL, in a JSON string: what remains needs no escape there. */
static void put_url_bytes(struct buffer *line, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.data[i];

		if (c > 0x20 && c < 0x7f && !strchr("\"<>\\^`{|}#", c))
			buffer_char(line, (char)c);
		else
			buffer_format(line, "%%%02X", c);
	}
}

static void put_authority(struct json_writer *writer, const struct exchange *exchange, const struct url *url)
{
	if (url->authority.data)
		put_url_bytes(&writer->line, url->authority);
	else if (!address_put_server_endpoint(&writer->line, exchange->conn))
		buffer_string(&writer->line, "host.unknown");
}

void har_put_url(struct json_writer *writer, const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	struct slice scheme = exchange_scheme(exchange), path = request->target;
	struct url url;

	url_of_request(request, &url);
	if (url.authority.data && url.authority.data > path.data &&
	    url.authority.data < path.data + path.len) /* within an absolute target */
		path = slice_drop(path, (size_t)(url.authority.data - path.data) + url.authority.len);
	buffer_char(&writer->line, '"');
	if (scheme.len)
		put_url_bytes(&writer->line, scheme);
	else
		buffer_string(&writer->line, exchange->conn->tls ? "https" : "http");
	buffer_string(&writer->line, "://");
	put_authority(writer, exchange, &url);
	if (url.authority_form || !path.len || path.data[0] != '/')
		buffer_char(&writer->line, '/');
	if (!url.authority_form)
		put_url_bytes(&writer->line, redact_target(writer->redact, path, &writer->scratch));
	buffer_char(&writer->line, '"');
}

/* The bytes decoded as a form's are: a + is a space, %XX a byte. `out` holds as many bytes. */
static struct slice decoded(struct slice bytes, uint8_t *out)
{
	size_t len = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.data[i];
		int high = c == '%' && i + 2 < bytes.len ? ascii_hex_value(bytes.data[i + 1]) : -1;
		int low = high >= 0 ? ascii_hex_value(bytes.data[i + 2]) : -1;

		if (low >= 0) {
			c = (uint8_t)(high << 4 | low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		out[len++] = c;
	}
	return slice_of(out, len);
}

void har_put_query(struct json_writer *writer, const struct message *request)
{
	struct slice target = redact_target(writer->redact, request->target, &writer->scratch);
	struct slice rest = slice_drop(target, slice_find(target, '?') + 1);
	struct buffer room = { .data = NULL };
	const char *before = "{\"name\":";

	buffer_char(&writer->line, '[');
	while (rest.len && buffer_room(&room, rest.len)) {
		size_t end = slice_find(rest, '&');
		struct slice value = slice_take(rest, end);
		size_t equals = slice_find(value, '=');

		rest = slice_drop(rest, end + 1);
		put_member(writer, before, decoded(slice_take(value, equals), (uint8_t *)room.data));
		put_member(writer,
			   ",\"value\":", decoded(slice_drop(value, equals + 1), (uint8_t *)room.data));
		buffer_char(&writer->line, '}');
		before = ",{\"name\":";
	}
	buffer_char(&writer->line, ']');
	writer->line.failed |= room.failed;
	buffer_fini(&room);
}

/* --- bodies ---------------------------------------------------------------------------------------- */

/* Why the text is not what was sent; nothing when it is. */
static void put_body_comment(struct json_writer *writer, const struct message *message,
			     const struct body *body)
{
	struct buffer *line = &writer->line;

	if (body_is_whole(body))
		return;
	buffer_string(line, ",\"comment\":\"");
	if (body->kept_part)
		buffer_format(line, "truncated: the first %zu of %s%" PRIu64 " bytes on the wire",
			      message->body.len, message->body_known ? "" : "at least ", message->body_bytes);
	else if (body->expands)
		buffer_format(line, "truncated: cut at %d bytes", BODY_DECODED_MAX);
	else if (body->unknown_coding)
		buffer_string(line, "as it was sent: its coding is not known");
	else
		buffer_string(line, "does not decode to its end");
	buffer_char(line, '"');
}

static void put_body(struct json_writer *writer, const struct message *message, const struct body *body)
{
	buffer_string(&writer->line, ",\"text\":");
	if (body->look != CONTENT_BINARY) {
		escape_json_text(&writer->line, body->bytes);
	} else {
		buffer_char(&writer->line, '"');
		escape_base64(&writer->line, body->bytes);
		buffer_string(&writer->line, "\",\"encoding\":\"base64\"");
	}
	put_body_comment(writer, message, body);
}

void har_put_post_data(struct json_writer *writer, struct body_reader *bodies, const struct message *request)
{
	struct body body = body_read(bodies, request, writer->redact);

	put_member(writer, "{\"mimeType\":", message_header(request, SLICE("Content-Type")));
	put_body(writer, request, &body);
	buffer_char(&writer->line, '}');
}

void har_put_content(struct json_writer *writer, struct body_reader *bodies, const struct message *response)
{
	struct body body = { .look = CONTENT_TEXT };
	struct slice type = { 0 };
	int64_t size = 0;

	if (response) {
		type = message_header(response, SLICE("Content-Type"));
		body = body_read(bodies, response, writer->redact);
		size = body_is_whole(&body) ? (int64_t)body.decoded_bytes : -1;
		if (body.kept_part && response->body_known &&
		    !message_header(response, SLICE("Content-Encoding")).len)
			size = (int64_t)response->body_bytes;
	}
	buffer_format(&writer->line, "{\"size\":%" PRId64, size);
	if (response && body.codings.len && body_is_whole(&body))
		buffer_format(&writer->line, ",\"compression\":%" PRId64,
			      size - (int64_t)response->body_bytes);
	put_member(writer, ",\"mimeType\":", type.len ? type : SLICE("x-unknown"));
	if (response && (response->body.len || body.kept_part))
		put_body(writer, response, &body);
	buffer_char(&writer->line, '}');
}
