/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of the HTTP/2 decoder fails in turn, in a connection that
 * uses all of it: nothing crashes or leaks, and what is still shown is what the
 * undisturbed run showed, or is marked.
 */
#include "http2_build.h"
#include "message_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "alloc_fail.h"

#include "../../../protocols/arena.c"
#include "../../../protocols/bytes.c"
#include "../../../protocols/hpack.c"
#include "../../../protocols/hpack_table.c"
#include "../../../protocols/http2/http2.c"
#include "../../../protocols/http2/http2_assembly.c"
#include "../../../protocols/http2/http2_block.c"
#include "../../../protocols/http2/http2_connection.c"
#include "../../../protocols/http2/http2_frame.c"
#include "../../../protocols/http2/http2_head.c"
#include "../../../protocols/http2/http2_search.c"
#include "../../../protocols/http2/http2_settings.c"
#include "../../../protocols/http2/http2_stream.c"
#include "../../../protocols/http2/http2_wire.c"
#include "../../../protocols/message.c"
#include "../../../protocols/message_body.c"

static const char script[] =
	"> preface\n> settings\n< settings\n"
	"> headers 1 end split padded :method=GET :scheme=http :authority=h :path=/1 a=b\n"
	"> headers 3 :method=POST :scheme=http :authority=h :path=/1\n> data 3 abc\n> headers 3 end t=1\n"
	"< headers 1 :status=103 link=x\n< headers 1 split :status=200 server=s\n< data 1 padded hello\n"
	"< promise 1 2 :method=GET :scheme=http :authority=h :path=/2\n< data 1 end world\n"
	"< headers 3 :status=404 server=s\n< headers 3 end status=0\n< headers 2 end :status=200 server=s\n"
	"> headers 5 end :method=GET :scheme=http :authority=h :path=/1 a=b\n< rst 5 7\n";

struct alloc_run {
	struct build *build;
	const char *truth; /* NULL: the run is to tell it */
	struct message_text out;
	bool creates;
};

static void line_check(struct alloc_run *run, char *line)
{
	/* The text of an interim response shows no flags. */
	if (strncmp(line, "interim 103 {", 13) == 0 || strchr(line, '[') || strncmp(line, "reset", 5) == 0 ||
	    strstr(run->truth, line))
		return;
	fail_msg("allocation failed, unmarked and wrong: %s", line);
}

static void out_check(struct alloc_run *run)
{
	char *line = run->out.text;

	while (line && *line) {
		char *end = strchr(line, '\n');

		*end = 0;
		line_check(run, line);
		line = end + 1;
	}
}

/* late: nothing was seen before the first request, and 9 bytes are lost in mid-way. */
static void run_once(struct alloc_run *run, long nth, bool late)
{
	const struct protocol_config config = { .role = ROLE_CLIENT,
						.from_start = { !late, !late },
						.want_bodies = true,
						.body_limit_bytes = 1000,
						.message_limit_bytes = 65536,
						.stream_limit = 10,
						.table_limit_bytes = 65536 };
	const struct protocol_handler handler = message_text_handler(&run->out);
	struct protocol *protocol;

	alloc_fail_countdown = nth;
	protocol = http2_protocol.create(&config, &handler);
	run->creates = protocol != NULL;
	for (size_t i = late ? 3 : 0; protocol && i < run->build->count; i++) {
		const struct build_chunk *chunk = &run->build->chunks[i];

		http2_protocol.feed(protocol, (enum event_direction)chunk->direction,
				    slice_of(chunk->bytes, chunk->len), i);
		if (late && i == 10)
			http2_protocol.hole(protocol, DIRECTION_RECEIVED, HOLE_UNKNOWN_SIZE, i);
	}
	if (protocol)
		http2_protocol.end(protocol, END_CLOSED, 100);
	http2_protocol.destroy(protocol);
}

static void run_all(bool late)
{
	struct alloc_run truth = { .build = build_new(script) };
	long nth = 1;

	run_once(&truth, 0, false);
	assert_non_null(
		strstr(message_text_get(&truth.out), "response 1 200 2.0 {server: s} \"helloworld\"\n"));
	for (;; nth++) {
		struct alloc_run run = { .build = truth.build, .truth = message_text_get(&truth.out) };
		bool all_succeeded;

		run_once(&run, nth, late);
		all_succeeded = alloc_fail_countdown > 0;
		alloc_fail_countdown = 0;
		out_check(&run);
		message_text_fini(&run.out);
		if (all_succeeded)
			break;
	}
	assert_true(nth > 20);
	message_text_fini(&truth.out);
	build_free(truth.build);
}

static void test_whole(void **state)
{
	(void)state;
	run_all(false);
}

static void test_late(void **state)
{
	(void)state;
	run_all(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
