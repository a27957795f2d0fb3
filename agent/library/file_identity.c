/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A uprobe sits on an inode of the real file system. Device and inode number
 * name it, but for overlayfs: two containers of one image see the same real
 * file on two devices, and probing both would report every call twice. There
 * the inode number is the real one (where all layers lie on one file system,
 * as container engines have them), and size and the times of modification and
 * change are the real file's; change cannot be set by anybody, so all of them
 * together are the file.
 *
 * Elsewhere the device counts and the times do not: snapshots of btrfs share
 * number and times and are different inodes, and a touched file is still the
 * same one. A number does not come back as another file while probes keep the inode alive.
 */
#include "file_identity.h"

#include <linux/magic.h>
#include <sys/vfs.h>

struct file_identity file_identity_of(int fd, const struct stat *st)
{
	struct statfs fs;

	return (struct file_identity){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.modified_s = st->st_mtim.tv_sec,
		.modified_ns = st->st_mtim.tv_nsec,
		.changed_s = st->st_ctim.tv_sec,
		.changed_ns = st->st_ctim.tv_nsec,
		.overlay = !fstatfs(fd, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC,
	};
}

bool file_identity_same(const struct file_identity *a, const struct file_identity *b)
{
	if (a->inode != b->inode)
		return false;
	if (a->device == b->device)
		return true;
	return (a->overlay || b->overlay) && a->size == b->size && a->modified_s == b->modified_s &&
	       a->modified_ns == b->modified_ns && a->changed_s == b->changed_s &&
	       a->changed_ns == b->changed_ns;
}
