/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of the HTTP/3 decoder, and of the QPACK decoder that it uses, fails in turn: nothing
 * crashes or leaks, and what is still shown is what the undisturbed run showed, or is marked.
 */
#include "http3_pair.h"
#include "message_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void *pair_malloc(size_t size)
{
	return malloc(size);
}

#include "alloc_fail.h"

#include "../../../protocols/arena.c"
#include "../../../protocols/bytes.c"
#include "../../../protocols/counted.c"
#include "../../../protocols/hpack.c"
#include "../../../protocols/hpack_table.c"
#include "../../../protocols/http2/http2_head.c"
#include "../../../protocols/http3/http3.c"
#include "../../../protocols/http3/http3_frame.c"
#define refuse refuse_section
#include "../../../protocols/http3/http3_stream.c"
#undef refuse
#define integer_read qpack_integer_read
#include "../../../protocols/http3/qpack.c"
#undef integer_read
#include "../../../protocols/message.c"
#include "../../../protocols/message_body.c"

#define PIECES_MAX 512

struct pieces {
	struct {
		enum event_direction direction;
		struct protocol_piece is;
	} items[PIECES_MAX];
	size_t count;
};

static void pieces_moved(void *ctx, bool by_client, int64_t stream, const uint8_t *bytes, size_t len,
			 bool fin)
{
	struct pieces *pieces = ctx;
	uint8_t *copy = pair_malloc(len + 1);

	assert_true(pieces->count < PIECES_MAX);
	memcpy(copy, bytes, len);
	pieces->items[pieces->count].direction = by_client ? DIRECTION_SENT : DIRECTION_RECEIVED;
	pieces->items[pieces->count++].is = (struct protocol_piece){ .stream = (uint64_t)stream,
								     .bytes = slice_of(copy, len),
								     .ends = fin };
}

/* late: nothing was seen before the first request. */
static bool run_once(const struct pieces *pieces, long nth, bool late, struct message_text *out)
{
	const struct protocol_config config = { .role = ROLE_CLIENT,
						.from_start = { !late, !late },
						.want_bodies = true,
						.body_limit_bytes = 1000,
						.message_limit_bytes = 65536,
						.stream_limit = 20,
						.table_limit_bytes = 65536 };
	const struct protocol_handler handler = message_text_handler(out);
	struct protocol *protocol;
	size_t first = 0;
	bool all;

	while (late && pieces->items[first].is.stream != 0)
		first++;
	alloc_fail_countdown = nth;
	protocol = http3_protocol.create(&config, &handler);
	for (size_t i = first; protocol && i < pieces->count; i++)
		http3_protocol.piece(protocol, pieces->items[i].direction, &pieces->items[i].is, i + 1);
	if (protocol)
		http3_protocol.end(protocol, END_CLOSED, 1000);
	http3_protocol.destroy(protocol);
	all = alloc_fail_countdown > 0;
	alloc_fail_countdown = 0;
	return all;
}

static void out_check(struct message_text *out, const char *truth, long nth)
{
	for (char *line = out->text ? strtok(out->text, "\n") : NULL; line; line = strtok(NULL, "\n"))
		/* The text of an interim response shows no flags. */
		if (strncmp(line, "interim 103 {", 13) && !strchr(line, '[') && !strstr(truth, line))
			fail_msg("allocation %ld failed, unmarked and wrong: %s", nth, line);
}

static void run_all(bool late)
{
	struct http3_pair pair = { .moved = pieces_moved };
	struct pieces *pieces = calloc(1, sizeof(*pieces)); /* the countdown stands */
	struct message_text truth = { 0 };
	long nth = 1;
	bool all = false;

	pair.ctx = pieces;
	http3_pair_open(&pair);
	http3_pair_run(&pair, "GET /a\nPOST /b 300\nGET /c early\n");
	http3_pair_run(&pair, "GET /a\nGET /d trailers\n");
	http3_pair_close(&pair);
	run_once(pieces, 0, false, &truth);
	assert_non_null(
		strstr(message_text_get(&truth), "response 4 200 3.0 {server: pair; x-path: /a} \"/a\"\n"));
	for (; !all; nth++) {
		struct message_text out = { 0 };

		all = run_once(pieces, nth, late, &out);
		out_check(&out, message_text_get(&truth), nth);
		message_text_fini(&out);
	}
	assert_true(nth > 50);
	message_text_fini(&truth);
	for (size_t i = 0; i < pieces->count; i++)
		free((void *)(uintptr_t)pieces->items[i].is.bytes.data);
	free(pieces);
}

static void test_from_start(void **state)
{
	(void)state;
	run_all(false);
}

static void test_joined_late(void **state)
{
	(void)state;
	run_all(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_start),
		cmocka_unit_test(test_joined_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
