/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Container engines write down what they start before they start it, as JSON
 * in a place of their own that has hardly changed in years:
 *
 *   Docker                 config.v2.json: Name, and Config.Labels
 *   Podman, CRI-O          containers.json of containers/storage, a list of all: names
 *   containerd, CRI-O      config.json of the OCI runtime: annotations
 *
 * So the id from the cgroup's path leads to the names, without a daemon. In
 * Kubernetes the runtime's annotations say the pod; Docker and CRI-O also put
 * it into the container's name (k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT).
 *
 * Labels and annotations are a container's author's to choose. They say a pod
 * only when the cgroup's path says that the container is in one, for it is the
 * kubelet that makes such cgroups. The files themselves are root's; a name is taken
 * as text. Below the engine's folder nothing is followed that is a link, and a
 * file of more than STATE_BYTES_MAX is not read.
 *
 * A container is looked up once, also one without a name, and keeps what it
 * was called then. The table is emptied when it is full, which costs time only.
 */
#include "container_state.h"

#include "base/counters.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/small_file.h"
#include "base/table.h"
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTINFO_BYTES 65536
#define STATES_MAX	4096
#define STATE_BYTES_MAX (8 << 20)
#define NAME_BYTES_MAX	(EVENT_NAMES_LEN / EVENT_NAME_COUNT)

struct names {
	bool in_pod; /* by the cgroup's path */
	char text[EVENT_NAME_COUNT][NAME_BYTES_MAX];
};

struct known_state {
	UT_hash_handle hh;
	struct event_names *names; /* NULL: it has none */
	char id[];
};

struct container_state {
	const char *root;
	struct known_state *known;
};

/* --- what the files say ------------------------------------------------------------- */

/* A name that was said before stays. */
static void name_take(struct names *names, enum event_name name, struct slice value)
{
	if (value.data && !names->text[name][0])
		(void)json_text_string(value, names->text[name], NAME_BYTES_MAX);
}

/* As containerd's CRI plugin, the kubelet (its labels are CRI-O's annotations) and nerdctl write them. */
static void labels_read(struct names *names, struct slice object)
{
	static const struct {
		enum event_name name;
		const char *label;
	} labels[] = {
		{ EVENT_NAME_POD, "io.kubernetes.cri.sandbox-name" },
		{ EVENT_NAME_NAMESPACE, "io.kubernetes.cri.sandbox-namespace" },
		{ EVENT_NAME_POD_UID, "io.kubernetes.cri.sandbox-uid" },
		{ EVENT_NAME_POD_CONTAINER, "io.kubernetes.cri.container-name" },
		{ EVENT_NAME_POD, "io.kubernetes.pod.name" },
		{ EVENT_NAME_NAMESPACE, "io.kubernetes.pod.namespace" },
		{ EVENT_NAME_POD_UID, "io.kubernetes.pod.uid" },
		{ EVENT_NAME_POD_CONTAINER, "io.kubernetes.container.name" },
		{ EVENT_NAME_CONTAINER, "io.kubernetes.cri-o.Name" },
		{ EVENT_NAME_CONTAINER, "nerdctl/name" },
	};

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (names->in_pod || labels[i].name == EVENT_NAME_CONTAINER)
			name_take(names, labels[i].name, json_text_member(object, labels[i].label));
}

static void oci_read(struct slice text, const char *id, struct names *names)
{
	(void)id;
	labels_read(names, json_text_member(text, "annotations"));
}

/* Its names begin with a slash. */
static void docker_read(struct slice text, const char *id, struct names *names)
{
	char *name = names->text[EVENT_NAME_CONTAINER];

	(void)id;
	name_take(names, EVENT_NAME_CONTAINER, json_text_member(text, "Name"));
	if (name[0] == '/')
		memmove(name, name + 1, strlen(name));
	labels_read(names, json_text_member(json_text_member(text, "Config"), "Labels"));
}

static void storage_read(struct slice text, const char *id, struct names *names)
{
	struct slice list = json_text_inside(text, '['), one, first;
	char own[80];

	while (json_text_next(&list, NULL, &one)) {
		if (json_text_string(json_text_member(one, "id"), own, sizeof(own)) < 0 ||
		    strcmp(own, id) != 0)
			continue;
		list = json_text_inside(json_text_member(one, "names"), '[');
		if (json_text_next(&list, NULL, &first))
			name_take(names, EVENT_NAME_CONTAINER, first);
		return;
	}
}

/* "k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT", none of which has an underscore in it; other names have another
 * order. */
