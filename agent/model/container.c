/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that engines give to cgroups, which have not changed much in ten
 * years: the id in full, behind the engine's name or alone, as a folder
 * (cgroupfs driver) or as a scope (systemd driver). The innermost one counts:
 * containers run within containers, and a container may run systemd.
 *
 * An engine's own helper outside of the container (conmon) is a unit like any
 * other.
 */
#include "container.h"

#include "ascii.h"
#include "base/small_file.h"

#include <errno.h>
#include <stdio.h>

#define ID_DIGITS	64
#define PROC_TEXT_BYTES 16384

static bool ends_with(struct slice s, struct slice suffix)
{
	return s.len > suffix.len && slice_equal(slice_drop(s, s.len - suffix.len), suffix);
}

static struct slice without_suffix(struct slice s, struct slice suffix)
{
	return ends_with(s, suffix) ? slice_take(s, s.len - suffix.len) : s;
}

static bool is_unit(struct slice segment)
{
	return ends_with(segment, SLICE(".service")) || ends_with(segment, SLICE(".scope"));
}

/* systemd-nspawn's and libvirt's (systemd-machined). */
static bool is_machine(struct slice segment)
{
	if (slice_has_prefix(segment, SLICE("machine-")))
		return ends_with(segment, SLICE(".scope"));
	return slice_has_prefix(segment, SLICE("systemd-nspawn@")) && ends_with(segment, SLICE(".service"));
}

/* "<id>", "docker-<id>.scope", "cri-containerd:<id>", "libpod-<id>", … The id; data NULL: none. */
static struct slice id_of_segment(struct slice segment)
{
	struct slice none = { .data = NULL }, stem = without_suffix(segment, SLICE(".scope")), id;
	size_t before;

	if (stem.len < ID_DIGITS)
		return none;
	before = stem.len - ID_DIGITS;
	id = slice_drop(stem, before);
	for (size_t i = 0; i < id.len; i++)
		if (ascii_hex_value(id.data[i]) < 0 || ascii_is_upper(id.data[i]))
			return none;
	if (before && stem.data[before - 1] != '-' && stem.data[before - 1] != ':')
		return none;
	return memmem(stem.data, before, "conmon-", 7) ? none : id;
}

/* The last segment, without its slash; the path loses both. */
static struct slice take_last(struct slice *path)
{
	size_t at = path->len;
	struct slice last;

	while (at && path->data[at - 1] != '/')
		at--;
	last = slice_drop(*path, at);
	*path = slice_take(*path, at ? at - 1 : 0);
	return last;
}

/* The innermost container of a path, else its innermost unit: 2 and 1; 0: it has neither. */
static int find_innermost(struct slice path, struct slice *found)
{
	*found = (struct slice){ .data = NULL };
	path = without_suffix(path, SLICE(" (deleted)"));
	while (path.len) {
		struct slice segment = take_last(&path), id = id_of_segment(segment);

		if (id.data || is_machine(segment)) {
			*found = id.data ? id : segment;
			return 2;
		}
		if (!found->data && is_unit(segment))
			*found = segment;
	}
	return found->data != NULL;
}

struct slice container_of_cgroup(struct slice path)
{
	struct slice found;

	find_innermost(path, &found);
	return found;
}

bool container_is_engines(struct slice id)
{
	return id.len == ID_DIGITS && id_of_segment(id).data;
}

/* The innermost service or scope that is no container's own; data NULL: none. */
static struct slice find_unit(struct slice path)
{
	struct slice segment;

	path = without_suffix(path, SLICE(" (deleted)"));
	while (path.len) {
		segment = take_last(&path);
		if (is_unit(segment) && !is_machine(segment) && !id_of_segment(segment).data)
			return segment;
	}
	return slice_of(NULL, 0);
}

/*
 * "pod<uid>" (cgroupfs driver) or "kubepods-burstable-pod<uid>.slice" (systemd driver, which writes _ for the
 * hyphens of the uid). The length of a uid, which is a UUID or, of static pods, an MD5 sum; 0: it is none.
 */
static size_t uid_of_segment(struct slice segment, char uid[CONTAINER_UID_DIGITS])
{
	static const size_t lengths[] = { CONTAINER_UID_DIGITS, 32 };
	struct slice stem = without_suffix(segment, SLICE(".slice")), text;

	for (size_t i = 0; i < 2; i++) {
		size_t before = stem.len - lengths[i] - 3;

		if (stem.len < lengths[i] + 3 || memcmp(stem.data + before, "pod", 3) != 0 ||
		    (before && stem.data[before - 1] != '-'))
			continue;
		text = slice_drop(stem, before + 3);
		for (size_t j = 0; j < text.len; j++) {
			uid[j] = text.data[j] == '_' ? '-' : (char)text.data[j];
			if (ascii_hex_value(text.data[j]) < 0 && uid[j] != '-')
				return 0;
		}
		return text.len;
	}
	return 0;
}

