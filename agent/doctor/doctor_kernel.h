/* SPDX-License-Identifier: Apache-2.0 */
/* The part of `hark doctor` about the kernel, its settings and hark's privileges. */
#ifndef HARK_DOCTOR_KERNEL_H
#define HARK_DOCTOR_KERNEL_H

#include <stdbool.h>

/* One topic a line on stdout; an empty topic goes on with the one before. */
void doctor_say(const char *topic, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* calls_filtered: hark can filter its own system calls. */
void doctor_kernel_print(bool calls_filtered);

#endif
