/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders are walked one by one, each held open while it is judged, and the
 * file is opened in the last of them: between the look and the opening nobody
 * can put another one in its place. Nothing is written to, emptied or given
 * another mode before the open file itself has been judged.
 */
#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's */

/* Root, hark's user, and who typed sudo: they can do what hark does anyway. */
static bool is_trusted(uid_t uid)
{
	const char *caller = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
	char *end = NULL;
	unsigned long number = caller && *caller ? strtoul(caller, &end, 10) : 0;

	return uid == 0 || uid == geteuid() || (end && !*end && uid == number);
}

/* A group of its user's name without other members, as Debian gives each user: writable for nobody else. */
static bool is_group_of_one(gid_t gid, uid_t uid)
{
	const struct passwd *user = getpwuid(uid);
	const struct group *group = getgrgid(gid);

	if (gid == 0 && uid == 0)
		return true;
	if (!user || !group || user->pw_gid != gid || strcmp(user->pw_name, group->gr_name) != 0)
		return false;
	for (char **member = group->gr_mem; *member; member++)
		if (strcmp(*member, user->pw_name) != 0)
			return false;
	return true;
}

/* --- the folders on the way ------------------------------------------------------------- */

struct walk {
	int folder; /* where it stands, O_PATH */
	char rest[2 * PATH_MAX];
	unsigned int links;
};

/* A list of rights (acl(5)) names others: of it the mode shows the most that any of them may do. */
static bool has_list(int folder)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder); /* O_PATH: nothing else takes it */
	return getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

/* With the sticky bit (/tmp) others may add files, and take away none of ours. */
static int folder_judge(int folder, const struct stat *st)
{
	bool shared =
		st->st_mode & S_IWOTH ||
		(st->st_mode & S_IWGRP && (!is_group_of_one(st->st_gid, st->st_uid) || has_list(folder)));

	if (!is_trusted(st->st_uid) || (shared && !(st->st_mode & S_ISVTX)))
		return -PRIVATE_FILE_EXPOSED;
	return 0;
}

static int walk_enter(struct walk *walk, int folder)
{
	struct stat st;

	if (walk->folder >= 0)
		close(walk->folder);
	walk->folder = folder;
	if (folder < 0 || fstat(folder, &st) < 0)
		return -errno;
	return folder_judge(folder, &st);
}

static int walk_link(struct walk *walk, int link, const struct stat *st, const char *rest)
{
	char target[PATH_MAX], longer[sizeof(walk->rest)];
	ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);

	if (len < 0)
		return -errno;
	if (!is_trusted(st->st_uid))
		return -PRIVATE_FILE_EXPOSED;
	if (walk->links++ == LINKS_MAX)
		return -ELOOP;
	target[len] = '\0';
	if ((size_t)snprintf(longer, sizeof(longer), "%s/%s", target, rest) >= sizeof(longer))
		return -ENAMETOOLONG;
	memcpy(walk->rest, longer, sizeof(longer));
	return target[0] == '/' ? walk_enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) : 0;
}

/* One folder, or a link to one. */
static int walk_step(struct walk *walk, const char *name, const char *rest)
{
	int fd = openat(walk->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int error;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
		error = walk_link(walk, fd, &st, rest);
		close(fd);
		return error;
	}
	memmove(walk->rest, rest, strlen(rest) + 1);
	if (S_ISDIR(st.st_mode))
		return walk_enter(walk, fd);
	close(fd);
	return -ENOTDIR;
}

/* On to the folder that holds the path's last name, which stays in `rest`. */
static int walk_run(struct walk *walk)
{
	int error = walk_enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));

	while (!error) {
		char name[NAME_MAX + 1];
		const char *start = walk->rest + strspn(walk->rest, "/");
		size_t len = strcspn(start, "/");

		if (!start[len]) {
			memmove(walk->rest, start, len + 1);
			return 0;
		}
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, start, len);
		name[len] = '\0';
		error = walk_step(walk, name, start + len + 1);
	}
	return error;
}