static void pod_split(struct names *names)
{
	static const enum event_name parts[] = { EVENT_NAME_POD_CONTAINER, EVENT_NAME_POD,
						 EVENT_NAME_NAMESPACE, EVENT_NAME_POD_UID };
	const char *part = names->text[EVENT_NAME_CONTAINER];
	size_t underscores = 0;

	for (const char *at = part; *at; at++)
		underscores += *at == '_';
	if (strncmp(part, "k8s_", 4) != 0 || underscores != 5)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		part = strchr(part, '_') + 1;
		if (!names->text[parts[i]][0])
			snprintf(names->text[parts[i]], NAME_BYTES_MAX, "%.*s", (int)strcspn(part, "_"),
				 part);
	}
}

/* --- the files ------------------------------------------------------------------------ */

static const struct state_file {
	const char *folder;
	const char *file; /* below it; %s is the id */
	void (*read)(struct slice text, const char *id, struct names *names);
} state_files[] = {
	{ "/var/lib/docker/containers", "%s/config.v2.json", docker_read },
	{ "/run/containerd/io.containerd.runtime.v2.task/k8s.io", "%s/config.json", oci_read },
	{ "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io", "%s/config.json", oci_read },
	{ "/run/containerd/io.containerd.runtime.v2.task/default", "%s/config.json", oci_read },
	{ "/run/containers/storage/overlay-containers", "%s/userdata/config.json", oci_read },
	{ "/var/lib/containers/storage/overlay-containers", "%s/userdata/config.json", oci_read },
	{ "/var/lib/containers/storage/overlay-containers", "containers.json", storage_read },
	{ "/var/lib/containers/storage/overlay-containers", "volatile-containers.json", storage_read },
	{ "/run/containers/storage/overlay-containers", "volatile-containers.json", storage_read },
};

/*
 * Opens a regular file below the folder for reading; no part of the path may be a link. By steps, as the
 * filter of system calls (run/rights.c) cannot look into the arguments of openat2(). A descriptor or -errno.
 */
