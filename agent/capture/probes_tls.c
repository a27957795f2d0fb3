/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching to TLS libraries, once a file (device and inode), never a process:
 * a pid-scoped uprobe slows every process that maps the library all the same.
 *
 * With uprobe sessions (Linux 6.13) one link holds all sites of a file and the
 * kernel side refuses a second armed return in a thread. Before, each site has
 * an entry link and, where a return matters, a return link, which
 * probes_protect() takes off when a program is seen to switch stacks. Go's sites are
 * entries and returns by themselves: two programs, a link each.
 */
#include "probes_private.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/path.h"
#include "base/small_file.h"
#include "closer.h"
#include "library/elf_file.h"
#include "library/file_identity.h"
#include "library/key_site.h"
#include "library/locations.h"
#include "library/probe_site.h"
#include "library/proc_maps.h"
#include "library/session_layout.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "maps_abi.h"
#include "hark.skel.h" /* generated; it needs the types above */

/* linux/bpf.h of Debian 12 is older than these. */
#define ATTACH_TYPE_UPROBE_MULTI   48
#define ATTACH_TYPE_UPROBE_SESSION 57

/* The uprobe_multi form of union bpf_attr for BPF_LINK_CREATE (Linux 6.6). */
struct uprobe_multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, reserved;
};

/* A file whose TLS functions are probed. */
struct probed_file {
	struct file_identity identity;
	char *path; /* as first found */
	struct probe_site sites[PROBE_SITES_MAX];
	size_t site_count;
	bool returns_detached;
	size_t seekers; /* of one of libcrypto: how many have it */
	struct probed_file *next;
	struct bpf_link *links[2 * PROBE_SITES_MAX + 1];
	size_t link_count;
	enum library_calls calls;
	int link_fds[2];	/* of many sites each; -1: none */
	struct probe_site keys; /* of its secrets; file_offset 0: none */
	int keys_fd;		/* its link where those are of many sites; -1: none */
};

static uint64_t cookie_of(const struct tls_function *function)
{
	uint64_t cookie;

	memcpy(&cookie, function, sizeof(cookie));
	return cookie;
}

/* Does this site have another program than those where calls begin? */
static bool site_is_apart(const struct probe_site *site)
{
	return site->leaves || site->call.kind == TLS_TAKE;
}

/*
 * The process in which alone the breakpoints are set, so that others who map the file pay nothing; 0: in
 * each. The kernel finds its memory by the thread that it began with, which may have ended before the others.
 */
static uint32_t process_scope(const struct probes *probes)
{
	char path[32], text[512];
	const char *state;

	if (!probes->only_pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%u/status", probes->only_pid);
	if (small_file_read(path, text, sizeof(text)) < 0)
		return 0;
	state = small_file_field(text, "State");
	state += strspn(state, "\t");
	return *state == 'Z' || *state == 'X' ? 0 : probes->only_pid;
}

/*
 * One link for those sites that are apart, or are not. pid: of process_scope(). Its descriptor, -ENOENT:
 * there are none, or -errno.
 */
static int link_create_multi(int program, uint32_t attach_type, const char *path,
			     const struct probe_site *sites, size_t count, bool apart, uint32_t pid)
{
	uint64_t offsets[PROBE_SITES_MAX], cookies[PROBE_SITES_MAX];
	struct uprobe_multi_attr attr = {
		.prog_fd = program,
		.attach_type = attach_type,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.pid = pid,
	};
	int fd;

	for (size_t i = 0; i < count; i++) {
		if (site_is_apart(&sites[i]) != apart)
			continue;
		offsets[attr.cnt] = sites[i].file_offset;
		cookies[attr.cnt++] = cookie_of(&sites[i].call);
	}
	if (!attr.cnt)
		return -ENOENT;
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd < 0 && errno == ESRCH && pid) { /* it has just ended */
		attr.pid = 0;
		fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	}
	return fd < 0 ? -errno : fd;
}

/*
 * A kernel with sessions looks at the path (a folder is refused with EBADF);
 * one without refuses the attach type before.
 */
