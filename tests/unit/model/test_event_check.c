/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>

#define FIXED sizeof(struct event_data)

static const struct {
	const char *name;
	int type;
	size_t size;  /* in the record */
	size_t there; /* bytes that are there */
	uint32_t len, copied;
	int direction, hole;
	bool valid;
} rows[] = {
	{ "data", EVENT_SOCKET_DATA, FIXED + 5, FIXED + 5, 9, 5, 0, 0, true },
	{ "data in a larger slot", EVENT_SOCKET_DATA, FIXED + 5, FIXED + 256, 9, 5, 1, HOLE_VECTOR, true },
	{ "data without payload", EVENT_TLS_DATA, FIXED, FIXED, 9, 0, 1, HOLE_MUTED, true },
	{ "full payload", EVENT_TLS_DATA, FIXED + 16384, FIXED + 16384, 16384, 16384, 1, 0, true },
	{ "payload beyond the limit", EVENT_TLS_DATA, FIXED + 16385, FIXED + 16385, 16385, 16385, 1, 0,
	  false },
	{ "payload outside", EVENT_SOCKET_DATA, FIXED + 5, FIXED + 4, 9, 5, 0, 0, false },
	{ "copied above len", EVENT_SOCKET_DATA, FIXED + 5, FIXED + 5, 4, 5, 0, 0, false },
	{ "size and copied differ", EVENT_SOCKET_DATA, FIXED + 6, FIXED + 6, 9, 5, 0, 0, false },
	{ "copied wraps", EVENT_SOCKET_DATA, FIXED + 5, FIXED + 5, UINT32_MAX, UINT32_MAX - 146, 0, 0,
	  false },
	{ "shorter than its head", EVENT_SOCKET_DATA, FIXED - 1, FIXED - 1, 0, 0, 0, 0, false },
	{ "third direction", EVENT_SOCKET_DATA, FIXED, FIXED, 0, 0, 2, 0, false },
	{ "unknown hole", EVENT_SOCKET_DATA, FIXED, FIXED, 0, 0, 0, 10, false },
	{ "datagram", EVENT_DATAGRAM, FIXED + 5, FIXED + 256, 9, 5, 1, HOLE_SNAPLEN, true },
	{ "payload outside a datagram", EVENT_DATAGRAM, FIXED + 5, FIXED + 4, 9, 5, 0, 0, false },
	{ "binding", EVENT_TLS_BIND, FIXED, FIXED, 0, 0, 0, 0, true },
	{ "binding with payload", EVENT_TLS_BIND, FIXED + 1, FIXED + 1, 1, 1, 0, 0, false },
	{ "refused", EVENT_TLS_REFUSED, FIXED, FIXED, 7, 0, 0, 0, true },
	{ "free", EVENT_TLS_FREE, FIXED, FIXED, 0, 0, 0, 0, true },
	{ "randoms", EVENT_TLS_RANDOMS, FIXED, FIXED, 0, 0, 0, 0, true },
	{ "randoms with a payload", EVENT_TLS_RANDOMS, FIXED + 1, FIXED + 1, 1, 1, 0, 0, false },
	{ "piece", EVENT_STREAM_DATA, FIXED + 5, FIXED + 256, 9, 5, 1, HOLE_FAULT, true },
	{ "payload outside a piece", EVENT_STREAM_DATA, FIXED + 5, FIXED + 4, 9, 5, 0, 0, false },
	{ "stream over", EVENT_STREAM_OVER, FIXED, FIXED, 0, 0, 0, 0, true },
	{ "stream over with a payload", EVENT_STREAM_OVER, FIXED + 1, FIXED + 1, 1, 1, 0, 0, false },
	{ "early", EVENT_TLS_EARLY, FIXED, FIXED, 0, 0, 0, 0, true },
	{ "early with a payload", EVENT_TLS_EARLY, FIXED + 1, FIXED + 1, 1, 1, 0, 0, false },
	{ "stack switch", EVENT_STACK_SWITCH, FIXED, FIXED, 0, 0, 0, 0, true },
	{ "state", EVENT_SOCKET_STATE, 120, 120, 0, 0, 0, 0, true },
	{ "long state without positions", EVENT_SOCKET_STATE, 152, 152, 0, 0, 0, 0, false },
	{ "short state", EVENT_SOCKET_STATE, 112, 120, 0, 0, 0, 0, false },
	{ "exec", EVENT_EXEC, 120, 120, 0, 0, 0, 0, true },
	{ "exit", EVENT_EXIT, 120, 120, 0, 0, 0, 0, true },
	{ "fork", EVENT_FORK, 120, 120, 0, 0, 0, 0, true },
	{ "short exit", EVENT_EXIT, 48, 120, 0, 0, 0, 0, false },
	{ "names", EVENT_NAMES, 49, 49, 0, 0, 0, 0, true },
	{ "names beyond the limit", EVENT_NAMES, 48 + EVENT_NAMES_LEN + 1, 48 + EVENT_NAMES_LEN + 1, 0, 0, 0,
	  0, false },
	{ "no names", EVENT_NAMES, 48, 48, 0, 0, 0, 0, false },
	{ "poll", EVENT_POLL, 48, 48, 0, 0, 0, 0, true },
	{ "long poll", EVENT_POLL, 56, 56, 0, 0, 0, 0, false },
	{ "counters", EVENT_COUNTERS, sizeof(struct event_counters), sizeof(struct event_counters), 0, 0, 0,
	  0, true },
	{ "short counters", EVENT_COUNTERS, 56, 56, 0, 0, 0, 0, false },
	{ "type 0", 0, 48, 48, 0, 0, 0, 0, false },
	{ "unknown type", 99, 48, 48, 0, 0, 0, 0, false },
	{ "half a header", EVENT_POLL, 48, 47, 0, 0, 0, 0, false },
	{ "size 0", EVENT_POLL, 0, 48, 0, 0, 0, 0, false },
};