static int open_within(int folder, const char *path)
{
	int at = folder, fd = -1, error = 0;
	struct stat st;
	char name[256];

	while (!error && fd < 0) {
		size_t len = strcspn(path, "/");
		int flags = path[len] ? O_PATH | O_DIRECTORY : O_RDONLY | O_NOCTTY | O_NONBLOCK, next;

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		next = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
		error = next < 0 ? -errno : 0;
		if (at != folder)
			close(at);
		if (path[len])
			at = next;
		else
			fd = next;
		path += len + 1;
	}
	if (error)
		return error;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

/* The whole file; malloc'ed, the caller's. 0, or -errno. */
static int text_read(int fd, char **text, size_t *len)
{
	struct stat st;
	ssize_t n = 1;

	*len = 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > STATE_BYTES_MAX)
		return -EFBIG;
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	/* One that grows meanwhile is a list that is written anew: what is read ends where it ended. */
	while (n > 0 && *len < (size_t)st.st_size) {
		n = read(fd, *text + *len, (size_t)st.st_size - *len);
		*len += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -errno : 0;
}

/* 1; 0: there is no such file; or -errno. */
static int state_file_read(const char *root, const struct state_file *file, const char *id,
			   struct names *names)
{
	char folder[256], path[160], *text = NULL;
	int at, fd, error;
	size_t len;

	if ((size_t)snprintf(folder, sizeof(folder), "%s%s", root, file->folder) >= sizeof(folder))
		return -ENAMETOOLONG;
	at = open(folder,
		  O_PATH | O_DIRECTORY | O_CLOEXEC); /* the machine's owner may have put it elsewhere */
	if (at < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	snprintf(path, sizeof(path), file->file, id); /* NOLINT(clang-diagnostic-format-nonliteral) */
	fd = open_within(at, path);
	close(at);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	error = text_read(fd, &text, &len);
	if (!error)
		file->read(slice_of(text, len), id, names);
	free(text);
	close(fd);
	return error ? error : 1;
}

/*
 * The kubelet mounts a file of its own at each pod's /etc/hostname. A file system whose server is a program,
 * perhaps the container's own, is not asked: it may let hark wait for ever.
 */
static bool hostname_is_mounted(const char *mountinfo)
{
	return strstr(mountinfo, " /etc/hostname ") && !strstr(mountinfo, " - fuse");
}

/* The pod's name, unless the pod asks for another or has the machine's network. Empty: not known. */
static void hostname_read(uint32_t pid, char *out, size_t size)
{
	char path[32], text[MOUNTINFO_BYTES];
	int root, fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/mountinfo", pid);
	n = small_file_read(path, text, sizeof(text));
	if (n < 0 || n >= (ssize_t)sizeof(text) - 1 || !hostname_is_mounted(text))
		return;
	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0)
		fd = open_within(root, "etc/hostname");
	n = fd >= 0 ? read(fd, out, size - 1) : 0;
	if (n > 0 && n < (ssize_t)size - 1) /* half of a name would be another name */
		out[n] = '\0';
	else
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
	if (root >= 0)
		close(root);
}

/* --- once a container ----------------------------------------------------------------- */

/* NULL: there is no name, or no memory. */
static struct event_names *event_make(const struct names *names)
{
	struct event_names event;
	struct event_names *copy;
	size_t len = 0, named = 0;

	for (size_t i = 0; i < EVENT_NAME_COUNT; i++) {
		size_t one = strlen(names->text[i]) + 1;

		memcpy(event.text + len, names->text[i], one);
		len += one;
		named += one - 1;
	}
	if (!named)
		return NULL;
	event.h = (struct event_header){ .size = (uint32_t)(sizeof(event.h) + len),
					 .type = EVENT_NAMES,
					 .flags = EVENT_SYNTHETIC | EVENT_PID_VALID };
	copy = malloc(event.h.size);
	if (copy)
		memcpy(copy, &event, event.h.size);
	else
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	return copy;
}

static struct event_names *look_up(const struct container_state *state, uint32_t pid, const char *id,
				   bool in_pod)
{
	struct names names = { .in_pod = in_pod };
	bool is_there = false;

	for (size_t i = 0; i < sizeof(state_files) / sizeof(state_files[0]); i++) {
		int one = state_file_read(state->root, &state_files[i], id, &names);

		is_there |= one != 0;
		if (one < 0)
			log_debug("container %.12s: %s: %s", id, state_files[i].folder, strerror(-one));
	}
	if (in_pod)
		pod_split(&names);
	if (is_there && !names.text[EVENT_NAME_CONTAINER][0] && !names.text[EVENT_NAME_POD][0])
		counter_add(COUNTER_CONTAINERS_UNNAMED, 1);
	if (in_pod && !names.text[EVENT_NAME_POD][0])
		hostname_read(pid, names.text[EVENT_NAME_HOSTNAME], NAME_BYTES_MAX);
	return event_make(&names);
}

static void known_clear(struct container_state *state)
{
	struct known_state *known, *next;

	HASH_ITER (hh, state->known, known, next) {
		HASH_DEL(state->known, known);
		free(known->names);
		free(known);
	}
}

struct container_state *container_state_new(const char *root)
{
	struct container_state *state = calloc(1, sizeof(*state));

	if (state)
		state->root = root;
	return state;
}

void container_state_free(struct container_state *state)
{
	if (!state)
		return;
	known_clear(state);
	free(state);
}

const char *container_state_root(void)
{
	return access("/proc/1/root/.", X_OK) == 0 ? "/proc/1/root" : "";
}

/* NULL: out of memory, which is counted. */
static struct known_state *known_add(struct container_state *state, uint32_t pid, struct slice id,
				     bool in_pod)
{
	struct known_state *known = calloc(1, sizeof(*known) + id.len + 1);

	if (known) {
		if (HASH_COUNT(state->known) >= STATES_MAX)
			known_clear(state);
		memcpy(known->id, id.data, id.len);
		known->names = look_up(state, pid, known->id, in_pod);
		HASH_ADD_KEYPTR(hh, state->known, known->id, id.len, known);
		if (TABLE_ADDED(known, hh))
			return known;
		free(known->names);
	}
	free(known);
	counter_add(COUNTER_LIMIT_MEMORY, 1);
	return NULL;
}

const struct event_names *container_state_find(struct container_state *state, uint32_t pid, const char *path)
{
	char uid[CONTAINER_UID_DIGITS];
	struct container container = container_of_path(slice_of_string(path), uid);
	struct slice id = container.names[CONTAINER_ID];
	struct known_state *known;

	if (!state || !container_is_engines(id))
		return NULL;
	HASH_FIND(hh, state->known, id.data, id.len, known);
	if (!known)
		known = known_add(state, pid, id, container.names[CONTAINER_POD_UID].data != NULL);
	if (!known || !known->names)
		return NULL;
	known->names->h.pid = pid;
	return known->names;
}
