/* SPDX-License-Identifier: Apache-2.0 */
#include "filter/filter.h"

#include "fact.h"

#include "filter_text.h"
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WORDS_MAX 600

/* Words as a shell gives them, separated by | for these tests. */
static size_t split(char *text, const char **words)
{
	size_t count = 0;

	for (char *word = strtok(text, "|"); word && count < WORDS_MAX; word = strtok(NULL, "|"))
		words[count++] = word;
	return count;
}

static struct filter *parse(const char *text, struct filter_error *error)
{
	char copy[4096];
	const char *words[WORDS_MAX];

	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	return filter_parse(words, split(copy, words), error);
}

static struct filter *parse_good(const char *text)
{
	struct filter_error error;
	struct filter *filter = parse(text, &error);

	if (!filter)
		fail_msg("%s: word %zu, %zu+%zu: %s", text, error.word, error.at, error.len, error.message);
	return filter;
}

/* --- what is understood ----------------------------------------------------------- */

static const struct {
	const char *words, *text;
} canon[] = {
	{ "", "" },
	{ " ", "" },
	{ "pid:1", "pid:1" },
	{ "pid:1,2|port:80", "pid:1,2 port:80" },
	{ "pid:1 port:80", "pid:1 port:80" },
	{ "!pid:1", "!pid:1" },
	{ "!!pid:1", "pid:1" },
	{ "!|pid:1", "!pid:1" },
	{ "(pid:1)", "pid:1" },
	{ "((pid:1 port:2))", "pid:1 port:2" },
	{ "!(pid:1 port:2)", "!(pid:1 port:2)" },
	{ "!(pid:1)", "!pid:1" },
	{ "!(!pid:1)", "pid:1" },
	{ "pid:1|or|pid:2", "pid:1 or pid:2" },
	{ "pid:1 port:2 or pid:3 port:4", "(pid:1 port:2) or (pid:3 port:4)" },
	{ "(pid:1|or|pid:2)|port:3", "(pid:1 or pid:2) port:3" },
	{ "(pid:1 or pid:2)(port:3)", "(pid:1 or pid:2) port:3" },
	{ "pid:1 or(pid:2)", "pid:1 or pid:2" },
	{ "(|pid:1|)", "pid:1" },
	{ "(pid:1 (pid:2 pid:3))", "pid:1 (pid:2 pid:3)" },
	{ "host:or", "host:or" },
	{ "or:x or pid:1", NULL },
	{ "pid:1 or pid:2|port:3", "(pid:1 or pid:2) port:3" },
	{ "port:3|pid:1 or pid:2", "port:3 (pid:1 or pid:2)" },
	{ "port:3| pid:1 or pid:2 ", "port:3 (pid:1 or pid:2)" },
	{ "port:3|or|pid:1 or pid:2|port:4", "port:3 or ((pid:1 or pid:2) port:4)" },
	{ "pid:1 or|pid:2|port:3", "pid:1 or (pid:2 port:3)" },
	{ "pid:1|or pid:2|port:3", "pid:1 or (pid:2 port:3)" },
	{ "(pid:1 or|pid:2)|port:3", "(pid:1 or pid:2) port:3" },
	{ "!|pid:1 or pid:2", "!(pid:1 or pid:2)" },
	{ "!pid:1 or pid:2|port:3", "(!pid:1 or pid:2) port:3" },
	{ "path:/a*", "path:/a*" },
	{ "path:\"/a,b\"", "path:\"/a,b\"" },
	{ "path:/a\\,b", "path:\"/a,b\"" },
	{ "path:/a\\ b", "path:\"/a b\"" },
	{ "path:/a\"b c\"d", "path:\"/ab cd\"" },
	{ "path:\"\"", "path:\"\"" },
	{ "path:\"say \\\"x\\\"\"", "path:\"say \\\"x\\\"\"" },
	{ "path:~^/(a|b)$", NULL }, /* | is this test's border of words */
	{ "path:~^/(a)+$", "path:\"~^/(a)+$\"" },
	{ "path:~^((((a+)?)+)+)$", "path:\"~^((((a+)?)+)+)$\"" },
	{ "path:~\\.json$", "path:\"~\\\\.json$\"" },
	{ "(path:~^/(a(b)))", "path:\"~^/(a(b))\"" },
	{ "path:~\"a{1,2}\"", "path:\"~a{1,2}\"" },
	{ "header:accept=*json*", "header:accept=*json*" },
	{ "status:5XX,none,200-204", "status:5XX,none,200-204" },
	{ "latency:>50ms size:<=1M", "latency:>50ms size:<=1M" },
	{ "peer:[::1]:443,10.0.0.0/8,unix", "peer:[::1]:443,10.0.0.0/8,unix" },
	{ "user:root", "user:root" },
	{ "flag:gap,h", NULL },
};

static void test_canonical_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(canon) / sizeof(canon[0]); i++) {
		struct filter_error error;
		struct filter *filter = parse(canon[i].words, &error), *again;
		char *text = filter_text(filter), *twice;
		const char *words[] = { text };

		if (!filter && !canon[i].text) {
			free(text);
			continue;
		}
		if (!filter || !canon[i].text || strcmp(text, canon[i].text) != 0)
			fail_msg("%s: %s (%s)", canon[i].words, text, error.message);
		again = filter_parse(words, 1, &error);
		twice = filter_text(again);
		assert_string_equal(twice, text);
		free(twice);
		free(text);
		filter_free(again);
		filter_free(filter);
	}
}

/* --- what is wrong ------------------------------------------------------------------ */

