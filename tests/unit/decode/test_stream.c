/* SPDX-License-Identifier: Apache-2.0 */
/* Order, loss and overlap of one direction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/counters.h"
#include "decode/stream.h"
#include "protocol.h"

#include <stdio.h>
#include <string.h>

static char log_text[4096];
static size_t log_used;

static void log_add(const char *text)
{
	log_used += (size_t)snprintf(log_text + log_used, sizeof(log_text) - log_used, "%s", text);
}

static void on_data(void *ctx, struct slice bytes, uint64_t time_ns, const struct mover *mover)
{
	char text[256];

	(void)ctx;
	(void)time_ns;
	assert_int_equal(mover->pid, 7);
	snprintf(text, sizeof(text), "%.*s", (int)bytes.len, (const char *)bytes.data);
	log_add(text);
}

static void on_hole(void *ctx, uint64_t size, bool lost, uint64_t time_ns)
{
	char text[64];

	(void)ctx;
	(void)time_ns;
	if (size == HOLE_UNKNOWN_SIZE)
		snprintf(text, sizeof(text), "[?]");
	else
		snprintf(text, sizeof(text), "[%s%llu]", lost ? "lost " : "", (unsigned long long)size);
	log_add(text);
}

static void on_finish(void *ctx, uint64_t time_ns)
{
	(void)ctx;
	(void)time_ns;
	log_add("$");
}

static const struct stream_handler handler = { .data = on_data, .hole = on_hole, .finish = on_finish };

static void drain(struct stream *stream)
{
	while (stream_due_ns(stream) != UINT64_MAX)
		stream_step(stream);
}

/*
 * A script: "POS:bytes" is a record, "POS:bytes+N" one with N bytes not copied, "POS$" the end, "POS:" that
 * the direction stands there, "POS=" and "POS=$" that all before POS was read (and that it ends), "!" a poll,
 * "~" the time of late records, "x" the loss of one, "^N" that of the next N bytes not each transfer leaves a
 * record. `base` is added to positions, `first` is the stream's beginning for the offset.
 */
static void run(const char *script, bool seq32, uint64_t base, bool beginning_seen, size_t limit)
{
	static const struct mover mover = { .pid = 7 };
	char copy[256], *save = NULL;
	struct stream stream;
	struct pipeline pipeline = { .poll = 10, .config.reorder_limit_bytes = limit };

	log_used = 0;
	log_text[0] = '\0';
	stream_init(&stream, &handler, NULL);
	snprintf(copy, sizeof(copy), "%s", script);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char bytes[64] = "";
		unsigned int pos = 0, missing = 0;
		struct stream_record record = { .seq32 = seq32, .offset_known = seq32, .mover = &mover };

		pipeline.now_ns += word[0] == '~' ? LATE_NS : 0;
		pipeline.lost += word[0] == 'x';
		if (word[0] == '~' || word[0] == 'x')
			continue;
		if (word[0] == '!') {
			pipeline.poll++;
			while (stream_is_overdue(&stream, &pipeline)) {
				stream.given_up = true;
				drain(&stream);
			}
			continue;
		}
		if (sscanf(word, "^%u", &pos) == 1) {
			stream.skipped_until = stream.next + pos;
			continue;
		}
		sscanf(word, "%u:%63[a-z]+%u", &pos, bytes, &missing);
		record.eof = strchr(word, '$') != NULL;
		record.reached = strchr(word, '=') != NULL;
		record.offset = pos;
		record.pos = seq32 ? (uint32_t)(base + pos) : base + pos;
		record.payload = slice_of(bytes, strlen(bytes));
		record.len = (uint32_t)strlen(bytes) + missing;
		if (!stream.started)
			stream_start(&stream, &record, beginning_seen);
		stream_put(&stream, &record, &pipeline, false);
		drain(&stream);
	}
	stream_flush(&stream);
	stream_fini(&stream);
}

