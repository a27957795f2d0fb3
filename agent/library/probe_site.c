/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of probe sites in a TLS library: the public entries of its
 * functions, but for wrappers (library_function.wrapper).
 *
 * In OpenSSL, SSL_read and SSL_read_ex are thin wrappers around one internal function with
 * the signature of the latter, and so for write and peek. A probe there costs
 * a twentieth of one on the wrappers where these begin with an instruction
 * that the kernel has to single-step, and it sees callers inside the library
 * (BIO_f_ssl) that pass no public name. It has no symbol, so it is recognised by three signs that must
 * all hold: SSL_read calls it directly with the address of a local in the
 * register of its last argument (its int result is made from a size_t that the
 * callee stores); SSL_read_ex leads to the same address; it begins with an
 * emulated instruction. The register tells the signature, too: rcx for
 * (ssl, buf, num, done), r8 for (ssl, buf, num, flags, done) of OpenSSL 3.3.
 * Whatever is unclear falls back to the public entries, which are right
 * everywhere: inlined wrappers (Node.js), BoringSSL, LibreSSL.
 *
 * Invariant: each real read or write passes exactly one chosen read or write
 * site, or sites nested so that the inner has the lower stack pointer, or after
 * a tail call the same one (the kernel side drops those). A tail call that is
 * seen here costs one probe: of SSL_write_ex that jumps to SSL_write_ex2 the
 * latter alone is probed, and so of gnutls_record_send and its send2
 * (library_function.jumps).
 *
 * A function that begins with instructions that are stepped is probed behind them, where all is as at its
 * entry (site_past_stepped).
 *
 * Where a function begins with an instruction at which the kernel takes no probe (one that is padded by
 * prefixes of a segment, as assemblers do around Intel's jump erratum), it is probed further in; where that
 * cannot be, nothing of the file is: what is seen of it would be wrong.
 *
 * NSS's functions have no symbols; their places in its table of methods tell
 * them, and of a file without that table nothing is probed (nss_table.h).
 *
 * On aarch64 nothing is decoded: the public entries are taken as they are.
 */
#include "probe_site.h"

#include "disasm.h"
#include "go_table.h"
#include "nss_table.h"
#include "rust_layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_BYTES	   32
#define FUNCTION_BYTES_MAX 2048
#define BRANCHES_MAX	   64

#define GO_DEFERRED_MAX 2

/* General registers by their numbers in the instruction set. */
enum {
	RAX = 0,
	RCX = 1,
	RDX = 2,
	RSP = 4,
	RBP = 5,
	RSI = 6,
	RDI = 7,
	R8 = 8,
	R9 = 9,
};
#define REGISTER_BIT(number) (1u << (number))
#define ARGUMENTS                                                                                           \
	(REGISTER_BIT(RDI) | REGISTER_BIT(RSI) | REGISTER_BIT(RDX) | REGISTER_BIT(RCX) | REGISTER_BIT(R8) | \
	 REGISTER_BIT(R9))

struct branch {
	uint64_t target;
	bool jump;	  /* unconditional, not a call */
	unsigned int out; /* enum out_register bits that hold the address of a local */
};

/* The direct calls of a function and its jumps out of it. */
struct branches {
	struct branch items[BRANCHES_MAX];
	size_t count;
	bool whole; /* false: the function is too long, has no known size, or could not be decoded */
};

struct finder {
	const struct elf_file *elf;
	const struct locations *locations; /* NULL: all by symbols */
	struct disasm *disasm;		   /* NULL: not x86-64 */
	unsigned int library;		   /* its number */
	struct probe_site *sites;
	size_t count;
	uint64_t methods[NSS_METHODS]; /* of NSS */
	bool refused;		       /* a function cannot be probed */
};

struct wrapper {
	const struct library_function *function; /* NULL: there can be none */
	struct elf_symbol symbol;
	bool found;
};

/* Of one internal function: the one that returns, and those that store. */
struct wrappers {
	struct wrapper plain, ex, ex2;
};

static void branch_add(struct branches *list, const struct instruction *insn,
		       const struct elf_symbol *function, unsigned int out)
{
	if (!insn->direct || (!insn->call && insn->target - function->address < function->size))
		return;
	if (list->count == BRANCHES_MAX) {
		list->whole = false;
		return;
	}
	list->items[list->count++] =
		(struct branch){ .target = insn->target, .jump = insn->jump, .out = out };
}

/* Walks a function from its first byte to its last. The registers are followed in straight lines only. */
static void branches_collect(const struct finder *finder, const struct elf_symbol *function,
			     struct branches *list)
{
	uint8_t code[FUNCTION_BYTES_MAX];
	unsigned int out = OUT_NONE;
	long len;

	*list = (struct branches){ 0 };
	if (!finder->disasm || function->size == 0 || function->size > sizeof(code))
		return;
	len = elf_read_code(finder->elf, function->address, code, function->size);
	if (len != (long)function->size)
		return;
	list->whole = true;
	for (long at = 0; at < len;) {
		struct instruction insn;

		if (disasm_decode(finder->disasm, code + at, (size_t)(len - at),
				  function->address + (uint64_t)at, &insn)) {
			list->whole = false;
			return;
		}
		branch_add(list, &insn, function, out);
		out = (out & ~insn.written) | insn.addressed;
		if (insn.call || insn.jump)
			out = OUT_NONE;
		at += (long)insn.size;
	}
}

static bool branches_lead_to(const struct branches *list, uint64_t target)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].target == target)
			return true;
	return false;
}