bool probes_session_supported(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = (enum bpf_attach_type)ATTACH_TYPE_UPROBE_SESSION);
	struct probe_site site = { .file_offset = 1 };
	int program, error;

	program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", code, 2, &options);
	if (program < 0)
		return false;
	error = link_create_multi(program, ATTACH_TYPE_UPROBE_SESSION, "/", &site, 1, false, 0);
	if (error >= 0)
		close(error);
	close(program);
	return error == -EBADF;
}

static struct bpf_program *slot_program(struct hark_bpf *skeleton, unsigned int slot)
{
	char name[sizeof("tls_enter_137")];

	snprintf(name, sizeof(name), "tls_enter_%02o", slot % TLS_SLOTS);
	return bpf_object__find_program_by_name(skeleton->obj, name);
}

/* A slot for each function of each row whose calls need no cookie; how many. */
static unsigned int slots_fill(struct hark_bpf *skeleton)
{
	const struct library_row *row;
	unsigned int slot = 0;

	for (size_t i = 0; (row = libraries_row(i)); i++) {
		for (const struct library_function *at = row->functions;
		     row->calls == LIBRARY_CALLS_C && at && at->name; at++) {
			struct tls_function call = at->call;

			call.library = row->number;
			if (slot < TLS_SLOTS)
				skeleton->rodata->tls_slots[slot++] = cookie_of(&call);
			if (call.kind != TLS_WRITEV_OFFSET || slot == TLS_SLOTS)
				continue;
			call = maps_tls_unmeasured(&call);
			skeleton->rodata->tls_slots[slot++] = cookie_of(&call);
		}
	}
	return slot;
}

static void file_free(void *item)
{
	struct probed_file *file = item;

	for (size_t i = 0; i < file->link_count; i++)
		bpf_link__destroy(file->links[i]);
	for (size_t i = 0; i < 2; i++)
		if (file->link_fds[i] >= 0)
			close(file->link_fds[i]);
	if (file->keys_fd >= 0)
		close(file->keys_fd);
	free(file->path);
	free(file);
}

/* A process's use of a probed file of libcrypto. */
struct seeker {
	uint32_t pid;
	struct probed_file *file;
	struct seeker *next;
};

/* The kernel waits for whoever is in a probe, 20 to 90 ms a file: the ring is read meanwhile. */
static void seeker_remove(struct probes *probes, struct seeker *seeker)
{
	struct seeker **at = &probes->seekers;
	struct probed_file *file = seeker->file;

	while (*at != seeker)
		at = &(*at)->next;
	*at = seeker->next;
	free(seeker);
	probes->skeleton->bss->ciphertext_listens = probes->seekers != NULL;
	if (--file->seekers)
		return;
	log_debug("ciphertext of %s is not compared any more", file->path);
	closer_give(probes->closer, file);
}

/* Does the kernel take a program at a uprobe that sleeps (Linux 6.0)? */
static bool sleeping_supported(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE);
	int program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", code, 2, &options);

	if (program >= 0)
		close(program);
	return program >= 0;
}