static struct slice find_pod_uid(struct slice path, char uid[CONTAINER_UID_DIGITS])
{
	size_t len = 0;

	if (path.data && !memmem(path.data, path.len, "kubepods", 8))
		return slice_of(NULL, 0);
	while (path.len && !len)
		len = uid_of_segment(take_last(&path), uid);
	return slice_of(len ? uid : NULL, len);
}

struct container container_of_path(struct slice path, char uid[CONTAINER_UID_DIGITS])
{
	struct container container = { .names[CONTAINER_ID] = container_of_cgroup(path),
				       .names[CONTAINER_UNIT] = find_unit(path),
				       .names[CONTAINER_POD_UID] = find_pod_uid(path, uid) };

	return container;
}

void container_add_names(struct container *container, const struct event_names *event)
{
	static const enum container_name order[EVENT_NAME_COUNT] = {
		[EVENT_NAME_CONTAINER] = CONTAINER_NAME,
		[EVENT_NAME_POD] = CONTAINER_POD,
		[EVENT_NAME_NAMESPACE] = CONTAINER_NAMESPACE,
		[EVENT_NAME_POD_UID] = CONTAINER_POD_UID,
		[EVENT_NAME_POD_CONTAINER] = CONTAINER_POD_CONTAINER,
		[EVENT_NAME_HOSTNAME] = CONTAINER_HOSTNAME,
	};
	struct slice rest = slice_of(event->text, event->h.size - sizeof(event->h));

	for (size_t i = 0; i < EVENT_NAME_COUNT && rest.len; i++) {
		struct slice text = slice_take(rest, slice_find(rest, '\0'));

		if (text.len && !container->names[order[i]].data)
			container->names[order[i]] = text;
		rest = slice_drop(rest, text.len + 1);
	}
}

/* --- /proc/PID/cgroup ------------------------------------------------------------ */

/* The path of a line "NUMBER:CONTROLLERS:PATH" (cgroups(7)); data NULL: it is none. */
static struct slice line_path(struct slice line)
{
	struct slice none = { .data = NULL };

	for (int colons = 0; colons < 2; colons++) {
		const uint8_t *colon = memchr(line.data, ':', line.len);

		if (!colon)
			return none;
		line = slice_drop(line, (size_t)(colon - line.data) + 1);
	}
	return line;
}

struct slice container_cgroup_choose(struct slice text)
{
	struct slice best = { .data = NULL }, found;
	int best_rank = -1;

	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		struct slice line = slice_take(text, end ? (size_t)(end - text.data) : text.len);
		struct slice path = line_path(line);
		int rank;

		text = slice_drop(text, line.len + 1);
		if (!path.data)
			continue;
		/* By how much a line says; version 2 comes before the others at each step. */
		rank = 2 * find_innermost(path, &found) + slice_has_prefix(line, SLICE("0::"));
		if (rank <= best_rank)
			continue;
		best_rank = rank;
		best = path;
	}
	return best;
}

bool container_cgroup_says_as_much(struct slice path, struct slice chosen)
{
	struct slice found;

	return find_innermost(path, &found) >= find_innermost(chosen, &found);
}

int container_cgroup_of_process(uint32_t pid, struct event_cgroup *out)
{
	char name[32], text[PROC_TEXT_BYTES];
	struct slice path;
	ssize_t len;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", pid);
	len = small_file_read(name, text, sizeof(text));
	if (len < 0)
		return len == -ENOENT ? -ESRCH : (int)len;
	if ((size_t)len == sizeof(text) - 1)
		return -ENAMETOOLONG;
	path = container_cgroup_choose(slice_of(text, (size_t)len));
	if (path.len >= sizeof(out->path))
		return -ENAMETOOLONG;
	*out = (struct event_cgroup){
		.h = { .size = sizeof(*out),
		       .type = EVENT_CGROUP,
		       .flags = EVENT_SYNTHETIC | EVENT_PID_VALID,
		       .pid = pid },
	};
	if (path.data)
		memcpy(out->path, path.data, path.len);
	return path.data ? 0 : -ESRCH;
}