/* The instruction to probe in the function at address; false when that cannot be decoded. */
static bool entry_find(const struct finder *finder, uint64_t address, struct instruction *entry)
{
	uint8_t code[ENTRY_BYTES];
	long len;

	if (!finder->disasm)
		return false;
	len = elf_read_code(finder->elf, address, code, sizeof(code));
	return len > 0 && !disasm_entry(finder->disasm, code, (size_t)len, address, entry);
}

/* A stub of the procedure linkage table: an indirect jump, perhaps after endbr64. */
static bool is_stub(const struct finder *finder, uint64_t address)
{
	uint8_t code[ENTRY_BYTES];
	struct instruction insn;
	long len = elf_read_code(finder->elf, address, code, sizeof(code));

	if (len <= 0 || disasm_decode(finder->disasm, code, (size_t)len, address, &insn))
		return false;
	if (insn.endbr && disasm_decode(finder->disasm, code + insn.size, (size_t)len - insn.size,
					address + insn.size, &insn))
		return false;
	return insn.jump && !insn.direct;
}

/* Whether the function ends in a jump to `to`, at its address or through a stub. */
static bool tail_calls(const struct finder *finder, const struct branches *from, const struct elf_symbol *to)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct branch *branch = &from->items[i];

		if (!branch->jump)
			continue;
		if (branch->target == to->address || is_stub(finder, branch->target))
			return true;
	}
	return false;
}

/* The only function that is given the address of a local as its last argument; -ENOENT: none or several. */
static int callee_of_plain(const struct finder *finder, const struct branches *plain, bool five_arguments,
			   struct branch *out)
{
	size_t found = 0;

	for (size_t i = 0; i < plain->count; i++) {
		const struct branch *branch = &plain->items[i];
		bool known = branch->out == OUT_RCX || (branch->out == OUT_R8 && five_arguments);

		if (!known || is_stub(finder, branch->target))
			continue;
		if (found && branch->target == out->target && branch->out == out->out)
			continue;
		*out = *branch;
		found++;
	}
	return found == 1 ? 0 : -ENOENT;
}

static void site_add(struct finder *finder, const struct probe_site *site)
{
	for (size_t i = 0; i < finder->count; i++)
		if (finder->sites[i].file_offset == site->file_offset)
			return;
	if (finder->count == PROBE_SITES_MAX)
		return;
	finder->sites[finder->count] = *site;
	finder->sites[finder->count++].call.library = finder->library;
}

/*
 * Past an instruction at which the kernel takes no probe. A return is found by the stack pointer, so that
 * instead of a function whose return matters its inner one is probed. Where only the entry matters, the
 * arguments still stand in their registers behind padded pushes; that is what is left of a write without an
 * inner one: it is noticed, and leaves a hole of unknown size. False: nothing can be probed.
 */
static bool site_past_refused(const struct finder *finder, const struct library_function *function,
			      struct instruction *entry, struct tls_function *call)
{
	struct elf_symbol inner;

