/* SPDX-License-Identifier: Apache-2.0 */
/* The tests run in this order: the counters are global and the recount adds up. */
#include "base/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void assert_bytes(uint64_t moved, uint64_t copied, uint64_t skipped, uint64_t lost, uint64_t cipher)
{
	assert_int_equal(counters[COUNTER_BYTES_MOVED], moved);
	assert_int_equal(counters[COUNTER_BYTES_COPIED], copied);
	assert_int_equal(counters[COUNTER_BYTES_SKIPPED], skipped);
	assert_int_equal(counters[COUNTER_BYTES_LOST], lost);
	assert_int_equal(counters[COUNTER_BYTES_CIPHERTEXT], cipher);
	assert_int_equal(moved, copied + skipped + lost);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(counter_name(COUNTER_EVENTS_RECEIVED), "events.received");
	assert_string_equal(counter_name(COUNTER_LIMIT_MEMORY), "limit.memory");
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		assert_true(strlen(counter_name((enum counter)i)) > 0);
		assert_true(strlen(counter_meaning((enum counter)i)) > 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(counter_name((enum counter)i), counter_name((enum counter)j));
	}
}

static void test_kernel_figures_replace(void **state)
{
	struct event_counters event = { .h.size = sizeof(event),
					.value = { [KC_EVENTS_SUBMITTED] = 9,
						   [KC_EVENTS_LOST] = 1,
						   [KC_BYTES_MOVED] = 100,
						   [KC_BYTES_COPIED] = 70,
						   [KC_BYTES_SKIPPED] = 20,
						   [KC_BYTES_LOST] = 10,
						   [KC_BYTES_CIPHERTEXT] = 5,
						   [KC_RETURNS_REFUSED] = 2,
						   [KC_RETURNS_STALE] = 3,
						   [KC_MAP_FULL] = 4,
						   [KC_FAULTS] = 6,
						   [KC_COMPAT] = 7,
						   [KC_IO_URING] = 8,
						   [KC_PEEKED] = 11,
						   [KC_VECTORS] = 12,
						   [KC_OUT_OF_BAND] = 13 } };

	(void)state;
	counters_set_kernel(&event);
	counters_set_kernel(&event);
	assert_bytes(100, 70, 20, 10, 5);
	assert_int_equal(counters[COUNTER_EVENTS_LOST], 1);
	assert_int_equal(counters[COUNTER_EVENTS_RECEIVED], 0);
	assert_int_equal(counters[COUNTER_RETURNS_REFUSED], 2);
	assert_int_equal(counters[COUNTER_RETURNS_STALE], 3);
	assert_int_equal(counters[COUNTER_LIMIT_MAPS], 4);
	assert_int_equal(counters[COUNTER_FAULTS], 6);
	assert_int_equal(counters[COUNTER_TRANSFERS_COMPAT], 7);
	assert_int_equal(counters[COUNTER_TRANSFERS_IO_URING], 8);
	assert_int_equal(counters[COUNTER_TRANSFERS_PEEKED], 11);
	assert_int_equal(counters[COUNTER_TRANSFERS_VECTORS], 12);
	assert_int_equal(counters[COUNTER_TRANSFERS_OUT_OF_BAND], 13);
}

static void test_recount_survives_new_figures(void **state)
{
	struct event_counters event = { .h.size = sizeof(event),
					.value = { [KC_BYTES_MOVED] = 200,
						   [KC_BYTES_COPIED] = 170,
						   [KC_BYTES_SKIPPED] = 20,
						   [KC_BYTES_LOST] = 10,
						   [KC_BYTES_CIPHERTEXT] = 5 } };

	(void)state;
	counters_recount_ciphertext(30, 15);
	assert_bytes(55, 40, 5, 10, 50);
	counters_set_kernel(&event);
	assert_bytes(155, 140, 5, 10, 50);
	/* The recount ran ahead of the kernel's figures: nothing goes below 0, and it comes right later. */
	counters_recount_ciphertext(200, 0);
	assert_bytes(15, 0, 5, 10, 190);
	event.value[KC_BYTES_MOVED] += 100;
	event.value[KC_BYTES_COPIED] += 100;
	counters_set_kernel(&event);
	assert_bytes(55, 40, 5, 10, 250);
}

/* What no record stood for is skipped, until it turns out to be ciphertext, or is that from the start. */
static void test_past_the_records(void **state)
{
	(void)state;
	counters_add_skipped(60);
	assert_bytes(115, 40, 65, 10, 250);
	counters_recount_ciphertext(0, 65);
	assert_bytes(50, 40, 0, 10, 315);
	counters_add_ciphertext(7);
	assert_bytes(50, 40, 0, 10, 322);
}

/* Of an older recording: what stands behind its end is not looked at. */
static void test_shorter_array(void **state)
{
	struct event_counters event = { .h.size = sizeof(event) - 8, .value = { [KC_DATAGRAMS_LIMIT] = 7 } };

	(void)state;
	counters_set_kernel(&event);
	assert_int_equal(counters[COUNTER_LIMIT_DATAGRAMS], 0);
	event.h.size += 8;
	counters_set_kernel(&event);
	assert_int_equal(counters[COUNTER_LIMIT_DATAGRAMS], 7);
}

static void test_notes(void **state)
{
	static const enum counter expected[NOTE_COUNT] = {
		COUNTER_MESSAGES_REFUSED,  COUNTER_PROTOCOL_RESYNCS,  COUNTER_BYTES_UNPARSED,
		COUNTER_HPACK_BLOCKS_LOST, COUNTER_HPACK_ERRORS,      COUNTER_LIMIT_HEADERS,
		COUNTER_LIMIT_STREAMS,	   COUNTER_LIMIT_PIPELINE,    COUNTER_LIMIT_STATEMENTS,
		COUNTER_MESSAGES_INTERIM,  COUNTER_MESSAGES_UPGRADED, COUNTER_LIMIT_FACTS,
		COUNTER_LIMIT_CONTENT,
	};

	(void)state;
	for (size_t i = 0; i < NOTE_COUNT; i++) {
		uint64_t before = counters[expected[i]];

		counter_note((enum protocol_note)i, 3);
		assert_int_equal(counters[expected[i]], before + 3);
	}
}

static void test_print(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	(void)state;
	memset(counters, 0, sizeof(counters));
	counters[COUNTER_EVENTS_LOST] = 18446744073709551615ull;
	counters[COUNTER_READY_LOAD_US] = 7; /* for people the ready line has it */
	out = open_memstream(&text, &len);
	assert_int_equal(counters_print(out), 0);
	fclose(out);
	assert_string_equal(text, "  events.lost            18446744073709551615  "
				  "records lost because the ring was full (enlarge it: --ring)\n");
	free(text);
	out = open_memstream(&text, &len);
	assert_int_equal(counters_print_json(out), 0);
	fclose(out);
	assert_non_null(strstr(text, "{\"events.received\": 0,\n \"events.lost\": 18446744073709551615,\n"));
	assert_non_null(strstr(text, ",\n \"ready.us\": 0,\n \"ready.load_us\": 7}\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_kernel_figures_replace),
		cmocka_unit_test(test_recount_survives_new_figures),
		cmocka_unit_test(test_past_the_records),
		cmocka_unit_test(test_shorter_array),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