static const struct {
	const char *words;
	size_t word, at, len;
	const char *message; /* a part of it */
} wrong[] = {
	{ "staus:200", 0, 0, 5, "there is no filter 'staus:'; did you mean status:?" },
	{ "pid:1|hots:x", 1, 0, 4, "did you mean host:?" },
	{ "pid:1 lat:>5ms", 0, 6, 3, "did you mean latency:?" },
	{ "frobnicate:1", 0, 0, 10, "there is no filter 'frobnicate:' (known: pid comm user" },
	{ "pid:1|wtach", 1, 0, 5, "'wtach' is no filter: one is key:value" },
	{ "pid:1|and|pid:2", 1, 0, 3, "a space means and" },
	{ "pid:1 OR pid:2", 0, 6, 2, "or is written small" },
	{ "not pid:2", 0, 0, 3, "! in front means not" },
	{ "header:a=b c", 0, 11, 1, "a value with a space stands in quotes" },
	{ "pid:", 0, 0, 4, "'pid:' has no value" },
	{ "latency:", 0, 0, 8, "the shell takes > and < for itself" },
	{ "pid:1,,2", 0, 0, 6, "a value of 'pid:' is empty" },
	{ "pid:1,", 0, 0, 6, "a value of 'pid:' is empty" },
	{ "(pid:)", 0, 1, 4, "'pid:' has no value" },
	{ "pid:0", 0, 4, 1, "'pid:0' is wrong: a process id is a positive number" },
	{ "pid:>=0", 0, 4, 3, "a process id is a positive number" },
	{ "proto:>=fastcgi", 0, 6, 9, "a protocol is" },
	{ "proto:>", 0, 6, 1, "a protocol is" },
	{ "fact:x>=1K", 0, 5, 5, "behind the sign stands a number" },
	{ "fact:>=1", 0, 5, 3, "a fact is name" },
	{ "port:80|pid:1,x", 1, 6, 1, "'pid:x' is wrong" },
	{ "pid:2-1", 0, 4, 3, "a process id is a positive number" },
	{ "pid:4294967297", 0, 4, 10, "a process id" },
	{ "port:65536", 0, 5, 5, "a port is a number up to 65535" },
	{ "port:9-8", 0, 5, 3, "a port is" },
	{ "status:99", 0, 7, 2, "a status is 404, 5xx, >=500, 200-204 or none" },
	{ "status:5x", 0, 7, 2, "a status is" },
	{ "status:0xx", 0, 7, 3, "a status is" },
	{ "status:6xx", 0, 7, 3, "a status is" },
	{ "status:>=1000", 0, 7, 6, "a status is" },
	{ "status:>99", 0, 7, 3, "a status is" },
	{ "status:>=5xx", 0, 7, 5, "a status is" },
	{ "status:><500", 0, 7, 5, "a status is" },
	{ "port:>65536", 0, 5, 6, "a port is" },
	{ "grpc:>=17", 0, 5, 4, "a gRPC status is" },
	{ "peer:10.0.0.300", 0, 5, 10, "a peer is 10.0.0.1" },
	{ "peer:10.0.0.0/33", 0, 5, 11, "a peer is" },
	{ "peer:[::1", 0, 5, 4, "a peer is" },
	{ "peer:[::1]x", 0, 5, 6, "a peer is" },
	{ "peer:[1.2.3.4]:5", 0, 5, 11, "a peer is" },
	{ "peer:1.2.3.4:", 0, 5, 8, "a peer is" },
	{ "role:both", 0, 5, 4, "a role is client or server" },
	{ "tls:maybe", 0, 4, 5, "tls: takes yes, no, or a library" },
	{ "proto:4", 0, 6, 1, "a protocol is 1, 1.0" },
	{ "method:/x", 0, 7, 2, "a method is a word" },
	{ "latency:50ms", 0, 8, 4, "a latency is >50ms" },
	{ "latency:>50", 0, 0, 0, NULL },
	{ "latency:>x", 0, 8, 2, "a latency is" },
	{ "latency:2s-1s", 0, 8, 5, "a latency is" },
	{ "size:>1X", 0, 5, 3, "a size is >1M" },
	{ "header:=x", 0, 7, 2, "a header field is name, or name=value" },
	{ "header:x-*", 0, 7, 3, "the name of a header field is written out" },
	{ "body:\"\"", 0, 5, 2, "a body is looked through for a text" },
	{ "trace:\"\"", 0, 6, 2, "a trace is the id that a field such as traceparent has" },
	{ "query:=x", 0, 6, 2, "a parameter of the query is name, or name=value" },
	{ "flag:rest", 0, 5, 4,
	  "late-joined, gap, truncated, partial-headers, reset, closed, timeout, in-flight, unanswered, "
	  "no-request, pushed, upgraded, malformed, guess, relayed" },
	{ "user:no-such-user", 0, 5, 12, "this machine has no such user" },
	{ "path:~(", 0, 6, 1, "this parenthesis is not closed" },
	{ "path:\"~(\"", 0, 5, 4, "'path:~(' is wrong: " },
	{ "path:~(a)\\1", 0, 5, 6, "back-references" },
	{ "path:\"~(a{90}){90}\"", 0, 5, 14, "repeats too much" },
	{ "path:\"~a{1,2000}\"", 0, 5, 12, "repeats too much" },
	{ "path:~a++++++++++", 0, 5, 12, "repeats too much" },
	{ "path:~((((((((((a+)+)+)+)+)+)+)+)+)+)+", 0, 5, 33, "repeats too much" },
	{ "path:~^(((((t+)?)+)+)+)", 0, 5, 18, "repeats too much" },
	{ "path:~((((((((((((((((a))))))))))))))))", 0, 5, 34, "repeats too much" },
	{ "path:\"~([^])]+[[:alpha:](]){3}a{,3}[+]+\"", 0, 0, 0, NULL },
	{ "(pid:1", 0, 0, 1, "this parenthesis is not closed" },
	{ "port:1|(pid:1|port:2", 1, 0, 1, "this parenthesis is not closed" },
	{ "(", 0, 0, 1, "this parenthesis is not closed" },
	{ "pid:1)", 0, 5, 1, "this parenthesis was never opened" },
	{ ")", 0, 0, 1, "this parenthesis was never opened" },
	{ "()", 0, 0, 2, "nothing stands between these parentheses" },
	{ "or|pid:1", 0, 0, 2, "a filter must follow here" },
	{ "pid:1|or", 1, 0, 2, "a filter must follow here" },
	{ "pid:1 or or pid:2", 0, 6, 2, "a filter must follow here" },
	{ "(pid:1 or )", 0, 7, 2, "a filter must follow here" },
	{ "!", 0, 0, 1, "a filter must follow here" },
	{ "pid:1|!", 1, 0, 1, "a filter must follow here" },
	{ "(!)", 0, 1, 1, "a filter must follow here" },
	{ ",pid:1", 0, 0, 1, "a filter cannot begin with ','" },
	{ "path:\"/a", 0, 5, 1, "this quote is not closed" },
	{ "path:\"/a|b\"", 0, 5, 1, "this quote is not closed" },
	{ ":x", 0, 0, 1, "there is no filter ':'" },
	{ "((((((((((((((((pid:1))))))))))))))))", 0, 0, 0, NULL },
	{ "(((((((((((((((((pid:1)))))))))))))))))", 0, 16, 1, "more than 16 parentheses" },
};

