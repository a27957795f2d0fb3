/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the scrubbing stage fails in turn: less is kept, no secret is. */
#include "alloc_fail.h"

#include "../../../agent/record/scrub.c"
#include "../../../agent/record/scrub_cuts.c"
#include "../../../agent/base/array.c"
#include "../../../agent/base/scrub_text.c"
#include "../../../agent/decode/held.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SECRET "S3cr3tV4lu3"

static const char *const pieces[] = {
	"POST /?u=http://me:" SECRET "@h.ex",
	"ample/ HTTP/1.1\r\nX-Api-Key: " SECRET
	"\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n{\"password\":\"S3cr3tV4",
	"\r\n5\r\nlu3\"}\r\n0\r\n\r\nPOST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: "
	"11\r\n\r\n" SECRET,
	"GET /next HTTP/1.1\r\nReferer: https://" SECRET,
	"@h/\r\n\r\n",
};

struct seen {
	char bytes[1024];
	size_t kept;
};

static int take(void *ctx, const struct event_header *event)
{
	const struct event_data *data = (const struct event_data *)event;
	struct seen *seen = ctx;

	assert_true(event_valid(event, event->size));
	memcpy(seen->bytes + data->pos, data->payload, data->copied);
	seen->kept += data->copied;
	return 0;
}

static void put(struct scrub *scrub, const char *text, uint64_t pos)
{
	static union {
		struct event_data data;
		uint8_t bytes[sizeof(struct event_data) + 512];
	} event;
	size_t len = strlen(text);

	event.data = (struct event_data){
		.h = { .size = (uint32_t)(sizeof(struct event_data) + len),
		       .type = EVENT_TLS_DATA,
		       .flags = EVENT_FROM_START | EVENT_PID_VALID,
		       .time_ns = 1,
		       .pid = 7 },
		.ssl = 9,
		.pos = pos,
		.len = (uint32_t)len,
		.copied = (uint32_t)len,
	};
	memcpy(event.data.payload, text, len);
	assert_int_equal(scrub_event(scrub, &event.data.h), 0);
}

/* False: nothing failed any more. */
static bool run(const struct redact *redact, long fails, struct seen *seen)
{
	struct scrub_config config = { .redact = redact, .fn = take, .ctx = seen };
	struct scrub *scrub;
	uint64_t pos = 0;

	memset(seen, 0, sizeof(*seen));
	alloc_fail_countdown = fails;
	scrub = scrub_new(&config);
	for (size_t i = 0; scrub && i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		put(scrub, pieces[i], pos);
		pos += strlen(pieces[i]);
	}
	if (scrub)
		assert_int_equal(scrub_end(scrub), 0);
	scrub_free(scrub);
	fails = alloc_fail_countdown;
	alloc_fail_countdown = 0;
	return fails == 0;
}

static void test_each_fails(void **state)
{
	struct redact *redact = redact_new(false);
	struct seen seen;
	size_t whole;
	long fails = 1;

	(void)state;
	run(redact, 0, &seen);
	whole = seen.kept;
	assert_true(whole > 250);
	assert_non_null(memmem(seen.bytes, sizeof(seen.bytes), "GET /next", 9));
	for (; run(redact, fails, &seen); fails++) {
		assert_true(seen.kept <= whole);
		for (size_t i = 0; i + 4 <= sizeof(SECRET) - 1; i++)
			if (memmem(seen.bytes, sizeof(seen.bytes), &SECRET[i], 4))
				fail_msg("allocation %ld: %.4s", fails, &SECRET[i]);
	}
	assert_true(fails > 10);
	redact_free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
