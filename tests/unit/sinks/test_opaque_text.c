/* SPDX-License-Identifier: Apache-2.0 */
/* Lines about what is not read, as people see them. */
#include "sinks/opaque_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#define REASON "not read: no library (hark doctor 812 says more)"
/* clang-format off */
#define PEER                                                                                \
	{                                                                                   \
		.fd = -1, .family = AF_INET, .local = { 10, 0, 0, 1 }, .local_port = 40000, \
		.peer = { 10, 0, 0, 2 }, .peer_port = 443                                   \
	}
/* clang-format on */

static const struct mover wget = { .pid = 812, .exe = "wget", .fd = 3 };

static const struct {
	const char *name;
	struct conn_facts conn;
	const char *line, *sentence;
} rows[] = {
	{ "TLS 1.3: the protocol taken is encrypted",
	  { .id = 7,
	    .sock = PEER,
	    .role = ROLE_CLIENT,
	    .tls_version = 0x0304,
	    .sni = "example.org",
	    .alpn_offered = "h2,http/1.1" },
	  "wget[812]        #7      -> 10.0.0.2:443    TLS 1.3 sni=example.org alpn=h2,http/1.1? " REASON,
	  "wget[812] 10.0.0.2:443 TLS 1.3 sni=example.org alpn=h2,http/1.1?: " REASON },
	{ "TLS 1.2: it is visible",
	  { .id = 7,
	    .sock = PEER,
	    .role = ROLE_SERVER,
	    .tls_version = 0x0303,
	    .alpn = "h2",
	    .alpn_offered = "h2,http/1.1" },
	  "wget[812]        #7      <- 10.0.0.2:443    TLS 1.2 alpn=h2 " REASON,
	  "wget[812] 10.0.0.2:443 TLS 1.2 alpn=h2: " REASON },
	{ "QUIC",
	  { .id = 7,
	    .sock = { .family = AF_INET, .protocol = 17, .peer = { 10, 0, 0, 2 }, .peer_port = 443 },
	    .role = ROLE_CLIENT,
	    .tls_version = 0x0304,
	    .sni = "example.org",
	    .alpn_offered = "h3" },
	  "wget[812]        #7      -> 10.0.0.2:443    QUIC sni=example.org alpn=h3? not read: no library",
	  "wget[812] 10.0.0.2:443 QUIC sni=example.org alpn=h3?: not read: no library" },
	{ "QUIC, and nobody knows the client",
	  { .id = 7, .sock = { .family = AF_INET, .protocol = 17, .local_port = 443 }, .role = ROLE_SERVER },
	  "wget[812]        #7      <- -               QUIC      not read: no library",
	  "wget[812] - QUIC: not read: no library" },
	{ "nothing known",
	  { .id = 7, .sock = { .fd = -1 } },
	  "wget[812]        #7      ?  -               TLS       " REASON,
	  "wget[812] - TLS: " REASON },
	{ "hostile",
	  { .id = 7, .sock = PEER, .sni = "\033]0;x\a", .tls_version = 0x7f1c },
	  "wget[812]        #7      ?  10.0.0.2:443    TLS sni=\\x1b]0;x\\x07 " REASON,
	  "wget[812] 10.0.0.2:443 TLS sni=\\x1b]0;x\\x07: " REASON },
};

static const struct {
	const char *name;
	uint32_t kind;
	struct event_socket sock;
	const char *text;
} unseen_rows[] = {
	{ "client", UNSEEN_UDP_443, PEER, "UDP 10.0.0.2:443: HTTP/3 (QUIC) is not read" },
	{ "server",
	  UNSEEN_UDP_443,
	  { .family = AF_INET,
	    .local = { 10, 0, 0, 1 },
	    .local_port = 443,
	    .peer = { 10, 0, 0, 2 },
	    .peer_port = 5000 },
	  "UDP 10.0.0.1:443: HTTP/3 (QUIC) is not read" },
	{ "io_uring", UNSEEN_IO_URING, PEER,
	  "TCP 10.0.0.2:443: what moves through io_uring is not read, only its size" },
	{ "io_uring on a Unix socket",
	  UNSEEN_IO_URING,
	  { .family = AF_UNIX },
	  "unix: what moves through io_uring is not read, only its size" },
	{ "a kind of later versions", 77, PEER, "TCP 10.0.0.2:443: not read" },
};

static void check(const char *name, struct buffer *text, const char *expected)
{
	buffer_char(text, '\0');
	if (strcmp(text->data, expected))
		fail_msg("%s: got\n%s, not\n%s", name, text->data, expected);
	buffer_clear(text);
}

static void test_opaque(void **state)
{
	struct buffer text = { .data = NULL };
	struct style style;

	(void)state;
	line_style_init(&style, &(struct sink_config){ .out = stdout });
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct conn_facts conn = rows[i].conn;
		char line[300];

		conn.owner = wget;
		conn.opaque = "no library";
		snprintf(line, sizeof(line), "?            %s", rows[i].line);
		opaque_text_put(&text, &style, &conn);
		check(rows[i].name, &text, line);
		opaque_text_tell(&text, &style, &(struct result){ .kind = RESULT_OPAQUE, .conn = &conn });
		check(rows[i].name, &text, rows[i].sentence);
		conn.process_gone = true; /* doctor has nothing to look at */
		opaque_text_tell(&text, &style, &(struct result){ .kind = RESULT_OPAQUE, .conn = &conn });
		assert_null(memmem(text.data, text.len, "doctor", 6));
		buffer_clear(&text);
	}
	line_style_fini(&style);
	buffer_fini(&text);
}

static void test_unseen(void **state)
{
	struct buffer text = { .data = NULL };
	struct style style;

	(void)state;
	line_style_init(&style, &(struct sink_config){ .out = stdout });
	for (size_t i = 0; i < sizeof(unseen_rows) / sizeof(*unseen_rows); i++) {
		struct event_unseen unseen = { .kind = unseen_rows[i].kind, .sock = unseen_rows[i].sock };
		char line[300];

		snprintf(line, sizeof(line), "?            wget[812]        %s", unseen_rows[i].text);
		opaque_text_put_unseen(&text, &style, &unseen, &wget);
		check(unseen_rows[i].name, &text, line);
		snprintf(line, sizeof(line), "wget[812] %s", unseen_rows[i].text);
		opaque_text_tell(
			&text, &style,
			&(struct result){ .kind = RESULT_UNSEEN, .unseen = &unseen, .mover = &wget });
		check(unseen_rows[i].name, &text, line);
	}
	line_style_fini(&style);
	buffer_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opaque),
		cmocka_unit_test(test_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