static void test_errors_point_at_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct filter_error e;
		struct filter *filter = parse(wrong[i].words, &e);

		if (!filter != !!wrong[i].message)
			fail_msg("%s: %s", wrong[i].words, filter ? "is taken" : e.message);
		filter_free(filter);
		if (!filter && (e.word != wrong[i].word || e.at != wrong[i].at || e.len != wrong[i].len ||
				!strstr(e.message, wrong[i].message)))
			fail_msg("%s: word %zu, %zu+%zu: %s", wrong[i].words, e.word, e.at, e.len, e.message);
	}
}

/* Only a word that stands alone may be meant as something else than a filter. */
static void test_bare_words(void **state)
{
	struct filter_error error;

	(void)state;
	assert_null(parse("pid:1|whatever", &error));
	assert_true(error.bare);
	assert_null(parse("pid:1 whatever", &error));
	assert_false(error.bare);
	assert_null(parse("and", &error));
	assert_false(error.bare);
	assert_null(parse("pdi:1", &error));
	assert_false(error.bare);
}

/* Words that are no filter, and look like a thing that one is about. */
static void test_guesses(void **state)
{
	static const struct {
		const char *words, *guess; /* guess NULL: none */
	} rows[] = {
		{ "http://h/", "host:h" },
		{ "pid:1|https://u:p@a.b:443/x/y?z#f", "host:a.b:443 path:/x/y" },
		{ "(http://h/x", "host:h path:/x" },
		{ "http://h/x)", NULL },
		{ "http:///x", NULL },
		{ "localhost:80", "host:localhost port:80" },
		{ "10.0.0.1:65535", "host:10.0.0.1 port:65535" },
		{ "10.0.0.1:65536", NULL },
		{ "!web:81", "host:web port:81" },
		{ "web:1", NULL },
		{ ":8080", "port:8080" },
		{ ":", NULL },
		{ ":0", NULL },
		{ "prt:80", "port:" },
		{ "/api/*", "path:/api/*" },
		{ "GET", "method:GET" },
		{ "get", NULL },
		{ "404", "status:404" },
		{ "5xx", "status:5xx" },
		{ "6xx", NULL },
		{ "600", NULL },
		{ "example.com", "host:example.com" },
		{ "localhost", "host:localhost" },
		{ "day.rec", NULL },
		{ "nginx", NULL },
		{ "a.b:http", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter_error error;
		char meant[FILTER_GUESS_MAX + 40];
		const char *guess = rows[i].guess;

		assert_null(parse(rows[i].words, &error));
		snprintf(meant, sizeof(meant),
			 guess && strchr(guess, '\0')[-1] == ':' ? "did you mean %s?" : "did you mean '%s'?",
			 guess ? guess : "");
		if (guess ? strcmp(error.guess, guess) != 0 && !strstr(error.message, meant)
			  : error.guess[0] || strstr(error.message, "did you mean"))
			fail_msg("%s: '%s', '%s'", rows[i].words, error.message, error.guess);
		if (guess && guess[strlen(guess) - 1] != ':') {
			struct filter *filter = parse(guess, &error);

			assert_non_null(filter); /* the remedy is one */
			filter_free(filter);
		}
	}
}

static void expect_too_many(const char *first, const char *more, size_t count, const char *message)
{
	size_t step = strlen(more);
	char *text = calloc(strlen(first) + step * count + 1, 1);
	const char *words[] = { text };
	struct filter_error error;
	struct filter *filter;

	assert_non_null(text);
	strcpy(text, first);
	for (size_t i = 0; i + 1 < count; i++)
		memcpy(text + strlen(first) + i * step, more, step);
	filter = filter_parse(words, 1, &error);
	if (!filter)
		fail_msg("%s...: %s", first, error.message);
	filter_free(filter);
	memcpy(text + strlen(first) + (count - 1) * step, more, step);
	assert_null(filter_parse(words, 1, &error));
	assert_non_null(strstr(error.message, message));
	free(text);
}

static void test_bounds(void **state)
{
	(void)state;
	expect_too_many("port:1", " port:1", FILTER_TERMS_MAX, "more than 256 filters");
	expect_too_many("port:1", ",1", FILTER_VALUES_MAX, "more than 4096 values");
	expect_too_many("path:a", "a", FILTER_VALUE_LEN_MAX, "longer than 512 bytes");
	expect_too_many("path:\"a\"", "\"a\"", FILTER_VALUE_LEN_MAX, "longer than 512 bytes");
}

/* --- what is let through ------------------------------------------------------------- */

/* Of the sample: curl[1234], user 1000, GET http://example.com/a?b=1, 200, 612 bytes, 12.345678 ms. */
static const struct {
	const char *words;
	bool shown;
} matches[] = {
	{ "", true },
	{ "pid:1234", true },
	{ "pid:1,1234", true },
	{ "pid:1", false },
	{ "!pid:1", true },
	{ "comm:curl", true },
	{ "comm:curl-thread", true },
	{ "comm:cur", false },
	{ "comm:cur*", true },
	{ "comm:c?rl", true },
	{ "comm:CURL", false },
	{ "user:1000", true },
	{ "user:>=1000", true },
	{ "user:>1000", false },
	{ "user:root", false },
	{ "pid:>1", true },
	{ "pid:>=1234", true },
	{ "pid:<1234", false },
	{ "pid:1000-1999", true },
	{ "!pid:>1", false },
	{ "container:none", true },
	{ "container:abc", false },
	{ "port:8443", true },
	{ "port:40000", true },
	{ "port:8000-8999", true },
	{ "port:80", false },
	{ "peer:10.0.0.2", true },
	{ "peer:10.0.0.1", false },
	{ "peer:10.0.0.0/8", true },
	{ "peer:10.0.0.0/31", false },
	{ "peer:10.0.0.2/31", true },
	{ "peer:10.0.0.2:8443", true },
	{ "peer:10.0.0.2:443", false },
	{ "peer:0.0.0.0/0", true },
	{ "peer:::/0", false },
	{ "peer:::ffff:10.0.0.2", true },
	{ "peer:[::ffff:10.0.0.2]:8443", true },
	{ "peer:unix", false },
	{ "host:example.com", true },
	{ "host:EXAMPLE.*", true },
	{ "host:*.com", true },
	{ "host:ample", false },
	{ "host:example.com:80", false },
	{ "method:get", true },
	{ "method:POST,GET", true },
	{ "method:GE", false },
	{ "path:/a", true },
	{ "path:/A", false },
	{ "path:/*", true },
	{ "path:/?", true },
	{ "path:/a?", false },
	{ "path:*b=1", false },
	{ "path:~^/a$", true },
	{ "path:~a", true },
	{ "path:~^a", false },
	{ "url:example.com/a?b=1", true },
	{ "url:example.com/a\\?b=1", true },
	{ "url:\"http://example.com/a*\"", true },
	{ "url:https://example.com/a*", true },
	{ "url:example.com/a", false },
	{ "url:*b=1", true },
	{ "url:Example.com*", false },
	{ "url:~/a[?]b", true },
	{ "query:b", true },
	{ "query:b=1", true },
	{ "query:b=2", false },
	{ "query:b=*", true },
	{ "query:b=~^1$", true },
	{ "query:B", false },
	{ "query:a", false },
	{ "!query:a", true },
	{ "status:200", true },
	{ "status:2xx", true },
	{ "status:200-204", true },
	{ "status:>=200", true },
	{ "status:>200", false },
	{ "status:<=200", true },
	{ "status:<200", false },
	{ "status:=200", true },
	{ "status:<100", false },
	{ "status:201-204", false },
	{ "status:none", false },
	{ "status:404,2xx", true },
	{ "proto:1", true },
	{ "proto:1.1", true },
	{ "proto:1.0", false },
	{ "proto:http/2", false },
	{ "proto:h3", false },
	{ "proto:>=2", false },
	{ "proto:<2", true },
	{ "proto:<h2", true },
	{ "proto:>1", false },
	{ "proto:>1.0", true },
	{ "proto:>=http/1.1", true },
	{ "proto:<=1", true },
	{ "proto:<1", false },
	{ "proto:=1.1", true },
	{ "role:client", true },
	{ "role:server", false },
	{ "tls:no", true },
	{ "tls:yes", false },
	{ "tls:openssl", false },
	{ "tls:kernel", false },
	{ "latency:>12ms", true },
	{ "latency:>13ms", false },
	{ "latency:<12.345678ms", false },
	{ "latency:<=12.345678ms", true },
	{ "latency:=12.345678ms", true },
	{ "latency:>12.345678ms", false },
	{ "latency:10ms-20ms", true },
	{ "latency:<0", false },
	{ "latency:>=0", true },
	{ "size:>611", true },
	{ "size:>612", false },
	{ "size:<1K", true },
	{ "size:1-1K", true },
	{ "size:=612", true },
	{ "header:host", true },
	{ "header:HOST=example.*", true },
	{ "header:server=NGINX", true },
	{ "header:server=ngin", false },
	{ "header:server=~^ng", true },
	{ "header:x", false },
	{ "!header:x", true },
	{ "header:cookie=id=7", true },
	{ "flag:gap", false },
	{ "!flag:gap,reset", true },
	{ "pid:1234 status:200", true },
	{ "pid:1234 status:404", false },
	{ "pid:1 or status:200", true },
	{ "pid:1 or status:404", false },
	{ "!(pid:1234 status:200)", false },
	{ "!(pid:1234 status:404)", true },
	{ "!(pid:1 or status:404)", true },
	{ "pid:1 status:200 or pid:1234", true },
	{ "pid:1 (status:200 or pid:1234)", false },
};

static void test_matches(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample);
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		struct filter *filter = parse_good(matches[i].words);

		if (filter_exchange(filter, &sample.exchange) != matches[i].shown)
			fail_msg("%s: %s", matches[i].words, matches[i].shown ? "hidden" : "shown");
		filter_free(filter);
	}
	assert_true(filter_exchange(NULL, &sample.exchange));
	sample_fini(&sample);
}

