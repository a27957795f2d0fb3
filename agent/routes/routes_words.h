/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of paths: words that are no ids wherever they stand, and what
 * is likely to follow a word.
 */
#ifndef HARK_ROUTES_WORDS_H
#define HARK_ROUTES_WORDS_H

#include "slice.h"

enum word_flags {
	WORD_RESERVED = 1 << 0, /* stays, even beside a placeholder: "search", "me", "login" */
	WORD_VERB = 1 << 1,	/* as the first word of several too: "find-by-tag", "getUser" */
	WORD_NOUN = 1 << 2,	/* a resource's name: "orders", "avatar" */
	WORD_SPACE = 1 << 3,	/* names of resources follow: "api", "admin" */
	WORD_NAMED = 1 << 4,	/* any name may follow: "tags", "branches" */
	WORD_SINGLE = 1 << 5,	/* looks like a plural, but ids do not follow: "settings" */
	WORD_ENTITY = 1 << 6,	/* one thing, whose id may follow: "city", "ticker" */
	WORD_PAIR = 1 << 7,	/* two ids follow: "repos" */
	WORD_FILLER = 1 << 8,	/* titles have it, names of resources do not: "the", "how" */
	WORD_TLD = 1 << 9,	/* the end of a host name, besides those of two letters */
	WORD_FORMAT = 1 << 10,	/* the end of a file name: how the resource is written */
	WORD_ASSET = 1 << 11,	/* the end of a file name: a part of a program, whose name is no parameter */
	WORD_MEDIA = 1 << 12,	/* the end of a file name: a picture, a document */
	WORD_ANY = 1 << 14,	/* any name may follow, even one that is reserved: "manifests" */
	WORD_CODE = 1 << 15,	/* short for something: "usd" */
	WORD_MANY = 1 << 16,	/* a plural that does not look like one: "people" */
	WORD_DIGEST = 1 << 13,	/* sha256:… */
};

struct words;

struct words *routes_words_new(void); /* NULL: out of memory */
void routes_words_free(struct words *words);

/* Flags of a word; ASCII case is ignored. 0: not known. */
unsigned int routes_words_find(const struct words *words, struct slice word);

#endif
