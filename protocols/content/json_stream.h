/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) as it comes: values with the path to them, for readers of bodies. Nothing is built; what is
 * held is the path and one value, both bounded. What is no JSON ends the parser for good, for behind it no
 * value is known.
 *
 * A path is the keys from the outside in with dots between, "#" for the elements of an array:
 * "choices.#.delta.content". A key that could be taken for another path (it has a dot, a '#' or a NUL, is cut
 * or no string) is "?" there.
 */
#ifndef HARK_JSON_STREAM_H
#define HARK_JSON_STREAM_H

#include "bytes.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 256
#define JSON_PATH_MAX  128 /* values whose path is longer are passed over */
#define JSON_KEY_MAX   48  /* a longer one is "?" */

enum json_type {
	JSON_OBJECT, /* begins, and so does */
	JSON_ARRAY,
	JSON_END, /* of an object or an array; its path */
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
	JSON_DONE, /* the document is whole; its path is empty */
};

struct json_value {
	enum json_type type;
	struct slice path;
	struct slice key; /* of a member of an object, as in the path; "#" of an element */
	/* A string in UTF-8 (as far as its sender's is), or a number as written; data NULL: not known, for an
	 * escape in it is no character. */
	struct slice text;
	bool cut; /* there was more of the string than is kept */
};

/* It takes each value. False at an object or an array: what is in it is passed over. */
typedef bool json_fn(void *ctx, const struct json_value *value);

struct json_stream {	 /* all zero but for these: at the beginning */
	size_t text_max; /* so many bytes of a string are kept */
	bool lines;	 /* one document may follow another */

	enum json_state {
		JSON_WANTS_VALUE,
		JSON_WANTS_VALUE_OR_END, /* behind '[' */
		JSON_WANTS_KEY,
		JSON_WANTS_KEY_OR_END, /* behind '{' */
		JSON_WANTS_COLON,
		JSON_WANTS_COMMA_OR_END,
		JSON_IN_STRING,
		JSON_IN_ESCAPE,
		JSON_IN_UNICODE,
		JSON_IN_NUMBER,
		JSON_IN_WORD,
		JSON_BEHIND, /* the document is whole */
		JSON_WRONG,
	} state;
	bool is_key, bad_text, text_cut, no_text, stopped;
	uint8_t unicode_len, word_len;
	const char *word;
	enum json_type word_type;
	uint32_t unicode, high; /* the surrogate before; 0: none */
	uint32_t depth;
	uint32_t skipped_at; /* from this depth on nobody wants values; 0: all are wanted */
	uint8_t is_object[JSON_DEPTH_MAX / 8];
	uint8_t path_len[JSON_DEPTH_MAX]; /* of the container at each depth */
	uint32_t hidden_at;		  /* from this depth on paths have no room; 0: none */
	size_t len, key_at;		  /* of the path */
	char path[JSON_PATH_MAX];
	struct bytes text;
};

/* The next bytes. */
void json_stream_feed(struct json_stream *json, struct slice bytes, json_fn *fn, void *ctx);
/* A json_fn says that nobody wants more: what follows is passed over, and the document counts as wrong. */
static inline void json_stream_stop(struct json_stream *json)
{
	json->stopped = true;
}

/* Bytes are missing: nothing behind them is known. */
void json_stream_hole(struct json_stream *json);
/* Another document begins. */
void json_stream_again(struct json_stream *json);
void json_stream_fini(struct json_stream *json);

/* A whole number that is not negative and is written as one. */
bool json_number_of(const struct json_value *value, uint64_t *number);

static inline bool json_path_is(const struct json_value *value, struct slice path)
{
	return slice_equal(value->path, path);
}

#endif