static void expect(const struct exchange *exchange, const char *words, bool shown)
{
	struct filter *filter = parse_good(words);

	if (filter_exchange(filter, exchange) != shown)
		fail_msg("%s: %s", words, shown ? "hidden" : "shown");
	filter_free(filter);
}

/* An unknown value does not match; its negation does. */
static void test_unknown_does_not_match(void **state)
{
	static const char *const words[] = { "host:*",	     "method:GET",     "path:*",     "status:200",
					     "proto:1.1",    "role:client",    "tls:yes,no", "latency:>=0",
					     "port:0-65535", "peer:0.0.0.0/0", "pid:1234",   "user:1000",
					     "comm:*",	     "size:=0" };
	struct message response = { .kind = MESSAGE_RESPONSE };
	struct conn_facts conn = { .tls_unknown = true };
	struct exchange exchange = { .response = &response, .conn = &conn };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char negated[64];

		snprintf(negated, sizeof(negated), "!%s", words[i]);
		expect(&exchange, words[i], false);
		expect(&exchange, negated, true);
	}
	expect(&exchange, "status:none", true);
	expect(&exchange, "size:>=0", true); /* at least so many */
	exchange.conn = NULL;
	expect(&exchange, "port:80 or peer:::1 or role:client or tls:yes or proto:1 or host:x", false);
}

