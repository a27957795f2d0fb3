/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which header values are secrets: authorization, proxy-authorization, cookie,
 * set-cookie, what --redact adds, and what HTTP/2 marks as never indexed is NOT
 * enough alone to hide a value. They show as "[redacted]".
 */
#ifndef HARK_REDACT_H
#define HARK_REDACT_H

#include "buffer.h"
#include "slice.h"

#include <stdbool.h>

#define REDACTED "[redacted]"

struct redact;

/* show_secrets: nothing is redacted. NULL: out of memory. */
struct redact *redact_new(bool show_secrets);
/* NULL is legal. */
void redact_free(struct redact *redact);
/* Adds header names, comma-separated, case ignored. 0, -EINVAL (not a token, RFC 9110 5.6.2) or -ENOMEM. */
int redact_add(struct redact *redact, const char *names);
/* Is this header's value a secret? */
bool redact_header(const struct redact *redact, struct slice name);
/* Is the value of this parameter of a URL or a form a secret? Case ignored; percent-encoding undone first. */
bool redact_parameter(const struct redact *redact, struct slice name);
/*
 * A request target or a query (with or without '?') with the values of secret parameters replaced by
 * REDACTED. The slice itself when there are none; else bytes in `out`, borrowed until it changes.
 */
struct slice redact_target(const struct redact *redact, struct slice target, struct buffer *out);
/*
 * A header's value as it may be shown: REDACTED, or with redact_target() when a URL may be in it. A value
 * that is not known (data NULL) stays so. Borrowed as by redact_target().
 */
struct slice redact_value(const struct redact *redact, struct slice name, struct slice value,
			  struct buffer *out);
/* The same for the body of a form (application/x-www-form-urlencoded). */
struct slice redact_form(const struct redact *redact, struct slice body, struct buffer *out);

#endif