	if (function->inner && !elf_find_function(finder->elf, function->inner, &inner))
		return entry_find(finder, inner.address, entry) && !entry->refused;
	if (call->kind == TLS_WRITEV_OFFSET)
		*call = maps_tls_unmeasured(call);
	if (maps_tls_kind_returns(call->kind))
		return false;
	while (entry->refused) {
		if (entry->changed & ~REGISTER_BIT(RSP) ||
		    !entry_find(finder, entry->address + entry->size, entry))
			return false;
	}
	return true;
}

/*
 * Does the function run straight on from its entry up to `until`, and never come back there? What leaves it
 * by a jump under a condition is a part of it that the compiler put elsewhere, and may come back.
 */
static bool runs_once(const struct finder *finder, const struct elf_symbol *function, uint64_t until)
{
	uint8_t code[FUNCTION_BYTES_MAX];
	struct instruction insn;
	long len;

	if (!function->size || function->size > sizeof(code))
		return false;
	len = elf_read_code(finder->elf, function->address, code, function->size);
	if (len != (long)function->size)
		return false;
	for (long at = 0; at < len; at += (long)insn.size) {
		if (disasm_decode(finder->disasm, code + at, (size_t)(len - at),
				  function->address + (uint64_t)at, &insn))
			return false;
		if (insn.jump && !insn.direct)
			return false;
		if (!insn.direct || insn.call)
			continue;
		if (insn.target - function->address >= function->size ? !insn.jump : insn.target <= until)
			return false;
	}
	return true;
}

/*
 * Past instructions that the kernel steps, to the first that it emulates, where arguments and stack pointer
 * are as they were at the entry. Memory is, too, unless the call is looked at when it returns alone. False:
 * there is none near.
 */
static bool site_past_stepped(const struct finder *finder, const struct wrapper *wrapper,
			      struct instruction *entry)
{
	bool results = wrapper->function->call.kind == TLS_STREAM_OFFER;
	struct instruction at = *entry;

	while (!at.emulated) {
		if (at.address - wrapper->symbol.address >= ENTRY_BYTES || at.refused || at.call ||
		    at.leaves || at.jump || at.direct || (at.stores && !results) ||
		    at.changed & (ARGUMENTS | REGISTER_BIT(RSP)) ||
		    !entry_find(finder, at.address + at.size, &at))
			return false;
	}
	if (at.refused || !runs_once(finder, &wrapper->symbol, at.address))
		return false;
	*entry = at;
	return true;
}

static void site_add_function(struct finder *finder, const struct wrapper *wrapper)
{
	struct probe_site site = { .reason = REASON_ENTRY_STEPPED };
	struct instruction entry;

	if (!wrapper->found)
		return;
	site.call = wrapper->function->call;
	site.function = wrapper->function->name;
	site.address = wrapper->symbol.address;
	if (entry_find(finder, site.address, &entry)) {
		if (entry.emulated)
			site.reason =
				entry.address == site.address ? REASON_ENTRY_EMULATED : REASON_PAST_ENDBR;
		if (entry.refused) {
			site.reason = REASON_PAST_REFUSED;
			finder->refused |= !site_past_refused(finder, wrapper->function, &entry, &site.call);
		} else if (!entry.emulated && site_past_stepped(finder, wrapper, &entry)) {
			site.reason = REASON_PAST_STEPPED;
		}
		site.address = entry.address;
		snprintf(site.instruction, sizeof(site.instruction), "%s", entry.text);
	}
	if (!elf_file_offset(finder->elf, site.address, &site.file_offset))
		site_add(finder, &site);
}

