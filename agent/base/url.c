/* SPDX-License-Identifier: Apache-2.0 */
/* An authority that is not well formed counts as not known: a port or host is never guessed out of it. */
#include "url.h"

#include "ascii.h"

/* ":80" or nothing. False: neither. */
static bool parse_port(struct slice s, struct url *url)
{
	uint64_t port = 0;

	if (s.len == 0)
		return true;
	if (s.data[0] != ':' || s.len > 6)
		return false;
	if (s.len > 1 && (!slice_number(slice_drop(s, 1), &port) || port > UINT16_MAX))
		return false;
	url->port_known = s.len > 1; /* "host:" is legal: no port (RFC 3986, 3.2.3) */
	url->port = (uint16_t)port;
	return true;
}

static void parse_authority(struct slice s, struct url *url)
{
	size_t end;

	for (size_t at = slice_find(s, '@'); at < s.len; at = slice_find(s, '@'))
		s = slice_drop(s, at + 1);
	if (s.len == 0)
		return;
	if (s.data[0] == '[') {
		end = slice_find(s, ']');
		if (end < 3 || end == s.len || !parse_port(slice_drop(s, end + 1), url))
			return;
		url->host = slice_of(s.data + 1, end - 1);
	} else {
		end = slice_find(s, ':');
		if (end == 0 || !parse_port(slice_drop(s, end), url))
			return;
		url->host = slice_take(s, end);
	}
	url->authority = s;
}

static void parse_path(struct slice s, struct url *url)
{
	size_t end = slice_find(s, '?');

	url->path = slice_take(s, end);
	if (end < s.len)
		url->query = slice_drop(s, end + 1);
}

/* Length of "scheme://" at the front (RFC 3986, 3.1), or 0. */
static size_t scheme_length(struct slice s)
{
	size_t n = s.len && ascii_is_letter(s.data[0]) ? slice_find(s, ':') : 0;

	if (n == 0 || !slice_has_prefix(slice_drop(s, n), SLICE("://")))
		return 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = s.data[i];

		if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '+' && c != '-' && c != '.')
			return 0;
	}
	return n + 3;
}

static void parse_absolute(struct slice s, struct url *url)
{
	size_t end = slice_find(s, '/');
	size_t query = slice_find(s, '?');

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
	url->authority_form = slice_equal(request->method, SLICE("CONNECT")) && request->version < HTTP_2;
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
		parse_authority(message_known(request, HEADER_HOST), url);
}

struct slice url_path_plain(struct slice path)
{
	size_t at = path.len;

	while (at && path.data[at - 1] != '/')
		at--;
	at += slice_find(slice_drop(path, at), ';');
	return slice_take(path, at);
}