/* Of --keylog. */
static void secrets_prepare(struct probes *probes)
{
	struct hark_bpf *s = probes->skeleton;
	struct bpf_program *programs[] = { s->progs.tls_secret, s->progs.go_secret,
					   s->progs.tls_secret_sleeps, s->progs.go_secret_sleeps };

	if (probes->secrets && probes->way == ENTRY_SLOT)
		log_warn("--keylog needs Linux 5.15: no secrets are logged");
	probes->secrets &= probes->way != ENTRY_SLOT;
	probes->secrets_sleep = probes->secrets && sleeping_supported();
	for (size_t i = 0; i < 4; i++) {
		bpf_program__set_autoload(programs[i], probes->secrets && (i >= 2) == probes->secrets_sleep);
		if (probes->way == ENTRY_SESSION)
			bpf_program__set_expected_attach_type(programs[i],
							      (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
	}
}

static struct bpf_program *secrets_program(const struct probes *probes, const struct probed_file *file)
{
	struct hark_bpf *s = probes->skeleton;

	if (file->calls == LIBRARY_CALLS_GO)
		return probes->secrets_sleep ? s->progs.go_secret_sleeps : s->progs.go_secret;
	return probes->secrets_sleep ? s->progs.tls_secret_sleeps : s->progs.tls_secret;
}

/* Of HTTP/3 libraries, whose programs are told apart by the cookie alone. */
static void streams_prepare(struct probes *probes)
{
	struct hark_bpf *s = probes->skeleton;
	bool session = probes->way == ENTRY_SESSION, cookie = probes->way == ENTRY_COOKIE;

	bpf_program__set_autoload(s->progs.nghttp3_session, session);
	if (session)
		bpf_program__set_expected_attach_type(s->progs.nghttp3_session,
						      (enum bpf_attach_type)ATTACH_TYPE_UPROBE_SESSION);
	bpf_program__set_autoload(s->progs.nghttp3_move, cookie && probes->features.loop);
	bpf_program__set_autoload(s->progs.nghttp3_move_bounded, cookie && !probes->features.loop);
	bpf_program__set_autoload(s->progs.nghttp3_enter, cookie);
	bpf_program__set_autoload(s->progs.nghttp3_leave, cookie);
}

int probes_tls_prepare(struct probes *probes)
{
	struct hark_bpf *skeleton = probes->skeleton;
	bool session = probes->features.session, loop = probes->features.loop;
	unsigned int slots = 0;

	if (!probes->closer)
		probes->closer = closer_new(file_free);
	if (!probes->closer)
		return -errno;
	if (session)
		probes->way = ENTRY_SESSION;
	else if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie, NULL) == 1)
		probes->way = ENTRY_COOKIE;
	else
		probes->way = ENTRY_SLOT;
	if (probes->way == ENTRY_SLOT)
		slots = slots_fill(skeleton);
	bpf_program__set_autoload(skeleton->progs.tls_session, session);
	if (session)
		bpf_program__set_expected_attach_type(skeleton->progs.tls_session,
						      (enum bpf_attach_type)ATTACH_TYPE_UPROBE_SESSION);
	bpf_program__set_autoload(skeleton->progs.tls_enter, probes->way == ENTRY_COOKIE);
	for (unsigned int slot = 0; slot < TLS_SLOTS; slot++)
		bpf_program__set_autoload(slot_program(skeleton, slot), slot < slots);
	skeleton->rodata->settings.go = probes->way != ENTRY_SLOT;
	bpf_program__set_autoload(skeleton->progs.go_enter, probes->way != ENTRY_SLOT);
	bpf_program__set_autoload(skeleton->progs.go_leave, probes->way == ENTRY_COOKIE && loop);
	bpf_program__set_autoload(skeleton->progs.go_leave_apart, session);
	bpf_program__set_autoload(skeleton->progs.go_leave_bounded, probes->way != ENTRY_SLOT && !loop);
	bpf_program__set_autoload(skeleton->progs.tls_take, probes->way != ENTRY_SLOT && loop);
	bpf_program__set_autoload(skeleton->progs.tls_take_bounded, probes->way != ENTRY_SLOT && !loop);
	if (session) {
		bpf_program__set_expected_attach_type(skeleton->progs.tls_take,
						      (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
		bpf_program__set_expected_attach_type(skeleton->progs.go_enter,
						      (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
		bpf_program__set_expected_attach_type(skeleton->progs.go_leave_apart,
						      (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
	}
	if (session)
		bpf_program__set_expected_attach_type(skeleton->progs.tls_ciphertext,
						      (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
	streams_prepare(probes);
	secrets_prepare(probes);
	bpf_program__set_autoload(skeleton->progs.tls_leave, !session && loop);
	bpf_program__set_autoload(skeleton->progs.tls_leave_bounded, !session && !loop);
	return 0;
}

void probes_tls_fini(struct probes *probes)
{
	while (probes->seekers)
		seeker_remove(probes, probes->seekers);
	while (probes->files) {
		struct probed_file *file = probes->files;

		probes->files = file->next;
		closer_give(probes->closer, file);
	}
	closer_free(probes->closer);
}

static int link_add(struct probed_file *file, struct bpf_program *program, const char *path,
		    const struct bpf_uprobe_opts *options, uint64_t offset)
{
	struct bpf_link *link = bpf_program__attach_uprobe_opts(program, -1, path, offset, options);

	if (!link)
		return -errno;
	file->links[file->link_count++] = link;
	return 0;
}

static struct bpf_program *take_program(const struct probes *probes)
{
	return probes->features.loop ? probes->skeleton->progs.tls_take
				     : probes->skeleton->progs.tls_take_bounded;
}

static struct bpf_program *entry_program(struct probes *probes, const struct probed_file *file,
					 unsigned int kind)
{
	struct hark_bpf *s = probes->skeleton;

	if (kind == TLS_TAKE)
		return take_program(probes);
	if (file->calls != LIBRARY_CALLS_STREAMS)
		return s->progs.tls_enter;
	if (kind != TLS_STREAM_READ && kind != TLS_STREAM_TAKE)
		return s->progs.nghttp3_enter;
	return probes->features.loop ? s->progs.nghttp3_move : s->progs.nghttp3_move_bounded;
}

static int entry_add(struct probes *probes, struct probed_file *file, const char *path,
		     const struct probe_site *site)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = cookie_of(&site->call));
	const __u64 *slots = probes->skeleton->rodata->tls_slots;
	unsigned int slot = 0;

	if (probes->way == ENTRY_COOKIE)
		return link_add(file, entry_program(probes, file, site->call.kind), path, &options,
				site->file_offset);
	while (slot < TLS_SLOTS && slots[slot] != options.bpf_cookie)
		slot++;
	if (slot == TLS_SLOTS)
		return -ENOSPC;
	options.bpf_cookie = 0;
	return link_add(file, slot_program(probes->skeleton, slot), path, &options, site->file_offset);
}

/* Before sessions: returns first, so that no entry is seen whose return is not. */
static int file_attach_single(struct probes *probes, struct probed_file *file, const char *path)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = true);
	struct hark_bpf *s = probes->skeleton;
	struct bpf_program *leave = probes->features.loop ? s->progs.tls_leave : s->progs.tls_leave_bounded;
	int error = 0;

	if (file->calls == LIBRARY_CALLS_STREAMS) {
		if (probes->way == ENTRY_SLOT)
			return -EOPNOTSUPP;
		leave = s->progs.nghttp3_leave;
	}
	for (size_t i = 0; i < file->site_count && !error; i++)
		if (maps_tls_kind_returns(file->sites[i].call.kind))
			error = link_add(file, leave, path, &options, file->sites[i].file_offset);
	for (size_t i = 0; i < file->site_count && !error; i++)
		error = entry_add(probes, file, path, &file->sites[i]);
	return error;
}

static struct bpf_program *go_leave_program(const struct probes *probes)
{
	struct hark_bpf *s = probes->skeleton;

	if (probes->way == ENTRY_SESSION)
		return s->progs.go_leave_apart;
	return probes->features.loop ? s->progs.go_leave : s->progs.go_leave_bounded;
}

/* Returns first. A kernel with sessions has links of many sites, too. */
static int file_attach_go(struct probes *probes, struct probed_file *file, const char *path)
{
	struct hark_bpf *s = probes->skeleton;
	struct bpf_program *programs[2] = { go_leave_program(probes), s->progs.go_enter };
	int error = 0;

	if (probes->way == ENTRY_SLOT)
		return -EOPNOTSUPP;
	s->bss->go_listens = true;
	for (size_t i = 0; i < 2 && !error && probes->way == ENTRY_SESSION; i++) {
		file->link_fds[i] =
			link_create_multi(bpf_program__fd(programs[i]), ATTACH_TYPE_UPROBE_MULTI, path,
					  file->sites, file->site_count, i == 0, process_scope(probes));
		error = file->link_fds[i] < 0 ? file->link_fds[i] : 0;
	}
	for (size_t i = 0; i < 2 && probes->way == ENTRY_COOKIE; i++) {
		for (size_t at = 0; at < file->site_count && !error; at++) {
			const struct probe_site *site = &file->sites[at];
			LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = cookie_of(&site->call));

			if (site->leaves == (i == 0))
				error = link_add(file, programs[i], path, &options, site->file_offset);
		}
	}
	return error;
}

/* One link, of many sites, where calls begin and return, and one where those are that are apart. */
static int file_attach_session(struct probes *probes, struct probed_file *file, const char *path)
{
	struct bpf_program *session = file->calls == LIBRARY_CALLS_STREAMS
					      ? probes->skeleton->progs.nghttp3_session
					      : probes->skeleton->progs.tls_session;

	file->link_fds[0] = link_create_multi(bpf_program__fd(session), ATTACH_TYPE_UPROBE_SESSION, path,
					      file->sites, file->site_count, false, process_scope(probes));
	if (file->link_fds[0] < 0)
		return file->link_fds[0];
	file->link_fds[1] =
		link_create_multi(bpf_program__fd(take_program(probes)), ATTACH_TYPE_UPROBE_MULTI, path,
				  file->sites, file->site_count, true, process_scope(probes));
	return file->link_fds[1] < 0 && file->link_fds[1] != -ENOENT ? file->link_fds[1] : 0;
}

static int file_attach(struct probes *probes, struct probed_file *file, int fd)
{
	char path[64];

	/* A file on trial is told by its calls' cookies. */
	if (probes->way == ENTRY_SLOT && file->sites[0].call.library >= TLS_TRIAL_FIRST)
		return -EOPNOTSUPP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (file->calls == LIBRARY_CALLS_GO)
		return file_attach_go(probes, file, path);
	if (probes->way == ENTRY_SLOT && file->calls == LIBRARY_CALLS_RUST)
		return -EOPNOTSUPP;
	if (probes->way == ENTRY_SESSION)
		return file_attach_session(probes, file, path);
	return file_attach_single(probes, file, path);
}

/* Without them the file is read all the same. */
static void file_attach_keys(struct probes *probes, struct probed_file *file, int fd)
{
	struct bpf_program *program = secrets_program(probes, file);
	LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = cookie_of(&file->keys.call));
	char path[64];
	int error;

	if (!file->keys.file_offset)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (probes->way == ENTRY_SESSION) {
		file->keys_fd = link_create_multi(bpf_program__fd(program), ATTACH_TYPE_UPROBE_MULTI, path,
						  &file->keys, 1, false, process_scope(probes));
		error = file->keys_fd < 0 ? file->keys_fd : 0;
	} else {
		error = link_add(file, program, path, &options, file->keys.file_offset);
	}
	if (error)
		log_warn("cannot attach to the key log's function of %s: %s; its secrets are not logged",
			 file->path, strerror(-error));
}

static struct probed_file *file_find(const struct probes *probes, const struct file_identity *identity)
{
	struct probed_file *file;

	for (file = probes->files; file; file = file->next)
		if (file_identity_same(&file->identity, identity))
			return file;
	return NULL;
}

/* The layout's number, by which calls name it to the kernel side. 0: there is no room for another one. */
static uint8_t layout_add(struct tls_layout layouts[TLS_LAYOUTS], const struct tls_layout *layout)
{
	static const struct tls_layout none;

	for (uint8_t i = 1; i < TLS_LAYOUTS; i++) {
		if (memcmp(&layouts[i], &none, sizeof(none)) == 0)
			layouts[i] = *layout;
		if (memcmp(&layouts[i], layout, sizeof(*layout)) == 0)
			return i;
	}
	return 0;
}

/* Before cookies a call cannot name its file's layout. */
static void file_find_layout(struct probes *probes, struct probed_file *file, const struct elf_file *elf,
			     const struct library_found *found)
{
	struct tls_layout layout;
	uint8_t number;

	if (probes->way == ENTRY_SLOT || !session_layout_find(elf, found, &layout))
		return;
	number = layout_add(probes->skeleton->bss->tls_layouts, &layout);
	for (size_t i = 0; i < file->site_count; i++)
		if (file->sites[i].call.kind != TLS_SET_FD)
			file->sites[i].call.layout = number;
}

/* Where its secrets are taken from, if they are wanted. One line where they cannot be had. */
static void file_find_keys(struct probes *probes, struct probed_file *file, const struct elf_file *elf,
			   const struct library_found *found)
{
	struct key_site site;
	const char *why;

	if (!probes->secrets || found->row->calls == LIBRARY_CALLS_STREAMS || !found->row->number)
		return;
	if (key_site_find(elf, found, &site, &why)) {
		log_info("the secrets of %s in %s are not logged: %s", found->row->title, file->path, why);
		return;
	}
	file->keys = (struct probe_site){ .file_offset = site.file_offset, .address = site.address };
	file->keys.call.library = found->row->number;
	if (file->calls != LIBRARY_CALLS_GO)
		file->keys.call.layout = layout_add(probes->skeleton->bss->tls_layouts, &site.layout);
}

/* The sites of the file, as a probed_file without links. NULL: errno; 0 there means that it has none. */
static struct probed_file *file_examine(struct probes *probes, const struct library_found *found,
					uint8_t trial, int fd, const char *path,
					const struct file_identity *identity)
{
	struct elf_file *elf = elf_file_open_fd(fd);
	struct probed_file *file;
	int count;

	if (!elf) {
		errno = 0;
		return NULL;
	}
	file = calloc(1, sizeof(*file));
	if (!file)
		goto out;
	file->identity = *identity;
	file->link_fds[0] = file->link_fds[1] = file->keys_fd = -1;
	file->calls = found->row->calls;
	file->path = strdup(path);
	count = probe_sites_choose(elf, found, file->sites);
	for (int i = 0; trial && i < count; i++)
		file->sites[i].call.library = trial;
	if (file->path && count > 0) {
		file->site_count = count;
		file_find_layout(probes, file, elf, found);
		file_find_keys(probes, file, elf, found);
		elf_file_close(elf);
		return file;
	}
	file_free(file);
	errno = count < 0 ? -count : 0;
out:
	elf_file_close(elf);
	return NULL;
}

int probes_add_file(struct probes *probes, const struct library_found *found, uint8_t trial, int fd,
		    const char *path)
{
	struct file_identity identity;
	struct probed_file *file;
	uint64_t started_ns, examined_ns;
	struct stat st;
	int error;

	if (fstat(fd, &st) < 0)
		return -errno;
	identity = file_identity_of(fd, &st);
	if (file_find(probes, &identity))
		return 0;
	started_ns = clock_ns();
	file = file_examine(probes, found, trial, fd, path, &identity);
	if (!file) {
		error = errno;
		if (error) {
			counter_add(COUNTER_PROBES_FAILED, 1);
			log_warn("%s has %s in a form that hark does not know; its encrypted traffic is not "
				 "decoded",
				 path, found->row->title);
		}
		return -error;
	}
	examined_ns = clock_ns();
	error = file_attach(probes, file, fd);
	if (error) {
		counter_add(COUNTER_PROBES_FAILED, 1);
		log_warn("cannot attach to the TLS functions of %s: %s; its encrypted traffic is not decoded",
			 path, strerror(-error));
		file_free(file);
		return error;
	}
	file_attach_keys(probes, file, fd);
	file->next = probes->files;
	probes->files = file;
	log_debug("probing %s (%s%s%s) at %zu sites after %llu us, of which %llu in the kernel", path,
		  found->row->name, found->locations ? ", by " : "",
		  found->locations ? found->locations->source : "", file->site_count,
		  (unsigned long long)(clock_ns() - started_ns) / 1000,
		  (unsigned long long)(clock_ns() - examined_ns) / 1000);
	return file->site_count;
}

void probes_remove_file(struct probes *probes, const struct file_identity *identity)
{
	struct probed_file **at = &probes->files, *file;

	while (*at && !file_identity_same(&(*at)->identity, identity))
		at = &(*at)->next;
	file = *at;
	if (!file)
		return;
	*at = file->next;
	log_debug("nobody uses %s any more: it is not probed", file->path);
	/* The kernel waits for whoever is in a probe, 20 to 90 ms a file: the ring is read meanwhile. */
	closer_give(probes->closer, file);
}

size_t probes_count_files(const struct probes *probes)
{
	size_t count = 0;

	for (const struct probed_file *file = probes->files; file; file = file->next)
		count++;
	return count;
}

static void file_detach_returns(struct probed_file *file)
{
	size_t returns = 0;

	if (file->returns_detached || file->link_fds[0] >= 0 || file->calls == LIBRARY_CALLS_GO)
		return;
	for (size_t i = 0; i < file->site_count; i++)
		returns += maps_tls_kind_returns(file->sites[i].call.kind);
	for (size_t i = 0; i < returns; i++) {
		bpf_link__destroy(file->links[i]);
		file->links[i] = NULL;
	}
	file->returns_detached = true;
	counter_add(COUNTER_PROBES_DETACHED, 1);
	log_warn("a program switches stacks inside %s: its return probes were taken off to protect it, its "
		 "TLS plaintext is not seen any more (Linux 6.13 has a way to keep them)",
		 file->path);
}

/* Takes the returns off the probed file behind this mapping, if it is one. */
static bool mapping_protect(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	struct file_identity identity;
	struct probed_file *file;
	struct stat st;
	int fd = proc_mapping_open(pid, mapping, &st);

	if (fd < 0)
		return true;
	identity = file_identity_of(fd, &st);
	close(fd);
	file = file_find(ctx, &identity);
	if (file)
		file_detach_returns(file);
	return true;
}

void probes_protect(struct probes *probes, uint32_t pid)
{
	if (probes->way != ENTRY_SESSION) /* which refuses in the kernel */
		(void)proc_maps_each(pid, mapping_protect, probes);
}

/* Entries alone, without a cookie: what the program needs stands in the same arguments at each. */
static int libcrypto_attach(struct probes *probes, struct probed_file *file, int fd)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options);
	struct bpf_program *program = probes->skeleton->progs.tls_ciphertext;
	char path[64];
	int error = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (probes->way == ENTRY_SESSION) {
		file->link_fds[0] =
			link_create_multi(bpf_program__fd(program), ATTACH_TYPE_UPROBE_MULTI, path,
					  file->sites, file->site_count, false, process_scope(probes));
		return file->link_fds[0] < 0 ? file->link_fds[0] : 0;
	}
	for (size_t i = 0; i < file->site_count && !error; i++)
		error = link_add(file, program, path, &options, file->sites[i].file_offset);
	return error;
}

