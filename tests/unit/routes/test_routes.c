/* SPDX-License-Identifier: Apache-2.0 */
#include "routes/routes.h"

#include "routes/routes_pattern.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct endpoint *find(struct routes *routes, const char *request)
{
	const char *space = strchr(request, ' ');

	return routes_find(routes, SLICE("example.com"), slice_of(request, (size_t)(space - request)),
			   slice_of_string(space + 1), false);
}

/* --- one path, nothing learnt ------------------------------------------------------- */

static const struct {
	const char *name, *path, *route;
} segments[] = {
	{ "root", "/", "/" },
	{ "nothing", "", "/" },
	{ "words", "/api/users", "/api/users" },
	{ "integer", "/users/12", "/users/{id}" },
	{ "negative", "/offsets/-12", "/offsets/{id}" },
	{ "UUID", "/a/550e8400-e29b-41d4-a716-446655440000", "/a/{id}" },
	{ "UUID, capitals", "/a/550E8400-E29B-41D4-A716-446655440000/b", "/a/{id}/b" },
	{ "ULID", "/a/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/a/{id}" },
	{ "hex", "/a/deadbeef", "/a/{id}" },
	{ "short hex is a word", "/a/beef", "/a/beef" },
	{ "object id", "/a/507f1f77bcf86cd799439011", "/a/{id}" },
	{ "date", "/reports/2024-01-31", "/reports/{id}" },
	{ "week", "/reports/2024-W05", "/reports/{id}" },
	{ "time", "/reports/20240131T101500Z", "/reports/{id}" },
	{ "base64", "/t/dGhpcyBpcyBhIHRva2Vu", "/t/{id}" },
	{ "base64, padded", "/t/YWJjZA==", "/t/{id}" },
	{ "token without digits", "/t/dQwXgWcQzRt", "/t/{id}" },
	{ "JWT", "/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_123", "/t/{id}" },
	{ "address", "/a/jane@example.com", "/a/{id}" },
	{ "address, encoded", "/a/jane%40example.com", "/a/{id}" },
	{ "random word", "/a/xkcdqwrtplmn", "/a/{id}" },
	{ "long word", "/a/internationalization", "/a/internationalization" },
	{ "prefix and token", "/v1/cus_9s6XKzkNRiz8i3", "/v1/{id}" },
	{ "prefix and number", "/a/sub-123", "/a/{id}" },
	{ "airport", "/airports/LHR", "/airports/{id}" },
	{ "share", "/quotes/BRK.B", "/quotes/{id}" },
	{ "upper case word that is reserved", "/stations/TOP", "/stations/{id}" },
	{ "upper case where an API begins", "/API/users", "/API/users" },
	{ "slug", "/products/blue-suede-shoes", "/products/{id}" },
	{ "title", "/blog/how-to-cook-rice", "/blog/{id}" },
	{ "slug after an id is a part of it", "/users/1/two-factor", "/users/{id}/two-factor" },
	{ "owner and repository", "/repos/octocat/hello-world/issues", "/repos/{id}/{id}/issues" },
	{ "domain", "/domains/example.com/records", "/domains/{id}/records" },
	{ "reverse domain", "/apps/com.example.app/x", "/apps/{id}/x" },
	{ "IPv4", "/ips/192.0.2.1", "/ips/{id}" },
	{ "IPv6", "/ips/2001:db8::1", "/ips/{id}" },
	{ "MAC", "/hosts/00:1a:2b:3c:4d:5e", "/hosts/{id}" },
	{ "digest", "/layers/sha256:9f86d081884c7d65", "/layers/{id}" },
	{ "coordinates", "/points/52.52,13.40", "/points/{id}" },
	{ "list", "/users/1,2,3", "/users/{id}" },
	{ "semantic version", "/releases/1.2.3", "/releases/{id}" },
	{ "percent", "/tags/caf%C3%A9", "/tags/{id}" },
	{ "phone", "/numbers/+15005550006", "/numbers/{id}" },
	{ "wallet", "/x/0x742d35Cc6634C0532925a3b844Bc454e4438f44e", "/x/{id}" },
	{ "pod", "/x/nginx-7fb96c846b-abcde", "/x/{id}" },
	{ "handle", "/@jane/posts", "/{id}/posts" },
	{ "version stays", "/v1/things/v2", "/v1/things/v2" },
	{ "version with a stage", "/v1beta1/users", "/v1beta1/users" },
	{ "version with a dot", "/v1.43/images", "/v1.43/images" },
	{ "number as version", "/3/movie/550", "/3/movie/{id}" },
	{ "dotted number as version", "/1.1/statuses/7", "/1.1/statuses/{id}" },
	{ "version that is an id", "/releases/v2", "/releases/{id}" },
	{ "group of an API", "/apis/networking.k8s.io/v1/ingresses", "/apis/networking.k8s.io/v1/ingresses" },
	{ "reserved", "/users/search", "/users/search" },
	{ "reserved, camel case", "/pets/findByStatus", "/pets/findByStatus" },
	{ "system name", "/index/_bulk", "/index/_bulk" },
	{ "index", "/anything/_search", "/{id}/_search" },
	{ "index and document", "/anything/_doc/abc", "/{id}/_doc/{id}" },
	{ "hidden", "/.well-known/openid-configuration", "/.well-known/openid-configuration" },
	{ "method behind a colon", "/v1/projects/p1:cancel", "/v1/projects/{id}:cancel" },
	{ "method of a collection", "/v1/documents:batchGet", "/v1/documents:batchGet" },
	{ "image", "/images/nginx:latest/json", "/images/{id}/json" },
	{ "parentheses", "/odata/Products(5)/Name", "/odata/Products({id})/Name" },
	{ "matrix parameter", "/cars;color=red/7", "/cars/{id}" },
	{ "format", "/users/12.json", "/users/{id}.json" },
	{ "format of a collection", "/users.json", "/users.json" },
	{ "hash in a name", "/static/app.3f9a2b1c.js", "/static/app.{hash}.js" },
	{ "hash with a dash", "/static/vendor-9d8e7f6a5b.chunk.css", "/static/vendor-{hash}.chunk.css" },
	{ "hash alone", "/static/3f9a2b1c4d.js", "/static/{hash}.js" },
	{ "program", "/static/app.js", "/static/app.js" },
	{ "picture", "/avatars/123.png", "/avatars/{id}" },
	{ "slash at the end", "/users/", "/users" },
	{ "slashes", "//users//7", "//users//{id}" },
	{ "no slash in front", "users/7", "/users/{id}" },
	{ "image of containers", "/v2/library/nginx/manifests/latest", "/v2/{id}/manifests/{id}" },
	{ "image, three parts", "/v2/a/b/c/blobs/sha256:00ff00ff", "/v2/{id}/blobs/{id}" },
	{ "file of a repository", "/repos/o/r/contents/src/a/b.c", "/repos/{id}/{id}/contents/{id}" },
	{ "date of an article", "/2024/05/31/budget-passed", "/{id}/{id}/{id}/{id}" },
	{ "template that nobody filled in", "/users/{id}/:name", "/users/{id}/:name" },
	{ "invalid UTF-8", "/a/\xff\xfe/b", "/a/{id}/b" },
	{ "escape sequence", "/a/\x1b[2J", "/a/{id}" },
	{ "more segments than are looked at",
	  "/a/b/c/d/e/f/g/h/a/b/c/d/e/f/g/h/a/b/c/d/e/f/g/h/a/b/c/d/e/f/g/h/i/j",
	  "/a/b/c/d/e/f/g/h/a/b/c/d/e/f/g/h/a/b/c/d/e/f/g/h/a/b/c/d/e/f/g/h/*" },
};