/* Numbers that bodies tell: as they are shown. */
static void test_facts_by_number(void **state)
{
	static const struct {
		const char *words;
		bool shown;
	} rows[] = {
		{ "fact:n>=12", true },	   { "fact:n>12", false },    { "fact:n<12.001", true },
		{ "fact:n=12", true },	   { "fact:code<0", true },   { "fact:code<5", true },
		{ "fact:code>=0", false }, { "fact:t_ms>1.4", true }, { "fact:t_ms<=1.499", false },
		{ "fact:rate>0.5", true }, { "fact:rate>1", false },  { "fact:text>0", false },
		{ "fact:text=a>b", true }, { "fact:none>0", false },
	};
	struct fact rate = { .name = "rate", .kind = FACT_MILLI, .number = 750 };
	struct fact took = { .next = &rate, .name = "t_ms", .kind = FACT_NS, .number = 1500000 };
	struct fact code = {
		.next = &took, .name = "code", .kind = FACT_INTEGER, .number = (uint64_t)(int64_t)-32601
	};
	struct fact text = { .next = &code, .name = "text", .kind = FACT_TEXT, .text = SLICE("a>b") };
	struct fact count = { .next = &text, .name = "n", .kind = FACT_NUMBER, .number = 12 };
	struct message response = { .kind = MESSAGE_RESPONSE, .facts = &count };
	struct exchange exchange = { .response = &response };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(&exchange, rows[i].words, rows[i].shown);
}

static void test_pending(void **state)
{
	struct sample sample;
	struct message *response;

	(void)state;
	sample_init(&sample);
	response = sample.exchange.response;
	sample.exchange.response = NULL;
	sample.exchange.pending = true;
	sample.exchange.duration_known = false;
	sample.exchange.waited_ns = 3000000000;
	expect(&sample.exchange, "status:5xx", false);
	expect(&sample.exchange, "status:none", true);
	expect(&sample.exchange, "latency:>2s", true);
	expect(&sample.exchange, "latency:>4s", false);
	expect(&sample.exchange, "size:<1K", false);
	expect(&sample.exchange, "header:cookie", true);
	expect(&sample.exchange, "header:server", false);
	sample.exchange.response = response;
	sample_fini(&sample);
}

static void test_fields_that_are_not_known(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample_header(sample.exchange.request, &sample.exchange.request->headers, "x-a", NULL);
	sample_header(sample.exchange.response, &sample.exchange.response->trailers, "X-Late", "a,b (c)");
	expect(&sample.exchange, "header:x-a", true);
	expect(&sample.exchange, "header:x-a=*", false);
	expect(&sample.exchange, "header:x-late=\"a,b (c)\"", true);
	sample_fini(&sample);
}

