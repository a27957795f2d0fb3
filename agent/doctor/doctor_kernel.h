/* SPDX-License-Identifier: Apache-2.0 */
/* The part of `hark doctor` about the kernel, its settings and hark's privileges. */
#ifndef HARK_DOCTOR_KERNEL_H
#define HARK_DOCTOR_KERNEL_H

#include <stdbool.h>
#include <stdio.h>

/* One topic a line; an empty topic goes on with the one before. */
void doctor_say(FILE *out, const char *topic, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* calls_filtered: hark can filter its own system calls. */
void doctor_kernel_print(FILE *out, bool calls_filtered);

#endif