static void test_segments(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(segments); i++) {
		struct routes *routes = routes_new(&(struct routes_config){ 0 });
		struct endpoint *endpoint = routes_find(routes, SLICE("h"), SLICE("GET"),
							slice_of_string(segments[i].path), false);

		if (strcmp(endpoint->route, segments[i].route) != 0)
			fail_msg("%s: %s", segments[i].name, endpoint->route);
		if (endpoint !=
		    routes_find(routes, SLICE("h"), SLICE("GET"), slice_of_string(segments[i].path), false))
			fail_msg("%s: another one for the same", segments[i].name);
		routes_free(routes);
	}
}

/* --- learning ------------------------------------------------------------------------ */

struct seen {
	char text[4096];
};

static void print_endpoint(void *ctx, struct endpoint *endpoint)
{
	struct seen *seen = ctx;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%s %s %lu\n",
		 endpoint->method ? endpoint->method : "-",
		 endpoint->overflow ? "(rest)"
		 : endpoint->route  ? endpoint->route
				    : "-",
		 endpoint->overflow ? (unsigned long)endpoint->folded
				    : (unsigned long)(uintptr_t)endpoint->data);
}

static void add_up(void *ctx, struct endpoint *into, struct endpoint *from)
{
	(void)ctx;
	assert_true(into != from && !into->overflow && !from->overflow);
	assert_string_equal(into->host, from->host);
	into->data = (void *)((uintptr_t)into->data + (uintptr_t)from->data);
	from->data = NULL;
}

