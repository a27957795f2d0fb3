/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a TLS library the probes go. The kernel emulates `push`, `nop`,
 * `call rel32` and jumps, and single-steps all else at twenty times the cost
 * (docs/design.md, D3), so the site is chosen by decoding instructions (Capstone).
 */
#ifndef HARK_PROBE_SITE_H
#define HARK_PROBE_SITE_H

#include "elf_file.h"
#include "libraries.h"
#include "locations.h"

#include <stdbool.h>
#include <stdint.h>

enum probe_reason {
	REASON_ENTRY_EMULATED, /* the public entry starts with an emulated instruction */
	REASON_PAST_ENDBR,     /* the instruction after endbr64 is emulated */
	REASON_COMMON_CALLEE,  /* both public functions lead to one internal function that starts with one */
	REASON_ENTRY_STEPPED,  /* the public entry, single-stepped: nothing better was found */
	REASON_PAST_STEPPED,   /* behind the public entry, before anything changed that a probe looks at */
	REASON_PAST_REFUSED,   /* behind the public entry, where the kernel takes no probe */
	REASON_STACK_CHECK,    /* the jump of a Go function that looks at its stack's size */
	REASON_PAST_STACK_CHECK, /* where a Go function begins, its stack being large enough */
	REASON_RETURN,		 /* where a Go function returns */
	REASON_DEFERRED,	 /* in a function that a Go function calls before it returns */
};

struct probe_site {
	struct tls_function call;
	enum probe_reason reason;
	bool leaves; /* the call ends here; else it begins */
	uint64_t file_offset;
	uint64_t address;
	const char *function; /* static: the public name that it stands for */
	char instruction[48]; /* the first instruction, as text, for doctor */
};

#define PROBE_SITES_MAX 64

/*
 * Chooses the sites of this library in the file that it is. What `found` has a location for is taken from
 * there, and nothing but its own address is told by it; all else has symbols. Returns how many were put into
 * sites, or -errno.
 */
int probe_sites_choose(const struct elf_file *elf, const struct library_found *found,
		       struct probe_site sites[PROBE_SITES_MAX]);

/* In words, for doctor; brief: for a line that holds all. Static strings. */
const char *probe_reason_text(enum probe_reason reason, bool brief);
const char *probe_call_name(enum tls_call_kind kind);

#endif