/* Adds the common callee of wrappers as their one site. False when there is none, or it is not clear. */
static bool site_add_callee(struct finder *finder, const struct wrappers *wrappers)
{
	struct probe_site site = { .reason = REASON_COMMON_CALLEE };
	struct branches plain, ex, ex2;
	struct instruction entry;
	struct branch callee = { 0 };

	if (!wrappers->plain.found || !wrappers->ex.found)
		return false;
	branches_collect(finder, &wrappers->plain.symbol, &plain);
	branches_collect(finder, &wrappers->ex.symbol, &ex);
	if (!plain.whole || !ex.whole ||
	    callee_of_plain(finder, &plain, wrappers->ex2.function != NULL, &callee))
		return false;
	if (wrappers->ex2.found) {
		branches_collect(finder, &wrappers->ex2.symbol, &ex2);
		if (!ex2.whole || !branches_lead_to(&ex2, callee.target))
			return false;
	}
	if (!branches_lead_to(&ex, callee.target) &&
	    !(wrappers->ex2.found && tail_calls(finder, &ex, &wrappers->ex2.symbol)))
		return false;
	if (!entry_find(finder, callee.target, &entry) || !entry.emulated)
		return false;
	site.function = wrappers->plain.function->name;
	site.call = (callee.out == OUT_R8 ? wrappers->ex2 : wrappers->ex).function->call;
	site.address = entry.address;
	snprintf(site.instruction, sizeof(site.instruction), "%s", entry.text);
	if (elf_file_offset(finder->elf, site.address, &site.file_offset))
		return false;
	site_add(finder, &site);
	return true;
}

/* Adds the function, unless it leads to `next` by a jump. */
static void site_add_unless_jump(struct finder *finder, const struct wrapper *wrapper,
				 const struct wrapper *next)
{
	struct branches branches;

	if (wrapper->found && wrapper->function->jumps && next->found) {
		branches_collect(finder, &wrapper->symbol, &branches);
		if (tail_calls(finder, &branches, &next->symbol))
			return;
	}
	site_add_function(finder, wrapper);
}

static void sites_add_wrappers(struct finder *finder, const struct wrappers *wrappers)
{
	if (site_add_callee(finder, wrappers))
		return;
	site_add_unless_jump(finder, &wrappers->plain, &wrappers->ex);
	site_add_function(finder, &wrappers->ex2);
	site_add_unless_jump(finder, &wrappers->ex, &wrappers->ex2);
}

/* --- Go ----------------------------------------------------------------------------------- */

static int go_site_add(struct finder *finder, const struct library_function *function,
		       const struct instruction *insn, enum probe_reason reason)
{
	struct probe_site site = {
		.call = function->call,
		.reason = reason,
		.leaves = reason == REASON_RETURN || reason == REASON_DEFERRED,
		.address = insn->address,
		.function = function->name,
	};

	snprintf(site.instruction, sizeof(site.instruction), "%s", insn->text);
	if (elf_file_offset(finder->elf, insn->address, &site.file_offset))
		return -EILSEQ;
	if (finder->count == PROBE_SITES_MAX)
		return -ENOSPC;
	site_add(finder, &site);
	return 0;
}

/* A function of Go's, and one that it defers. */
struct go_code {
	const struct library_function *function;
	const uint8_t *bytes;
	uint64_t address, size;
	struct instruction deferred;	 /* where that one is probed; size 0: nowhere */
	unsigned int deferred_from_last; /* at least so many deferred functions run at an exit, if it does */
};

/* Does the function take this address? */
static bool go_code_refers(const struct go_code *code, uint64_t target)
{
	for (uint64_t at = 0; at + 7 <= code->size; at++) {
		const uint8_t *lea = code->bytes + at; /* lea reg, [rip + distance] */
		int32_t distance;

		if ((lea[0] & 0xfb) != 0x48 || lea[1] != 0x8d || (lea[2] & 0xc7) != 0x05)
			continue;
		memcpy(&distance, lea + 3, sizeof(distance));
		if (code->address + at + 7 + (uint64_t)(int64_t)distance == target)
			return true;
	}
	return false;
}

/* The first instruction that is emulated, as long as the return address is what the stack ends with. */
static bool go_wrapper_entry(const struct finder *finder, uint64_t address, struct instruction *entry)
{
	uint8_t code[ENTRY_BYTES];
	long len = elf_read_code(finder->elf, address, code, sizeof(code));

	for (long at = 0; at < len; at += (long)entry->size) {
		if (disasm_decode(finder->disasm, code + at, (size_t)(len - at), address + (uint64_t)at,
				  entry) ||
		    entry->call || entry->leaves)
			return false;
		if (entry->emulated)
			return true;
		if (entry->changed & REGISTER_BIT(RSP))
			return false;
	}
	return false;
}

