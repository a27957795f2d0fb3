/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of a connection in JSON: the line of `hark conns -o json`. What is not known is absent. */
#ifndef HARK_CONN_JSON_H
#define HARK_CONN_JSON_H

#include "json_writer.h"

/* Adds the keys; json_end() or json_take() closes the object. */
void conn_json_put(struct json_writer *writer, const struct conn_facts *conn);

#endif
