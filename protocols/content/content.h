/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of bodies, by their Content-Type. Each content is a file in this folder and a row in contents.h; a
 * type without a row is shown as text when it is UTF-8, and nobody can tell whether it holds secrets.
 */
#ifndef HARK_CONTENT_H
#define HARK_CONTENT_H

#include "message.h"
#include "slice.h"

#include <stdbool.h>

#define CONTENT_TYPES_MAX   24 /* of one content */
#define CONTENT_READERS_MAX 6

struct content_reader;

enum content_look {
	CONTENT_TEXT, /* when its characters are */
	CONTENT_JSON,
	CONTENT_BINARY,
};

/* How secrets are found in it. */
enum content_secrets {
	CONTENT_OPAQUE, /* nobody can tell: a binary format, or another coding */
	CONTENT_WORDS,	/* by the names before them */
	CONTENT_FORM,	/* the same, where name=value&name=value has RFC 3986's escapes */
};

/* What stands in it, for its readers. */
enum content_parts {
	CONTENT_WHOLE,	/* one value */
	CONTENT_EVENTS, /* server-sent ones */
	CONTENT_LINES,	/* a value each */
};

struct content {
	const char *name; /* "grpc" */
	/* Media types, lower case; one '*' at the begin or the end stands for anything. The rest is empty. */
	struct slice types[CONTENT_TYPES_MAX];
	struct slice
		upgrade; /* of a tunnel: the Upgrade token, or :protocol (RFC 8441), that leads into it */
	enum content_look look;
	enum content_parts parts;
	enum content_secrets secrets;
	/*
	 * Of calls that answer 200 also when they fail: the outcome that this response tells, 0 is success;
	 * -1: not known. NULL: HTTP's status is all that there is.
	 */
	int (*outcome)(const struct message *response);
	bool path_is_name; /* of what is called: no part of a request's path is an id */
	/* The readers of what its bodies say (reader.h); the rest is NULL. */
	const struct content_reader *readers[CONTENT_READERS_MAX];
	bool posted; /* they read what a POST asked for, and are not asked about any other exchange */
};

/* The first row that has this Content-Type (with or without parameters); NULL: none. */
const struct content *content_of_type(struct slice type);

/* The row of what an Upgrade token leads to; NULL: none. */
const struct content *content_of_upgrade(struct slice token);

/* May one of its readers want a body of the exchange that has this request? NULL: none was seen (yet). */
static inline bool content_is_read(const struct content *content, const struct message *request)
{
	return content->readers[0] &&
	       (!content->posted || (request && slice_equal(request->method, SLICE("POST"))));
}

/* By Content-Type as sent; data NULL: absent. A body without a type counts as text. */
enum content_secrets content_secrets_of_type(struct slice type);

/* By Content-Encoding: do the bytes have to be decoded first? data NULL: absent. */
static inline bool content_is_coded(struct slice coding)
{
	return coding.len && !slice_equal_nocase(coding, SLICE("identity"));
}

/* The charset parameter of a Content-Type; data NULL: none. */
struct slice content_charset(struct slice type);

#endif
