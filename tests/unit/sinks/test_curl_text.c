/* SPDX-License-Identifier: Apache-2.0 */
/* Each row changes the sample and has the whole text that stands for it, up to the last line feed. */
#include "sinks/curl_text.h"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sys/socket.h>

#define WAY  "--resolve example.com:8443:10.0.0.2 "
#define BARE " -H User-Agent: -H Accept:"

static void field(struct sample *s, const char *name, const char *value)
{
	sample_header(s->exchange.request, &s->exchange.request->headers, name, value);
}

/* The one that is usual: a field of each that curl would add, no secret, and the socket's own port. */
static void plain(struct sample *s)
{
	s->exchange.request->headers.count = 0;
	field(s, "Host", "example.com:8443");
	field(s, "User-Agent", "it's me");
	field(s, "Accept", "*/*");
}

static void none(struct sample *s)
{
	(void)s;
}

static void body_is(struct sample *s, const char *method, struct slice body)
{
	plain(s);
	s->exchange.request->method = slice_of_string(method);
	s->exchange.request->body = body;
	s->exchange.request->body_bytes = body.len;
}

static void post_form(struct sample *s)
{
	body_is(s, "POST", SLICE("a=1&password=hunter2"));
	field(s, "Content-Type", "application/x-www-form-urlencoded");
	field(s, "Content-Length", "20");
}

static void put_json(struct sample *s)
{
	body_is(s, "PUT", SLICE("{\"it's\": \"@\"}"));
	field(s, "Content-Type", "application/json");
	field(s, "Transfer-Encoding", "chunked");
}

static void binary(struct sample *s)
{
	body_is(s, "POST", SLICE("-\x00\x1f\x8b'%\n"));
}

static void cut_body(struct sample *s)
{
	body_is(s, "POST", SLICE("abc"));
	s->exchange.request->body_bytes = 5000;
}

static void lost_body(struct sample *s)
{
	body_is(s, "POST", SLICE(""));
	s->exchange.request->body_known = false;
	s->exchange.request->body_bytes = 10;
	s->exchange.request->flags = FLAG_GAP;
}

static void empty_post(struct sample *s)
{
	body_is(s, "POST", SLICE(""));
	field(s, "Content-Length", "0");
}

static void delete (struct sample *s)
{
	plain(s);
	s->exchange.request->method = SLICE("DELETE");
}

static void http2(struct sample *s)
{
	s->exchange.request->headers.count = 0;
	s->exchange.request->version = HTTP_2;
	s->exchange.request->scheme = SLICE("https");
	s->exchange.request->authority = SLICE("example.com:8443");
	field(s, "user-agent", "x");
	field(s, "accept", "*/*");
	field(s, "te", "trailers");
	field(s, "accept-encoding", "gzip, br");
	s->conn.tls = true;
}

static void h2c(struct sample *s)
{
	http2(s);
	s->conn.tls = false;
	s->exchange.request->headers.count = 2;
}

static void https(struct sample *s)
{
	plain(s);
	s->conn.tls = true;
	s->conn.sock.peer_port = 443;
	s->exchange.request->headers.items[0].value = SLICE("93.184.215.14");
}

static void public_address(struct sample *s)
{
	static const uint8_t peer[4] = { 93, 184, 215, 14 };

	plain(s);
	memcpy(s->conn.sock.peer, peer, sizeof(peer));
}

static void ipv6(struct sample *s)
{
	static const uint8_t peer[16] = { 0xfd, [15] = 1 };

	plain(s);
	s->conn.sock.family = AF_INET6;
	memcpy(s->conn.sock.peer, peer, sizeof(peer));
}

static void ipv6_literal(struct sample *s)
{
	ipv6(s);
	s->exchange.request->headers.items[0].value = SLICE("[fd00::1]:8443");
}

static void served(struct sample *s)
{
	plain(s);
	s->conn.role = ROLE_SERVER;
}

static void unix_socket(struct sample *s)
{
	plain(s);
	s->conn.sock = (struct event_socket){ .family = AF_UNIX, .fd = 3 };
	s->exchange.request->headers.items[0].value = SLICE("docker");
}

static void socket_unknown(struct sample *s)
{
	plain(s);
	s->conn.sock = (struct event_socket){ .fd = -1 };
}

static void proxied(struct sample *s)
{
	plain(s);
	s->exchange.request->target = SLICE("http://user:pw@other.org:81/x?y");
	s->exchange.request->headers.items[0].value = SLICE("other.org:81");
	field(s, "Proxy-Connection", "keep-alive");
}

