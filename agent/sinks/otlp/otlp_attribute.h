/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes as OTLP has them, a KeyValue each (opentelemetry/proto/common/v1/common.proto): behind one
 * another in a buffer, in the field that the message around them has them in.
 */
#ifndef HARK_OTLP_ATTRIBUTE_H
#define HARK_OTLP_ATTRIBUTE_H

#include "base/buffer.h"
#include "base/redact.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

#define OTLP_TEXT_MAX 4096 /* bytes of a value; more are cut */

struct fact;

struct otlp_attributes {
	struct buffer *out;
	uint32_t field;
};

/* A text of ours. */
void otlp_text(struct otlp_attributes *to, const char *name, const char *text);
/* What was observed: a byte that is no UTF-8 becomes \xNN, as in lines for people. data NULL: nothing. */
void otlp_observed(struct otlp_attributes *to, const char *name, struct slice text);
/* A string field of its own, as otlp_observed() has its value. */
void otlp_put_text(struct buffer *out, uint32_t field, struct slice text);
void otlp_number(struct otlp_attributes *to, const char *name, int64_t number);
void otlp_double(struct otlp_attributes *to, const char *name, double number);
void otlp_bool(struct otlp_attributes *to, const char *name, bool value);
/* A list of texts of ours. */
void otlp_texts(struct otlp_attributes *to, const char *name, const char *const *texts, size_t count);
/* All facts of a list, in the types that they have; secrets redacted. scratch: for that. */
void otlp_facts(struct otlp_attributes *to, const struct fact *facts, const struct redact *redact,
		struct buffer *scratch);

#endif