/*
 * `defer c.in.Unlock()` is a small function of its own, which the compiler names after the one that defers
 * it: the first deferred one runs last.
 */
static void go_deferred_find(const struct finder *finder, struct go_code *code)
{
	static const char *const forms[] = { "%s.deferwrap%u", "%s.func%u" }; /* from Go 1.22 on; before */

	for (unsigned int n = 1; n <= GO_DEFERRED_MAX; n++)
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			struct elf_symbol symbol;
			char name[128];

			snprintf(name, sizeof(name), forms[i], code->function->name, n);
			if (elf_find_function(finder->elf, name, &symbol) ||
			    !go_code_refers(code, symbol.address) ||
			    !go_wrapper_entry(finder, symbol.address, &code->deferred))
				continue;
			code->deferred_from_last = n;
			return;
		}
	code->deferred.size = 0;
}

/* The way to a `ret`: deferred functions are called one after another, then results are loaded. */
struct go_exit {
	enum {
		EXIT_OTHER,
		EXIT_CLOSURE,
		EXIT_ADDRESS,
		EXIT_CALLED
	} step;
	unsigned int calls;
	int64_t result; /* where the first one stands above the stack pointer; negative: not known */
};

static void go_exit_follow(struct go_exit *exit, const struct instruction *insn)
{
	const struct move *move = &insn->move;
	bool loads = move->form == MOVE_LOAD && move->bytes == 8;
	bool leaves_frame = !(insn->changed & ~(REGISTER_BIT(RSP) | REGISTER_BIT(RBP)));

	if (loads && move->from == RSP && move->to == RDX) {
		exit->step = EXIT_CLOSURE;
	} else if (loads && move->from == RDX && move->to == RAX && !move->number &&
		   exit->step == EXIT_CLOSURE) {
		exit->step = EXIT_ADDRESS;
	} else if (insn->call && !insn->direct && exit->step == EXIT_ADDRESS) {
		exit->step = EXIT_CALLED;
		exit->calls++;
		exit->result = -1;
	} else if (loads && move->from == RSP && move->to == RAX && exit->step == EXIT_CALLED) {
		exit->result = move->number;
	} else if (insn->call || insn->jump || insn->direct || insn->leaves ||
		   !(leaves_frame || (loads && move->from == RSP && exit->step == EXIT_CALLED))) {
		*exit = (struct go_exit){ .result = -1 };
	}
}

/* Has the deferred function run before this `ret`, with the result in a place that a cookie can tell? */
static bool go_exit_is_deferred(const struct go_exit *exit, const struct go_code *code)
{
	return code->deferred.size && exit->step == EXIT_CALLED && exit->calls >= code->deferred_from_last &&
	       exit->result >= 0 && exit->result % 8 == 0 && exit->result / 8 < UINT8_MAX;
}

/*
 * A function begins with a look at how much of its stack is left; too little, and it begins again on a larger
 * one. Arguments still stand in their registers behind that. There `push rbp` is emulated (Go 1.21 and
 * later), and before it the jump of the look itself, which may be passed twice for one call.
 */
static int go_entry_add(struct finder *finder, const struct go_code *code)
{
	struct instruction insn, look = { .size = 0 };

	for (uint64_t at = 0; at < code->size; at += insn.size) {
		if (disasm_decode(finder->disasm, code->bytes + at, code->size - at, code->address + at,
				  &insn))
			return -EILSEQ;
		if (look.size) {
			bool cheap = insn.emulated && !insn.direct;

			return go_site_add(finder, code->function, cheap ? &insn : &look,
					   cheap ? REASON_PAST_STACK_CHECK : REASON_STACK_CHECK);
		}
		if (insn.direct && insn.emulated && !insn.call && !insn.jump)
			look = insn;
	}
	return -EILSEQ;
}

/*
 * Each `ret`, which is single-stepped; but for those before which a deferred function has run, when the
 * results stood in the caller's frame already: that function's beginning is emulated.
 */
