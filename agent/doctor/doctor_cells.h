/* SPDX-License-Identifier: Apache-2.0 */
/* One process in the words of the columns of `hark doctor`: which TLS, how it was found, whether it is read.
 */
#ifndef HARK_DOCTOR_CELLS_H
#define HARK_DOCTOR_CELLS_H

#include "base/buffer.h"
#include "doctor_files.h"
#include "doctor_look.h"

enum doctor_column {
	COLUMN_PROGRAM,
	COLUMN_TCP,
	COLUMN_LIBRARY,
	COLUMN_FOUND,
	COLUMN_READ,
	COLUMN_COUNT,
};

enum doctor_verdict {
	VERDICT_NO_TLS,	  /* that hark knows */
	VERDICT_READ,	  /* a library that came along with a followed one is no trouble */
	VERDICT_PARTLY,	  /* a followed library is mapped; the executable holds one that is not */
	VERDICT_NOT_READ, /* none of its libraries is followed */
};

/* Why the library of a row is not read where it is not; NULL: nothing more to say. Static. */
const char *doctor_row_limit(const struct library_row *row);

enum doctor_verdict doctor_verdict_of(const struct doctor_look *look);

/* Puts the cells from COLUMN_LIBRARY on; observed text in them is escaped. */
void doctor_cells_put(struct buffer cells[COLUMN_COUNT], const struct doctor_look *look,
		      const struct doctor_files *files);

#endif