/* No scheme of HTTP's: curl would read a file, or take it for an option. */
static void file_target(struct sample *s)
{
	plain(s);
	s->exchange.request->target = SLICE("file://localhost/etc/passwd");
}

static void option_target(struct sample *s)
{
	plain(s);
	s->exchange.request->target = SLICE("-Fa=@x://y/");
}

/* Its authority is none, so the host is the field's, which stands elsewhere. */
static void no_authority(struct sample *s)
{
	plain(s);
	s->exchange.request->target = SLICE("http://a:b:c/x");
}

static void coded_dots(struct sample *s)
{
	plain(s);
	s->exchange.request->target = SLICE("/a/%2E%2e/b");
}

static void dash_host(struct sample *s)
{
	plain(s);
	s->exchange.request->headers.items[0].value = SLICE("-x:8443");
}

/* curl would make 127.0.0.1 of it. */
static void number_host(struct sample *s)
{
	plain(s);
	s->exchange.request->headers.items[0].value = SLICE("0x7f.1");
}

static void no_ipv6(struct sample *s)
{
	plain(s);
	s->exchange.request->headers.items[0].value = SLICE("[::::]:8443");
}

static void usual_port(struct sample *s)
{
	plain(s);
	s->conn.sock.peer_port = 80;
	s->exchange.request->headers.items[0].value = SLICE("example.com:80");
}

static void proxied_apart(struct sample *s)
{
	proxied(s);
	s->exchange.request->target = SLICE("http://other.org:81/a b?token=t");
	s->exchange.request->headers.items[0].value = SLICE("x.org");
}

static void http2_user(struct sample *s)
{
	h2c(s);
	s->exchange.request->authority = SLICE("user:pw@example.com:8443");
}

static void http2_lines(struct sample *s)
{
	h2c(s);
	s->exchange.request->authority = SLICE("a\r\nEvil: 1");
}

static void fastcgi(struct sample *s)
{
	plain(s);
	s->exchange.request->version = FASTCGI_1;
}

static void tunnel(struct sample *s)
{
	s->exchange.request->method = SLICE("CONNECT");
	s->exchange.request->target = SLICE("other.org:443");
}

static void asterisk(struct sample *s)
{
	plain(s);
	s->exchange.request->method = SLICE("OPTIONS");
	s->exchange.request->target = SLICE("*");
}

static void odd_target(struct sample *s)
{
	plain(s);
	s->exchange.request->target = SLICE("/a b\x1b#c");
}

static void glob_and_dots(struct sample *s)
{
	plain(s);
	s->exchange.request->target = SLICE("/../x?a=[1-3]&b={c}");
}

static void hop(struct sample *s)
{
	plain(s);
	field(s, "Connection", "keep-alive, X-Hop");
	field(s, "X-Hop", "1");
	field(s, "TE", "gzip");
	field(s, "Keep-Alive", "timeout=5");
	field(s, "X-Empty", "");
	field(s, "X-Same", "1");
	field(s, "X-Same", "2");
}

static void websocket(struct sample *s)
{
	plain(s);
	field(s, "Connection", "Upgrade");
	field(s, "Upgrade", "websocket");
}

static void secrets(struct sample *s)
{
	plain(s);
	s->exchange.request->target = SLICE("/a?access_token=abc");
	field(s, "Authorization", "Bearer xyz");
}

static void hostile(struct sample *s)
{
	plain(s);
	s->exchange.request->headers.items[0].value = SLICE("a';id;'");
	field(s, "X-Injected", "a\r\nEvil: 1");
	field(s, "@/etc/passwd", "x");
	field(s, "X-Raw", "\xff\x1b$(id)");
}

static void unknown_fields(struct sample *s)
{
	plain(s);
	field(s, "x-known", NULL);
	s->exchange.request->flags = FLAG_PARTIAL_HEADERS;
}

static void http10(struct sample *s)
{
	s->exchange.request->version = HTTP_1_0;
	s->exchange.request->headers.count = 0;
}

static void no_request(struct sample *s)
{
	message_free(s->exchange.request);
	s->exchange.request = NULL;
}

static void bad_method(struct sample *s)
{
	s->exchange.request->method = SLICE("GET\n");
}

#define ME " -H 'User-Agent: it'\\''s me' -H 'Accept: */*'"