static int go_exits_add(struct finder *finder, const struct go_code *code)
{
	struct library_function deferred = *code->function;
	struct go_exit exit = { .result = -1 };
	struct instruction insn;
	int64_t result = -1;
	int err = 0;

	for (uint64_t at = 0; at < code->size && !err; at += insn.size) {
		if (disasm_decode(finder->disasm, code->bytes + at, code->size - at, code->address + at,
				  &insn))
			return -EILSEQ;
		if (insn.leaves && go_exit_is_deferred(&exit, code) && (result < 0 || result == exit.result))
			result = exit.result;
		else if (insn.leaves)
			err = go_site_add(finder, code->function, &insn, REASON_RETURN);
		go_exit_follow(&exit, &insn);
	}
	if (err || result < 0)
		return err;
	deferred.call.done = (uint8_t)(result / 8 + 1);
	return go_site_add(finder, &deferred, &code->deferred, REASON_DEFERRED);
}

static int go_code_add(struct finder *finder, struct go_code *code)
{
	int err = go_entry_add(finder, code);

	if (err || !maps_tls_kind_returns(code->function->call.kind))
		return err;
	if (code->function->call.kind == TLS_READ || code->function->call.kind == TLS_WRITE)
		go_deferred_find(finder, code);
	return go_exits_add(finder, code);
}

static int go_function_add(struct finder *finder, const struct library_function *function)
{
	struct elf_symbol symbol;
	uint8_t *bytes;
	int err;

	if (elf_find_function(finder->elf, function->name, &symbol))
		return 0; /* a client has no server's handshake */
	if (symbol.size == 0 || symbol.size > GO_FUNCTION_BYTES_MAX)
		return -EILSEQ;
	bytes = malloc(symbol.size);
	if (!bytes)
		return -ENOMEM;
	err = elf_read_code(finder->elf, symbol.address, bytes, symbol.size) == (long)symbol.size &&
			      go_function_begins(bytes, symbol.size)
		      ? go_code_add(finder, &(struct go_code){ .function = function,
							       .bytes = bytes,
							       .address = symbol.address,
							       .size = symbol.size })
		      : -EILSEQ;
	free(bytes);
	return err;
}

/* All of it or nothing: who sees calls begin must see them end. */
static int go_sites_choose(struct finder *finder, const struct library_function *function)
{
	int err = finder->disasm ? 0 : -ENOTSUP;

	for (; function->name && !err; function++)
		err = go_function_add(finder, function);
	return err;
}

/* --- Rust --------------------------------------------------------------------------------- */

#define RUST_COPIES_MAX 16 /* of a function, for several types and versions */

/* All copies of all functions, or nothing: a call that is not seen would be a silent gap. */
static int rust_sites_choose(struct finder *finder, const struct library_function *function)
{
	struct elf_symbol copies[RUST_COPIES_MAX + 1];
	struct tls_layout layout;

	if (!rust_layout_find(finder->elf, &layout))
		return -EILSEQ;
	for (; function->name; function++) {
		size_t count =
			elf_find_functions(finder->elf, function->symbols, copies, RUST_COPIES_MAX + 1);

		if (count > RUST_COPIES_MAX || finder->count + count > PROBE_SITES_MAX)
			return -ENOSPC;
		for (size_t i = 0; i < count; i++)
			site_add_function(finder, &(struct wrapper){ function, copies[i], true });
	}
	return 0;
}

/* --- all ---------------------------------------------------------------------------------- */

static bool location_find(const struct locations *locations, const char *name, struct elf_symbol *out)
{
	for (size_t i = 0; locations && i < locations->count; i++) {
		if (strcmp(locations->at[i].function, name) != 0)
			continue;
		*out = (struct elf_symbol){ .address = locations->at[i].address };
		return true;
	}
	return false;
}

static struct wrapper wrapper_find(const struct finder *finder, const struct library_function *function)
{
	struct wrapper wrapper = { .function = function };

	if (function->method)
		wrapper.symbol.address = finder->methods[function->method % NSS_METHODS];
	wrapper.found = function->method ||
			location_find(finder->locations, function->name, &wrapper.symbol) ||
			!elf_find_function(finder->elf, function->name, &wrapper.symbol);
	return wrapper;
}

