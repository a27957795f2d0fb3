/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the FastCGI decoder fails in turn: nothing crashes or leaks, and no wrong request shows.
 */
#include "fastcgi_build.h"
#include "message_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "alloc_fail.h"

#include "../../../protocols/arena.c"
#include "../../../protocols/bytes.c"
#include "../../../protocols/fastcgi/fastcgi.c"
#include "../../../protocols/fastcgi/fastcgi_params.c"
#include "../../../protocols/message.c"
#include "../../../protocols/message_body.c"

static void once(long fail)
{
	static const char *const params[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/a", "HTTP_HOST=h", NULL };
	struct protocol_config config = { .from_start = { true, true },
					  .want_bodies = true,
					  .body_limit_bytes = 64 };
	struct fastcgi_bytes asked = { .len = 0 }, answered = { .len = 0 };
	struct message_text text = { .text = NULL };
	struct protocol_handler handler = message_text_handler(&text);
	struct protocol *protocol;

	put_begin(&asked, 1, 1);
	put_params(&asked, 1, params);
	put_text(&asked, 5, 1, "body");
	put_record(&asked, 5, 1, "", 0, 0);
	put_text(&answered, 7, 1, "error");
	put_text(&answered, 6, 1, "Status: 200\r\n\r\nhi");
	put_end(&answered, 1, 0, 0);
	alloc_fail_countdown = fail;
	protocol = fastcgi_protocol.create(&config, &handler);
	for (int i = 0; protocol && i < 2; i++) {
		fastcgi_protocol.feed(protocol, DIRECTION_SENT, slice_of(asked.data, asked.len), 1);
		fastcgi_protocol.feed(protocol, DIRECTION_RECEIVED, slice_of(answered.data, answered.len), 2);
	}
	if (protocol)
		fastcgi_protocol.end(protocol, END_CLOSED, 3);
	fastcgi_protocol.destroy(protocol);
	alloc_fail_countdown = 0;
	if (!fail)
		assert_non_null(strstr(message_text_get(&text), "request 65537 GET h /a 0.1 {"));
	message_text_fini(&text);
}

static void test_each_allocation_fails(void **state)
{
	(void)state;
	for (long fail = 0; fail < 60; fail++)
		once(fail);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