/* The probed file of libcrypto that this is; NULL: it is none, or cannot be probed (reported). */
static struct probed_file *libcrypto_probe(struct probes *probes, int fd, const char *path,
					   const struct file_identity *identity)
{
	uint64_t started_ns = clock_ns();
	struct probed_file *file;
	int error;

	for (struct seeker *seeker = probes->seekers; seeker; seeker = seeker->next)
		if (file_identity_same(&seeker->file->identity, identity))
			return seeker->file;
	file = file_examine(probes, &(struct library_found){ .row = &libraries_libcrypto }, 0, fd, path,
			    identity);
	if (!file)
		return NULL;
	error = libcrypto_attach(probes, file, fd);
	if (!error) {
		log_debug("ciphertext of %s is compared with what sockets send, after %llu us", path,
			  (unsigned long long)(clock_ns() - started_ns) / 1000);
		return file;
	}
	counter_add(COUNTER_PROBES_FAILED, 1);
	log_warn("cannot attach to BIO_write of %s: %s; its sessions that are older than hark have no "
		 "connection",
		 path, strerror(-error));
	file_free(file);
	return NULL;
}

/* In a mapping that is libcrypto by its name, or a TLS library that may hold it. */
static bool mapping_seek(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	struct probes *probes = ctx;
	bool named = strncmp(path_base(mapping->path), libraries_libcrypto.file,
			     strlen(libraries_libcrypto.file)) == 0;
	struct file_identity identity;
	struct probed_file *file = NULL;
	struct seeker *seeker = NULL;
	struct stat st;
	int fd = proc_mapping_open(pid, mapping, &st);

	if (fd < 0)
		return true;
	identity = file_identity_of(fd, &st);
	if (named || file_find(probes, &identity))
		file = libcrypto_probe(probes, fd, mapping->path, &identity);
	close(fd);
	if (file)
		seeker = malloc(sizeof(*seeker));
	if (file && !seeker) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		if (!file->seekers)
			file_free(file);
	}
	if (!seeker)
		return true;
	*seeker = (struct seeker){ .pid = pid, .file = file, .next = probes->seekers };
	file->seekers++;
	probes->seekers = seeker;
	probes->skeleton->bss->ciphertext_listens = true;
	return true;
}

void probes_seek_sockets(struct probes *probes, uint32_t pid, bool wanted)
{
	struct seeker *seeker = probes->seekers, *next;

	if (wanted) {
		(void)proc_maps_each(pid, mapping_seek, probes);
		return;
	}
	for (; seeker; seeker = next) {
		next = seeker->next;
		if (seeker->pid == pid)
			seeker_remove(probes, seeker);
	}
}