static void sites_choose_by_name(struct finder *finder, const struct library_function *function)
{
	while (function->name) {
		unsigned int wrapper = function->wrapper;
		struct wrappers wrappers = { .plain = wrapper_find(finder, function++) };

		if (wrapper && function->wrapper == wrapper)
			wrappers.ex = wrapper_find(finder, function++);
		if (wrapper && function->wrapper == wrapper)
			wrappers.ex2 = wrapper_find(finder, function++);
		sites_add_wrappers(finder, &wrappers);
	}
}

int probe_sites_choose(const struct elf_file *elf, const struct library_found *found,
		       struct probe_site sites[PROBE_SITES_MAX])
{
	const struct library_row *library = found->row;
	struct finder finder = {
		.elf = elf, .locations = found->locations, .library = library->number, .sites = sites
	};
	int err = 0;

	if (elf_is_x86_64(elf)) {
		finder.disasm = disasm_new();
		if (!finder.disasm)
			return -ENOMEM;
	}
	if (library->calls == LIBRARY_CALLS_GO) {
		err = go_sites_choose(&finder, library->functions);
	} else if (library->calls == LIBRARY_CALLS_RUST) {
		err = rust_sites_choose(&finder, library->functions);
	} else {
		if (library->functions->method)
			err = nss_table_find(elf, finder.disasm, finder.methods);
		if (!err)
			sites_choose_by_name(&finder, library->functions);
	}
	if (!err && finder.refused)
		err = -EILSEQ;
	disasm_free(finder.disasm);
	return err ? err : (int)finder.count;
}

const char *probe_reason_text(enum probe_reason reason, bool brief)
{
	static const struct {
		const char *brief, *whole;
	} texts[] = {
		[REASON_ENTRY_EMULATED] = { "at the entry (cheap)", "public entry, emulated by the kernel" },
		[REASON_PAST_ENDBR] = { "past endbr64 (cheap)", "just past endbr64, emulated by the kernel" },
		[REASON_COMMON_CALLEE] = { "at the inner function (cheap)",
					   "the internal function behind both public names, emulated by the "
					   "kernel" },
		[REASON_ENTRY_STEPPED] = { "at the entry (single-stepped: dear)",
					   "public entry, single-stepped: nothing cheaper was found" },
		[REASON_PAST_STEPPED] = { "just behind the entry (cheap)",
					  "just behind the public entry, emulated by the kernel" },
		[REASON_PAST_REFUSED] = { "behind the entry",
					  "behind the public entry, where the kernel takes no probe" },
		[REASON_STACK_CHECK] = { "at the entry (cheap) and each return",
					 "the look at the stack's size, emulated by the kernel" },
		[REASON_PAST_STACK_CHECK] = { "at the entry (cheap) and each return",
					      "past the look at the stack's size, emulated by the kernel" },
		[REASON_RETURN] = { "at a return", "a return, single-stepped" },
		[REASON_DEFERRED] = { "at what it defers (cheap)",
				      "the function that it defers, emulated by the kernel" },
	};

	return brief ? texts[reason].brief : texts[reason].whole;
}

const char *probe_call_name(enum tls_call_kind kind)
{
	static const char *const names[TLS_CALL_KINDS] = {
		[TLS_READ] = "read",
		[TLS_READ_OR_PEEK] = "read",
		[TLS_WRITE] = "write",
		[TLS_WRITE_OR_EARLY] = "write",
		[TLS_WRITEV] = "writev",
		[TLS_WRITEV_OFFSET] = "writev",
		[TLS_WRITE_EARLY] = "write_early",
		[TLS_SENDFILE] = "sendfile",
		[TLS_PEEK] = "peek",
		[TLS_TRANSPORT] = "transport",
		[TLS_HANDSHAKE] = "handshake",
		[TLS_SET_FD] = "set_fd",
		[TLS_FREE] = "free",
		[TLS_FLUSH] = "flush",
		[TLS_READ_APART] = "read_apart",
		[TLS_WRITE_UNMEASURED] = "write_unmeasured",
		[TLS_STREAM_NEW] = "stream_new",
		[TLS_STREAM_OFFER] = "stream_offer",
		[TLS_STREAM_READ] = "stream_read",
		[TLS_STREAM_TAKE] = "stream_take",
		[TLS_STREAM_CLOSE] = "stream_close",
		[TLS_TAKE] = "take",
	};

	return names[kind];
}
