/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are secret, and which bytes of a text. */
#include "base/redact.h"
#include "base/scrub_text.h"
#include "base/secret_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Eight words of one letter or two. */
#define WORDS_8	 "AAaAAaAAaAAa"
#define WORDS_64 WORDS_8 WORDS_8 WORDS_8 WORDS_8 WORDS_8 WORDS_8 WORDS_8 WORDS_8

/* f: as a field, p: as a parameter, k: as a key. */
static const struct {
	const char *name, *kinds;
} names[] = {
	{ "Authorization", "fpk" },
	{ "Proxy-Authorization", "fpk" },
	{ "Cookie", "fpk" },
	{ "Set-Cookie2", "fpk" },
	{ "X-Api-Key", "fpk" },
	{ "apikey", "fpk" },
	{ "X-Auth-User", "f" },
	{ "X-Amz-Security-Token", "fpk" },
	{ "Private-Token", "fpk" },
	{ "Ocp-Apim-Subscription-Key", "fpk" },
	{ "X-Client-Secret", "fpk" },
	{ "X-Vault-Token", "fpk" },
	{ "X-CSRF-Token", "fpk" },
	{ "X-Password", "fpk" },
	{ "X-Session-Id", "fpk" },
	{ "X-Mine-Key", "f" },
	{ "accessToken", "fpk" },
	{ "access_token", "fpk" },
	{ "ACCESS-TOKEN", "fpk" },
	{ "accesstoken", "fpk" },
	{ "APIKey", "fpk" },
	{ "secretAccessKey", "fpk" },
	{ "clientSecret", "fpk" },
	{ "newPassword2", "fpk" },
	{ "mysqli.default_pw", "fpk" },
	{ "passwordConfirmation", "fpk" },
	{ "user[password]", "fpk" },
	{ "tokens[0][refreshToken]", "fpk" },
	{ "pass%77ord", "fpk" },
	{ "pass%2577ord", "fpk" },
	{ "acc\\u0065ssToken", "fpk" },
	{ "basic_auth", "fpk" },
	{ "code", "p" },
	{ "key", "p" },
	{ "sig", "pk" },
	{ "X-Amz-Signature", "pk" },
	{ "cvv", "fpk" },
	{ WORDS_64 WORDS_64 "AccessToken", "fpk" }, /* words fill all that is kept of a name */
	/* what must stay readable */
	{ "Sec-WebSocket-Key", "" },
	{ "Idempotency-Key", "" },
	{ "Cache-Key", "" },
	{ "Surrogate-Key", "" },
	{ "WWW-Authenticate", "" },
	{ "Author", "" },
	{ ":authority", "" },
	{ "X-Authority", "" },
	{ "Public-Key-Pins", "" },
	{ "token_type", "" },
	{ "max_tokens", "" },
	{ "nextPageToken", "" },
	{ "continuation-token", "" },
	{ "tokenizer", "" },
	{ "keyboard", "" },
	{ "monkey", "" },
	{ "projectKey", "f" },
	{ "passwordPolicy", "" },
	{ "secretary", "" },
	{ "pwrite", "" },
	{ "content-type", "" },
	{ "x-request-id", "" },
	{ "sessions", "" },
	{ "passenger", "" },
	{ "", "" },
};

