/* SPDX-License-Identifier: Apache-2.0 */
/* Records of FastCGI (FastCGI Specification 1.0, 3.3): eight bytes, then content, then padding. */
#ifndef HARK_FASTCGI_RECORD_H
#define HARK_FASTCGI_RECORD_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FASTCGI_HEADER_BYTES 8
#define FASTCGI_BODY_BYTES   8 /* of BEGIN_REQUEST, END_REQUEST and UNKNOWN_TYPE */

enum fastcgi_type {
	FASTCGI_BEGIN = 1, /* the application's client sends it */
	FASTCGI_ABORT = 2, /* the same */
	FASTCGI_END = 3,   /* the application sends it */
	FASTCGI_PARAMS = 4,
	FASTCGI_STDIN = 5,
	FASTCGI_STDOUT = 6,
	FASTCGI_STDERR = 7,
	FASTCGI_DATA = 8,
	FASTCGI_GET_VALUES = 9,
	FASTCGI_VALUES = 10,
	FASTCGI_UNKNOWN_TYPE = 11,
};

struct fastcgi_record {
	enum fastcgi_type type;
	uint16_t id;
	uint16_t content;
	uint8_t padding;
};

/* Reads a header. False: it is none that a program sends, whatever stands behind it. */
bool fastcgi_record_read(const uint8_t header[FASTCGI_HEADER_BYTES], struct fastcgi_record *record);

/* Is this a type that goes from the application to who asked it? */
bool fastcgi_is_answer(enum fastcgi_type type);

/* Is its content a body of fixed size? Else it is some of a stream, or empty. */
bool fastcgi_has_body(enum fastcgi_type type);

enum fastcgi_beginning {
	FASTCGI_NONE,
	FASTCGI_MORE, /* it may be, with more bytes */
	FASTCGI_FOUND,
};

/*
 * Does a request begin here: a whole BEGIN_REQUEST with a role and flags that there are, and reserved bytes
 * of zero? proven: the first parameters of the same request follow, so that no chance makes it.
 */
enum fastcgi_beginning fastcgi_begins(struct slice bytes, bool proven);

/* Does a whole END_REQUEST stand here, likewise, and of which request? */
bool fastcgi_ends(struct slice bytes, uint16_t *id);

#endif
