/* SPDX-License-Identifier: Apache-2.0 */
/* Targets and authorities, written back as "host port path query"; "-" is what is not there. */
#include "base/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

static const struct {
	const char *name;
	enum http_version version;
	const char *method, *target, *authority, *host; /* NULL: not known */
	const char *expected;
} rows[] = {
	{ "origin form", HTTP_1_1, "GET", "/a?b", NULL, "h.org:80", "h.org 80 /a b" },
	{ "no query", HTTP_1_1, "GET", "/a", NULL, "h.org", "h.org - /a -" },
	{ "empty query", HTTP_1_1, "GET", "/?", NULL, NULL, "- - / ''" },
	{ "second ?", HTTP_1_1, "GET", "/a?b?c", NULL, NULL, "- - /a b?c" },
	{ "URL in the path", HTTP_1_1, "GET", "/go/http://x.org/", NULL, "h", "h - /go/http://x.org/ -" },
	{ "absolute form wins over Host", HTTP_1_1, "GET", "http://x.org:81/p", NULL, "h.org",
	  "x.org 81 /p -" },
	{ "absolute form, no path", HTTP_1_1, "GET", "http://x.org?q", NULL, NULL, "x.org - '' q" },
	{ "absolute form, user", HTTP_1_1, "GET", "https://u:p@q@x.org/", NULL, NULL, "x.org - / -" },
	{ "asterisk", HTTP_1_1, "OPTIONS", "*", NULL, "h", "h - * -" },
	{ "CONNECT", HTTP_1_1, "CONNECT", "x.org:443", NULL, "h", "x.org 443 - -" },
	{ "CONNECT, HTTP/2", HTTP_2, "CONNECT", NULL, "x.org:443", NULL, "x.org 443 - -" },
	{ "extended CONNECT", HTTP_2, "CONNECT", "/chat", "x.org", NULL, "x.org - /chat -" },
	{ "authority before Host", HTTP_2, "GET", "/", "x.org", "h.org", "x.org - / -" },
	{ "Host in HTTP/2", HTTP_2, "GET", "/", NULL, "h.org", "h.org - / -" },
	{ "IPv6", HTTP_1_1, "GET", "/", NULL, "[::1]:8080", "::1 8080 / -" },
	{ "IPv6 without port", HTTP_1_1, "GET", "/", NULL, "[::1]", "::1 - / -" },
	{ "empty port", HTTP_1_1, "GET", "/", NULL, "h:", "h - / -" },
	{ "port too large", HTTP_1_1, "GET", "/", NULL, "h:65536", "- - / -" },
	{ "port with letters", HTTP_1_1, "GET", "/", NULL, "h:8a", "- - / -" },
	{ "port too long", HTTP_1_1, "GET", "/", NULL, "h:000080", "- - / -" },
	{ "only a port", HTTP_1_1, "GET", "/", NULL, ":80", "- - / -" },
	{ "open bracket", HTTP_1_1, "GET", "/", NULL, "[::1", "- - / -" },
	{ "empty brackets", HTTP_1_1, "GET", "/", NULL, "[]", "- - / -" },
	{ "behind the bracket", HTTP_1_1, "GET", "/", NULL, "[::1]x", "- - / -" },
	{ "empty Host", HTTP_1_1, "GET", "/", NULL, "", "- - / -" },
	{ "target unknown", HTTP_2, "GET", NULL, "x.org", NULL, "x.org - - -" },
	{ "nothing known", HTTP_2, NULL, NULL, NULL, NULL, "- - - -" },
	{ "odd target", HTTP_1_1, "GET", "a:b", NULL, NULL, "- - a:b -" },
};

static const char *or_dash(char *text, size_t size, struct slice s)
{
	if (!s.data)
		return "-";
	if (s.len == 0)
		return "''";
	snprintf(text, size, "%.*s", (int)s.len, (const char *)s.data);
	return text;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message *request = message_new(MESSAGE_REQUEST, 0);
		char host[64], path[64], query[64], port[8] = "-", text[256];
		struct url url;

		assert_non_null(request);
		request->version = rows[i].version;
		request->method = slice_of_string(rows[i].method);
		request->target = slice_of_string(rows[i].target);
		request->authority = slice_of_string(rows[i].authority);
		if (rows[i].host)
			assert_int_equal(message_add_header(request, &request->headers, SLICE("Host"),
							    slice_of_string(rows[i].host), 0),
					 0);
		url_of_request(request, &url);
		if (url.port_known)
			snprintf(port, sizeof(port), "%u", url.port);
		snprintf(text, sizeof(text), "%s %s %s %s", or_dash(host, sizeof(host), url.host), port,
			 or_dash(path, sizeof(path), url.path), or_dash(query, sizeof(query), url.query));
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s: %s, not %s", rows[i].name, text, rows[i].expected);
		message_free(request);
	}
}

/* Of the last segment, as endpoints are named. */
static void test_plain_paths(void **state)
{
	static const char *const paths[][2] = {
		{ "/a/b", "/a/b" }, { "/a;jsessionid=x", "/a" }, { "/a;v=1/b", "/a;v=1/b" }, { "/;x", "/" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_true(slice_equal(url_path_plain(slice_of_string(paths[i][0])),
					slice_of_string(paths[i][1])));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_plain_paths) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
