/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses at the filter that is meant by something that is none. */
#ifndef HARK_FILTER_GUESS_H
#define HARK_FILTER_GUESS_H

#include <stdbool.h>
#include <stddef.h>

/* The key that this most likely stands for, static; NULL: none is near. */
const char *filter_guess_key(const char *text, size_t len);

/* The remedy for a word of other languages ("and"), static; NULL: none. */
const char *filter_guess_hint(const char *text, size_t len);

/*
 * The filters that a URL, HOST:PORT, :PORT, /path, method, status or host name stands for, up to the first
 * space of text, into guess. False: it looks like none of them, or like what would have to be quoted.
 */
bool filter_guess_word(const char *text, char *guess, size_t size);

#endif
