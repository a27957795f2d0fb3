/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp_attribute.h"

#include "base/escape.h"
#include "base/fact_text.h"
#include "base/protobuf_put.h"
#include "fact.h"

enum {
	KEY_VALUE_KEY = 1,
	KEY_VALUE_VALUE = 2
};
enum {
	ANY_STRING = 1,
	ANY_BOOL = 2,
	ANY_INT = 3,
	ANY_DOUBLE = 4,
	ANY_ARRAY = 5
};
enum {
	ARRAY_VALUES = 1
};

/* An attribute that is under way. */
struct open {
	size_t pair, value;
};

static struct open open_value(struct otlp_attributes *to, const char *name)
{
	struct open open = { .pair = protobuf_begin(to->out, to->field) };

	protobuf_put_bytes(to->out, KEY_VALUE_KEY, slice_of_string(name));
	open.value = protobuf_begin(to->out, KEY_VALUE_VALUE);
	return open;
}

static void close_value(struct otlp_attributes *to, struct open open)
{
	protobuf_end(to->out, open.value);
	protobuf_end(to->out, open.pair);
}

/* A string of protocol buffers is UTF-8: one that is not makes readers refuse all that it came with. */
void otlp_put_text(struct buffer *out, uint32_t field, struct slice text)
{
	size_t begin;

	text = text.len > OTLP_TEXT_MAX ? escape_utf8_trim(slice_take(text, OTLP_TEXT_MAX)) : text;
	if (escape_utf8_is_text(text)) {
		protobuf_put_bytes(out, field, text);
		return;
	}
	begin = protobuf_begin(out, field);
	escape_text(out, text, true);
	protobuf_end(out, begin);
}

void otlp_observed(struct otlp_attributes *to, const char *name, struct slice text)
{
	struct open open;

	if (!text.data)
		return;
	open = open_value(to, name);
	otlp_put_text(to->out, ANY_STRING, text);
	close_value(to, open);
}

void otlp_text(struct otlp_attributes *to, const char *name, const char *text)
{
	struct open open = open_value(to, name);

	protobuf_put_bytes(to->out, ANY_STRING, slice_of_string(text));
	close_value(to, open);
}

void otlp_number(struct otlp_attributes *to, const char *name, int64_t number)
{
	struct open open = open_value(to, name);

	protobuf_put_number(to->out, ANY_INT, (uint64_t)number);
	close_value(to, open);
}

void otlp_double(struct otlp_attributes *to, const char *name, double number)
{
	struct open open = open_value(to, name);

	protobuf_put_double(to->out, ANY_DOUBLE, number);
	close_value(to, open);
}

void otlp_bool(struct otlp_attributes *to, const char *name, bool value)
{
	struct open open = open_value(to, name);

	protobuf_put_number(to->out, ANY_BOOL, value);
	close_value(to, open);
}

void otlp_texts(struct otlp_attributes *to, const char *name, const char *const *texts, size_t count)
{
	struct open open = open_value(to, name);
	size_t array = protobuf_begin(to->out, ANY_ARRAY);

	for (size_t i = 0; i < count; i++) {
		size_t value = protobuf_begin(to->out, ARRAY_VALUES);

		protobuf_put_bytes(to->out, ANY_STRING, slice_of_string(texts[i]));
		protobuf_end(to->out, value);
	}
	protobuf_end(to->out, array);
	close_value(to, open);
}

static void put_fact(struct buffer *out, const struct fact *fact, const struct redact *redact,
		     struct buffer *scratch)
{
	struct slice text = fact->cut ? escape_utf8_trim(fact->text) : fact->text;

	switch (fact->kind) {
	case FACT_TEXT:
		otlp_put_text(out, ANY_STRING, fact_text_shown(redact, fact->name, text, scratch));
		break;
	case FACT_NUMBER:
	case FACT_INTEGER:
		protobuf_put_number(out, ANY_INT, fact->number);
		break;
	case FACT_NS:
		protobuf_put_double(out, ANY_DOUBLE, (double)fact->number / 1e6);
		break;
	case FACT_MILLI:
		protobuf_put_double(out, ANY_DOUBLE, (double)fact->number / 1e3);
		break;
	case FACT_TRUE:
		protobuf_put_number(out, ANY_BOOL, true);
		break;
	}
}

/* Those of one name are one attribute, where the first of them stands. */
static void put_listed(struct buffer *out, const struct fact *fact, const struct redact *redact,
		       struct buffer *scratch)
{
	const char *name = fact->name;
	size_t array = protobuf_begin(out, ANY_ARRAY);

	for (; fact; fact = fact->next) {
		size_t value;

		if (!fact_is(fact, name))
			continue;
		value = protobuf_begin(out, ARRAY_VALUES);
		put_fact(out, fact, redact, scratch);
		protobuf_end(out, value);
	}
	protobuf_end(out, array);
}

void otlp_facts(struct otlp_attributes *to, const struct fact *facts, const struct redact *redact,
		struct buffer *scratch)
{
	for (const struct fact *fact = facts; fact; fact = fact->next) {
		struct open open;
		char name[96];

		if (fact->listed && fact_find(facts, slice_of_string(fact->name)) != fact)
			continue;
		if (fact->cut) {
			snprintf(name, sizeof(name), "%s.truncated", fact->name);
			otlp_bool(to, name, true);
		}
		open = open_value(to, fact->name);
		if (fact->listed)
			put_listed(to->out, fact, redact, scratch);
		else
			put_fact(to->out, fact, redact, scratch);
		close_value(to, open);
	}
}
