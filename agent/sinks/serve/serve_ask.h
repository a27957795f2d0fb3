/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of a query, checked: what is wrong with one is the answer (400, in words). */
#ifndef HARK_SERVE_ASK_H
#define HARK_SERVE_ASK_H

#include "filter/filter.h"
#include "serve_http.h"

#include <stdbool.h>
#include <stdint.h>

/* A number from least to most; without the argument *value stays. False: it was answered. */
bool serve_ask_number(const struct serve_request *request, struct serve_answer *answer, const char *name,
		      uint64_t least, uint64_t most, uint64_t *value);

/*
 * filter=…, in hark's language; *filter NULL: there is none. secrets: nothing is redacted; else a filter may
 * not look into bodies, where it would find what is redacted when they are shown. False: it was answered.
 */
bool serve_ask_filter(const struct serve_request *request, struct serve_answer *answer, bool secrets,
		      struct filter **filter);

/* Answers with a status and one line of words. */
void serve_answer_words(struct serve_answer *answer, unsigned int status, const char *words);

#endif
