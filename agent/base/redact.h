/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets are values whose name says so (secret_name.h) or was given to
 * --redact, and user names and passwords in URLs. That HTTP/2 marks a field as
 * never indexed is not enough. They show as "[redacted]".
 */
#ifndef HARK_REDACT_H
#define HARK_REDACT_H

#include "buffer.h"
#include "secret_name.h"
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
/* Is nothing a secret? */
bool redact_is_off(const struct redact *redact);
/*
 * Is the value behind this name a secret? White space around a field's name is not of it, and one that is not
 * known (data NULL) counts as secret; of other names coding is undone first.
 */
bool redact_name(const struct redact *redact, enum name_kind kind, struct slice name);
/*
 * A request target, path or query with what is secret replaced by REDACTED. The slice itself when nothing is;
 * else bytes in `out`, borrowed until it changes.
 */
struct slice redact_target(const struct redact *redact, struct slice target, struct buffer *out);
/* The same of an authority, user@host. */
struct slice redact_authority(const struct redact *redact, struct slice authority, struct buffer *out);
/*
 * A field's value as it may be shown: REDACTED, or as by redact_target(). A value that is not known (data
 * NULL) stays so. Borrowed as by redact_target().
 */
struct slice redact_value(const struct redact *redact, struct slice name, struct slice value,
			  struct buffer *out);
/* The same of a body that is text; form: application/x-www-form-urlencoded. */
struct slice redact_body(const struct redact *redact, struct slice body, bool form, struct buffer *out);

#endif
