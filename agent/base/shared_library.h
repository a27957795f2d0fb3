/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that only some runs need: loaded when they are, so that a hark
 * that does not need them starts without them, and the binary that is given
 * away runs where they are not installed.
 *
 * The one who needs such a library lists its functions once (X(curl_easy_init)
 * X(curl_easy_perform)), has its header for their types, and calls them by a
 * struct of pointers:
 *
 *   static struct { CURL_FUNCTIONS(SHARED_LIBRARY_POINTER) } curl;
 *   #define CURL_SYMBOL(name) { #name, &curl.name },
 *   static const struct shared_symbol symbols[] = { CURL_FUNCTIONS(CURL_SYMBOL) };
 */
#ifndef HARK_SHARED_LIBRARY_H
#define HARK_SHARED_LIBRARY_H

#include <stddef.h>

#define SHARED_LIBRARY_POINTER(name) __typeof__(&(name)) name;

struct shared_symbol {
	const char *name;
	void *pointer; /* to the pointer that is set */
};

/*
 * Loads the library that has this name ("libcurl.so.4"), for as long as the program runs, and sets each
 * pointer. 0, or -ENOENT: it is not installed or lacks a function. What it is needed for and the Debian
 * package that has it stand in the message, which is logged.
 */
int shared_library_load(const char *name, const char *package, const char *purpose,
			const struct shared_symbol *symbols, size_t count);

#endif
