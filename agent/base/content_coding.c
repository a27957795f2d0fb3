/* SPDX-License-Identifier: Apache-2.0 */
#include "content_coding.h"

#define CODINGS_MAX 4 /* on one body; more are no real sender's */

struct taking {
	struct buffer *out;
	size_t end;
};

/* Within the bound, and while there is memory. */
static bool take(void *ctx, struct slice bytes)
{
	struct taking *taking = ctx;
	struct buffer *out = taking->out;
	struct slice fits = slice_take(bytes, taking->end - out->len);

	buffer_put(out, fits.data, fits.len);
	return fits.len == bytes.len && !out->failed;
}

enum coding_result content_coding_decode(struct slice name, struct slice in, struct buffer *out,
					 size_t limit_bytes)
{
	struct taking taking = { .out = out, .end = out->len + limit_bytes };
	struct coding *coding;
	enum coding_result result;

	if (!coding_is_known(name))
		return CODING_UNKNOWN;
	coding = coding_new(name);
	if (!coding)
		return CODING_WRONG;
	result = coding_feed(coding, in, take, &taking);
	coding_free(coding);
	return result;
}

/* The last item of a comma-separated list is taken off. */
static struct slice list_take_last(struct slice *list)
{
	size_t start = list->len;
	struct slice last;

	while (start && list->data[start - 1] != ',')
		start--;
	last = slice_trim(slice_drop(*list, start));
	list->len = start ? start - 1 : 0;
	return last;
}

struct content_coding_undone content_coding_undo(struct slice list, struct slice in, bool part,
						 struct buffer work[2], size_t limit_bytes)
{
	struct content_coding_undone undone = { .bytes = in };
	struct slice rest = slice_trim(list);

	for (int i = 0; rest.len && i < CODINGS_MAX; i++) {
		struct buffer *out = &work[i % 2];
		struct slice name = list_take_last(&rest);

		buffer_clear(out);
		switch (content_coding_decode(name, undone.bytes, out, limit_bytes)) {
		case CODING_WHOLE:
			break;
		case CODING_MORE:
			undone.wrong = undone.wrong || !part;
			break;
		case CODING_LIMIT:
			undone.expands = true;
			break;
		case CODING_WRONG:
			undone.wrong = true;
			break;
		case CODING_UNKNOWN:
			undone.unknown = true;
			return undone;
		}
		if (undone.wrong && !out->len)
			return undone; /* not even a begin: as it was sent */
		undone.codings = list;
		undone.bytes = slice_of(out->data, out->len);
	}
	undone.unknown = undone.unknown || rest.len;
	return undone;
}
