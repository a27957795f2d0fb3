/* SPDX-License-Identifier: Apache-2.0 */
#include "fact_text.h"

#include "fact.h"

#include <inttypes.h>

void fact_text_put(struct buffer *buffer, const struct fact *fact)
{
	switch (fact->kind) {
	case FACT_TEXT:
		break;
	case FACT_NUMBER:
		buffer_u64(buffer, fact->number);
		break;
	case FACT_INTEGER:
		buffer_format(buffer, "%" PRId64, (int64_t)fact->number);
		break;
	case FACT_NS:
		buffer_ms(buffer, fact->number);
		break;
	case FACT_MILLI:
		buffer_u64(buffer, fact->number / 1000);
		buffer_char(buffer, '.');
		buffer_digits(buffer, fact->number % 1000, 3);
		break;
	case FACT_TRUE:
		buffer_string(buffer, "true");
		break;
	}
}

struct slice fact_text_shown(const struct redact *redact, const char *name, struct slice text,
			     struct buffer *out)
{
	if (redact_name(redact, NAME_FIELD, slice_of_string(name)))
		return SLICE(REDACTED);
	return redact_body(redact, text, false, out);
}
