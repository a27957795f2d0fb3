/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library that decides comes first: one inside the executable that is not followed, which is why the
 * program was linked with it, then those that are followed, then what came along.
 */
#include "doctor_cells.h"

#include "base/escape.h"
#include "base/path.h"
#include "library/libraries.h"

#include <stdlib.h>

static uint32_t others_inside(const struct doctor_look *look)
{
	return look->others & libraries_inside();
}

enum doctor_verdict doctor_verdict_of(const struct doctor_look *look)
{
	if (look->libraries)
		return others_inside(look) ? VERDICT_PARTLY : VERDICT_READ;
	return look->others ? VERDICT_NOT_READ : VERDICT_NO_TLS;
}

/* The next of several in a cell. */
static void next_put(struct buffer *cell)
{
	if (cell->len)
		buffer_string(cell, ", ");
}

static void others_put(struct buffer cells[COLUMN_COUNT], uint32_t others)
{
	for (; others; others &= others - 1) {
		const struct library_row *row = libraries_row((size_t)__builtin_ctz(others));

		next_put(&cells[COLUMN_LIBRARY]);
		buffer_string(&cells[COLUMN_LIBRARY], row->title);
		next_put(&cells[COLUMN_FOUND]);
		buffer_string(&cells[COLUMN_FOUND], row->text	       ? "inside (text)"
						    : row->sections[0] ? "inside (section)"
								       : row->file);
	}
}

static void libraries_put(struct buffer cells[COLUMN_COUNT], uint64_t libraries, int executable,
			  const struct doctor_files *files)
{
	char name[64];

	for (size_t i = 0; i < files->count; i++) {
		const struct doctor_library *library = &files->libraries[i];

		if (!(libraries >> i & 1))
			continue;
		doctor_library_name(library, name, sizeof(name));
		next_put(&cells[COLUMN_LIBRARY]);
		buffer_string(&cells[COLUMN_LIBRARY], name);
		next_put(&cells[COLUMN_FOUND]);
		if ((int)i == executable)
			buffer_string(&cells[COLUMN_FOUND], "inside");
		else
			escape_text(&cells[COLUMN_FOUND], slice_of_string(path_base(library->path)),
				    MB_CUR_MAX > 1);
		if (library->source[0])
			buffer_format(&cells[COLUMN_FOUND], " (%s)", library->source);
		else if ((int)i == executable)
			buffer_format(&cells[COLUMN_FOUND], " (%s)", library->how);
	}
}

const char *doctor_row_limit(const struct library_row *row)
{
	return row->number ? "its form is not known" : row->limit;
}

/* Why it is not read; of several, which they are: "NSS, LibreSSL's libtls: ...". */
static void unread_put(struct buffer *cell, uint32_t others)
{
	bool several = others & (others - 1);
	const char *limit = NULL, *between = "";

	for (; others; others &= others - 1, between = ", ") {
		const struct library_row *row = libraries_row((size_t)__builtin_ctz(others));

		if (several || !doctor_row_limit(row))
			buffer_format(cell, "%s%s", between, row->title);
		limit = limit ? limit : doctor_row_limit(row);
	}
	if (limit)
		buffer_format(cell, "%s%s", several ? ": " : "", limit);
}

static bool is_guess(const struct doctor_look *look, const struct doctor_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		if ((look->libraries >> i & 1) && files->libraries[i].source[0])
			return true;
	return false;
}

static void read_put(struct buffer *cell, const struct doctor_look *look, const struct doctor_files *files)
{
	uint32_t inside = others_inside(look), mapped = look->others & ~inside;

	switch (doctor_verdict_of(look)) {
	case VERDICT_NO_TLS:
		buffer_string(cell, "no TLS that hark knows");
		break;
	case VERDICT_READ:
		buffer_string(cell, "covered");
		if (is_guess(look, files))
			buffer_string(cell, " (a guess until it moves HTTP)");
		for (; mapped; mapped &= mapped - 1)
			buffer_format(cell, "; not %s", libraries_row((size_t)__builtin_ctz(mapped))->title);
		break;
	case VERDICT_PARTLY:
		buffer_string(cell, "NOT read: ");
		unread_put(cell, inside);
		buffer_string(cell, " (the others are)");
		break;
	case VERDICT_NOT_READ:
		buffer_string(cell, "NOT read: ");
		unread_put(cell, inside ? inside : mapped);
		break;
	}
	buffer_string(cell, look->is_32bit ? "; 32-bit: sizes only" : "");
	buffer_string(cell, look->rings ? "; io_uring: sizes only" : "");
}

void doctor_cells_put(struct buffer cells[COLUMN_COUNT], const struct doctor_look *look,
		      const struct doctor_files *files)
{
	uint32_t inside = others_inside(look);

	others_put(cells, inside);
	libraries_put(cells, look->libraries, look->executable, files);
	libraries_put(cells, look->unknown, look->executable, files);
	others_put(cells, look->others & ~inside & ~libraries_followed());
	if (!cells[COLUMN_LIBRARY].len) {
		buffer_char(&cells[COLUMN_LIBRARY], '-');
		buffer_char(&cells[COLUMN_FOUND], '-');
	}
	read_put(&cells[COLUMN_READ], look, files);
}
