/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a request is what is found out of it, whatever came in between. */
#include "routes/known_request.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

struct request {
	const char *method, *target, *authority, *host; /* NULL: there is none */
	bool tls;
};

static const struct request requests[] = {
	{ "GET", "/a/b;p=1?q=2", "h:81", NULL, false },
	{ "GET", "/a/b;p=1?q=2", "h:81", NULL, true },
	{ "PUT", "/a/b;p=1?q=2", "h:81", NULL, false },
	{ "GET", "/a/b;p=1?q=2", NULL, NULL, false },
	{ "GET", "/a/b;p=1?q=2", NULL, "h:81", false },
	{ "GET", "/a/b;p=1?q=2", NULL, "g", false },
	{ "GET", "/a/b", "", "g", false },
	{ "GET", "/a/b", NULL, "", false },
	{ "GET", "http://t:9/x?y", "h", NULL, false },
	{ "GET", "*", "h", NULL, false },
	{ "CONNECT", "c:443", NULL, "c:443", false },
	{ NULL, "/a", "h", NULL, false },
	{ "GET", NULL, "h", NULL, false },
	{ "GET", "", "h", NULL, false },
	{ "GET", "/a", "u@[::1]:8", NULL, false },
	{ "GET", "/a", "h:x", "g", false },
	{ "GET", "/a", "h:x", NULL, false },
};

static struct message *message_of(const struct request *request)
{
	struct message *message = message_new(MESSAGE_REQUEST, 0);

	message->version = HTTP_1_1;
	message->method = slice_of_string(request->method);
	message->target = slice_of_string(request->target);
	message->authority = slice_of_string(request->authority);
	if (request->host)
		assert_int_equal(message_add_header(message, &message->headers, SLICE("Host"),
						    slice_of_string(request->host), 0),
				 0);
	return message;
}

static void assert_same(struct slice a, struct slice b)
{
	assert_true(slice_equal(a, b));
	assert_int_equal(!a.data, !b.data);
}

/* True: it is kept. */
static bool look(struct known_requests *known, const struct request *request)
{
	struct conn_facts conn = { .tls = request->tls };
	struct exchange exchange = { .conn = &conn, .request = message_of(request) };
	const struct known_request *found = known_requests_find(known, &exchange);
	struct url url;
	bool kept;

	url_of_request(exchange.request, &url);
	assert_same(found->method, exchange.request->method);
	assert_same(found->url.authority, url.authority);
	assert_same(found->url.host, url.host);
	assert_same(found->url.path, url.path);
	assert_same(found->url.query, url.query);
	assert_same(found->path, url_path_plain(url.path));
	assert_int_equal(found->url.port_known, url.port_known);
	assert_int_equal(found->url.port, url.port);
	assert_int_equal(found->url.authority_form, url.authority_form);
	kept = found->place < KNOWN_REQUESTS;
	exchange_fini(&exchange);
	return kept;
}

static void test_each(void **state)
{
	struct known_requests *known = known_requests_new();
	size_t kept = 0, count = sizeof(requests) / sizeof(*requests);

	(void)state;
	for (size_t round = 0; round < 4; round++)
		for (size_t i = 0; i < count; i++)
			kept += look(known, &requests[i]);
	/* Three have no host, two have it in another field, CONNECT is not kept; of one hash one is. */
	assert_in_range(kept, 3 * (count - 6), 4 * (count - 6));
	known_requests_free(known);
}

/* More of them than there are places, some of which come twice in a row. */
static void test_many(void **state)
{
	struct known_requests *known = known_requests_new();
	char target[300];

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		struct request request = { "GET", target, NULL, i % 3 ? "h" : "g:1", i % 2 };

		snprintf(target, sizeof(target), "/%0*d?%d", rand() % 8 ? 4 : 250, rand() % 2000, i % 5);
		look(known, &request);
		look(known, &request);
	}
	known_requests_free(known);
}

static void test_taken_differs(void **state)
{
	struct known_requests *known = known_requests_new();
	struct conn_facts conn = { .tls = false };
	struct exchange exchange = { .conn = &conn, .request = message_of(&requests[0]) };
	struct known_request *found = known_requests_find(known, &exchange);
	uint64_t taken = found->taken;

	(void)state;
	found->route.twice = true;
	assert_ptr_equal(known_requests_find(known, &exchange), found);
	assert_true(found->route.twice);
	conn.tls = true; /* another scheme: the second miss takes the place */
	known_requests_find(known, &exchange);
	found = known_requests_find(known, &exchange);
	assert_int_not_equal(found->taken, taken);
	assert_false(found->route.twice);
	exchange_fini(&exchange);
	known_requests_free(known);
}

static const char *text_of(const struct endpoint *endpoint)
{
	return endpoint->overflow ? "(rest)" : endpoint->route ? endpoint->route : "(none)";
}

/* Found again by memos, endpoints are those of a walk each time, while templates are learnt and rows lose
 * their places. */
static void test_routes_again(void **state)
{
	static const char *const forms[] = { "/v1/users/%d",   "/v1/users/name%d/x", "/a/%d/b/%d", "/p%d",
					     "/files/f%d.css", "/v1/users/me",	     "/%x%x%x%x" };
	struct routes_config config = { .limit = 40 };
	struct routes *plain = routes_new(&config), *again = routes_new(&config);
	static struct routes_memo memos[7][50];

	(void)state;
	srand(2);
	for (int i = 0; i < 50000; i++) {
		size_t form = (size_t)rand() % 7, number = (size_t)(rand() % (i % 7 ? 5 : 50));
		struct slice host = SLICE("h"), method = SLICE("GET"), path;
		struct endpoint *one, *two;
		char text[64];

		snprintf(text, sizeof(text), forms[form], (int)number, (int)number + 7, (int)number * 91,
			 (int)number * 1234567);
		path = slice_of_string(text);
		one = routes_find(plain, host, method, path, false);
		two = routes_find_again(again, &memos[form][number], host, method, path, false);
		assert_string_equal(text_of(one), text_of(two));
		assert_int_equal(one->folded, two->folded);
	}
	routes_free(plain);
	routes_free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_taken_differs),
		cmocka_unit_test(test_routes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
