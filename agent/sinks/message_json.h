/* SPDX-License-Identifier: Apache-2.0 */
/* What bodies said, in JSON: facts among an exchange's keys, and messages as objects of their own. */
#ifndef HARK_MESSAGE_JSON_H
#define HARK_MESSAGE_JSON_H

#include "content/reader.h"
#include "json_writer.h"

/* Each fact under its name; a list where it is listed. */
void message_json_facts(struct json_writer *writer, const struct fact *facts);
/* The whole object of a RESULT_MESSAGE. */
void message_json_put(struct json_writer *writer, const struct result *result);

#endif
