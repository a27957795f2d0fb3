/* SPDX-License-Identifier: Apache-2.0 */
#include "serve_ask.h"

#include "filter/filter_point.h"

#include <inttypes.h>
#include <string.h>

#define TEXT "text/plain; charset=utf-8"

void serve_answer_words(struct serve_answer *answer, unsigned int status, const char *words)
{
	answer->status = status;
	answer->type = TEXT;
	buffer_clear(&answer->body);
	buffer_string(&answer->body, words);
	buffer_char(&answer->body, '\n');
}

bool serve_ask_number(const struct serve_request *request, struct serve_answer *answer, const char *name,
		      uint64_t least, uint64_t most, uint64_t *value)
{
	const char *text = serve_request_argument(request, name);
	uint64_t number;

	if (!text)
		return true;
	if (slice_number(slice_of_string(text), &number) && number >= least && number <= most) {
		*value = number;
		return true;
	}
	serve_answer_words(answer, 400, "");
	buffer_clear(&answer->body);
	buffer_format(&answer->body, "%s is no number from %" PRIu64 " to %" PRIu64 "\n", name, least, most);
	return false;
}

bool serve_ask_filter(const struct serve_request *request, struct serve_answer *answer, bool secrets,
		      struct filter **filter)
{
	const char *text = serve_request_argument(request, "filter");
	struct filter_error error = { .word = 0 };

	*filter = NULL;
	if (!text || !text[strspn(text, " ")])
		return true;
	*filter = filter_parse(&text, 1, &error);
	if (!*filter) {
		answer->status = 400;
		answer->type = TEXT;
		filter_point(&answer->body, text, &error);
		return false;
	}
	if (secrets || !filter_wants_bodies(*filter))
		return true;
	filter_free(*filter);
	*filter = NULL;
	serve_answer_words(answer, 400, "body: is no filter here: it would find what is redacted, too");
	return false;
}