static const struct {
	const char *name, *script, *expected;
} rows[] = {
	{ "in order", "0:abc 3:de 5:f", "abcdef" },
	{ "out of order", "0:ab 4:ef 2:cd", "abcdef" },
	{ "backwards", "0:a 4:e 3:d 2:c 1:b", "abcde" },
	{ "late within a poll", "0:ab 4:ef ! 2:cd", "abcdef" },
	{ "lost at the second poll", "0:ab 4:ef ! ! 6:gh", "ab[lost 2]efgh" },
	{ "a lost one comes after all", "0:ab 4:ef ! ! 2:cd 6:gh", "ab[lost 2]efgh" },
	{ "two gaps", "0:a 2:c 4:e ! ! 5:f", "a[lost 1]c[lost 1]ef" },
	{ "the second gap is younger", "0:a 2:c ! 4:e ! 3:d", "a[lost 1]cde" },
	{ "tail not copied", "0:ab+3 5:f", "ab[3]f" },
	{ "overlap in part", "0:abcd 2:xyef 6:g", "abcd[?]efg" },
	{ "overlap whole", "0:abcd 1:xy 4:ef", "abcd[?]ef" },
	{ "overlap with a tail", "0:abcd 2:xy+4 8:i", "abcd[?][4]i" },
	{ "overlap among late ones", "0:a 3:de 4:xf 1:bc", "abcde[?]f" },
	{ "end", "0:ab 2$ 2$", "ab$" },
	{ "end before the last bytes", "0:ab 4$ 2:cd", "abcd$" },
	{ "end long before the last bytes", "0:ab 4$ ! ! ! 2:cd", "abcd$" },
	{ "end, and the last bytes never come", "0:ab 4: ! ~ ! 2:cd", "ab[lost 2]" },
	{ "end, and a record was lost before it", "0:ab x 4: ! ! 2:cd", "ab[lost 2]" },
	{ "end, and a record was lost behind it", "0:ab 4: ! x ! 2:cd", "ab[lost 2]" },
	{ "end, and a record was lost long before", "x 0:ab 4: ! ! 2:cd", "abcd" },
	{ "read past the records", "0:ab 5= 5:fg 9= 9=", "ab[3]fg[2]" },
	{ "read past the records, up to the end", "0:ab 5=$", "ab[3]$" },
	{ "behind one that is late", "0:ab 4:ef 8= 2:cd 8:ij", "abcdef[2]ij" },
	{ "behind one that is lost", "0:ab 4:ef 8= ! ! 8:ij", "ab[lost 2]ef[2]ij" },
	{ "before one that is late", "0:ab 6:gh 4= 4:ef", "ab[2]efgh" },
	{ "one of it comes after all", "0:ab 6= 2:cd 6:gh", "ab[4]gh" },
	{ "one of no bytes", "0:ab 2= 1= 2:cd", "abcd" },
	{ "flushed at the end", "0:ab 4:ef", "ab[lost 2]ef" },
	{ "skipped", "0:ab ^8 5:f+1 8:i+1 10:cd", "ab[3]f[1][1]i[1]cd" },
	{ "skipped, and one call goes past it", "0:ab ^8 8:i+3 12:cd", "ab[6]i[3]cd" },
	{ "skipped, and one of it was copied", "0:ab ^8 4:ef 8:i+3", "ab[2]ef[2]i[3]" },
	{ "skipped, and one of it is late", "0:ab ^8 6:g+3 4:ef 10:gh", "ab[4]g[3]gh" },
	{ "skipped, and it ends in it", "0:ab ^8 6$", "ab[4]$" },
	{ "skipped, and it stands in it", "0:ab ^8 6:", "ab[4]" },
	{ "skipped, and read past in it", "0:ab ^8 6= 9:j 10:gh", "ab[4][3]jgh" },
	{ "skipped, and the call at its end is lost", "0:ab ^8 4:ef 10:gh ! !", "ab[2]ef[lost 4]gh" },
	{ "skipped, and more is lost", "0:ab ^4 12:gh ! !", "ab[lost 10]gh" },
	{ "skipped, and the next is late", "0:ab ^8 12:kl 8:i+3", "ab[6]i[3]kl" },
};

static void test_rows(void **state)
{
	static const struct {
		bool seq32;
		uint64_t base;
	} kinds[] = {
		{ false, 0 }, { true, 0 }, { true, 0xfffffffe }, { true, 0x7fffffff }, { true, 0xfffffffb },
	};

	(void)state;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			run(rows[i].script, kinds[kind].seq32, kinds[kind].base, false, 1000);
			if (strcmp(log_text, rows[i].expected))
				fail_msg("%s (kind %zu): %s, not %s", rows[i].name, kind, log_text,
					 rows[i].expected);
		}
	}
}

static void test_end_counts_the_fin(void **state)
{
	(void)state;
	run("0:ab 3$", true, 77, false, 1000);
	assert_string_equal(log_text, "ab$");
}

static void test_first_record(void **state)
{
	(void)state;
	run("4:ef 0:abcd", true, 77, true, 1000);
	assert_string_equal(log_text, "abcdef");
	run("4:ef 6:gh", true, 77, true, 1000);
	assert_string_equal(log_text, "[lost 4]efgh");
	run("4:ef 6:gh", true, 77, false, 1000);
	assert_string_equal(log_text, "efgh");
}

static void test_reorder_limit(void **state)
{
	(void)state;
	memset(counters, 0, sizeof(counters));
	run("0:a 3:de 6:gh 8:ij 10:k", false, 0, false, 5);
	assert_string_equal(log_text, "a[lost 2]de[lost 1]ghijk");
	assert_int_equal(counters[COUNTER_LIMIT_REORDER], 2);
	assert_int_equal(counters[COUNTER_STREAM_HOLES], 2);
}

/* Every order of five records gives the same bytes. */
static void permute(char order[6], size_t n)
{
	char script[64] = "";

	if (n == 5) {
		for (size_t i = 0; i < 5; i++)
			snprintf(script + strlen(script), sizeof(script) - strlen(script), "%d:%c%c ",
				 (order[i] - '0') * 2, 'a' + 2 * (order[i] - '0'),
				 'b' + 2 * (order[i] - '0'));
		run(script, true, 0xfffffffc, true, 1000);
		assert_string_equal(log_text, "abcdefghij");
		return;
	}
	for (size_t i = n; i < 5; i++) {
		char tmp = order[n];

		order[n] = order[i];
		order[i] = tmp;
		permute(order, n + 1);
		order[i] = order[n];
		order[n] = tmp;
	}
}

static void test_every_order(void **state)
{
	char order[6] = "01234";

	(void)state;
	permute(order, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	     cmocka_unit_test(test_end_counts_the_fin),
		cmocka_unit_test(test_first_record), cmocka_unit_test(test_reorder_limit),
		cmocka_unit_test(test_every_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