/* Each of the fields that name a trace, as its makers write it. */
static void test_traces(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
		{ "B3", "4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-1" },
		{ "X-B3-TraceId", "4bf92f3577b34da6a3ce929d0e0e4736" },
		{ "uber-trace-id", "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1" },
		{ "uber-trace-id", "4bf92f3577b34da6a3ce929d0e0e4736%3a00f067aa0ba902b7%3A0%3A1" },
		{ "X-Cloud-Trace-Context", "4bf92f3577b34da6a3ce929d0e0e4736/74;o=1" },
		{ "X-Amzn-Trace-Id", "Self=1-67891234-x;Root=4bf92f3577b34da6a3ce929d0e0e4736;Sampled=1" },
		{ "x-datadog-trace-id", "4bf92f3577b34da6a3ce929d0e0e4736" },
		{ "x-request-id", "4bf92f3577b34da6a3ce929d0e0e4736" },
		{ "x-correlation-id", "4bf92f3577b34da6a3ce929d0e0e4736" },
	};
	static const char *const none[][2] = {
		{ "traceparent", "00" },
		{ "traceparent", "" },
		{ "b3", "0" },
		{ "x-amzn-trace-id", "Root=" },
		{ "x-trace", "4bf92f3577b34da6a3ce929d0e0e4736" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample;

		sample_init(&sample);
		sample_header(sample.exchange.request, &sample.exchange.request->headers, rows[i].name,
			      rows[i].value);
		expect(&sample.exchange, "trace:4bf92f3577b34da6a3ce929d0e0e4736", true);
		expect(&sample.exchange, "trace:4BF92*", true);
		expect(&sample.exchange, "trace:00f067aa0ba902b7", false);
		sample_fini(&sample);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct sample sample;

		sample_init(&sample);
		sample_header(sample.exchange.request, &sample.exchange.request->headers, none[i][0],
			      none[i][1]);
		expect(&sample.exchange, "trace:4bf92f3577b34da6a3ce929d0e0e4736", false);
		sample_fini(&sample);
	}
}

static void sample_body(struct message *message, const char *text, size_t len)
{
	message->body = slice_of(text, len);
	message->body_bytes = len;
	message->body_known = true;
}

/* Of the request, and of the response; as it was sent, and without its coding. */
static void test_bodies(void **state)
{
	static const char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\2\3\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f\xca\x49\1"
				   "\0\x85\x11\x4a\x0d\x0b\0\0\0";
	static const char nul[] = "a\0needle";
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample_body(sample.exchange.request, "{\"order\": 17, \"card\": 4111}", 27);
	sample_body(sample.exchange.response, nul, sizeof(nul) - 1);
	expect(&sample.exchange, "body:order", true);
	expect(&sample.exchange, "body:Order", false);
	expect(&sample.exchange, "body:or*17", true);
	expect(&sample.exchange, "body:or*18", false);
	expect(&sample.exchange, "body:car?", true);
	expect(&sample.exchange, "body:4111}", true);
	expect(&sample.exchange, "body:411?}", true);
	expect(&sample.exchange, "body:411?}?", false);
	expect(&sample.exchange, "body:{*}", true);
	expect(&sample.exchange, "body:~\"4[0-9]+\"", true);
	expect(&sample.exchange, "body:~^order", false);
	expect(&sample.exchange, "body:needle", true);
	expect(&sample.exchange, "!body:needle", false);
	expect(&sample.exchange, "!body:pin", true);
	/* Where not all of it is there, nobody knows what it does not say; nor of an answer that did not
	 * come. */
	sample.exchange.request->body_bytes++;
	expect(&sample.exchange, "body:order", true);
	expect(&sample.exchange, "body:pin", false);
	expect(&sample.exchange, "!body:pin", true);
	sample_body(sample.exchange.response, gzip, sizeof(gzip) - 1);
	expect(&sample.exchange, "body:world", false);
	sample_header(sample.exchange.response, &sample.exchange.response->headers, "Content-Encoding",
		      "gzip");
	expect(&sample.exchange, "body:world", true);
	expect(&sample.exchange, "body:\"hello w\"", true);
	sample_fini(&sample);
}

/* Bytes of any kind, NUL included, and no end behind the slice. */
static void test_hostile_paths(void **state)
{
	static char longer[6000];
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample.exchange.request->target = slice_of("/\0\xff\n/x", 6);
	expect(&sample.exchange, "path:/*/x", true);
	expect(&sample.exchange, "path:/*?/x", true);
	expect(&sample.exchange, "path:~/x$", true);
	expect(&sample.exchange, "path:/", false);
	sample.exchange.request->target = slice_of("", 0);
	expect(&sample.exchange, "path:~^$", true);
	expect(&sample.exchange, "path:\"\"", true);
	memset(longer, 'a', sizeof(longer));
	sample.exchange.request->target = slice_of(longer, sizeof(longer));
	expect(&sample.exchange, "path:*a*a*a*a*a*a*b", false);
	expect(&sample.exchange, "path:\\*", false);
	expect(&sample.exchange, "path:~^aaa", true);
	expect(&sample.exchange, "path:~aaa$", false); /* the end is not looked at */
	sample.exchange.request->target = SLICE("/*");
	expect(&sample.exchange, "path:/\\*", true);
	expect(&sample.exchange, "path:/\\?", false);
	sample_fini(&sample);
}

/* A regex that begins anew says the same as before. */
static void test_many_paths(void **state)
{
	static char path[1024];
	struct filter *filter = parse_good("path:~^/[ab]*a[ab]+c$");
	unsigned int random = 1;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	path[0] = '/';
	for (size_t i = 0; i < 1000; i++) {
		for (size_t j = 1; j < sizeof(path); j++)
			path[j] = "ab"[(random = random * 1103515245 + 12345) >> 16 & 1];
		path[sizeof(path) - 1] = i % 2 ? 'c' : 'd';
		sample.exchange.request->target = slice_of(path, sizeof(path));
		assert_int_equal(filter_exchange(filter, &sample.exchange), i % 2);
	}
	filter_free(filter);
	sample_fini(&sample);
}

