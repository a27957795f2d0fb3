/* SPDX-License-Identifier: Apache-2.0 */
/* How an exchange failed by its protocol's own codes, beside HTTP's status. */
#ifndef HARK_JSON_ERROR_H
#define HARK_JSON_ERROR_H

#include "json_writer.h"
#include "model/exchange.h"

/* hark.h2.error_code, hark.h3.error_code or those of FastCGI; nothing where there is no error. */
void json_error(struct json_writer *writer, const struct exchange *exchange);

#endif