static void test_names(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice name = slice_of_string(names[i].name);
		char got[4] = "";

		if (secret_name(NAME_FIELD, name))
			strcat(got, "f");
		if (secret_name(NAME_PARAMETER, name))
			strcat(got, "p");
		if (secret_name(NAME_KEY, name))
			strcat(got, "k");
		if (strcmp(got, names[i].kinds) == 0)
			continue;
		print_error("%s: %s\n", names[i].name, got);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

#define S	 "S3cr3tV4lu3"
#define OPEN_70	 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
#define CLOSE_66 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"

/* In `out` an x stands for each hidden byte, a 1 for each hidden digit's place, ~ for what it should be. */
static const struct {
	const char *name, *in;
	const char *kept; /* what must still be there, separated by | */
} texts[] = {
	{ "query", "/a?x=1&accessToken=" S "&y=2", "/a?x=1&accessToken=|&y=2" },
	{ "fragment", "/cb#id_token=" S "&state=1", "#id_token=|&state=1" },
	{ "matrix parameter", "/a;jsessionid=" S "?x=1", "/a;jsessionid=" },
	{ "in a coded URL", "/?next=%2Fcb%3Ftoken%3D" S "%26x%3D1&y=2", "/?next=%2Fcb%3Ftoken%3D|&y=2" },
	{ "twice coded", "/?next=%252Fcb%253Ftoken%253D" S "&y=2", "&y=2" },
	{ "JSON", "{\"user\":\"me\",\"password\":\"" S "\",\"n\":1}",
	  "{\"user\":\"me\",\"password\":\"|\",\"n\":1}" },
	{ "JSON with space", "{ \"api_key\" :\n \"" S "\" , \"n\" : 1 }", "\" , \"n\" : 1 }" },
	{ "nested", "{\"a\":{\"b\":[{\"refreshToken\":\"" S "\"},{\"c\":\"d\"}]}}", "\"},{\"c\":\"d\"}]}}" },
	{ "escaped name", "{\"acc\\u0065ssToken\":\"" S "\",\"x\":\"y\"}", "\",\"x\":\"y\"}" },
	{ "quote in the value", "{\"secret\":\"a\\\"" S "\",\"x\":\"y\"}", "\",\"x\":\"y\"}" },
	{ "backslash at its end", "{\"secret\":\"" S "\\\\\",\"x\":\"y\"}", "\",\"x\":\"y\"}" },
	{ "slashes in it", "{\"secret\":\"" S "\\/" S "\",\"x\":\"y\"}", "\\/|\",\"x\":\"y\"}" },
	{ "an object", "{\"credentials\":{\"a\":\"" S "\",\"b\":[\"" S "\"]},\"x\":\"y\"}",
	  "\"a\":\"|\"b\":[\"|\"]},\"x\":\"y\"}" },
	{ "a list", "{\"secrets\":[\"" S "\",\"" S "\"],\"x\":\"y\"}", "\"],\"x\":\"y\"}" },
	{ "deeper than brackets are kept in mind",
	  "{\"secrets\":" OPEN_70 "1" CLOSE_66 ",\"" S "\"]]]],\"x\":\"y\"}",
	  "]]]]]],\"|\"]]]],\"x\":\"y\"}" },
	{ "an object of Python's", "{'credentials':{'a':'" S "','b':1},'x':'y'}", "'a':'|','b':|},'x':'y'}" },
	{ "an object of JavaScript's", "{\"credentials\":{a:" S ",b:true},\"x\":\"y\"}",
	  "{a:|,b:true},\"x\":\"y\"}" },
	{ "a word that begins like one of JSON's", "{\"password\": tru" S "}", "{\"password\": " },
	{ "a word that begins with a digit", "{\"password\": 1" S ",\"x\":\"y\"}", ",\"x\":\"y\"}" },
	{ "JSON in JSON", "{\"body\":\"{\\\"token\\\":\\\"" S "\\\",\\\"x\\\":\\\"y\\\"}\"}",
	  "\\\",\\\"x\\\":\\\"y\\\"}\"}" },
	{ "URL in JSON", "{\"u\":\"https:\\/\\/h\\/?a=1\\u0026token=" S "\",\"x\":\"y\"}",
	  "\",\"x\":\"y\"}" },
	{ "GraphQL",
	  "{\"query\":\"mutation($p:String!){login(password:$p){id}}\",\"variables\":{\"password\":\"" S
	  "\"}}",
	  "mutation($p:String!){login(password:$p){id}}|\"variables\":{\"password\":\"|\"}}" },
	{ "GraphQL inline", "mutation { login(user: \"me\", password: \"" S "\") { id } }",
	  "login(user: \"me\", password: \"|\") { id } }" },
	{ "GraphQL inline in JSON", "{\"query\":\"{ login(password: \\\"" S "\\\") }\",\"x\":\"y\"}",
	  "\\\") }\",\"x\":\"y\"}" },
	{ "GraphQL by GET", "/?query=x&variables=%7B%22password%22%3A%22" S "%22%2C%22x%22%3A%22y%22%7D&z=1",
	  "&z=1" },
	{ "XML", "<a><password type=\"t\">" S "</password><b>c</b></a>",
	  "<password type=\"t\">|</password><b>c</b></a>" },
	{ "SOAP", "<wsse:Password>" S "</wsse:Password>", "</wsse:Password>" },
	{ "CDATA", "<token><![CDATA[" S "]]></token><b>c</b>", "</token><b>c</b>" },
	{ "YAML", "user: me\npassword: " S "\nx: y\n", "user: me\npassword: |\nx: y\n" },
	{ "a field in a text", "a: b\nAuthorization: Bearer " S "\nx: y\n", "a: b\n|\nx: y\n" },
	{ "user and password", "see https://me:" S "@h.example/p?x=1 now",
	  "see https://|@h.example/p?x=1 now" },
	{ "user alone", "https://" S "@h.example/", "@h.example/" },
	{ "userinfo in JSON", "{\"u\":\"https:\\/\\/me:" S "@h\",\"x\":\"y\"}", "@h\",\"x\":\"y\"}" },
	{ "coded userinfo", "/?u=https%3A%2F%2Fme%3A" S "%40h%2Fp&y=2", "&y=2" },
	{ "multipart",
	  "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" S "\r\n--b\r\n"
	  "Content-Disposition: form-data; name=\"x\"\r\n\r\nplain\r\n--b--\r\n",
	  "name=\"password\"\r\n\r\n|\r\n--b\r\n|name=\"x\"\r\n\r\nplain\r\n--b--\r\n" },
	{ "lines in a part",
	  "--b\r\ncontent-disposition: form-data; filename=\"k\"; NAME=private_key\r\nX: y\r\n\r\n--" S
	  "\r\n--x\r\n" S "\r\n--b\r\nX: z\r\n\r\nplain\r\n--b--\r\n",
	  "X: y\r\n|\r\n--b\r\nX: z\r\n\r\nplain\r\n--b--\r\n" },
};

/* Compares the shown text, with one x for each hidden stretch. */
static void assert_kept(const char *name, const char *kept, const char *got)
{
	char pieces[512], *rest = pieces, *piece;
	const char *at = got;

	snprintf(pieces, sizeof(pieces), "%s", kept);
	while ((piece = strsep(&rest, "|"))) {
		const char *found = strstr(at, piece);

		if (!found)
			fail_msg("%s: no %s in: %s", name, piece, got);
		at = found + strlen(piece);
	}
}

/* Any four bytes of the secret in a row. */
static bool leaks(const char *text)
{
	for (size_t i = 0; i + 4 <= sizeof(S) - 1; i++) {
		char part[5];

		memcpy(part, &S[i], 4);
		part[4] = '\0';
		if (strstr(text, part))
			return true;
	}
	return false;
}

static void test_texts_as_shown(void **state)
{
	struct redact *redact = redact_new(false), *open = redact_new(true);
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct slice in = slice_of_string(texts[i].in), got = redact_body(redact, in, false, &out);
		char text[1024];

		snprintf(text, sizeof(text), "%.*s", (int)got.len, (const char *)got.data);
		if (leaks(text) || !strstr(text, REDACTED))
			fail_msg("%s: %s", texts[i].name, text);
		assert_kept(texts[i].name, texts[i].kept, text);
		assert_ptr_equal(redact_body(open, in, false, &out).data, in.data);
	}
	buffer_fini(&out);
	redact_free(redact);
	redact_free(open);
}

