/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of TLS libraries, a row each: those that are followed, with how a
 * file is recognised and what its functions are, and those that are only named
 * to people. Finding, probing, doctor, opaque lines, README's table, `tls.library`
 * and the filter read it; a library whose functions differ from others' in names and
 * in the order of arguments is one row more and nothing else.
 *
 * What tells the calls of one session apart is the thread, for all rows but
 * Go's, which moves a call between threads and has a kernel side of its own.
 * Rust's names carry a hash, and functions for several types are there several
 * times, so its row has patterns.
 */
#ifndef HARK_LIBRARIES_H
#define HARK_LIBRARIES_H

#include "maps_abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file;

struct library_function {
	const char *name;	  /* its symbol; NULL: past the last */
	const char *symbols;	  /* where it is none: a pattern of them (elf_file.h); each one is probed */
	struct tls_function call; /* but for the library's number, which is the row's */
	/*
	 * Functions of one number, which stand side by side, are wrappers of one internal function, the first
	 * of them by returning what the internal one stores; it is probed instead where it is found. 0:
	 * alone.
	 */
	unsigned int wrapper;
	/* The function may end in a jump to the next row; where it does, that one alone is probed. */
	bool jumps;
	/* A static function with the same arguments and result that it leads to, which is probed instead
	 * where the kernel takes no probe at its own first instruction. */
	const char *inner;
	/* Its place in NSS's table of methods (nss_table.h), its name being told to people only. 0: its
	 * symbol. */
	unsigned int method;
};

#define LIBRARY_SIGNS_MAX 5

/* How its functions are called, and what tells the calls under way apart. */
enum library_calls {
	LIBRARY_CALLS_C,       /* by the thread; returns are probed where the caller goes on */
	LIBRARY_CALLS_RUST,    /* the same, of objects that have no address to go by (bpf/tls/rust.h) */
	LIBRARY_CALLS_STREAMS, /* the same, of a library of HTTP/3, whose bytes come by streams */
	LIBRARY_CALLS_GO,      /* by the goroutine; its stack may move meanwhile, so each `ret` is probed */
};

struct library_row {
	const char *name;   /* in JSON and filters */
	const char *title;  /* to people */
	const char *unread; /* why TLS of it is not read, of a connection */
	/* Programs and languages that have it; NULL: another row of the name says so. */
	const char *used_by;
	const char *untried; /* more of them, which hark was not tried with; NULL: none */
	/* Of a followed one: which of it alone. Of another: why it is not followed. NULL: nothing to say. */
	const char *limit;
	const char *file;     /* how the base names of its files begin; NULL: it has none of its own */
	unsigned char number; /* in recordings (event_data.source), never changed; 0: not followed */
	/*
	 * Of a followed one: a file that defines all of these functions (names or patterns) is it, unless a
	 * row above says so.
	 */
	const char *signs[LIBRARY_SIGNS_MAX];
	const struct library_function *functions;
	enum library_calls calls;
	/*
	 * The library's own function that it calls with each secret for its key log, by its symbols where it
	 * has one (a pattern): f(session, label, secret, length), or Go's. NULL: it has none, or none that is
	 * known.
	 */
	const char *secrets;
	bool has_accessors;  /* OpenSSL's, of a session's randoms: see session_layout.h */
	const char *version; /* how the text begins that tells it in its files; NULL: none does */
	const char
		*version_beside; /* where a file "libssl…" has none: begin of the name of the one that has */
	/* Of one that is not followed, in an executable: sections of these names, or this text. */
	const char *sections[2];
	const char *text; /* but for its first letter, or hark's own executable would hold it */
	char text_first;
};

/* OpenSSL's other half, through which all that its sessions send goes; no TLS library, and no row of the
 * table.
 */
extern const struct library_row libraries_libcrypto;

/* NULL: past the last. */
const struct library_row *libraries_row(size_t index);

/* The row of a number in a recording; NULL: none. */
const struct library_row *libraries_find_number(unsigned int number);

/* Is it the name of a row? */
bool libraries_has_name(const char *name);

/* The followed row of this name whose functions can be told by where they stand. NULL: none. */
const struct library_row *libraries_find_claimable(const char *name);
/* A function of the row by its name; NULL: it has none such. */
const struct library_function *libraries_find_function(const struct library_row *row, const char *name);

/* The followed library that this file is, or holds; NULL: none. */
const struct library_row *libraries_find_file(const struct elf_file *elf);

/*
 * Below, sets of rows: a bit a row. What a process maps and what its executable holds are enough to name a
 * library to people, never to probe one.
 */
#define LIBRARIES_MAX_ROWS 32

/* This row alone. */
uint32_t libraries_of_row(const struct library_row *row);
/* The rows that are followed. */
uint32_t libraries_followed(void);
/* Those that are told by what an executable holds, and not by a file of their own. */
uint32_t libraries_inside(void);
/* Those with files of this base name. */
uint32_t libraries_of_name(const char *base);
/* The one that an executable is, or else those that are not followed and that it holds; fd is borrowed and
 * read whole. */
uint32_t libraries_of_executable(int fd);
/* Without those that are told by a text only: a followed library in the executable explains such texts. */
uint32_t libraries_without_texts(uint32_t set);
/*
 * Why TLS of a process is not read that maps these and whose executable holds those. Static; NULL: it has
 * none that hark knows.
 */
const char *libraries_why(uint32_t mapped, uint32_t inside);
/* Does it say that the library is followed? NULL: no. */
bool libraries_why_followed(const char *why);

#endif