static void test_addresses(void **state)
{
	static const uint8_t v6[16] = { 0xfe, 0x80, [15] = 1 };
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 168, 1, 9 };
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample.conn.sock.family = AF_INET6;
	memcpy(sample.conn.sock.peer, v6, sizeof(v6));
	expect(&sample.exchange, "peer:fe80::1", true);
	expect(&sample.exchange, "peer:fe80::/10", true);
	expect(&sample.exchange, "peer:[fe80::1]:8443", true);
	expect(&sample.exchange, "peer:[fe80::/10]:1", false);
	expect(&sample.exchange, "peer:::/0", true);
	expect(&sample.exchange, "peer:0.0.0.0/0", false);
	memcpy(sample.conn.sock.peer, mapped, sizeof(mapped));
	expect(&sample.exchange, "peer:192.168.0.0/16", true);
	expect(&sample.exchange, "peer:::/0", false);
	sample.exchange.request->headers.count = 0;
	expect(&sample.exchange, "host:192.168.1.9", true);
	sample.conn.sock.family = AF_UNIX;
	expect(&sample.exchange, "peer:unix", true);
	expect(&sample.exchange, "peer:192.168.0.0/16", false);
	expect(&sample.exchange, "port:8443", false);
	sample_fini(&sample);
}

/* --- without an exchange ------------------------------------------------------------------ */

static const struct {
	const char *words;
	enum filter_answer answer;
	bool about; /* exchanges */
} conns[] = {
	{ "", FILTER_YES, false },
	{ "pid:1234", FILTER_YES, false },
	{ "pid:1", FILTER_NO, false },
	{ "!pid:1", FILTER_YES, false },
	{ "status:200", FILTER_UNKNOWN, true },
	{ "!status:200", FILTER_UNKNOWN, true },
	{ "pid:1 status:200", FILTER_NO, true },
	{ "pid:1234 status:200", FILTER_UNKNOWN, true },
	{ "pid:1234 or status:200", FILTER_YES, true },
	{ "pid:1 or status:200", FILTER_UNKNOWN, true },
	{ "!(pid:1 status:200)", FILTER_YES, true },
	{ "!(pid:1234 status:200)", FILTER_UNKNOWN, true },
	{ "!(pid:1234 or status:200)", FILTER_NO, true },
	{ "tls:openssl", FILTER_NO, false },
	{ "role:server", FILTER_NO, false },
	{ "port:8443", FILTER_YES, false },
	{ "proto:1.1", FILTER_YES, true },
	{ "host:example.com", FILTER_UNKNOWN, true },
	{ "flag:gap", FILTER_UNKNOWN, true },
	{ "header:x path:/ method:GET latency:>1s size:>1", FILTER_UNKNOWN, true },
};

static void test_connections(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample);
	for (size_t i = 0; i < sizeof(conns) / sizeof(conns[0]); i++) {
		struct filter *filter = parse_good(conns[i].words);
		const struct mover *owner = &sample.conn.owner;
		enum filter_answer answer = filter_conn_answer(filter, &sample.conn, owner);

		if (answer != conns[i].answer || filter_about_exchanges(filter) != conns[i].about)
			fail_msg("%s: %d", conns[i].words, answer);
		assert_int_equal(filter_conn(filter, &sample.conn, owner), answer != FILTER_NO);
		filter_free(filter);
	}
	assert_true(filter_conn(NULL, NULL, NULL));
	sample_fini(&sample);
}

/* Only then are all fields kept. */
static void test_wanted_fields(void **state)
{
	struct filter *filter = parse_good("status:200 or (path:/ !header:x)");

	(void)state;
	assert_true(filter_wants_fields(filter));
	assert_true(filter_about_exchanges(filter));
	assert_false(filter_wants_bodies(filter));
	filter_free(filter);
	filter = parse_good("status:200 !body:x");
	assert_true(filter_wants_fields(filter)); /* its coding */
	assert_true(filter_wants_bodies(filter));
	assert_true(filter_about_exchanges(filter));
	filter_free(filter);
	filter = parse_good("status:200 host:h path:/ grpc:5");
	assert_false(filter_wants_fields(filter));
	assert_false(filter_wants_bodies(filter));
	filter_free(filter);
	assert_false(filter_wants_fields(NULL));
}

/* Of what is told as opaque the hello message names the host. */
static void test_opaque_has_its_name(void **state)
{
	struct conn_facts conn = { .tls = true, .opaque = "why", .sni = "api.example.com" };
	struct filter *filter = parse_good("host:*.example.com"), *other = parse_good("host:a");

	(void)state;
	assert_int_equal(filter_conn_answer(filter, &conn, NULL), FILTER_YES);
	assert_int_equal(filter_conn_answer(other, &conn, NULL), FILTER_NO);
	conn.opaque = NULL;
	assert_int_equal(filter_conn_answer(other, &conn, NULL), FILTER_UNKNOWN);
	filter_free(filter);
	filter_free(other);
}

/* --- what the kernel can decide --------------------------------------------------------------- */

static const struct {
	const char *words, *pids, *ports;
} kernel[] = {
	{ "", "", "" },
	{ "pid:2,1,2", "1 2", "" },
	{ "(pid:1 or pid:2)", "1 2", "" },
	{ "!pid:1", "", "" },
	{ "!!pid:1", "1", "" },
	{ "pid:1 or port:80", "", "" },
	{ "pid:1 port:80,8000-8002", "1", "80 8000 8001 8002" },
	{ "pid:1 status:200", "1", "" },
	{ "pid:1,2,3 pid:2,3,4", "2 3", "" },
	{ "pid:1 pid:2", "1", "" },
	{ "status:200 (pid:1 or pid:2 port:80)", "1 2", "" },
	{ "pid:1 port:80 or pid:2 port:81", "1 2", "80 81" },
	{ "!(pid:1 pid:2)", "", "" },
	{ "pid:1 !pid:2", "1", "" },
	{ "port:1-65535", "", "" },
	{ "pid:1 port:1-65535", "1", "" },
	{ "pid:1 pid:>=1", "1", "" },
	{ "pid:1,5-7", "", "" },
	{ "pid:<1", "", "" },
	{ "port:<0", "", "" },
	{ "comm:a", "", "" },
};

