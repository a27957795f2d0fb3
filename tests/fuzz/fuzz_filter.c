/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Up to eight words, each behind a NUL, as a filter. Checked: what is wrong lies
 * inside the words; what is right reads as a text that parses to the same
 * text; it matches without end or fault, both ways, and says no of an exchange
 * where it says no of its connection.
 */
#include "filter/filter.h"

#include "../unit/filter_text.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WORDS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const char *const *words, size_t count, const struct filter_error *error)
{
	must(error->message[0]);
	must(error->word < count && error->len > 0);
	must(error->at + error->len <= strlen(words[error->word]) || error->len == 1);
	must(error->at <= strlen(words[error->word]));
}

static void check_text(const struct filter *filter)
{
	struct filter_error error;
	char *text = filter_text(filter), *again;
	const char *words[] = { text };
	struct filter *second = filter_parse(words, 1, &error);

	must(text && second);
	again = filter_text(second);
	must(again && strcmp(text, again) == 0);
	free(again);
	free(text);
	filter_free(second);
}

static void check_sets(const struct filter *filter)
{
	struct filter_kernel sets;

	filter_kernel(filter, &sets);
	for (size_t i = 1; i < sets.pid_count; i++)
		must(sets.pids[i - 1] < sets.pids[i]);
	for (size_t i = 1; i < sets.port_count; i++)
		must(sets.ports[i - 1] < sets.ports[i]);
}

/* The input is the path as well: patterns meet what they are made of. */
static void check_match(const struct filter *filter, struct slice bytes)
{
	struct conn_facts conn = { .role = ROLE_CLIENT,
				   .version = HTTP_1_1,
				   .sock = { .family = AF_INET, .peer_port = 80, .local_port = 4000 } };
	struct message *request = message_new(MESSAGE_REQUEST, 0);
	struct message *response = message_new(MESSAGE_RESPONSE, 0);
	struct exchange exchange = { .request = request,
				     .response = response,
				     .conn = &conn,
				     .mover = { .pid = 1, .comm = "a", .exe = "b" },
				     .duration_known = true };

	must(request && response);
	request->target = request->method = bytes;
	response->status = 200;
	message_add_header(request, &request->headers, SLICE("host"), bytes, 0);
	message_add_header(response, &response->headers, SLICE("a"), bytes, 0);
	if (filter_exchange(filter, &exchange))
		must(filter_conn(filter, &conn, &exchange.mover));
	exchange.response = NULL;
	exchange.pending = true;
	filter_exchange(filter, &exchange);
	exchange = (struct exchange){ .response = response };
	filter_exchange(filter, &exchange);
	filter_conn(filter, NULL, NULL);
	message_free(request);
	message_free(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char *words[WORDS_MAX] = { text };
	struct filter_error error;
	struct filter *filter;
	size_t count = 1;

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < size && count < WORDS_MAX; i++)
		if (!text[i])
			words[count++] = text + i + 1;
	filter = filter_parse(words, count, &error);
	if (filter) {
		check_text(filter);
		check_sets(filter);
		check_match(filter, slice_of(text, size));
	} else {
		check_error(words, count, &error);
	}
	filter_free(filter);
	free(text);
	return 0;
}