static int walk_begin(struct walk *walk, const char *path)
{
	char here[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return -errno;
	if ((size_t)snprintf(walk->rest, sizeof(walk->rest), "%s/%s", here, path) >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	return 0;
}

/* --- the file --------------------------------------------------------------------------- */

/* A reader who had it open before it became private sees nothing of ours: it is emptied last. */
static int regular_take(int fd, const struct stat *st, bool keep)
{
	if (st->st_uid != geteuid())
		return -EPERM;
	if (st->st_nlink > 1)
		return -EMLINK;
	/* By this hark too: the recording that it replays, another of its outputs. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return -EBUSY;
	return fchmod(fd, 0600) < 0 || (!keep && ftruncate(fd, 0) < 0) ? -errno : 0;
}

static int file_take(int fd, bool keep)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return regular_take(fd, &st, keep);
	if (S_ISFIFO(st.st_mode))
		return -ESPIPE;
	if (!S_ISCHR(st.st_mode) || keep)
		return -ENOTTY;
	if (!is_trusted(st.st_uid)) /* the terminal of somebody else */
		return -EPERM;
	return fcntl(fd, F_SETFL, 0) < 0 ? -errno : 0;
}

/* Why the file could not even be opened: what it is says more than the kernel's number. */
static int refusal(const struct walk *walk, int error)
{
	struct stat st;

	if (fstatat(walk->folder, walk->rest, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error;
	if (S_ISFIFO(st.st_mode)) /* ENXIO: nobody reads it */
		return -ESPIPE;
	if (error == -EACCES && st.st_uid != geteuid()) /* fs.protected_regular */
		return -EPERM;
	return error;
}

static int file_open(const struct walk *walk, bool keep)
{
	const char *name = walk->rest[0] ? walk->rest : ".";
	int fd = openat(walk->folder, name,
			O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
	int error;

	if (fd < 0)
		return refusal(walk, -errno);
	error = file_take(fd, keep);
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* The number of a descriptor that hark was given, or -1: another file. */
static int inherited_fd(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t len = strlen(folders[i]);

		if (strncmp(path, folders[i], len) != 0)
			continue;
		path += len;
		len = strlen(path);
		return len && len < 10 && strspn(path, "0123456789") == len ? (int)strtol(path, NULL, 10)
									    : -1;
	}
	return -1;
}

static int path_open(const char *path, bool keep)
{
	struct walk walk = { .folder = -1 };
	int error = walk_begin(&walk, path);

	if (!error)
		error = walk_run(&walk);
	if (!error)
		error = file_open(&walk, keep);
	if (walk.folder >= 0)
		close(walk.folder);
	return error;
}

int private_file_open(const char *path)
{
	int fd = inherited_fd(path);

	if (fd < 0)
		return path_open(path, false);
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

int private_file_keep(const char *path)
{
	return inherited_fd(path) < 0 ? path_open(path, true) : -ENOTTY;
}

const char *private_file_error(int error)
{
	static const struct {
		int error;
		const char *text;
	} rows[] = {
		{ ELOOP, "it is a symbolic link, which hark does not follow; name the file itself" },
		{ EPERM, "it belongs to another user or is protected; remove it or name another file" },
		{ EMLINK,
		  "it has other names (hard links), under which others may read it; remove it or name "
		  "another file" },
		{ ESPIPE, "it is a FIFO, which anybody may be reading; pipe hark's stdout (-o json | ...) or "
			  "let the shell make one: >(...)" },
		{ EBUSY, "hark reads it or writes to it already; name another file" },
		{ ENOTTY, "it is no file to write to; name another" },
		{ PRIVATE_FILE_EXPOSED,
		  "others may write to a folder on the way there and put their own file in its place; name "
		  "a folder of yours, or take the right from them (chmod go-w; chmod +t where all may "
		  "write)" },
	};
	int code = error < 0 ? -error : error;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == code)
			return rows[i].text;
	return strerror(code);
}