static void find_and_count(struct routes *routes, const char *request)
{
	struct endpoint *endpoint = find(routes, request);

	endpoint->data = (void *)((uintptr_t)endpoint->data + 1);
}

static const struct {
	const char *name;
	const char *requests[12]; /* in order */
	const char *expected;	  /* endpoints with how many requests they had */
} learnings[] = {
	{ "two names of a collection",
	  { "GET /gizmos/anna", "GET /gizmos/anna", "GET /gizmos/bert" },
	  "GET /gizmos/{id} 3\n" },
	{ "one name could be anything", { "GET /gizmos/anna", "GET /gizmos/anna" }, "GET /gizmos/anna 2\n" },
	{ "each method for itself",
	  { "GET /users/anna", "DELETE /users/anna", "GET /users/bert", "GET /users/carl" },
	  "GET /users/{id} 3\nDELETE /users/{id} 1\n" },
	{ "what is beneath goes along",
	  { "GET /weather/oslo/today", "GET /weather/rome/today", "GET /weather/bern/today",
	    "GET /weather/bern" },
	  "GET /weather/{id} 1\nGET /weather/{id}/today 3\n" },
	{ "reserved beside names",
	  { "GET /users/anna", "GET /users/search", "GET /users/bert", "GET /users/me" },
	  "GET /users/search 1\nGET /users/{id} 2\nGET /users/me 1\n" },
	{ "resources are no ids",
	  { "GET /api/users", "GET /api/orders", "GET /api/gizmos", "GET /api/thing", "GET /api/widget",
	    "GET /api/gadget" },
	  "GET /api/users 1\nGET /api/orders 1\nGET /api/gizmos 1\nGET /api/thing 1\nGET /api/widget 1\n"
	  "GET /api/gadget 1\n" },
	{ "parts of a thing are no ids",
	  { "GET /users/1/karma", "GET /users/2/karma", "GET /users/1/mood", "GET /users/2/mood",
	    "GET /users/3/skin", "GET /users/4/skin", "GET /users/5/aura", "GET /users/6/aura",
	    "GET /users/7/hat", "GET /users/8/hat", "GET /users/9/shoe", "GET /users/1/shoe" },
	  "GET /users/{id}/karma 2\nGET /users/{id}/mood 2\nGET /users/{id}/skin 2\nGET /users/{id}/aura 2\n"
	  "GET /users/{id}/hat 2\nGET /users/{id}/shoe 2\n" },
	{ "a word among numbers is none of them",
	  { "GET /orders/1", "GET /orders/2", "GET /orders/overdue", "GET /users/1", "GET /users/2",
	    "GET /users/overdue" },
	  "GET /orders/{id} 2\nGET /orders/overdue 1\nGET /users/{id} 2\nGET /users/overdue 1\n" },
	{ "numbers and UUIDs are one",
	  { "GET /orders/1", "GET /orders/550e8400-e29b-41d4-a716-446655440000" },
	  "GET /orders/{id} 2\n" },
	{ "what was an id is one elsewhere",
	  { "GET /users/anna", "GET /users/bert", "GET /avatar/anna", "GET /avatar/bert" },
	  "GET /users/{id} 2\nGET /avatar/{id} 2\n" },
	{ "formats apart",
	  { "GET /users/anna.json", "GET /users/bert.json", "GET /users/anna.xml", "GET /users/bert.xml" },
	  "GET /users/{id}.json 2\nGET /users/{id}.xml 2\n" },
};

