/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most exchanges come from a connection and a process that the one before came
 * from: the keys that tell of these two are kept as they were written, and are
 * written anew when one of the facts that they tell changes.
 */
#ifndef HARK_JSON_ORIGIN_H
#define HARK_JSON_ORIGIN_H

#include "json_writer.h"

struct json_origins;

struct json_origins *json_origins_new(void);	      /* NULL: out of memory */
void json_origins_free(struct json_origins *origins); /* NULL is legal */

size_t json_origins_bytes(void); /* that they take */

/* The keys of an exchange from client.address to hark.connection; port: the server's, as the socket has it,
 * before them. */
void json_origin(struct json_writer *writer, struct json_origins *origins, const struct exchange *exchange,
		 bool port);

#endif
