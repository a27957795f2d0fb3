/* SPDX-License-Identifier: Apache-2.0 */
/* The processes with TLS as `hark doctor` shows them: those of one program in one line, or chosen ones in
 * detail. */
#ifndef HARK_DOCTOR_PROCESSES_H
#define HARK_DOCTOR_PROCESSES_H

#include "doctor_files.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct doctor_processes;

/* Looks at all processes and counts in files who maps what. The caller's, for free(). NULL: errno. */
struct doctor_processes *doctor_processes_scan(struct doctor_files *files);

/* Programs with TLS, the uncovered first, then how many others there are; all lists every program. */
void doctor_processes_print(const struct doctor_processes *processes, FILE *out, bool all);

/* One process, all that is known. 0, -ESRCH or -errno (said). */
int doctor_process_print(struct doctor_files *files, uint32_t pid, FILE *out);

#endif
