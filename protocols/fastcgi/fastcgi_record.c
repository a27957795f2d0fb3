/* SPDX-License-Identifier: Apache-2.0 */
#include "fastcgi_record.h"

#define VERSION	    1
#define ROLE_FIRST  1 /* responder */
#define ROLE_LAST   3 /* filter */
#define FLAGS_LAST  1 /* FCGI_KEEP_CONN */
#define STATUS_LAST 3 /* FCGI_UNKNOWN_ROLE */

bool fastcgi_is_answer(enum fastcgi_type type)
{
	return type == FASTCGI_END || type == FASTCGI_STDOUT || type == FASTCGI_STDERR ||
	       type == FASTCGI_VALUES || type == FASTCGI_UNKNOWN_TYPE;
}

bool fastcgi_has_body(enum fastcgi_type type)
{
	return type == FASTCGI_BEGIN || type == FASTCGI_END || type == FASTCGI_UNKNOWN_TYPE;
}

/* Management records are of no request (3.3). */
static bool is_management(enum fastcgi_type type)
{
	return type >= FASTCGI_GET_VALUES;
}

bool fastcgi_record_read(const uint8_t header[FASTCGI_HEADER_BYTES], struct fastcgi_record *record)
{
	if (header[0] != VERSION || header[1] < FASTCGI_BEGIN || header[1] > FASTCGI_UNKNOWN_TYPE)
		return false;
	*record = (struct fastcgi_record){
		.type = (enum fastcgi_type)header[1],
		.id = (uint16_t)(header[2] << 8 | header[3]),
		.content = (uint16_t)(header[4] << 8 | header[5]),
		.padding = header[6],
	};
	if (is_management(record->type) != (record->id == 0))
		return false;
	if (record->type == FASTCGI_ABORT)
		return record->content == 0;
	if (fastcgi_has_body(record->type))
		return record->content == FASTCGI_BODY_BYTES;
	return true;
}

enum fastcgi_beginning fastcgi_begins(struct slice bytes, bool proven)
{
	/* Least and most of each byte: header, role, flags, reserved; then the next header up to its id. */
	static const uint8_t low[] = { 1, 1, 0, 0, 0, 8, 0, 0, 0, ROLE_FIRST, 0, 0, 0, 0, 0, 0 };
	static const uint8_t high[] = { 1, 1, 255, 255, 0, 8, 0, 0, 0, ROLE_LAST, FLAGS_LAST, 0, 0, 0, 0, 0 };
	size_t wanted = sizeof(low) + (proven ? 4 : 0);

	for (size_t i = 0; i < bytes.len && i < sizeof(low); i++)
		if (bytes.data[i] < low[i] || bytes.data[i] > high[i])
			return FASTCGI_NONE;
	if (bytes.len >= 4 && !bytes.data[2] && !bytes.data[3])
		return FASTCGI_NONE;
	if (proven && bytes.len > sizeof(low)) {
		const uint8_t next[] = { VERSION, FASTCGI_PARAMS, bytes.data[2], bytes.data[3] };
		struct slice rest = slice_drop(bytes, sizeof(low));

		if (!slice_equal(slice_take(rest, sizeof(next)),
				 slice_take(slice_of(next, sizeof(next)), rest.len)))
			return FASTCGI_NONE;
	}
	return bytes.len < wanted ? FASTCGI_MORE : FASTCGI_FOUND;
}

bool fastcgi_ends(struct slice bytes, uint16_t *id)
{
	struct fastcgi_record record;

	if (bytes.len < FASTCGI_HEADER_BYTES + FASTCGI_BODY_BYTES ||
	    !fastcgi_record_read(bytes.data, &record) || record.type != FASTCGI_END)
		return false;
	*id = record.id;
	return !bytes.data[7] && bytes.data[12] <= STATUS_LAST && !bytes.data[13] && !bytes.data[14] &&
	       !bytes.data[15];
}
