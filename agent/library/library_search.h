/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds TLS libraries, by two ways: the loader's cache (before anybody maps
 * one), and what processes map: at the start by a walk through /proc, later
 * by the kernel's PERF_RECORD_MMAP2 records, which come once for each
 * executable mapping and cost other system calls nothing.
 *
 * A file is identified by the device and inode that fstat() gives for
 * /proc/PID/map_files/RANGE (the numbers in /proc/PID/maps differ on btrfs and
 * overlayfs), never by its path.
 */
#ifndef HARK_LIBRARY_SEARCH_H
#define HARK_LIBRARY_SEARCH_H

#include "event.h"
#include "file_identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct library_claim;
struct library_found;
struct tls_seen;
struct tls_survey;

/*
 * A file that is, or holds, a library; all is borrowed for the call. fd is open for reading; attach by
 * "/proc/self/fd/N". path is as the process (pid) or the loader's cache (pid 0) names it, for people.
 * Called once for each {device, inode}, until that is forgotten.
 */
typedef void library_fn(void *ctx, const struct library_found *found, int fd, const char *path, uint32_t pid);

/* A file that library_fn was told of has no user any more: whatever hangs on it can go. */
typedef void library_forget_fn(void *ctx, const struct file_identity *identity);

struct library_search;

/* NULL: out of memory. fn is called from the functions below only, in the caller's thread. */
struct library_search *library_search_new(library_fn *fn, void *ctx);
/* NULL is legal. */
void library_search_free(struct library_search *search);

/* What the user says of files (checked claims, borrowed) goes before what they show themselves. */
void library_search_claim(struct library_search *search, const struct library_claim *claims, size_t count);

/* fn, with the context of library_search_new(), is called now and then while a file takes long. */
void library_search_pause(struct library_search *search, void (*fn)(void *ctx));

/* seen, which is borrowed, is told of each new executable mapping that the watch sees. */
void library_search_tell_mappings(struct library_search *search, struct tls_seen *seen);

/* survey, which is borrowed, is told of all that the next scan (or begin) sees. */
void library_search_survey(struct library_search *search, struct tls_survey *survey);

/* Looks through the claimed files, the loader's cache (ldconfig -p) and every process's mappings. 0 or
 * -errno. */
int library_search_scan(struct library_search *search);

/*
 * The same in two steps, with one file more (path; NULL: none) that is looked at first, before anybody maps
 * it; one that cannot be opened is no failure. What begins takes a thread of its own and calls nobody: until
 * it is finished, which waits for it and reports what it found, the search may be freed, paused and told whom
 * to tell of mappings, no more. path is borrowed until then.
 */
void library_search_begin(struct library_search *search, const char *path);
/* 0 or -errno. */
int library_search_finish(struct library_search *search);

/* Looks through one process's executable mappings now. 0, -ESRCH or -errno. */
int library_search_scan_pid(struct library_search *search, uint32_t pid);

/*
 * Starts watching new executable mappings (one perf ring a processor). Returns a descriptor that polls
 * readable (an epoll set), or -errno: the caller then says what is lost (programs that start later
 * are only found if their library was).
 */
int library_search_watch(struct library_search *search);

/* Handles what the watch has; never blocks. */
void library_search_watch_read(struct library_search *search);

/*
 * Now and then, as long as the watch is there: forgets libraries without a user, which are then reported anew
 * if they should be used again, and tells fn, with the context of library_search_new().
 */
void library_search_sweep(struct library_search *search, uint64_t now_ns, library_forget_fn *fn);

#endif