/* In place, cut in two at every byte, each piece in memory of its own: the same bytes, at their length. */
static void test_texts_in_place(void **state)
{
	struct redact *redact = redact_new(false);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = strlen(texts[i].in);
		char first[1024] = "";

		for (size_t at = 0; at <= len; at++) {
			char left[1024], right[1024], whole[1024];
			struct scrub_text text = { .head = false };

			memcpy(left, texts[i].in, at);
			memcpy(right, texts[i].in + at, len - at);
			scrub_text_bytes(&text, redact, (uint8_t *)left, at);
			scrub_text_bytes(&text, redact, (uint8_t *)right, len - at);
			scrub_text_fini(&text);
			memcpy(whole, left, at);
			memcpy(whole + at, right, len - at);
			whole[len] = '\0';
			if (at == 0)
				memcpy(first, whole, len + 1);
			if (leaks(whole) || strcmp(first, whole) != 0)
				fail_msg("%s cut at %zu: %s", texts[i].name, at, whole);
			assert_kept(texts[i].name, texts[i].kept, whole);
		}
	}
	redact_free(redact);
}

static const char *const innocents[] = {
	"/a?x=1&y=2#z",
	"{\"error\":\"invalid token: expired\",\"code\":404,\"key\":\"value\"}",
	"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"max_tokens\":5,\"author\":\"me\"}",
	"{\"passwordRequired\":true,\"nextPageToken\":\"abc\"}",
	"{\"/oauth/token\":{\"post\":\"x\"}}",
	"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&x=1",
	"see http://h.example:80/a, mail me@h.example",
	"if (a < b && c > d) { return x == y; }",
	"<p>token</p><a href=\"/x\">code</a><code>ls</code>",
	"100% of %zz and %4",
	"--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"password\"\r\n\r\nplain\r\n--b--\r\n",
	"Date: Sat, 28 Nov 2026 11:22:05 GMT\r\nETag: \"x\"\r\n",
	"C:\\users\\me\\token.txt",
	"[1,2,{\"a\":null}]",
};

