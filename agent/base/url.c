/* SPDX-License-Identifier: Apache-2.0 */
/* An authority that is not well formed counts as not known: a port or host is never guessed out of it. */
#include "url.h"

static size_t find_byte(struct slice s, uint8_t byte)
{
	const uint8_t *found = s.data && s.len ? memchr(s.data, byte, s.len) : NULL;

	return found ? (size_t)(found - s.data) : s.len;
}

/* ":80" or nothing. False: neither. */
static bool parse_port(struct slice s, struct url *url)
{
	uint32_t port = 0;

	if (s.len == 0)
		return true;
	if (s.data[0] != ':' || s.len > 6)
		return false;
	for (size_t i = 1; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		port = port * 10 + (s.data[i] - '0');
	}
	if (port > UINT16_MAX)
		return false;
	url->port_known = s.len > 1; /* "host:" is legal: no port (RFC 3986, 3.2.3) */
	url->port = (uint16_t)port;
	return true;
}

static void parse_authority(struct slice s, struct url *url)
{
	size_t end;

	for (size_t at = find_byte(s, '@'); at < s.len; at = find_byte(s, '@'))
		s = slice_drop(s, at + 1);
	if (s.len == 0)
		return;
	if (s.data[0] == '[') {
		end = find_byte(s, ']');
		if (end < 3 || end == s.len || !parse_port(slice_drop(s, end + 1), url))
			return;
		url->host = slice_of(s.data + 1, end - 1);
	} else {
		end = find_byte(s, ':');
		if (end == 0 || !parse_port(slice_drop(s, end), url))
			return;
		url->host = slice_take(s, end);
	}
	url->authority = s;
}

static void parse_path(struct slice s, struct url *url)
{
	size_t end = find_byte(s, '?');

	url->path = slice_take(s, end);
	if (end < s.len)
		url->query = slice_drop(s, end + 1);
}

/* Length of "scheme://" at the front (RFC 3986, 3.1), or 0. */
static size_t scheme_length(struct slice s)
{
	size_t n = find_byte(s, ':');

	if (n == 0 || !slice_has_prefix(slice_drop(s, n), SLICE("://")))
		return 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = s.data[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';

		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
			return 0;
	}
	return n + 3;
}

static void parse_absolute(struct slice s, struct url *url)
{
	size_t end = find_byte(s, '/');
	size_t query = find_byte(s, '?');

	if (query < end)
		end = query;
	parse_authority(slice_take(s, end), url);
	parse_path(slice_drop(s, end), url);
}

void url_of_request(const struct message *request, struct url *url)
{
	struct slice target = request->target;
	size_t scheme = target.data ? scheme_length(target) : 0;

	*url = (struct url){ 0 };
	url->authority_form = slice_equal(request->method, SLICE("CONNECT")) && request->version != HTTP_2;
	if (url->authority_form && target.data) {
		parse_authority(target, url);
		return;
	}
	if (scheme)
		parse_absolute(slice_drop(target, scheme), url);
	else if (target.data)
		parse_path(target, url);
	else
		url->authority_form = slice_equal(request->method, SLICE("CONNECT"));
	if (!url->host.data && request->authority.data)
		parse_authority(request->authority, url);
	if (!url->host.data)
		parse_authority(message_header(request, SLICE("host")), url);
}

struct slice url_path_plain(struct slice path)
{
	size_t at = path.len;

	while (at && path.data[at - 1] != '/')
		at--;
	at += find_byte(slice_drop(path, at), ';');
	return slice_take(path, at);
}
