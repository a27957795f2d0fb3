/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rust orders the fields of a structure as it likes, and each build may differ. But two functions read the
 * fields that matter, and their source has been the same from rustls 0.20 on:
 *
 *   CommonState::current_io_state(&self)    how much there is to send, and how much to be read: two queues,
 * in this order ChunkVecBuffer::is_full(&self)          a limit, and the queue behind it
 *
 * A queue is four words side by side (a fifth may follow), which the function loads one by one from the
 * object whose address came in a register; code that was not optimised gives the address of the queue's owner
 * to others, which count. The order in which the two are touched tells which is which. Registers and what
 * they are kept in on the stack are followed in a straight line. What is unclear gives no layout, and then
 * the file is not probed; nor is one with several versions of rustls that differ.
 */
#include "rust_layout.h"

#include "disasm.h"

#include <string.h>

#define FUNCTION_BYTES_MAX 4096
#define COPIES_MAX	   8
#define OFFSET_MAX	   8192
#define OFFSETS_MAX	   24
#define SLOTS_MAX	   8
#define WORD		   8
#define QUEUE_WORDS	   4
#define QUEUE_AT	   16 /* behind the limit, an Option<usize> */
#define RSP		   4
#define RSI		   6
#define RDI		   7
#define CALL_CHANGES	   0x0fc7 /* rax, rcx, rdx, rsi, rdi, r8 to r11 */

/* The words of the object that a function touches, in its order. */
struct touched {
	uint16_t offsets[OFFSETS_MAX];
	size_t count;
	bool crowded;
};

/* Where the object's address is: registers, a bit each, and words of the stack, by what to add to its
 * pointer. */
struct holders {
	unsigned int registers;
	int64_t slots[SLOTS_MAX];
	size_t slot_count;
};

static bool touched_has(const struct touched *touched, unsigned int offset)
{
	for (size_t i = 0; i < touched->count; i++)
		if (touched->offsets[i] == offset)
			return true;
	return false;
}

static void touched_add(struct touched *touched, int64_t offset)
{
	if (offset <= 0 || offset > OFFSET_MAX || offset % WORD || touched_has(touched, (unsigned int)offset))
		return;
	if (touched->count == OFFSETS_MAX)
		touched->crowded = true;
	else
		touched->offsets[touched->count++] = (uint16_t)offset;
}

static bool holders_has_slot(const struct holders *holders, int64_t slot)
{
	for (size_t i = 0; i < holders->slot_count; i++)
		if (holders->slots[i] == slot)
			return true;
	return false;
}

/* After the instruction. */
static void holders_follow(struct holders *holders, const struct instruction *insn)
{
	const struct move *move = &insn->move;
	bool from = holders->registers >> move->from & 1;
	bool copied = (move->form == MOVE_COPY && from) ||
		      (move->form == MOVE_LOAD && move->bytes == WORD && move->from == RSP &&
		       holders_has_slot(holders, move->number));

	if (move->form == MOVE_STORE && move->to == RSP && from && holders->slot_count < SLOTS_MAX)
		holders->slots[holders->slot_count++] = move->number;
	holders->registers &= ~(insn->call ? CALL_CHANGES : insn->changed);
	if (copied)
		holders->registers |= 1u << move->to;
}

/* A word that is loaded, or all of a queue whose owner's address is made for another function. */
static void touched_follow(struct touched *touched, const struct move *move)
{
	if (move->form == MOVE_LOAD && move->bytes == WORD)
		touched_add(touched, move->number);
	for (int word = 0; word < QUEUE_WORDS && (move->form == MOVE_ADDRESS || move->form == MOVE_ADD);
	     word++)
		touched_add(touched, move->number + QUEUE_AT + word * WORD);
}

/* Walks a function that gets the object's address in this register. False: it cannot be decoded. */
static bool function_walk(const struct elf_file *elf, const struct elf_symbol *symbol, unsigned int object,
			  struct touched *touched)
{
	struct holders holders = { .registers = 1u << object };
	struct disasm *disasm = disasm_new();
	uint8_t code[FUNCTION_BYTES_MAX];
	struct instruction insn;
	size_t at = 0;

	*touched = (struct touched){ .count = 0 };
	if (disasm && symbol->size <= sizeof(code) &&
	    elf_read_code(elf, symbol->address, code, symbol->size) == (long)symbol->size)
		for (; at < symbol->size && !disasm_decode(disasm, code + at, symbol->size - at, at, &insn);
		     at += insn.size) {
			if (holders.registers >> insn.move.from & 1)
				touched_follow(touched, &insn.move);
			holders_follow(&holders, &insn);
		}
	disasm_free(disasm);
	return symbol->size && at == symbol->size && !touched->crowded;
}

/* The first of the words side by side that this one is among; *words: how many they are. */
static unsigned int run_of(const struct touched *touched, unsigned int offset, unsigned int *words)
{
	unsigned int begin = offset, end = offset;

	while (begin > WORD && touched_has(touched, begin - WORD))
		begin -= WORD;
	while (touched_has(touched, end + WORD))
		end += WORD;
	*words = (end - begin) / WORD + 1;
	return begin;
}

/* The queue that was touched first, but for the one at `other`; 0: something else was. */
static unsigned int queue_of(const struct touched *touched, unsigned int other)
{
	for (size_t i = 0; i < touched->count; i++) {
		unsigned int words, begin = run_of(touched, touched->offsets[i], &words);

		if (begin != other)
			return words == QUEUE_WORDS || words == QUEUE_WORDS + 1 ? begin : 0;
	}
	return 0;
}

/*
 * Is the queue of what has a limit where it is taken to be? Code that was not optimised shows the limit
 * alone, at the begin, and leaves the queue to others.
 */
static bool queue_is_behind_limit(const struct touched *touched)
{
	if (touched->count == 1 && touched_has(touched, WORD))
		return true;
	for (unsigned int word = 0; word < QUEUE_WORDS; word++)
		if (!touched_has(touched, QUEUE_AT + word * WORD))
			return false;
	return true;
}

static bool layout_of(const struct elf_file *elf, const struct elf_symbol *io_state, struct tls_layout *out)
{
	unsigned int sendable, received;
	struct touched touched;

	if (!function_walk(elf, io_state, RSI, &touched))
		return false;
	sendable = queue_of(&touched, 0);
	received = sendable ? queue_of(&touched, sendable) : 0;
	if (sendable < QUEUE_AT || received < QUEUE_AT)
		return false;
	*out = (struct tls_layout){
		.queue = QUEUE_AT,
		.sendable = (uint16_t)(sendable - QUEUE_AT),
		.received = (uint16_t)(received - QUEUE_AT),
	};
	return true;
}

bool rust_layout_find(const struct elf_file *elf, struct tls_layout *out)
{
	struct elf_symbol copies[COPIES_MAX];
	struct tls_layout layout, other;
	struct touched touched;
	size_t count = elf_find_functions(elf, RUSTLS_IS_FULL, copies, COPIES_MAX);

	if (!elf_is_x86_64(elf) || !count || count == COPIES_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!function_walk(elf, &copies[i], RDI, &touched) || !queue_is_behind_limit(&touched))
			return false;
	count = elf_find_functions(elf, RUSTLS_IO_STATE, copies, COPIES_MAX);
	if (!count || count == COPIES_MAX || !layout_of(elf, &copies[0], &layout))
		return false;
	for (size_t i = 1; i < count; i++)
		if (!layout_of(elf, &copies[i], &other) || memcmp(&layout, &other, sizeof(layout)) != 0)
			return false;
	*out = layout;
	return true;
}