static void test_innocents(void **state)
{
	struct redact *redact = redact_new(false);
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(innocents) / sizeof(innocents[0]); i++) {
		struct slice in = slice_of_string(innocents[i]), got = redact_body(redact, in, false, &out);

		if (got.data != in.data)
			fail_msg("%s: %.*s", innocents[i], (int)got.len, (const char *)got.data);
	}
	buffer_fini(&out);
	redact_free(redact);
}

static void test_numbers_stay_numbers(void **state)
{
	char text[] = "{\"otp\":123456,\"secret\":null,\"cvv\": 7.5e3, \"x\":12}";
	struct redact *redact = redact_new(false);
	struct scrub_text scrub = { .head = false };

	(void)state;
	scrub_text_bytes(&scrub, redact, (uint8_t *)text, sizeof(text) - 1);
	assert_string_equal(text, "{\"otp\":111111,\"secret\":null,\"cvv\": 1.1e1, \"x\":12}");
	scrub_text_fini(&scrub);
	redact_free(redact);
}

/* Every `in` is valid JSON, and so is every `out`. */
static void test_json_stays_json(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "{\"otp\":123456,\"x\":12}", "{\"otp\":\"" REDACTED "\",\"x\":12}" },
		{ "{\"cvv\": -7.5e+3}", "{\"cvv\": \"" REDACTED "\"}" },
		{ "[{\"pin_token\":0}]", "[{\"pin_token\":\"" REDACTED "\"}]" },
		{ "{\"secret\":[1,-2.5,null,{\"a\":3}],\"b\":4}",
		  "{\"secret\":[\"" REDACTED "\",\"" REDACTED "\",null,{\"a\":\"" REDACTED "\"}],\"b\":4}" },
		{ "{\"secret\":true,\"token\":null}", "{\"secret\":true,\"token\":null}" },
		{ "{\"token\":\"a\\u00e9b\\n\\\"c\"}", "{\"token\":\"" REDACTED "\\n\\\"" REDACTED "\"}" },
		{ "{\"u\":\"/?token=a\\u0041b\\u0026x=1\"}", "{\"u\":\"/?token=" REDACTED "\\u0026x=1\"}" },
		{ "{\"in\":\"{\\\"otp\\\":123,\\\"x\\\":1}\"}",
		  "{\"in\":\"{\\\"otp\\\":" REDACTED ",\\\"x\\\":1}\"}" },
		{ "{\"u\":\"https:\\/\\/me:pw@h\\/\",\"otp\":1}",
		  "{\"u\":\"https:\\/\\/" REDACTED "@h\\/\",\"otp\":\"" REDACTED "\"}" },
	};
	struct redact *redact = redact_new(false);
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice got = redact_body(redact, slice_of_string(rows[i].in), false, &out);

		if (!slice_equal(got, slice_of_string(rows[i].out)))
			fail_msg("%s: %.*s", rows[i].in, (int)got.len, (const char *)got.data);
	}
	buffer_fini(&out);
	redact_free(redact);
}