static const struct {
	const char *name;
	void (*change)(struct sample *sample);
	bool show_secrets;
	const char *text;
} rows[] = {
	{ "sample", none, false,
	  "# [redacted] stands for secrets (--show-secrets shows them)\n"
	  "curl --connect-to ::10.0.0.2:8443 'http://example.com/a?b=1' -H 'Cookie: [redacted]'" BARE },
	{ "sample, shown", none, true,
	  "curl --connect-to ::10.0.0.2:8443 'http://example.com/a?b=1' -H 'Cookie: id=7'" BARE },
	{ "plain", plain, false, "curl " WAY "'http://example.com:8443/a?b=1'" ME },
	{ "form", post_form, true,
	  "curl " WAY "'http://example.com:8443/a?b=1'" ME
	  " -H 'Content-Type: application/x-www-form-urlencoded' --data-raw 'a=1&password=hunter2'" },
	{ "form, redacted", post_form, false,
	  "# [redacted] stands for secrets (--show-secrets shows them)\n"
	  "curl " WAY "'http://example.com:8443/a?b=1'" ME
	  " -H 'Content-Type: application/x-www-form-urlencoded' --data-raw 'a=1&password=[redacted]'" },
	{ "JSON in chunks", put_json, false,
	  "curl -X PUT " WAY "'http://example.com:8443/a?b=1'" ME
	  " -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-raw '{\"it'\\''s\": "
	  "\"@\"}'" },
	{ "binary", binary, false,
	  "printf '\\055\\000\\037\\213\\047%%\\n' | curl " WAY "'http://example.com:8443/a?b=1'" ME
	  " -H Content-Type: --data-binary @-" },
	{ "truncated", cut_body, false,
	  "# truncated: the body has 5000 bytes, the command 3\n"
	  "curl " WAY "'http://example.com:8443/a?b=1'" ME " -H Content-Type: --data-raw abc" },
	{ "lost body", lost_body, false,
	  "# the request may not be whole: gap\n"
	  "# truncated: the body has at least 10 bytes, the command 0\n"
	  "curl -X POST " WAY "'http://example.com:8443/a?b=1'" ME },
	{ "empty POST", empty_post, false,
	  "curl " WAY "'http://example.com:8443/a?b=1'" ME " -H Content-Type: --data-raw ''" },
	{ "DELETE", delete, false, "curl -X DELETE " WAY "'http://example.com:8443/a?b=1'" ME },
	{ "HTTP/2", http2, false,
	  "curl --http2 " WAY
	  "'https://example.com:8443/a?b=1' -H 'user-agent: x' -H 'accept: */*' -H 'te: trailers'"
	  " -H 'accept-encoding: gzip, br' --compressed" },
	{ "h2c", h2c, false,
	  "curl --http2-prior-knowledge " WAY
	  "'http://example.com:8443/a?b=1' -H 'user-agent: x' -H 'accept: */*'" },
	{ "HTTPS, another address", https, false,
	  "curl --http1.1 --connect-to ::10.0.0.2:443 'https://93.184.215.14/a?b=1'" ME },
	{ "public address", public_address, false, "curl 'http://example.com:8443/a?b=1'" ME },
	{ "IPv6", ipv6, false,
	  "curl --resolve 'example.com:8443:[fd00::1]' 'http://example.com:8443/a?b=1'" ME },
	{ "IPv6 literal", ipv6_literal, false, "curl 'http://[fd00::1]:8443/a?b=1'" ME },
	{ "server's side", served, false,
	  "curl --connect-to ::10.0.0.1:40000 'http://example.com:8443/a?b=1'" ME },
	{ "Unix socket", unix_socket, false,
	  "# sent to a Unix socket, whose path belongs in the place of SOCKET\n"
	  "curl --unix-socket SOCKET 'http://docker/a?b=1'" ME },
	{ "socket not known", socket_unknown, false, "curl 'http://example.com:8443/a?b=1'" ME },
	{ "by a proxy", proxied, false, "curl --proxy http://10.0.0.2:8443 'http://other.org:81/x?y'" ME },
	{ "a file", file_target, false,
	  "curl --connect-to ::10.0.0.2:8443 --request-target file://localhost/etc/passwd http://localhost/"
	  " -H 'Host: example.com:8443'" ME },
	{ "an option", option_target, false,
	  "curl " WAY "--request-target '-Fa=@x://y/' http://example.com:8443/" ME },
	{ "no authority", no_authority, false,
	  "curl " WAY "--request-target http://a:b:c/x http://example.com:8443/" ME },
	{ "coded dots", coded_dots, false, "curl " WAY "--path-as-is http://example.com:8443/a/%2E%2e/b" ME },
	{ "host like an option", dash_host, false,
	  "curl 'http://10.0.0.2:8443/a?b=1' -H 'Host: -x:8443'" ME },
	{ "host like a number", number_host, false,
	  "curl 'http://10.0.0.2:8443/a?b=1' -H 'Host: 0x7f.1'" ME },
	{ "host like IPv6", no_ipv6, false, "curl 'http://10.0.0.2:8443/a?b=1' -H 'Host: [::::]:8443'" ME },
	{ "usual port", usual_port, false,
	  "curl --resolve example.com:80:10.0.0.2 'http://example.com:80/a?b=1' -H 'Host: "
	  "example.com:80'" ME },
	{ "proxied, another Host", proxied_apart, false,
	  "# [redacted] stands for secrets (--show-secrets shows them)\n"
	  "curl --proxy http://10.0.0.2:8443 --request-target 'http://other.org:81/a b?token=[redacted]'"
	  " http://other.org:81/ -H 'Host: x.org'" ME },
	{ "HTTP/2, user in :authority", http2_user, false,
	  "# [redacted] stands for secrets (--show-secrets shows them)\n"
	  "curl --http2-prior-knowledge " WAY
	  "'http://example.com:8443/a?b=1' -H 'user-agent: x' -H 'accept: */*'"
	  " -H 'Host: [redacted]@example.com:8443'" },
	{ "HTTP/2, lines in :authority", http2_lines, false,
	  "# left out, for curl cannot send them: 1 header fields\n"
	  "curl --http2-prior-knowledge 'http://10.0.0.2:8443/a?b=1' -H 'user-agent: x' -H 'accept: */*'" },
	{ "FastCGI", fastcgi, false, "# no command: curl does not speak FastCGI" },
	{ "CONNECT", tunnel, false,
	  "# no command: a CONNECT opens a tunnel, and what goes through it stands for itself" },
	{ "OPTIONS *", asterisk, false,
	  "curl -X OPTIONS " WAY "--request-target '*' http://example.com:8443/" ME },
	{ "odd target", odd_target, false,
	  "curl " WAY "--request-target \"$(printf '/a b\\033#c')\" http://example.com:8443/" ME },
	{ "globs and dots", glob_and_dots, false,
	  "curl " WAY "--globoff --path-as-is 'http://example.com:8443/../x?a=[1-3]&b={c}'" ME },
	{ "of one hop", hop, false,
	  "curl " WAY "'http://example.com:8443/a?b=1'" ME " -H 'X-Empty;' -H 'X-Same: 1' -H 'X-Same: 2'" },
	{ "WebSocket", websocket, false,
	  "curl " WAY "'http://example.com:8443/a?b=1'" ME
	  " -H 'Connection: Upgrade' -H 'Upgrade: websocket'" },
	{ "secrets", secrets, false,
	  "# [redacted] stands for secrets (--show-secrets shows them)\n"
	  "curl " WAY "--globoff 'http://example.com:8443/a?access_token=[redacted]'" ME
	  " -H 'Authorization: [redacted]'" },
	{ "secrets, shown", secrets, true,
	  "curl " WAY "'http://example.com:8443/a?access_token=abc'" ME " -H 'Authorization: Bearer xyz'" },
	{ "hostile", hostile, false,
	  "# left out, for curl cannot send them: 2 header fields\n"
	  "curl 'http://10.0.0.2:8443/a?b=1' -H 'Host: a'\\'';id;'\\'''" ME
	  " -H \"$(printf 'X-Raw: \\377\\033$(id)')\"" },
	{ "unknown fields", unknown_fields, false,
	  "# the request may not be whole: partial-headers\n"
	  "# not known, and left out: 1 header fields\n"
	  "curl " WAY "'http://example.com:8443/a?b=1'" ME },
	{ "HTTP/1.0 without Host", http10, false,
	  "curl --http1.0 'http://10.0.0.2:8443/a?b=1' -H Host:" BARE },
	{ "no request", no_request, false, "# no command: the request was not seen" },
	{ "no method", bad_method, false, "# no command: curl sends no such method or target" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redact *redact = redact_new(rows[i].show_secrets);
		struct curl_text curl = { .redact = redact };
		struct buffer out = { .data = NULL };
		struct sample sample;

		sample_init(&sample);
		rows[i].change(&sample);
		assert_int_equal(curl_text_put(&out, &curl, &sample.exchange),
				 strncmp(rows[i].text, "# no command", 12) != 0);
		assert_false(out.failed);
		assert_int_equal(out.data[out.len - 1], '\n');
		out.data[out.len - 1] = '\0';
		if (strcmp(out.data, rows[i].text) != 0)
			print_message("%s:\n%s\n", rows[i].name, out.data);
		assert_string_equal(out.data, rows[i].text);
		sample_fini(&sample);
		curl_text_fini(&curl);
		buffer_fini(&out);
		redact_free(redact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