static void test_learning(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(learnings); i++) {
		struct routes *routes = routes_new(&(struct routes_config){ .merge = add_up });
		struct seen seen = { .text = "" };

		for (size_t j = 0; j < COUNT(learnings[i].requests) && learnings[i].requests[j]; j++)
			find_and_count(routes, learnings[i].requests[j]);
		routes_each(routes, print_endpoint, &seen);
		if (strcmp(seen.text, learnings[i].expected) != 0)
			fail_msg("%s:\n%s", learnings[i].name, seen.text);
		routes_free(routes);
	}
}

/* Many values under one parent, whatever it is called; rows keep their counts. */
static void test_many(void **state)
{
	struct routes *routes = routes_new(&(struct routes_config){ .merge = add_up });
	struct seen seen = { .text = "" };

	(void)state;
	for (unsigned int i = 0; i < 26 * 26 * 4; i++) {
		char request[64];

		snprintf(request, sizeof(request), "GET /gro%c%cm/open", 'a' + i % 26, 'a' + i / 26 % 26);
		find_and_count(routes, request);
	}
	routes_each(routes, print_endpoint, &seen);
	assert_string_equal(seen.text, "GET /{id}/open 2704\n");
	routes_free(routes);
}

/* --- what is not in the tree ----------------------------------------------------------- */

static void test_unknown(void **state)
{
	struct routes *routes = routes_new(&(struct routes_config){ 0 });
	const struct slice none = { .data = NULL };
	struct endpoint *endpoint = routes_find(routes, none, none, none, false);

	(void)state;
	assert_null(endpoint->host);
	assert_null(endpoint->method);
	assert_null(endpoint->route);
	assert_false(endpoint->overflow);
	assert_ptr_equal(routes_find(routes, none, none, none, false), endpoint);
	assert_ptr_not_equal(routes_find(routes, SLICE(""), none, none, false), endpoint);
	assert_ptr_not_equal(routes_find(routes, none, SLICE(""), none, false), endpoint);
	endpoint = routes_find(routes, none, SLICE("OPTIONS"), SLICE("*"), false);
	assert_string_equal(endpoint->route, "*");
	endpoint = routes_find(routes, SLICE("Example.COM"), SLICE("GET"), SLICE("/"), false);
	assert_string_equal(endpoint->host, "example.com");
	assert_ptr_equal(routes_find(routes, SLICE("example.com"), SLICE("GET"), SLICE("/"), false),
			 endpoint);
	assert_ptr_not_equal(routes_find(routes, SLICE("example.org"), SLICE("GET"), SLICE("/"), false),
			     endpoint);
	assert_ptr_not_equal(routes_find(routes, SLICE("example.com"), SLICE("get"), SLICE("/"), false),
			     endpoint);
	routes_free(routes);
}

static void test_grpc(void **state)
{
	static const char *const calls[] = { "/helloworld.Greeter/SayHello", "/a.B/Get1234567890",
					     "/grpc.health.v1.Health/Check", "/users/12" };
	struct routes *routes = routes_new(&(struct routes_config){ 0 });

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++)
		assert_string_equal(
			routes_find(routes, SLICE("h"), SLICE("POST"), slice_of_string(calls[i]), true)
				->route,
			calls[i]);
	for (unsigned int i = 0; i < 200; i++) {
		char call[64];

		snprintf(call, sizeof(call), "/pkg.Service/Do%c%cthis", 'a' + i % 26, 'a' + i / 26);
		assert_string_equal(
			routes_find(routes, SLICE("h"), SLICE("POST"), slice_of_string(call), true)->route,
			call);
	}
	routes_free(routes);
}

static void test_static(void **state)
{
	static const char *const paths[][2] = {
		{ "/css/main.css", "/css/{file}.css" }, { "/css/other.3f9a2b1c.css", "/css/{file}.css" },
		{ "/img/logo.png", "/img/{file}.png" }, { "/users.json", "/users.json" },
		{ "/v1/users", "/v1/users" },
	};
	struct routes *routes = routes_new(&(struct routes_config){ .fold_static = true });

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++)
		assert_string_equal(
			routes_find(routes, SLICE("h"), SLICE("GET"), slice_of_string(paths[i][0]), false)
				->route,
			paths[i][1]);
	routes_free(routes);
}

