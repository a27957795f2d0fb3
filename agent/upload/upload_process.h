/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uploader's own process: takes chunks from hark, makes bodies of them, sends one at a time and tries
 * again. It lives as long as hark does and has nothing of hark's rights.
 */
#ifndef HARK_UPLOAD_PROCESS_H
#define HARK_UPLOAD_PROCESS_H

#include "upload.h"

#include <sys/types.h>

/* fd: its end of the pair; all others but stderr are closed. hark: the process that it was forked from. */
_Noreturn void upload_process_run(const struct upload_config *config, int fd, pid_t hark);

#endif
