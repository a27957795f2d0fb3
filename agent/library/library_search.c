/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From "something is mapped or installed" to "here is a TLS library".
 *
 * Any executable mapping may be one: libssl, an executable with OpenSSL inside
 * (Node.js), a Python extension that carries its own. So each file is asked
 * once for the functions that the rows of libraries.c name, and what was asked
 * is remembered by device, inode, times and size. What has them is reported
 * once, by file_identity.
 *
 * Both sets are bounded. The first is emptied when it is full, which costs
 * time only; when the second is full of libraries in use, further ones are not
 * reported and are counted.
 */
#include "library_search.h"

#include "base/counters.h"
#include "base/log.h"
#include "base/table.h"
#include "elf_file.h"
#include "file_identity.h"
#include "libraries.h"
#include "library_cache.h"
#include "library_claim.h"
#include "library_set.h"
#include "map_watch.h"
#include "locations.h"
#include "proc_maps.h"
#include "signature.h"
#include "tls_seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define EXAMINED_MAX 16384
#define SWEEP_NS     UINT64_C(2000000000)

struct file_key {
	uint64_t device, inode, size;
	int64_t modified_s, modified_ns, changed_s, changed_ns;
};

struct known_file {
	struct file_key key;
	struct library *library; /* NULL: it is none */
	UT_hash_handle hh;
};

struct library_search {
	library_fn *fn;
	void *ctx;
	void (*pause)(void *ctx); /* NULL: nobody wants to be called */
	struct tls_seen *seen;	  /* NULL: nobody asks */
	struct signatures *signatures;
	const struct library_claim *claims;
	size_t claim_count;
	struct known_file *examined;
	struct library_set reported;
	struct map_watch *watch;
	uint64_t sweep_ns;
	bool blind; /* a process could not be looked at */
};

struct library_search *library_search_new(library_fn *fn, void *ctx)
{
	struct library_search *search = calloc(1, sizeof(*search));

	if (!search)
		return NULL;
	search->fn = fn;
	search->ctx = ctx;
	search->signatures = signatures_new();
	if (search->signatures)
		return search;
	library_search_free(search);
	return NULL;
}

void library_search_pause(struct library_search *search, void (*fn)(void *ctx))
{
	search->pause = fn;
}

void library_search_claim(struct library_search *search, const struct library_claim *claims, size_t count)
{
	search->claims = claims;
	search->claim_count = count;
}

/* Those that are this library, or all. */
static void examined_remove(struct library_search *search, const struct library *library, bool all)
{
	struct known_file *file, *next;

	HASH_ITER (hh, search->examined, file, next) {
		if (!all && file->library != library)
			continue;
		HASH_DEL(search->examined,
			 file); /* NOLINT(clang-analyzer-unix.Malloc): the macro's own bookkeeping */
		free(file);
	}
}

void library_search_free(struct library_search *search)
{
	if (!search)
		return;
	map_watch_free(search->watch);
	signatures_free(search->signatures);
	examined_remove(search, NULL, true);
	library_set_fini(&search->reported);
	free(search);
}

static struct known_file *examined_find(const struct library_search *search, const struct file_key *key)
{
	struct known_file *file;

	HASH_FIND(hh, search->examined, key, sizeof(*key), file);
	return file;
}

/* Without memory an entry is not remembered, no more. */
static void examined_add(struct library_search *search, const struct file_key *key, struct library *library)
{
	struct known_file *file = calloc(1, sizeof(*file));

	if (!file)
		return;
	if (HASH_COUNT(search->examined) >= EXAMINED_MAX)
		examined_remove(search, NULL, true);
	file->key = *key;
	file->library = library;
	HASH_ADD(hh, search->examined, key, sizeof(file->key), file);
	if (!TABLE_ADDED(file, hh))
		free(file);
}

static struct file_key key_examined(const struct stat *st)
{
	return (struct file_key){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.modified_s = st->st_mtim.tv_sec,
		.modified_ns = st->st_mtim.tv_nsec,
		.changed_s = st->st_ctim.tv_sec,
		.changed_ns = st->st_ctim.tv_nsec,
	};
}

static const struct library_claim *claim_find(const struct library_search *search,
					      const struct file_identity *identity)
{
	for (size_t i = 0; i < search->claim_count; i++)
		if (file_identity_same(&search->claims[i].identity, identity))
			return &search->claims[i];
	return NULL;
}

/* What the user says, what symbols say, what signatures say. locations has room for the last. */
static struct library_found file_look(const struct library_search *search, int fd,
				      const struct file_identity *identity, struct locations *locations)
{
	const struct library_claim *claim = claim_find(search, identity);
	struct library_found found = { .row = NULL };
	struct elf_file *elf;

	if (claim)
		return (struct library_found){ claim->row, &claim->locations };
	elf = elf_file_open_fd(fd);
	if (elf)
		found.row = libraries_find_file(elf);
	if (elf && !found.row) {
		found.row = signatures_find(search->signatures, elf, search->pause, search->ctx, locations);
		found.locations = locations;
	}
	elf_file_close(elf);
	return found;
}