/* --- patterns ------------------------------------------------------------------------- */

static const struct {
	const char *pattern, *request;
	bool matches;
} matches[] = {
	{ "/v1/users/{id}", "GET /v1/users/12", true },
	{ "/v1/users/{id}", "GET /v1/users/12/", true },
	{ "/v1/users/{id}/", "GET /v1/users/12", true },
	{ "/v1/users/{id}", "GET /v1/users", false },
	{ "/v1/users/{id}", "GET /v1/users//", false },
	{ "/v1/users/{id}", "GET /v1/users/12/x", false },
	{ "GET /v1/users/{id}", "GET /v1/users/12", true },
	{ "GET  /v1/users/{id}", "GET /v1/users/12", true },
	{ "GET /v1/users/{id}", "POST /v1/users/12", false },
	{ "GET /v1/users/{id}", "get /v1/users/12", false },
	{ "/a/*/c", "GET /a/b/c", true },
	{ "/a/*/c", "GET /a/b/b/c", false },
	{ "/a/*", "GET /a/b/c/d", true },
	{ "/a/*", "GET /a/b", true },
	{ "/a/*", "GET /a", false },
	{ "/a/**", "GET /a/b/c", true },
	{ "/a/**/z", "GET /a/b/c/z", true },
	{ "/a/**/z", "GET /a/z/z", true },
	{ "/a/**/z", "GET /a/z", false },
	{ "/a/**/z", "GET /a/b/c/y", false },
	{ "/**", "GET /", false },
	{ "/", "GET /", true },
	{ "/", "GET /a", false },
	{ "/A", "GET /a", false },
	{ "M-SEARCH /a", "M-SEARCH /a", true },
};

static void test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(matches); i++) {
		const char *space = strchr(matches[i].request, ' '), *error;
		struct slice method = slice_of(matches[i].request, (size_t)(space - matches[i].request));
		struct pattern pattern;
		size_t at;

		assert_int_equal(routes_pattern_parse(matches[i].pattern, &pattern, &error, &at), 0);
		if (routes_pattern_matches(&pattern, method, slice_of_string(space + 1)) !=
		    matches[i].matches)
			fail_msg("%s: %s", matches[i].pattern, matches[i].request);
	}
}

static const struct {
	const char *pattern, *error;
	size_t at;
} wrong[] = {
	{ "", "a path begins with a slash", 0 },
	{ "users", "a path begins with a slash", 0 },
	{ "GET", "a path begins with a slash", 0 },
	{ "GET ", "a path begins with a slash", 4 },
	{ "GET users", "a path begins with a slash", 4 },
	{ "Get /users", "a method is written in capital letters", 1 },
	{ "/a b", "this byte does not stand in a path", 2 },
	{ "GET /a?b=c", "this byte does not stand in a path", 6 },
	{ "/a/{id", "this brace is not closed", 3 },
	{ "/a/id}", "this brace was not opened", 5 },
	{ "/a/}id{", "this brace was not opened", 3 },
	{ "/a/x{id}", "a {name} stands for a whole segment", 4 },
	{ "/a/{id}{id}", "a {name} stands for a whole segment", 3 },
	{ "/a/{}", "a name is missing between the braces", 3 },
	{ "POST /a/b*", "a star stands for a whole segment", 9 },
	{ "/**/a/*", "only one part of any length may stand in a pattern", 6 },
};

static void test_wrong_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		const char *error = NULL;
		size_t at = 99;

		assert_int_equal(routes_pattern_parse(wrong[i].pattern, &(struct pattern){ 0 }, &error, &at),
				 -EINVAL);
		if (strcmp(error, wrong[i].error) != 0 || at != wrong[i].at)
			fail_msg("%s: %s at %zu", wrong[i].pattern, error, at);
	}
}

