/* SPDX-License-Identifier: Apache-2.0 */
/* `hark doctor`: what works on this machine, what does not, and why. */
#ifndef HARK_DOCTOR_H
#define HARK_DOCTOR_H

struct options;

/*
 * Tries what capturing needs and prints what it finds to stdout; with options->pids about these processes
 * alone. 0: capturing is possible. 1: it is not, or one of the processes is not there.
 */
int doctor_run(const struct options *options);

#endif