static void test_values(void **state)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{ "Authorization ", "Bearer x", REDACTED },
		{ "Host", "me:pw@h.example:80", REDACTED "@h.example:80" },
		{ "Host", "h.example:80", "h.example:80" },
		{ "FCGI_STDERR", "PHP: x\nCookie: a=b\npassword=c d",
		  "PHP: x\nCookie: " REDACTED "\npassword=" REDACTED " d" },
		{ "PHP_VALUE", "a=1\nmysqli.default_pw=b\nc=2", "a=1\nmysqli.default_pw=" REDACTED "\nc=2" },
		{ ":authority", "me@h", REDACTED "@h" },
		{ "Referer", "http://me:pw@h/?token=a&x=1", "http://" REDACTED "@h/?token=" REDACTED "&x=1" },
		{ "Location", "https://h.example/a?x=1", "https://h.example/a?x=1" },
		{ "X-Forwarded-Uri", "/?apiKey=a", "/?apiKey=" REDACTED },
		{ "Sec-WebSocket-Key", "dGhl==", "dGhl==" },
	};
	struct redact *redact = redact_new(false);
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice got = redact_value(redact, slice_of_string(rows[i].name),
						slice_of_string(rows[i].in), &out);

		if (!slice_equal(got, slice_of_string(rows[i].out)))
			fail_msg("%s: %.*s", rows[i].name, (int)got.len, (const char *)got.data);
	}
	buffer_fini(&out);
	redact_free(redact);
}

/* scrub_text_bytes() byte by byte. */
static void scrub_each(struct scrub_text *text, const struct redact *redact, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		enum secret_verdict verdict = scrub_text_byte(text, redact, bytes[i]);

		if (text->settled == SETTLED_YES)
			scrub_runs_fill(&text->unsettled, SCRUB_FILLER);
		if (text->settled != SETTLED_NOTHING || verdict == SECRET_NO)
			text->unsettled.count = 0;
		if (verdict == SECRET_MAYBE)
			assert_true(scrub_runs_add(&text->unsettled, bytes + i, 1));
		else if (verdict != SECRET_NO)
			bytes[i] = verdict == SECRET_DIGIT ? SCRUB_DIGIT_FILLER : SCRUB_FILLER;
	}
}

/* Words that are taken at once mean what their bytes do, whatever stands around them. */
static void test_words_at_once(void **state)
{
	static const char *const pieces[] = {
		"Authorization",
		"token",
		"Host",
		"name",
		"abc.d_9",
		"\xc3\xa4\x80",
		"\r\n",
		"\n",
		": ",
		":",
		"=",
		"%3D",
		"%25",
		"%",
		"\"",
		"'",
		"\\",
		"\\u0022",
		"u",
		"//",
		"/",
		"user:pw@",
		"?",
		"&",
		" ",
		"\t",
		"-",
		"--b",
		"--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n",
		"CONNECT ",
		"{\"password\":[",
		"]}",
		"<secret>",
		"</secret>",
		"[",
		",",
		WORDS_64,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"\r\npassword: ",
		"\r\nCookie: ",
	};
	struct redact *redact = redact_new(false);
	char one[4096], two[4096];

	(void)state;
	srand(3);
	for (int round = 0; round < 20000; round++) {
		struct scrub_text text = { .head = round & 1,
					   .fields = round & 2,
					   .scan.form = round % 7 == 0 };
		struct scrub_text each = text;
		size_t len = 0, cut;

		for (int i = rand() % 20; i >= 0; i--) {
			const char *piece = pieces[(size_t)rand() % (sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(one + len, piece, strlen(piece));
			len += strlen(piece);
		}
		memcpy(two, one, len);
		cut = (size_t)rand() % (len + 1);
		scrub_text_bytes(&text, redact, (uint8_t *)one, cut);
		scrub_text_bytes(&text, redact, (uint8_t *)one + cut, len - cut);
		scrub_each(&each, redact, (uint8_t *)two, len);
		assert_int_equal(text.settled, each.settled);
		assert_int_equal(scrub_text_open(&text), scrub_text_open(&each));
		scrub_text_force(&text);
		scrub_text_force(&each);
		if (memcmp(one, two, len) != 0)
			fail_msg("round %d: %.*s, not %.*s", round, (int)len, one, (int)len, two);
		assert_memory_equal(&text.scan, &each.scan, offsetof(struct secret_scan, name));
		scrub_text_fini(&text);
		scrub_text_fini(&each);
	}
	redact_free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_texts_as_shown),
		cmocka_unit_test(test_texts_in_place),
		cmocka_unit_test(test_innocents),
		cmocka_unit_test(test_numbers_stay_numbers),
		cmocka_unit_test(test_json_stays_json),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_words_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