/* A label that ends, and a length that there is room for. */
static void test_secret(void **state)
{
	struct event_secret secret = { .h = { .type = EVENT_TLS_SECRET, .size = sizeof(secret) },
				       .secret_len = 48 };

	(void)state;
	assert_true(event_valid(&secret.h, sizeof(secret)));
	assert_false(event_valid(&secret.h, sizeof(secret) - 1));
	secret.secret_len = EVENT_SECRET_MAX + 1;
	assert_false(event_valid(&secret.h, sizeof(secret)));
	secret.secret_len = 0;
	assert_false(event_valid(&secret.h, sizeof(secret)));
	secret.secret_len = EVENT_SECRET_MAX;
	memset(secret.label, 'A', sizeof(secret.label));
	assert_false(event_valid(&secret.h, sizeof(secret)));
}

static union {
	struct event_data data;
	struct event_process process;
	char bytes[FIXED + 16385];
} record;

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&record, 0, sizeof(record));
		record.data.h.type = (uint16_t)rows[i].type;
		record.data.h.size = (uint32_t)rows[i].size;
		if (rows[i].size > 120) {
			record.data.len = rows[i].len;
			record.data.copied = rows[i].copied;
			record.data.direction = (uint8_t)rows[i].direction;
			record.data.hole = (uint8_t)rows[i].hole;
		}
		if (event_valid(&record.data.h, rows[i].there) != rows[i].valid)
			fail_msg("%s", rows[i].name);
	}
}

/* Names are read as strings later: they must end. */
static void test_text_must_end(void **state)
{
	(void)state;
	memset(&record, 0, sizeof(record));
	record.process.h = (struct event_header){ .type = EVENT_EXEC, .size = sizeof(record.process) };
	memset(record.process.name, 'x', sizeof(record.process.name) - 1);
	memset(record.process.h.comm, 'x', EVENT_COMM_LEN - 1);
	assert_true(event_valid(&record.process.h, 120));
	record.process.name[EVENT_NAME_LEN - 1] = 'x';
	assert_false(event_valid(&record.process.h, 120));
	record.process.name[EVENT_NAME_LEN - 1] = '\0';
	record.process.h.comm[EVENT_COMM_LEN - 1] = 'x';
	assert_false(event_valid(&record.process.h, 120));
	memset(&record, 0, sizeof(record));
	record.process.h = (struct event_header){ .type = EVENT_NAMES, .size = sizeof(record.process.h) + 8 };
	assert_true(event_valid(&record.process.h, 120));
	memset((char *)&record + sizeof(record.process.h), 'x', 8);
	assert_false(event_valid(&record.process.h, 120));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_text_must_end),
					    cmocka_unit_test(test_secret) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