/* The first that matches wins, over templates and over what is reserved. */
static void test_patterns_win(void **state)
{
	static const char *const patterns[] = { "GET /v1/users/{name}/*", "/v1/users/*", "/v1/*" };
	struct routes *routes =
		routes_new(&(struct routes_config){ .patterns = patterns, .pattern_count = 3 });

	(void)state;
	assert_string_equal(find(routes, "GET /v1/users/12/orders/3")->route, "/v1/users/{name}/*");
	assert_string_equal(find(routes, "PUT /v1/users/12/orders/3")->route, "/v1/users/*");
	assert_string_equal(find(routes, "GET /v1/users/search")->route, "/v1/users/*");
	assert_string_equal(find(routes, "GET /v1/health")->route, "/v1/*");
	assert_string_equal(find(routes, "GET /v2/users/12")->route, "/v2/users/{id}");
	assert_ptr_not_equal(find(routes, "GET /v1/a"), find(routes, "POST /v1/a"));
	assert_ptr_equal(find(routes, "GET /v1/a"), find(routes, "GET /v1/b"));
	routes_free(routes);
}

/* --- bounds --------------------------------------------------------------------------- */

static void count_release(void *ctx, struct endpoint *endpoint)
{
	(void)endpoint;
	++*(unsigned int *)ctx;
}

static void test_limit(void **state)
{
	static const char *const words[] = { "users", "orders", "items", "events", "teams", "roles" };
	unsigned int released = 0;
	struct routes *routes =
		routes_new(&(struct routes_config){ .limit = 3, .release = count_release, .ctx = &released });
	struct seen seen = { .text = "" };

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(words); i++) {
		char request[64];

		snprintf(request, sizeof(request), "GET /api/%s/%zu", words[i % COUNT(words)], i);
		assert_int_equal(find(routes, request)->overflow, i % COUNT(words) >= 3);
	}
	assert_true(find(routes, "PUT /api/users/1")->overflow); /* another method */
	assert_true(routes_find(routes, SLICE("other"), SLICE("GET"), SLICE("/"), false)->overflow);
	routes_each(routes, print_endpoint, &seen);
	assert_string_equal(seen.text,
			    "GET /api/users/{id} 0\nGET /api/orders/{id} 0\nGET /api/items/{id} 0\n"
			    "- (rest) 5\n");
	routes_free(routes);
	assert_int_equal(released, 4);
}

/* Folding makes room. */
static void test_limit_and_learning(void **state)
{
	struct routes *routes = routes_new(&(struct routes_config){ .limit = 2, .merge = add_up });

	(void)state;
	find_and_count(routes, "GET /users/anna");
	find_and_count(routes, "GET /users/bert");
	assert_false(find(routes, "GET /orders/1")->overflow);
	assert_true(find(routes, "GET /items/1")->overflow);
	assert_int_equal((uintptr_t)find(routes, "GET /users/carl")->data, 2);
	routes_free(routes);
}

/* No path makes a route longer than what 33 segments may have, and none holds a NUL. */
static void test_hostile(void **state)
{
	static uint8_t path[1 << 16];
	struct routes *routes = routes_new(&(struct routes_config){ 0 });
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	for (size_t from = 0; from < sizeof(path); from += 251) {
		struct endpoint *endpoint =
			routes_find(routes, slice_of(path, from % 1000), slice_of(path, 300),
				    slice_of(path + from, sizeof(path) - from), from & 1);

		assert_true(endpoint->overflow || strlen(endpoint->route) < 33 * 160);
		assert_true(endpoint->overflow ||
			    (strlen(endpoint->host) <= 255 && strlen(endpoint->method) == 64));
	}
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_string_equal(
		routes_find(routes, SLICE("h"), SLICE("GET"), slice_of(path, sizeof(path)), false)->route,
		"/{id}");
	memset(path, '/', sizeof(path));
	assert_int_equal(
		strlen(routes_find(routes, SLICE("h"), SLICE("GET"), slice_of(path, sizeof(path)), false)
			       ->route),
		34);
	assert_string_equal(routes_find(routes, SLICE("h"), SLICE("GET"), SLICE("/a\0b/c"), true)->route,
			    "/{id}/c");
	routes_free(routes);
	routes_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_learning),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_grpc),
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_wrong_patterns),
		cmocka_unit_test(test_patterns_win),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_and_learning),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
