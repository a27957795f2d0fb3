/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hark needs root, what it watches mostly does not: under sudo the command runs
 * as the one who typed it, so that files it makes belong to them and it finds
 * their configuration. The order is groups, gid, uid, for each step needs what
 * the next gives up; then a way back is tried, and must fail. no_new_privs
 * stays unset: the command may call sudo itself.
 */
#include "run_as.h"

#include "base/log.h"
#include "base/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int entry_take(struct run_as *who, const struct passwd *entry)
{
	who->change = true;
	who->uid = entry->pw_uid;
	who->gid = entry->pw_gid;
	who->name = strdup(entry->pw_name);
	who->home = strdup(entry->pw_dir);
	who->shell = strdup(entry->pw_shell);
	return who->name && who->home && who->shell ? 0 : -ENOMEM;
}

static int chosen_find(struct run_as *who, const char *user, uid_t self)
{
	const struct passwd *entry = user_find(user);

	if (!entry) {
		log_error("-u: there is no user '%s'", user);
		return -ENOENT;
	}
	if (self != 0 && entry->pw_uid != self) {
		log_error("-u %s: only root can run the command as another user", user);
		return -EPERM;
	}
	return self == 0 ? entry_take(who, entry) : 0;
}

/* Two names may share a uid: sudo's own name for it is the right one. */
static int caller_find(struct run_as *who, const char *uid_text)
{
	const char *name = getenv("SUDO_USER"), *gid_text = getenv("SUDO_GID");
	const struct passwd *entry;
	bool gid_known;
	uid_t uid;
	gid_t gid;
	int err = 0;

	gid_known = user_id_parse(gid_text, &gid);
	if (!user_id_parse(uid_text, &uid) || (gid_text && !gid_known)) {
		log_error("SUDO_UID or SUDO_GID is no number of a user or group; say with -u who runs the "
			  "command");
		return -EINVAL;
	}
	entry = name ? getpwnam(name) : NULL;
	if (!entry || entry->pw_uid != uid)
		entry = getpwuid(uid);
	if (entry)
		err = entry_take(who, entry);
	if (!entry && !gid_known) {
		log_error("sudo was called by user %u, whom this system does not know; say with -u who runs "
			  "the command",
			  uid);
		return -ENOENT;
	}
	who->change = true;
	who->uid = uid;
	if (gid_known)
		who->gid = gid;
	return err;
}

int run_as_find(struct run_as *who, const char *user, uid_t self)
{
	const char *uid_text = getenv("SUDO_UID");
	int err = 0;

	*who = (struct run_as){ 0 };
	if (user)
		err = chosen_find(who, user, self);
	else if (self == 0 && uid_text)
		err = caller_find(who, uid_text);
	if (err == -ENOMEM)
		log_error("out of memory");
	return err;
}

void run_as_fini(struct run_as *who)
{
	free(who->name);
	free(who->home);
	free(who->shell);
	*who = (struct run_as){ 0 };
}

static int sudo_unset(void)
{
	char name[256];
	char **at = environ;

	while (at && *at) {
		size_t len = strcspn(*at, "=");

		if (strncmp(*at, "SUDO_", strlen("SUDO_")) != 0 || len >= sizeof(name)) {
			at++;
			continue;
		}
		memcpy(name, *at, len);
		name[len] = '\0';
		if (unsetenv(name) < 0)
			return -errno;
		at = environ; /* the list moved up */
	}
	return 0;
}

int run_as_environment(const struct run_as *who)
{
	char mail[512];
	int err = sudo_unset();

	if (err || !who->name)
		return err;
	snprintf(mail, sizeof(mail), "/var/mail/%s", who->name);
	if (setenv("USER", who->name, 1) || setenv("LOGNAME", who->name, 1) || setenv("HOME", who->home, 1) ||
	    setenv("SHELL", who->shell, 1) || setenv("MAIL", mail, 1))
		return -errno;
	return 0;
}

static int identity_change(const struct run_as *who)
{
	uid_t real, effective, saved;
	int err = who->name ? initgroups(who->name, who->gid) : setgroups(1, &who->gid);

	if (err < 0 || setresgid(who->gid, who->gid, who->gid) < 0 ||
	    setresuid(who->uid, who->uid, who->uid) < 0)
		return -errno;
	if (getresuid(&real, &effective, &saved) < 0)
		return -errno;
	if (real != who->uid || effective != who->uid || saved != who->uid || getegid() != who->gid)
		return -EPERM;
	if (who->uid != 0 && setuid(0) == 0) /* somebody kept the capability for us */
		return -EPERM;
	return 0;
}

int run_as_become(const struct run_as *who)
{
	int err;

	if (!who->change)
		return 0;
	err = identity_change(who);
	return err ? err : run_as_environment(who);
}
