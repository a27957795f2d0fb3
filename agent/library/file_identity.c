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
 * Within one overlay a file keeps its number when it is copied up, because its
 * rights or owner change: from then on it is another real file, to which the
 * old one's probes mean nothing. Its time of birth tells, which a change of
 * a file that stays does not touch.
 *
 * Elsewhere the device counts and the times do not: snapshots of btrfs share
 * number and times and are different inodes, and a touched file is still the
 * same one. A number does not come back as another file while probes keep the inode alive.
 */
#include "file_identity.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

struct file_identity file_identity_of(int fd, const struct stat *st)
{
	struct statx born;
	struct statfs fs;
	bool known = !statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &born) && born.stx_mask & STATX_BTIME;

	return (struct file_identity){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.modified_s = st->st_mtim.tv_sec,
		.modified_ns = st->st_mtim.tv_nsec,
		.changed_s = st->st_ctim.tv_sec,
		.changed_ns = st->st_ctim.tv_nsec,
		.born_s = known ? born.stx_btime.tv_sec : 0,
		.born_ns = known ? born.stx_btime.tv_nsec : 0,
		.overlay = !fstatfs(fd, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC,
	};
}

bool file_identity_same(const struct file_identity *a, const struct file_identity *b)
{
	if (a->inode != b->inode)
		return false;
	if (a->device == b->device)
		return !a->overlay || (a->born_s == b->born_s && a->born_ns == b->born_ns);
	return (a->overlay || b->overlay) && a->size == b->size && a->modified_s == b->modified_s &&
	       a->modified_ns == b->modified_ns && a->changed_s == b->changed_s &&
	       a->changed_ns == b->changed_ns;
}
