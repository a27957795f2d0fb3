/* SPDX-License-Identifier: Apache-2.0 */
/* When two descriptors are one file to a uprobe. */
#ifndef HARK_FILE_IDENTITY_H
#define HARK_FILE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct file_identity {
	uint64_t device, inode, size;
	int64_t modified_s, modified_ns, changed_s, changed_ns;
	int64_t born_s, born_ns; /* 0: the file system does not say */
	bool overlay;		 /* on overlayfs, whose device numbers say nothing */
};

/* st: what fstat() says of fd. */
struct file_identity file_identity_of(int fd, const struct stat *st);

/* Whether probes on one are probes on the other. */
bool file_identity_same(const struct file_identity *a, const struct file_identity *b);

#endif
