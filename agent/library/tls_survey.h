/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the programs that run use a TLS library that is read, and which one that is not, as far as the
 * search at the start sees it on its way: what hark says once when it is ready. Doctor looks closer.
 *
 * Processes of one name are one program. Of an executable that is no library itself it is looked at what is
 * linked into it, unless it is too small to hold any or so large that reading it would take long.
 */
#ifndef HARK_TLS_SURVEY_H
#define HARK_TLS_SURVEY_H

#include "base/buffer.h"
#include "event.h"

#include <stdbool.h>
#include <stdint.h>

struct tls_survey;

/* Is what this process does to be shown? NULL stands for yes. */
typedef bool survey_wanted_fn(void *ctx, const struct event_process *process);

/* NULL: out of memory. wanted is called from tls_survey_process(), in its thread. */
struct tls_survey *tls_survey_new(survey_wanted_fn *wanted, void *ctx);
void tls_survey_free(struct tls_survey *survey); /* NULL is legal */

/* A process maps a file of this base name; followed: which is a library that hark reads. */
void tls_survey_mapping(struct tls_survey *survey, const char *base, bool followed);

/* All mappings of the process were told. */
void tls_survey_process(struct tls_survey *survey, uint32_t pid);

/* filtered: not all programs were wanted. "12 programs have TLS, 9 readable; not readable: caddy (Go's
 * crypto/tls in an unknown form), …". */
void tls_survey_put(const struct tls_survey *survey, struct buffer *text, bool filtered);

#endif
