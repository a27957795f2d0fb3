/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure moves with every version and build, but the library has public functions that read it:
 * SSL_get_client_random(), SSL_get_server_random() and SSL_is_server(). They are a few instructions each, in
 * which the object's address comes in rdi:
 *
 *   lea rcx, [rdi + 0x160]                             OpenSSL 3: in the object
 *   mov rdi, [rdi + 0xa8]   lea rcx, [rdi + 0xb8]      OpenSSL 1.1: behind a pointer
 *   mov rax, [rdi + 0x30]   add rax, 0x30              BoringSSL
 *   mov eax, [rdi + 0x38]   movzx eax, [rdi + 0xa4]; and eax, 1    an int, or a bit: is it a server?
 *
 * OpenSSL 3.2 asks first for the connection behind the object, which is the object itself but for QUIC: what
 * that call returns is taken for the object. Registers are followed in a straight line.
 *
 * The randoms stand side by side in all of them, which both accessors have to agree on. Whatever is unclear
 * gives no layout, and a session then stays without its socket, as before.
 */
#include "session_layout.h"

#include "disasm.h"
#include "rust_layout.h"

#include <string.h>

#define ACCESSOR_BYTES_MAX 512
#define RANDOM_BYTES	   32
#define OFFSET_MAX	   16384
#define RAX		   0
#define RDI		   7
#define REGISTERS	   16
#define CALL_CHANGES	   0x0fc7 /* rax, rcx, rdx, rsi, rdi, r8 to r11 */

/* Not 0: the object begins with its type or its method. */
static bool is_offset(int64_t number)
{
	return number > 0 && number < OFFSET_MAX;
}

enum holds {
	HOLDS_OTHER,
	HOLDS_OBJECT,
	HOLDS_POINTER, /* what stands in the object at `offset` */
};

struct value {
	enum holds holds;
	uint16_t offset;
};

/* The memory that an accessor reads. */
struct place {
	uint16_t pointer; /* 0: of the object itself */
	uint16_t offset;
	unsigned int bytes; /* of SSL_is_server() */
	unsigned int reg;   /* it stands here */
};

struct accessor {
	struct disasm *disasm;
	struct value registers[REGISTERS];
	uint8_t code[ACCESSOR_BYTES_MAX];
	size_t size, at;
};

static bool accessor_open(struct accessor *accessor, const struct elf_file *elf, const char *name)
{
	struct elf_symbol symbol;

	if (elf_find_function(elf, name, &symbol) || symbol.size == 0 ||
	    symbol.size > sizeof(accessor->code) ||
	    elf_read_code(elf, symbol.address, accessor->code, symbol.size) != (long)symbol.size)
		return false;
	accessor->size = symbol.size;
	accessor->at = 0;
	memset(accessor->registers, 0, sizeof(accessor->registers));
	accessor->registers[RDI].holds = HOLDS_OBJECT;
	return true;
}

static bool accessor_step(struct accessor *accessor, struct instruction *insn)
{
	if (accessor->at >= accessor->size ||
	    disasm_decode(accessor->disasm, accessor->code + accessor->at, accessor->size - accessor->at,
			  accessor->at, insn))
		return false;
	accessor->at += insn->size;
	return true;
}

/* After the instruction: what its registers hold. */
static void accessor_follow(struct accessor *accessor, const struct instruction *insn)
{
	unsigned int changed = insn->call ? CALL_CHANGES : insn->changed;
	struct value *registers = accessor->registers, moved = { HOLDS_OTHER, 0 };
	const struct move *move = &insn->move;

	if (move->form == MOVE_COPY)
		moved = registers[move->from];
	else if (move->form == MOVE_LOAD && move->bytes == 8 && registers[move->from].holds == HOLDS_OBJECT &&
		 is_offset(move->number))
		moved = (struct value){ HOLDS_POINTER, (uint16_t)move->number };
	for (unsigned int i = 0; i < REGISTERS; i++)
		if (changed >> i & 1)
			registers[i] = (struct value){ HOLDS_OTHER, 0 };
	if (moved.holds != HOLDS_OTHER)
		registers[move->to] = moved;
	if (insn->call)
		registers[RAX].holds = HOLDS_OBJECT;
}

/* The first address inside the object, or inside what it points to, that the function makes. */
static bool random_find(struct accessor *accessor, const struct elf_file *elf, const char *name,
			struct place *out)
{
	struct instruction insn;

