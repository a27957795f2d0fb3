/* SPDX-License-Identifier: Apache-2.0 */
/* The user who runs the command behind `--`: whoever called sudo, or the one that -u names. */
#ifndef HARK_RUN_AS_H
#define HARK_RUN_AS_H

#include <stdbool.h>
#include <sys/types.h>

struct run_as {
	bool change; /* false: as hark itself runs, and nothing below is set */
	uid_t uid;
	gid_t gid;
	char *name, *home, *shell; /* NULL: the system does not know this user */
};

/*
 * Finds who is to run the command. user: -u, or NULL for who called sudo; self: hark's effective uid. 0,
 * -ENOENT (no such user), -EPERM (only root may choose another user), -EINVAL (what sudo says makes no
 * sense), -ENOMEM; all reported. who must be given to run_as_fini() in any case.
 */
int run_as_find(struct run_as *who, const char *user, uid_t self);
void run_as_fini(struct run_as *who);

/*
 * Turns this process into that user for good: groups, gid, uid, checked, then the environment. For a child
 * before its exec. 0 or -errno, when the process must end.
 */
int run_as_become(const struct run_as *who);

/* The environment alone: sudo's variables go, the user's own come. 0 or -errno. */
int run_as_environment(const struct run_as *who);

#endif
