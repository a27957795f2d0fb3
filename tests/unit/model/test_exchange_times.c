/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of what was seen of an exchange, and the parts of its time: in µs, "-" for what is not known. */
#include "model/exchange_times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define US 1000u

struct seen { /* times in µs; 0: not seen */
	enum protocol_role role;
	bool opening, tls, tls_unknown;
	uint64_t connect, opened, handshake;
	uint64_t start, sent, answer, end;
	bool body_unknown;
};

static const struct {
	const char *name;
	struct seen seen;
	const char *parts; /* connect TLS idle send wait receive, begin */
} rows[] = {
	{ "client's first, clear",
	  { ROLE_CLIENT, true, .connect = 10, .opened = 110, .start = 130, .sent = 140, .answer = 200,
	    .end = 260 },
	  "10 - 20 10 60 60, 100" },
	{ "client's first, TLS",
	  { ROLE_CLIENT, true, .tls = true, .connect = 10, .opened = 110, .handshake = 15, .start = 130,
	    .sent = 130, .answer = 200, .end = 260 },
	  "10 15 5 0 70 60, 100" },
	{ "TLS whose handshake was not seen",
	  { ROLE_CLIENT, true, .tls = true, .connect = 10, .opened = 110, .start = 130, .sent = 130,
	    .answer = 200, .end = 260 },
	  "10 - - 0 70 60, 130" },
	{ "TLS or not is not known",
	  { ROLE_CLIENT, true, .tls_unknown = true, .connect = 10, .opened = 110, .start = 130, .sent = 130,
	    .answer = 200, .end = 260 },
	  "10 - - 0 70 60, 130" },
	{ "request before connect returned",
	  { ROLE_CLIENT, true, .connect = 10, .opened = 140, .start = 130, .sent = 130, .answer = 200,
	    .end = 260 },
	  "10 - - 0 70 60, 130" },
	{ "client's second",
	  { ROLE_CLIENT, false, .tls = true, .connect = 10, .opened = 110, .handshake = 15, .start = 130,
	    .sent = 135, .answer = 200, .end = 260 },
	  "- - - 5 65 60, 130" },
	{ "server's first",
	  { ROLE_SERVER, true, .tls = true, .opened = 110, .handshake = 15, .start = 130, .sent = 130,
	    .answer = 140, .end = 150 },
	  "- 15 - 0 10 10, 130" },
	{ "answered before the request was whole",
	  { ROLE_CLIENT, false, .start = 130, .sent = 300, .answer = 200, .end = 320 },
	  "- - - 70 0 120, 130" },
	{ "end of the request not known",
	  { ROLE_CLIENT, false, .start = 130, .sent = 140, .answer = 200, .end = 260, .body_unknown = true },
	  "- - - - - 60, 130" },
	{ "end of the answer not known",
	  { ROLE_CLIENT, false, .start = 130, .sent = 140, .answer = 200 },
	  "- - - 10 60 -, 130" },
	{ "no answer", { ROLE_CLIENT, false, .start = 130, .sent = 140 }, "- - - - - -, 130" },
};

static struct exchange exchange_of(const struct seen *seen, struct conn_facts *conn, struct message *request)
{
	*conn = (struct conn_facts){
		.role = seen->role,
		.tls = seen->tls,
		.tls_unknown = seen->tls_unknown,
		.connect_ns = seen->connect * US,
		.opened_ns = seen->opened * US,
		.handshake_ns = seen->handshake * US,
	};
	*request = (struct message){ .last_byte_ns = seen->sent * US, .body_known = !seen->body_unknown };
	return (struct exchange){
		.request = request,
		.conn = conn,
		.opening = seen->opening,
		.start_ns = seen->start * US,
		.ttfb_known = seen->answer,
		.ttfb_ns = seen->answer ? (seen->answer - seen->start) * US : 0,
		.duration_known = seen->end,
		.duration_ns = seen->end ? (seen->end - seen->start) * US : 0,
	};
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conn_facts conn;
		struct message request;
		struct exchange exchange = exchange_of(&rows[i].seen, &conn, &request);
		struct exchange_times times = exchange_times_of(&exchange);
		char text[200] = "";
		size_t len = 0;

		for (int part = 0; part < PART_COUNT; part++) {
			const char *between = part ? " " : "";

			if (exchange_times_has(&times, part))
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%llu", between,
							(unsigned long long)times.ns[part] / US);
			else
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s-", between);
			assert_non_null(exchange_part_names[part]);
		}
		snprintf(text + len, sizeof(text) - len, ", %llu", (unsigned long long)times.begin_ns / US);
		if (strcmp(text, rows[i].parts) != 0)
			print_message("%s\n", rows[i].name);
		assert_string_equal(text, rows[i].parts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
