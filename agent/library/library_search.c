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
 * At the start this takes as long as loading the programs, so it can go ahead in a thread of its own, which
 * has the search to itself until it is waited for. What it finds is kept as an open file, and reported after
 * that.
 *
 * Both sets are bounded. The first is emptied when it is full, which costs
 * time only; when the second is full of libraries in use, further ones are not
 * reported and are counted.
 */
#include "library_search.h"

#include "base/counters.h"
#include "base/log.h"
#include "base/path.h"
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
#include "tls_survey.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXAMINED_MAX 16384
#define FOUND_MAX    64 /* files that are kept open */
#define WAIT_NS	     4000000
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

/* A library that is reported later. */
struct found_file {
	const struct library_row *row;
	bool located;
	struct locations locations;
	int fd;
	char *path;
	uint32_t pid;
};

/* The search at the start, in a thread of its own. */
struct ahead {
	pthread_t thread;
	bool runs;  /* the search is the thread's */
	bool stops; /* atomic: what it would find is not wanted any more */
	bool cut;   /* there were more than can be kept open */
	int error;
	const char *path;
	struct found_file *found; /* room for FOUND_MAX */
	size_t found_count;
};

struct library_search {
	library_fn *fn;
	void *ctx;
	void (*pause)(void *ctx);  /* NULL: nobody wants to be called */
	struct tls_seen *seen;	   /* NULL: nobody asks */
	struct tls_survey *survey; /* NULL: nobody asks */
	struct signatures *signatures;
	const struct library_claim *claims;
	size_t claim_count;
	struct known_file *examined;
	struct library_set reported;
	struct map_watch *watch;
	struct ahead ahead;
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

static void found_clear(struct ahead *ahead)
{
	for (size_t i = 0; i < ahead->found_count; i++) {
		close(ahead->found[i].fd);
		free(ahead->found[i].path);
	}
	free(ahead->found);
	ahead->found = NULL;
	ahead->found_count = 0;
}

static void ahead_end(struct ahead *ahead)
{
	__atomic_store_n(&ahead->stops, true, __ATOMIC_RELAXED);
	if (ahead->runs)
		pthread_join(ahead->thread, NULL);
	found_clear(ahead);
}

void library_search_free(struct library_search *search)
{
	if (!search)
		return;
	ahead_end(&search->ahead);
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
		found.row =
			signatures_find(search->signatures, elf, search->ahead.runs ? NULL : search->pause,
					search->ctx, locations);
		found.locations = locations;
	}
	elf_file_close(elf);
	return found;
}

/* Keeps what was found. False: without room for it nobody may know that it was looked at. */
static bool found_keep(struct ahead *ahead, const struct library_found *found, int fd, const char *path,
		       uint32_t pid)
{
	struct found_file *file = &ahead->found[ahead->found_count];

	if (ahead->found_count == FOUND_MAX)
		return false;
	*file = (struct found_file){
		.row = found->row,
		.located = found->locations != NULL,
		.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
		.path = strdup(path),
		.pid = pid,
	};
	if (file->fd >= 0 && file->path) {
		if (file->located)
			file->locations = *found->locations;
		ahead->found_count++;
		return true;
	}
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	return false;
}

static void found_report(struct library_search *search, const struct found_file *file)
{
	const struct library_found found = { file->row, file->located ? &file->locations : NULL };

	search->fn(search->ctx, &found, file->fd, file->path, file->pid);
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
	if (found.row && search->ahead.runs && !found_keep(&search->ahead, &found, fd, path, pid)) {
		search->ahead.cut = true;
		return NULL;
	}
	if (found.row)
		library = library_add(&search->reported, &identity, path);
	if (found.row && library && !search->ahead.runs)
		search->fn(search->ctx, &found, fd, path, pid);
	else if (found.row && !library)
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
	if (search->survey)
		tls_survey_mapping(search->survey, path_base(mapping->path), library != NULL);
	return 0;
}

static bool scan_mapping(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	(void)mapping_examine(ctx, pid, mapping);
	return true;
}

void library_search_survey(struct library_search *search, struct tls_survey *survey)
{
	search->survey = survey;
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
	if (search->survey)
		tls_survey_process(search->survey, pid);
	return !__atomic_load_n(&search->ahead.stops, __ATOMIC_RELAXED);
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

int library_search_scan(struct library_search *search)
{
	for (size_t i = 0; i < search->claim_count; i++)
		scan_path(search, search->claims[i].path);
	/* No cache and no folder is no failure: what runs tells. */
	(void)library_cache_each(cache_wanted, scan_path, search);
	return scan_all(search);
}

static void *ahead_run(void *ctx)
{
	struct library_search *search = ctx;

	if (search->ahead.path)
		scan_path(search, search->ahead.path);
	search->ahead.error = library_search_scan(search);
	return NULL;
}

void library_search_begin(struct library_search *search, const char *path)
{
	struct ahead *ahead = &search->ahead;

	ahead->path = path;
	ahead->found = calloc(FOUND_MAX, sizeof(*ahead->found));
	ahead->runs = ahead->found != NULL;
	if (ahead->runs && pthread_create(&ahead->thread, NULL, ahead_run, search))
		ahead->runs = false;
}

/* The ring gets its turn meanwhile. */
static void ahead_wait(struct library_search *search)
{
	struct timespec until;
	int error;

	do {
		if (search->pause)
			search->pause(search->ctx);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAIT_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		error = pthread_timedjoin_np(search->ahead.thread, NULL, &until);
	} while (error == ETIMEDOUT);
	search->ahead.runs = false;
}

int library_search_finish(struct library_search *search)
{
	struct ahead *ahead = &search->ahead;

	if (!ahead->runs) {
		(void)ahead_run(search);
		search->survey = NULL;
		return ahead->error;
	}
	ahead_wait(search);
	for (size_t i = 0; i < ahead->found_count; i++)
		found_report(search, &ahead->found[i]);
	found_clear(ahead);
	search->survey = NULL;
	return ahead->cut ? library_search_scan(search) : ahead->error;
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