	if (!accessor_open(accessor, elf, name))
		return false;
	while (accessor_step(accessor, &insn)) {
		const struct move *move = &insn.move;
		const struct value *base = &accessor->registers[move->from];

		if ((move->form == MOVE_ADDRESS || move->form == MOVE_ADD) && base->holds != HOLDS_OTHER &&
		    is_offset(move->number)) {
			*out = (struct place){ .pointer = base->offset, .offset = (uint16_t)move->number };
			return true;
		}
		accessor_follow(accessor, &insn);
	}
	return false;
}

/* Both, side by side, with the server's in front. */
static bool randoms_find(struct accessor *accessor, const struct elf_file *elf, struct tls_layout *out)
{
	struct place client, server;

	if (!random_find(accessor, elf, "SSL_get_client_random", &client) ||
	    !random_find(accessor, elf, "SSL_get_server_random", &server) ||
	    client.pointer != server.pointer || client.offset != server.offset + RANDOM_BYTES)
		return false;
	out->pointer = client.pointer;
	out->client_random = client.offset;
	out->server_random = server.offset;
	return true;
}

/*
 * gnutls_session_get_random(session, client, server) gives the addresses of both in the object, which makes
 * the client's first: lea rax, [rdi + 0x50] ... add rdi, 0x70
 */
static bool gnutls_randoms_find(struct accessor *accessor, const struct elf_file *elf, struct tls_layout *out)
{
	uint16_t offsets[2];
	size_t count = 0;
	struct instruction insn;

	if (!accessor_open(accessor, elf, "gnutls_session_get_random"))
		return false;
	while (count < 2 && accessor_step(accessor, &insn)) {
		const struct move *move = &insn.move;

		if ((move->form == MOVE_ADDRESS || move->form == MOVE_ADD) && is_offset(move->number) &&
		    accessor->registers[move->form == MOVE_ADD ? move->to : move->from].holds == HOLDS_OBJECT)
			offsets[count++] = (uint16_t)move->number;
		accessor_follow(accessor, &insn);
	}
	if (count < 2 || offsets[1] != offsets[0] + RANDOM_BYTES)
		return false;
	out->client_random = offsets[0];
	out->server_random = offsets[1];
	return true;
}

/* The first number that the function loads from the object, and what is taken of it. */
static bool server_find(struct accessor *accessor, const struct elf_file *elf, struct tls_layout *out)
{
	struct instruction insn;
	struct place place = { .bytes = 0 };

	if (!accessor_open(accessor, elf, "SSL_is_server"))
		return false;
	while (!place.bytes && accessor_step(accessor, &insn)) {
		const struct move *move = &insn.move;

		if (move->form == MOVE_LOAD && accessor->registers[move->from].holds == HOLDS_OBJECT &&
		    is_offset(move->number) && move->bytes <= 4)
			place = (struct place){ .offset = (uint16_t)move->number,
						.bytes = move->bytes,
						.reg = move->to };
		accessor_follow(accessor, &insn);
	}
	out->server = place.offset;
	out->server_mask = 0xff; /* the low byte of an int that is 0 or 1 */
	if (place.bytes == 4)
		return true;
	out->server_mask = 1;
	return place.bytes == 1 && accessor_step(accessor, &insn) && insn.move.form == MOVE_MASK &&
	       insn.move.to == place.reg && insn.move.number == 1;
}

bool session_layout_find(const struct elf_file *elf, const struct library_found *library,
			 struct tls_layout *out)
{
	struct accessor accessor = { .disasm = NULL };
	struct tls_layout layout = { .pointer = 0 };
	bool found;

	if (library->locations && library->locations->has_layout) {
		*out = library->locations->layout;
		return true;
	}
	if (library->row->calls == LIBRARY_CALLS_RUST)
		return rust_layout_find(elf, out);
	if (!library->row->has_accessors || !elf_is_x86_64(elf))
		return false;
	accessor.disasm = disasm_new();
	if (!accessor.disasm)
		return false;
	found = randoms_find(&accessor, elf, &layout) && server_find(&accessor, elf, &layout);
	disasm_free(accessor.disasm);
	if (found)
		*out = layout;
	return found;
}

bool session_layout_randoms(const struct elf_file *elf, const struct library_found *library,
			    struct tls_layout *out)
{
	struct accessor accessor = { .disasm = NULL };
	struct tls_layout layout = { .pointer = 0 };
	bool found;

	if (library->locations && library->locations->has_layout) {
		*out = library->locations->layout;
		return true;
	}
	if (!elf_is_x86_64(elf))
		return false;
	accessor.disasm = disasm_new();
	if (!accessor.disasm)
		return false;
	found = library->row->has_accessors ? randoms_find(&accessor, elf, &layout)
					    : gnutls_randoms_find(&accessor, elf, &layout);
	disasm_free(accessor.disasm);
	if (found)
		*out = layout;
	return found;
}
