/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds secret values in text, byte by byte, with state from one piece to the
 * next: parameters of URLs and forms, members of JSON, elements of XML, and
 * the user name and password in any URL. It does not ask what the text is, for
 * JSON stands in queries, URLs in JSON, and either in HTML.
 */
#ifndef HARK_SECRET_SCAN_H
#define HARK_SECRET_SCAN_H

#include "redact.h"
#include "secret_name.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum secret_verdict {
	SECRET_NO,
	SECRET_YES,
	SECRET_DIGIT, /* the same; where a digit must stay one */
	SECRET_MAYBE, /* settled by a later byte: secret_scan.settled */
};

enum secret_settled {
	SETTLED_NOTHING,
	SETTLED_NO,
	SETTLED_YES,
};

enum scan_state {
	SCAN_FREE,
	SCAN_COLON,   /* behind a name without quotes: only what follows says whether it was one */
	SCAN_VALUE,   /* a secret begins here */
	SCAN_BARE,    /* within one, without quotes */
	SCAN_LINE,    /* up to the line's end */
	SCAN_LITERAL, /* of JSON: a number or a word */
	SCAN_STRING,
	SCAN_CONTAINER, /* an object or a list, all of whose strings are secret */
	SCAN_ELEMENT,	/* of XML, up to its end */
	SCAN_MARKUP,	/* behind < within one */
};

enum name_end {
	NAME_OPEN,
	NAME_SPACED, /* white space stands behind it */
	NAME_QUOTED, /* its closing quote does */
};

enum tag_state {
	TAG_NONE,
	TAG_NAME,
	TAG_REST, /* attributes */
};

enum coded_step {
	CODED_PLAIN,  /* the byte stands for itself */
	CODED_WITHIN, /* of a coded character under way */
	CODED_DONE,   /* its last byte */
};

/* A coded character under way: %26, %2526 or \u0026. */
struct scan_coded {
	uint8_t kind;	/* 0, '%' or 'u' */
	uint8_t digits; /* still missing */
	uint8_t level;	/* of coding */
	uint8_t value;
	bool known;	 /* value is all that there is of it */
	size_t name_len; /* of the name before it */
};

/* All zero, and nothing is known: the beginning of a text. */
struct secret_scan {
	bool form; /* set by the caller: the body of a form, whose values may hold white space */
	enum secret_settled settled; /* of the bytes that were SECRET_MAYBE so far */

	enum scan_state state;
	struct scan_coded coded;
	enum coded_step step; /* of this byte */
	uint8_t sign;	      /* what it is or completes; 0: part of a coded character */
	uint8_t sign_level;   /* of its coding */
	uint8_t backslashes;  /* in front of this byte */
	uint8_t unicode;      /* digits of \uXXXX still to come, in a secret string */

	uint8_t name[SECRET_NAME_MAX];
	size_t name_len;
	enum name_end name_end;
	bool in_path;	 /* the name has slashes in it: no parameter's */
	bool line_begun; /* by more than white space */
	bool name_later; /* the name is not the line's first word */
	enum tag_state tag;
	bool tag_secret, tag_slash;

	bool key;      /* the value belongs to a member, not to a parameter */
	bool spaced;   /* white space may come before it */
	uint8_t level; /* of coding, at which the value began and must end */
	uint8_t quote, quote_backslashes;
	uint64_t lists; /* a bit for each open bracket: a list, not an object */
	uint8_t depth;
	uint64_t deeper;     /* open brackets beyond those that have a bit */
	const char *literal; /* the rest of the word that this one is so far; NULL: none */
	bool expects_key, in_string, in_word, string_is_key;

	uint8_t slashes; /* in a row, up to 2 */
	bool authority;	 /* behind two of them */
	bool authority_hidden, authority_fresh;
	uint8_t authority_level;
	size_t maybe; /* bytes of it */
};

/* Judges this byte. First look at scan->settled, which is about bytes before it. */
enum secret_verdict secret_scan_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c);

/* Parts of a name wherever they stand: they mean nothing by themselves, and begin nothing coded. */
enum secret_word {
	SECRET_WORD = 1,
	SECRET_WORD_DASH = 2,  /* begins no line of YAML */
	SECRET_WORD_OTHER = 4, /* no ASCII */
};

/* Which of them a byte is; 0: none. */
extern const uint8_t secret_scan_words[256];

/*
 * The bytes at the front that only go on with a name: how many were taken as by secret_scan_byte(), which
 * would have found no secret in them. 0: that is to judge the first one. ascii: no others.
 */
size_t secret_scan_word(struct secret_scan *scan, const struct redact *redact, struct slice bytes,
			bool ascii);

/* The bytes that come are an authority without a scheme: Host, :authority, the target of CONNECT. */
void secret_scan_authority(struct secret_scan *scan);

/* Was this byte, within a secret, one of a number of JSON's? */
bool secret_scan_in_number(const struct secret_scan *scan);

/*
 * Nobody keeps the SECRET_MAYBE bytes any longer: they were taken
 * for secret, and what follows them is too.
 */
void secret_scan_overflow(struct secret_scan *scan);

#endif
