/* SPDX-License-Identifier: Apache-2.0 */
/* The uploader keeps none of hark's rights; docs/security.md says what is left to it. */
#ifndef HARK_UPLOAD_RIGHTS_H
#define HARK_UPLOAD_RIGHTS_H

#include <sys/types.h>

/* From now on, for good. The process ends when hark does, which is this process's parent, or has ended. */
void upload_rights_drop(pid_t hark);

#endif
