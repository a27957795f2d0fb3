/* SPDX-License-Identifier: Apache-2.0 */
/* The processes with TLS as `hark doctor` shows them: those of one program in one row of a table, or chosen
 * ones in detail. */
#ifndef HARK_DOCTOR_PROCESSES_H
#define HARK_DOCTOR_PROCESSES_H

#include "doctor_files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct doctor_processes;

struct doctor_screen {
	size_t columns; /* that a row may take; 0: as many as it needs */
	bool color;
	bool detail; /* every program, and nothing is cut */
};

/* Looks at all processes but one and counts in files, which it borrows, who maps what. NULL: errno. */
struct doctor_processes *doctor_processes_scan(struct doctor_files *files, uint32_t except);
/* NULL is legal. */
void doctor_processes_free(struct doctor_processes *processes);

/* Programs with TLS, the uncovered first, then how many others there are. */
void doctor_processes_print(const struct doctor_processes *processes, FILE *out,
			    const struct doctor_screen *screen);

/* One process, all that is known. 0, -ESRCH or -errno (said). */
int doctor_process_print(struct doctor_files *files, uint32_t pid, FILE *out);

#endif
