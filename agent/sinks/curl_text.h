/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange's request as a command for a POSIX shell that sends it again with curl, on one line. Whatever
 * was observed is one word there, and reaches neither the shell nor the terminal as anything else. What the
 * command does not repeat is said in comments before it.
 */
#ifndef HARK_CURL_TEXT_H
#define HARK_CURL_TEXT_H

#include "base/buffer.h"
#include "base/redact.h"
#include "body.h"
#include "model/exchange.h"

#include <stdbool.h>

/* The memory of one command after the other. All zero but for `redact`: empty. */
struct curl_text {
	const struct redact *redact; /* borrowed; what it takes for a secret is REDACTED in the command */
	struct redact *off;	     /* own, made when it is needed */
	struct body_reader bodies;
	struct buffer scratch, word, body;
};

void curl_text_fini(struct curl_text *curl);

/*
 * Appends the command, behind lines that begin with "# ", all of them ended. It repeats what the request's
 * message holds: fields and body must have been kept (SINK_FIELDS_ALWAYS, bodies_always). False: there are
 * the comments only, for the request was not seen, or curl cannot send such a one.
 */
bool curl_text_put(struct buffer *out, struct curl_text *curl, const struct exchange *exchange);

#endif