static void test_kernel_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kernel) / sizeof(kernel[0]); i++) {
		struct filter *filter = parse_good(kernel[i].words);
		struct filter_kernel sets;
		char pids[64] = "", ports[64] = "";

		filter_kernel(filter, &sets);
		for (size_t j = 0; j < sets.pid_count; j++)
			sprintf(pids + strlen(pids), "%s%u", j ? " " : "", sets.pids[j]);
		for (size_t j = 0; j < sets.port_count; j++)
			sprintf(ports + strlen(ports), "%s%u", j ? " " : "", sets.ports[j]);
		if (strcmp(pids, kernel[i].pids) != 0 || strcmp(ports, kernel[i].ports) != 0)
			fail_msg("%s: pids %s, ports %s", kernel[i].words, pids, ports);
		filter_free(filter);
	}
}

static const char *const sums[][3] = {
	{ "", "", "" },
	{ "", "pid:1", "pid:1" },
	{ "pid:1", "", "pid:1" },
	{ "pid:1", "port:2", "pid:1 port:2" },
	{ "pid:1 or pid:2", "port:2", "(pid:1 or pid:2) port:2" },
	{ "pid:1 comm:a", "port:2 or port:3", "pid:1 comm:a (port:2 or port:3)" },
	{ "!(pid:1 comm:a)", "port:2", "!(pid:1 comm:a) port:2" },
};

static void test_sums(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		struct filter *filter = parse_good(sums[i][0]);
		struct filter_kernel sets;
		char *text;

		assert_int_equal(filter_add(filter, parse_good(sums[i][1])), 0);
		text = filter_text(filter);
		assert_string_equal(text, sums[i][2]);
		filter_kernel(filter, &sets);
		assert_int_equal(sets.pid_count > 0, strstr(text, "pid") && text[0] != '!');
		free(text);
		filter_free(filter);
	}
}

static void test_keys(void **state)
{
	struct filter *filter = parse_good("!(status:5xx or host:a)");

	(void)state;
	for (size_t i = 0; i < filter_key_count; i++) {
		const struct filter_key *key = &filter_keys[i];

		assert_true(strlen(key->name) <= 9 && key->form[0] && key->doc[strlen(key->doc) - 1] != '.');
		assert_int_equal(filter_uses(filter, key),
				 strcmp(key->name, "status") == 0 || strcmp(key->name, "host") == 0);
	}
	filter_free(filter);
}

/* Answers that a process's container alone decides; everything else about it may still come. */
static const struct {
	const char *filter, *container;
	bool possible;
} containers[] = {
	{ "container:abc", "abcdef", true },
	{ "container:abc", "xyz", false },
	{ "container:abc", NULL, false },
	{ "container:none", NULL, true },
	{ "container:none", "abc", false },
	{ "!container:abc", "abcdef", false },
	{ "container:abc comm:x status:5xx", "abc", true },
	{ "container:abc or comm:x", "xyz", true },
	{ "container:abc pid:5 or container:xyz", "xyz", true },
	{ "port:80 !(container:a,b)", "b", false },
	{ "port:80", "b", true },
	{ "container:web", "abcdef", true }, /* its name */
	{ "container:we", "abcdef", false },
	{ "container:we*", "abcdef", true },
	{ "container:nginx", "abcdef", true }, /* within the pod */
	{ "pod:web-1", "abcdef", true },
	{ "pod:web-1", NULL, false },
	{ "pod:none", NULL, true },
	{ "pod:none", "abcdef", false },
	{ "namespace:shop", "abcdef", true },
	{ "namespace:sho", "abcdef", false },
	{ "!namespace:shop", "abcdef", false },
	{ "unit:web.service,*.scope", "abcdef", true },
	{ "unit:*.scope", "abcdef", false },
	{ "unit:web.service", NULL, false },
};

static void test_containers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++) {
		struct filter *filter = parse_good(containers[i].filter);
		struct container container = { .names[CONTAINER_ID] = { .data = NULL } };
		struct filter_kernel sets;

		if (containers[i].container)
			container = (struct container){
				.names = { [CONTAINER_ID] = slice_of_string(containers[i].container),
					   [CONTAINER_NAME] = SLICE("web"),
					   [CONTAINER_POD] = SLICE("web-1"),
					   [CONTAINER_NAMESPACE] = SLICE("shop"),
					   [CONTAINER_POD_CONTAINER] = SLICE("nginx"),
					   [CONTAINER_UNIT] = SLICE("web.service") },
			};
		if (filter_container(filter, containers[i].container ? &container : NULL) !=
		    containers[i].possible)
			fail_msg("%s in %s", containers[i].filter, containers[i].container);
		filter_kernel(filter, &sets);
		assert_int_equal(sets.containers, strstr(containers[i].filter, "port:") == NULL ||
							  strstr(containers[i].filter, "container") != NULL);
		filter_free(filter);
	}
	assert_true(filter_container(NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical_text),
		cmocka_unit_test(test_errors_point_at_what_is_wrong),
		cmocka_unit_test(test_bare_words),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_unknown_does_not_match),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_fields_that_are_not_known),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_hostile_paths),
		cmocka_unit_test(test_many_paths),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_wanted_fields),
		cmocka_unit_test(test_opaque_has_its_name),
		cmocka_unit_test(test_kernel_sets),
		cmocka_unit_test(test_facts_by_number),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