/* The library that the file is; NULL: none, or one too many. */
static struct library *file_examine(struct library_search *search, int fd, const struct stat *st,
				    const char *path, uint32_t pid)
{
	struct file_identity identity = file_identity_of(fd, st);
	struct file_key key = key_examined(st);
	struct known_file *file = examined_find(search, &key);
	struct library_found found = { .row = NULL };
	struct library *library;
	struct locations locations;

	if (file)
		return file->library;
	library = library_find(&search->reported, &identity);
	if (!library)
		found = file_look(search, fd, &identity, &locations);
	if (found.row)
		library = library_add(&search->reported, &identity, path);
	if (found.row && library)
		search->fn(search->ctx, &found, fd, path, pid);
	else if (found.row)
		counter_add(COUNTER_PROBES_FAILED, 1); /* what cannot be remembered would be probed twice */
	examined_add(search, &key, library);
	return library;
}

/* Finds out whether a mapping's file is a library. 0 or -errno, when it could not be looked at. */
static int mapping_examine(struct library_search *search, uint32_t pid, const struct mapping *mapping)
{
	const struct known_file *known;
	struct library *library;
	struct file_key key;
	struct stat st;
	int fd = proc_mapping_stat(pid, mapping, &st);

	if (fd < 0 || !S_ISREG(st.st_mode))
		return fd;
	key = key_examined(&st);
	known = examined_find(search, &key);
	if (known) {
		library = known->library;
	} else {
		fd = proc_mapping_open(pid, mapping, &st);
		if (fd < 0)
			return fd;
		library = file_examine(search, fd, &st, mapping->path, pid);
		close(fd);
	}
	if (library)
		library_used(library, pid, mapping->inode);
	return 0;
}

static bool scan_mapping(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	(void)mapping_examine(ctx, pid, mapping);
	return true;
}

int library_search_scan_pid(struct library_search *search, uint32_t pid)
{
	return proc_maps_each(pid, scan_mapping, search);
}

static bool scan_process(void *ctx, uint32_t pid)
{
	struct library_search *search = ctx;
	int error = library_search_scan_pid(search, pid);

	search->blind |= error == -EACCES || error == -EPERM;
	return true;
}

/* Whoever may not be looked at may map any of what the others do. */
static int scan_all(struct library_search *search)
{
	int error = proc_each(scan_process, search);

	if (search->blind)
		library_set_hidden(&search->reported, 0);
	return error;
}

/* A file that is known by its path, before anybody maps it. */
static void scan_path(void *ctx, const char *path)
{
	struct library_search *search = ctx;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		(void)file_examine(search, fd, &st, path, 0);
	close(fd);
}

static bool cache_wanted(const char *name)
{
	return libraries_of_name(name) & libraries_followed();
}

void library_search_scan_path(struct library_search *search, const char *path)
{
	scan_path(search, path);
}

int library_search_scan(struct library_search *search)
{
	for (size_t i = 0; i < search->claim_count; i++)
		scan_path(search, search->claims[i].path);
	/* No cache and no folder is no failure: what runs tells. */
	(void)library_cache_each(cache_wanted, scan_path, search);
	return scan_all(search);
}

void library_search_tell_mappings(struct library_search *search, struct tls_seen *seen)
{
	search->seen = seen;
}

static void watch_mapped(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	struct library_search *search = ctx;
	int error;

	if (search->seen)
		tls_seen_mapped(search->seen, pid, mapping->path);
	error = mapping_examine(search, pid, mapping);
	/* -ENOENT: the mapping was split, merged or removed since; the whole process tells. */
	if (error == -ENOENT)
		(void)library_search_scan_pid(search, pid);
	else if (error == -EACCES || error == -EPERM)
		library_set_hidden(&search->reported, mapping->inode);
}

static void watch_lost(void *ctx)
{
	struct library_search *search = ctx;

	(void)scan_all(search);
	if (search->blind)
		log_debug("new mappings were missed, and not every process may be looked at: the TLS "
			  "libraries known by now are kept");
}

int library_search_watch(struct library_search *search)
{
	struct map_watch_handler handler = {
		.ctx = search,
		.mapped = watch_mapped,
		.lost = watch_lost,
	};

	if (!search->watch)
		search->watch = map_watch_new(&handler);
	return search->watch ? map_watch_fd(search->watch) : -errno;
}

void library_search_watch_read(struct library_search *search)
{
	if (search->watch)
		map_watch_read(search->watch);
}

/*
 * The watch is read after the look-up, so that what was mapped meanwhile counts; what is mapped later finds
 * the file unknown and reports it anew.
 */
void library_search_sweep(struct library_search *search, uint64_t now_ns, library_forget_fn *fn)
{
	struct library *library, *next;

	if (!search->watch || now_ns - search->sweep_ns < SWEEP_NS)
		return;
	search->sweep_ns = now_ns;
	if (library_set_look(&search->reported) < 0)
		return;
	map_watch_read(search->watch);
	DL_FOREACH_SAFE(search->reported.first, library, next)
	{
		if (!library_is_unused(library))
			continue;
		examined_remove(search, library, false);
		fn(search->ctx, &library->identity);
		library_remove(&search->reported, library);
	}
}
