/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 conversations: who sent what in which order, and the messages in
 * them. Targets are unique and each response names the target that it answers
 * in X-For, so that a wrong pair can be told from a right one.
 */
#ifndef HARK_TESTS_HTTP1_CASES_H
#define HARK_TESTS_HTTP1_CASES_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP1_CASE_TURNS 12

struct http1_turn {
	enum {
		TURN_NONE,
		TURN_REQUEST,
		TURN_RESPONSE
	} side;
	const char *bytes;
	size_t len;
};

struct http1_case {
	const char *name;
	struct http1_turn turns[HTTP1_CASE_TURNS];
	const char *expected; /* of message_text.h, with bodies kept */
};

/* clang-format off */
#define Q(literal) { TURN_REQUEST, literal, sizeof(literal) - 1 }
#define A(literal) { TURN_RESPONSE, literal, sizeof(literal) - 1 }
/* clang-format on */

static const struct http1_case http1_cases[] = {
	{ "one exchange",
	  { Q("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
	    A("HTTP/1.1 200 OK\r\nX-For: /a\r\nContent-Length: 2\r\n\r\nhi") },
	  "request 0 GET /a 1.1 {Host: x} 0\n"
	  "response 0 200 1.1 {X-For: /a; Content-Length: 2} \"hi\"\n" },
	{ "keep-alive, one after the other",
	  { Q("GET /a HTTP/1.1\r\n\r\n"), A("HTTP/1.1 200 OK\r\nX-For: /a\r\nContent-Length: 2\r\n\r\nhi"),
	    Q("POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"),
	    A("HTTP/1.1 404 No\r\nX-For: /b\r\nContent-Length: 0\r\n\r\n"), Q("GET /c HTTP/1.1\r\n\r\n"),
	    A("HTTP/1.1 204 Empty\r\nX-For: /c\r\n\r\n") },
	  "request 0 GET /a 1.1 {} 0\nresponse 0 200 1.1 {X-For: /a; Content-Length: 2} \"hi\"\n"
	  "request 0 POST /b 1.1 {Content-Length: 3} \"abc\"\nresponse 0 404 1.1 {X-For: /b; Content-Length: "
	  "0} 0\n"
	  "request 0 GET /c 1.1 {} 0\nresponse 0 204 1.1 {X-For: /c} 0\n" },
	{ "pipelining",
	  { Q("GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n"),
	    A("HTTP/1.1 200 OK\r\nX-For: /a\r\nContent-Length: 2\r\n\r\nhi"
	      "HTTP/1.1 200 OK\r\nX-For: /b\r\nContent-Length: 99\r\n\r\n"
	      "HTTP/1.1 200 OK\r\nX-For: /c\r\nContent-Length: 1\r\n\r\n!") },
	  "request 0 GET /a 1.1 {} 0\nrequest 0 HEAD /b 1.1 {} 0\nrequest 0 GET /c 1.1 {} 0\n"
	  "response 0 200 1.1 {X-For: /a; Content-Length: 2} \"hi\"\n"
	  "response 0 200 1.1 {X-For: /b; Content-Length: 99} 0\n"
	  "response 0 200 1.1 {X-For: /c; Content-Length: 1} \"!\"\n" },
	{ "chunks with extensions and trailers",
	  { Q("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n002 "
	      "\r\nde\r\n0\r\nT: 1\r\n\r\n"),
	    A("HTTP/1.1 200 OK\r\nX-For: /a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\nA: "
	      "b\r\nC: d\r\n e\r\n\r\n") },
	  "request 0 POST /a 1.1 {Transfer-Encoding: chunked} \"abcde\" trailers {T: 1}\n"
	  "response 0 200 1.1 {X-For: /a; Transfer-Encoding: gzip, chunked} \"x\" trailers {A: b; C: d "
	  "e}\n" },
	{ "no bodies: HEAD, 304, 1xx",
	  { Q("HEAD /a HTTP/1.1\r\n\r\n"),
	    A("HTTP/1.1 200 OK\r\nX-For: /a\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    Q("GET /b HTTP/1.1\r\n\r\n"), A("HTTP/1.1 304 Same\r\nX-For: /b\r\nContent-Length: 5\r\n\r\n"),
	    Q("POST /c HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
	    A("HTTP/1.1 100 Continue\r\n\r\n"), Q("z"),
	    A("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 201 Made\r\nX-For: /c\r\nContent-Length: "
	      "0\r\n\r\n") },
	  "request 0 HEAD /a 1.1 {} 0\nresponse 0 200 1.1 {X-For: /a; Transfer-Encoding: chunked} 0\n"
	  "request 0 GET /b 1.1 {} 0\nresponse 0 304 1.1 {X-For: /b; Content-Length: 5} 0\n"
	  "interim 100 {}\n"
	  "request 0 POST /c 1.1 {Expect: 100-continue; Content-Length: 1} \"z\"\n"
	  "interim 103 {Link: x}\n"
	  "response 0 201 1.1 {X-For: /c; Content-Length: 0} 0\n" },
	{ "until the end",
	  { Q("GET /a HTTP/1.0\r\nConnection: close\r\n\r\n"),
	    A("HTTP/1.0 200 OK\r\nX-For: /a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n") },
	  "request 0 GET /a 1.0 {Connection: close} 0\n"
	  "response 0 200 1.0 {X-For: /a} \"HTTP/1.1 200 OK\\x0d\\x0a\\x0d\\x0a\"\n" },
	{ "upgrade refused, bytes sent ahead",
	  { Q("GET /a HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\nGET /b "
	      "HTTP/1.1\r\n\r\n"),
	    A("HTTP/1.1 200 OK\r\nX-For: /a\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 "
	      "OK\r\nX-For: /b\r\nContent-Length: 0\r\n\r\n") },
	  "request 0 GET /a 1.1 {Connection: Upgrade, HTTP2-Settings; Upgrade: h2c} 0\n"
	  "response 0 200 1.1 {X-For: /a; Upgrade: h2c; Content-Length: 0} 0\n"
	  "request 0 GET /b 1.1 {} 0\n"
	  "response 0 200 1.1 {X-For: /b; Content-Length: 0} 0\n" },
	{ "upgrade",
	  { Q("GET /a HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
	    A("HTTP/1.1 101 Go\r\nX-For: /a\r\nUpgrade: websocket\r\n\r\n\x81\x05hello") },
	  "request 0 GET /a 1.1 {Connection: upgrade; Upgrade: websocket} 0\n"
	  "response 0 101 1.1 {X-For: /a; Upgrade: websocket} 0 [upgraded]\n"
	  "upgrade websocket /a\n" },
	{ "connect, the client's bytes sent ahead",
	  { Q("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n\x16\x03\x01"),
	    A("HTTP/1.1 200 Yes\r\nX-For: h:443\r\n\r\n\x16\x03\x03") },
	  "request 0 CONNECT h:443 h:443 1.1 {Host: h:443} 0\n"
	  "response 0 200 1.1 {X-For: h:443} 0 [upgraded]\n"
	  "upgrade connect h:443\n" },
	{ "connect refused",
	  { Q("CONNECT h:443 HTTP/1.1\r\n\r\n"),
	    A("HTTP/1.1 407 No\r\nX-For: h:443\r\nContent-Length: 2\r\n\r\nno"), Q("GET /b HTTP/1.1\r\n\r\n"),
	    A("HTTP/1.1 200 OK\r\nX-For: /b\r\nContent-Length: 0\r\n\r\n") },
	  "request 0 CONNECT h:443 h:443 1.1 {} 0\n"
	  "response 0 407 1.1 {X-For: h:443; Content-Length: 2} \"no\"\n"
	  "request 0 GET /b 1.1 {} 0\nresponse 0 200 1.1 {X-For: /b; Content-Length: 0} 0\n" },
	{ "target forms",
	  { Q("GET http://h:8/a?q HTTP/1.1\r\nHost: other\r\n\r\n"),
	    A("HTTP/1.1 204\r\nX-For: http://h:8/a?q\r\n\r\n"), Q("OPTIONS * HTTP/1.1\r\n\r\n"),
	    A("HTTP/1.1 204 \r\nX-For: *\r\n\r\n"), Q("GET /\xc3\xa9{}|\"?u=http://x/ HTTP/1.1\r\n\r\n"),
	    A("HTTP/1.1 204 \xc3\xa9\r\nX-For: /\xc3\xa9{}|\"?u=http://x/\r\n\r\n") },
	  "request 0 GET http://h:8 http://h:8/a?q 1.1 {Host: other} 0\nresponse 0 204 1.1 {X-For: "
	  "http://h:8/a?q} 0\n"
	  "request 0 OPTIONS * 1.1 {} 0\nresponse 0 204 1.1 {X-For: *} 0\n"
	  "request 0 GET /\\xc3\\xa9{}|\\x22?u=http://x/ 1.1 {} 0\n"
	  "response 0 204 1.1 {X-For: /\\xc3\\xa9{}|\\x22?u=http://x/} 0\n" },
	{ "any method, empty lines, bare LF, folds, empty values",
	  { Q("\r\nQUERY /a HTTP/1.1\r\nContent-Length: 2\r\nA:\r\nB: 1\r\n\t2\r\n  3\r\n\r\nok\r\n"),
	    A("HTTP/1.1 200 OK\nX-For: /a\nContent-Length: 1, 1\n\n!"), Q("x!y /b HTTP/1.0\n\n"),
	    A("HTTP/1.0 204 OK\r\nX-For: /b\r\n\r\n") },
	  "request 0 QUERY /a 1.1 {Content-Length: 2; A: ; B: 1\\x092  3} \"ok\"\n"
	  "response 0 200 1.1 {X-For: /a; Content-Length: 1, 1} \"!\"\n"
	  "request 0 x!y /b 1.0 {} 0\nresponse 0 204 1.0 {X-For: /b} 0\n" },
	{ "malformed fields that frame nothing",
	  { Q("GET /a HTTP/1.1\r\nGood: 1\r\nBad : 2\r\nno colon\r\nCr: a\rb\r\nNul: \0\r\nEnd: 3\r\n\r\n"),
	    A("HTTP/1.1 200 OK\r\nX-For: /a\r\nContent-Length: 0\r\n\r\n") },
	  "request 0 GET /a 1.1 {Good: 1; End: 3} 0 [partial-headers]\n"
	  "response 0 200 1.1 {X-For: /a; Content-Length: 0} 0\n" },
};

#undef Q
#undef A

#endif
