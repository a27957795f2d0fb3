/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding for probe sites and accessors.
 *
 * Which instructions the kernel emulates under a uprobe is a fact about
 * arch/x86/kernel/uprobes.c, not about the instruction set: `push` of a whole
 * register without a prefix other than REX.B, the one-byte `nop` with any
 * prefix, relative `call` and `jmp`, and the conditional jumps, these unless
 * an operand size prefix makes them 16 bits wide. The longer nops are emulated
 * only by recent kernels (6.18 here), so they count as single-stepped:
 * the site is then chosen as well as an old kernel needs it. A prefix of the
 * segments ES, CS, SS or DS, or of a lock, is refused (ENOTSUPP). Measured on 6.18,
 * a hit: 0.6 to 0.9 us for each of these forms, 5.5 to 7.4 us for `push` with
 * REX.W, endbr64, sub and test.
 */
#include "disasm.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERAND_SIZE_PREFIX 0x66
#define REX_B		    0x41

struct disasm {
	csh capstone;
	cs_insn *insn;
};

struct disasm *disasm_new(void)
{
	struct disasm *disasm = calloc(1, sizeof(*disasm));

	if (!disasm)
		return NULL;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &disasm->capstone) != CS_ERR_OK) {
		free(disasm);
		return NULL;
	}
	if (cs_option(disasm->capstone, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK)
		disasm->insn = cs_malloc(disasm->capstone);
	if (disasm->insn)
		return disasm;
	disasm_free(disasm);
	return NULL;
}

void disasm_free(struct disasm *disasm)
{
	if (!disasm)
		return;
	if (disasm->insn)
		cs_free(disasm->insn, 1);
	cs_close(&disasm->capstone);
	free(disasm);
}

static bool insn_emulated(const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	uint8_t opcode = x86->opcode[0];
	bool jump;

	if (opcode >= 0x50 && opcode <= 0x57) /* push */
		return insn->size == 1 || (insn->size == 2 && x86->rex == REX_B);
	if (opcode == 0x90) /* with REX.B it is xchg */
		return x86->rex == 0;
	jump = opcode == 0xeb || opcode == 0xe9 || opcode == 0xe8 || (opcode >= 0x70 && opcode <= 0x7f) ||
	       (opcode == 0x0f && x86->opcode[1] >= 0x80 && x86->opcode[1] <= 0x8f);
	return jump && x86->prefix[2] != OPERAND_SIZE_PREFIX;
}

/* A prefix of a segment that 64 bits do without, or of a lock: compilers pad by the former. */
static bool insn_refused(const cs_insn *insn)
{
	for (size_t i = 0; i < insn->size; i++)
		switch (insn->bytes[i]) {
		case 0x26: /* es */
		case 0x2e: /* cs */
		case 0x36: /* ss */
		case 0x3e: /* ds */
		case 0xf0: /* lock */
			return true;
		case 0x64: /* fs */
		case 0x65: /* gs */
		case OPERAND_SIZE_PREFIX:
		case 0x67: /* size of an address */
		case 0xf2: /* repne */
		case 0xf3: /* rep */
			break;
		default:
			return false;
		}
	return false;
}

static unsigned int out_register_of(unsigned int reg)
{
	switch (reg) {
	case X86_REG_RCX:
	case X86_REG_ECX:
	case X86_REG_CX:
	case X86_REG_CL:
	case X86_REG_CH:
		return OUT_RCX;
	case X86_REG_R8:
	case X86_REG_R8D:
	case X86_REG_R8W:
	case X86_REG_R8B:
		return OUT_R8;
	}
	return OUT_NONE;
}

/* `lea reg, [rsp + N]`, `lea reg, [rbp + N]` or `mov reg, rsp`. */
static bool insn_takes_stack_address(const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	const cs_x86_op *source = &x86->operands[1];

	if (x86->op_count != 2 || x86->operands[0].type != X86_OP_REG || x86->operands[0].size != 8)
		return false;
	if (insn->id == X86_INS_MOV)
		return source->type == X86_OP_REG && source->reg == X86_REG_RSP;
	return insn->id == X86_INS_LEA && source->type == X86_OP_MEM &&
	       source->mem.index == X86_REG_INVALID &&
	       (source->mem.base == X86_REG_RSP || source->mem.base == X86_REG_RBP);
}

/* A general register of any width by its number; -1: another one. */
static int register_number(unsigned int reg)
{
	static const uint16_t names[][4] = {
		{ X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL },
		{ X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL },
		{ X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL },
		{ X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL },
		{ X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL },
		{ X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL },
		{ X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL },
		{ X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL },
		{ X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B },
		{ X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B },
		{ X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B },
		{ X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B },
		{ X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B },
		{ X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B },
		{ X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B },
		{ X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B },
	};

	for (int number = 0; number < 16; number++)
		for (int width = 0; width < 4; width++)
			if (names[number][width] == reg)
				return number;
	return -1;
}

static unsigned int insn_changed(csh capstone, const cs_insn *insn)
{
	cs_regs read, written;
	uint8_t read_count, written_count;
	unsigned int result = 0;

	if (cs_regs_access(capstone, insn, read, &read_count, written, &written_count) != CS_ERR_OK)
		return 0xffff;
	for (uint8_t i = 0; i < written_count; i++) {
		int number = register_number(written[i]);

		if (number >= 0)
			result |= 1u << number;
	}
	return result;
}

static bool insn_stores(const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;

	for (uint8_t i = 0; i < x86->op_count; i++)
		if (x86->operands[i].type == X86_OP_MEM && x86->operands[i].access != CS_AC_READ)
			return true;
	return false;
}

static enum move_form move_form_of(const cs_insn *insn, const cs_x86_op *to, const cs_x86_op *from)
{
	bool whole = to->size == 8;

	switch (insn->id) {
	case X86_INS_MOV:
	case X86_INS_MOVZX:
		if (from->type == X86_OP_MEM)
			return MOVE_LOAD;
		return from->type == X86_OP_REG && whole ? MOVE_COPY : MOVE_OTHER;
	case X86_INS_LEA:
		return whole ? MOVE_ADDRESS : MOVE_OTHER;
	case X86_INS_ADD:
		return from->type == X86_OP_IMM && whole ? MOVE_ADD : MOVE_OTHER;
	case X86_INS_AND:
		return from->type == X86_OP_IMM ? MOVE_MASK : MOVE_OTHER;
	}
	return MOVE_OTHER;
}

static struct move insn_store(const cs_insn *insn, const cs_x86_op *to, const cs_x86_op *from)
{
	int base = register_number(to->mem.base), source = register_number(from->reg);

	if (insn->id != X86_INS_MOV || from->type != X86_OP_REG || from->size != 8 || base < 0 ||
	    source < 0 || to->mem.index != X86_REG_INVALID || to->mem.segment != X86_REG_INVALID)
		return (struct move){ .form = MOVE_OTHER };
	return (struct move){
		.form = MOVE_STORE,
		.to = (unsigned int)base,
		.from = (unsigned int)source,
		.bytes = from->size,
		.number = to->mem.disp,
	};
}

static struct move insn_move(const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	const cs_x86_op *to = &x86->operands[0], *from = &x86->operands[1];
	struct move move = { .form = MOVE_OTHER };
	int to_number, from_number = -1;

	if (x86->op_count == 2 && to->type == X86_OP_MEM)
		return insn_store(insn, to, from);
	if (x86->op_count != 2 || to->type != X86_OP_REG)
		return move;
	to_number = register_number(to->reg);
	if (from->type == X86_OP_REG)
		from_number = register_number(from->reg);
	else if (from->type == X86_OP_MEM && from->mem.index == X86_REG_INVALID &&
		 from->mem.segment == X86_REG_INVALID)
		from_number = register_number(from->mem.base);
	if (to_number < 0 || (from->type != X86_OP_IMM && from_number < 0))
		return move;
	move.form = move_form_of(insn, to, from);
	move.to = (unsigned int)to_number;
	move.from = from->type == X86_OP_IMM ? move.to : (unsigned int)from_number;
	move.bytes = from->size;
	move.number = from->type == X86_OP_MEM ? from->mem.disp : from->type == X86_OP_IMM ? from->imm : 0;
	return move;
}

static unsigned int insn_written(csh capstone, const cs_insn *insn)
{
	cs_regs read, written;
	uint8_t read_count, written_count;
	unsigned int result = OUT_NONE;

	if (cs_regs_access(capstone, insn, read, &read_count, written, &written_count) != CS_ERR_OK)
		return OUT_RCX | OUT_R8;
	for (uint8_t i = 0; i < written_count; i++)
		result |= out_register_of(written[i]);
	return result;
}

static void instruction_describe(const struct disasm *disasm, struct instruction *out)
{
	const cs_insn *insn = disasm->insn;
	const cs_x86 *x86 = &insn->detail->x86;
	bool branch = cs_insn_group(disasm->capstone, insn, CS_GRP_JUMP) || insn->id == X86_INS_CALL;

	out->address = insn->address;
	out->size = insn->size;
	out->endbr = insn->size == 4 && memcmp(insn->bytes, "\xf3\x0f\x1e\xfa", 4) == 0;
	out->refused = insn_refused(insn);
	out->emulated = !out->refused && insn_emulated(insn);
	out->call = insn->id == X86_INS_CALL;
	out->jump = insn->id == X86_INS_JMP;
	out->leaves = insn->id == X86_INS_RET;
	if (branch && x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM) {
		out->direct = true;
		out->target = (uint64_t)x86->operands[0].imm;
	}
	out->written = insn_written(disasm->capstone, insn);
	out->changed = insn_changed(disasm->capstone, insn);
	out->stores = insn_stores(insn);
	out->move = insn_move(insn);
	if (insn_takes_stack_address(insn))
		out->addressed = out_register_of(x86->operands[0].reg);
	snprintf(out->text, sizeof(out->text), "%.12s%s%.33s", insn->mnemonic, insn->op_str[0] ? " " : "",
		 insn->op_str);
}

int disasm_decode(struct disasm *disasm, const uint8_t *code, size_t len, uint64_t address,
		  struct instruction *out)
{
	*out = (struct instruction){ .address = address };
	if (!cs_disasm_iter(disasm->capstone, &code, &len, &address, disasm->insn))
		return -EILSEQ;
	instruction_describe(disasm, out);
	return 0;
}

int disasm_entry(struct disasm *disasm, const uint8_t *code, size_t len, uint64_t address,
		 struct instruction *out)
{
	struct instruction next;
	int err = disasm_decode(disasm, code, len, address, out);

	if (err || !out->endbr)
		return err;
	if (!disasm_decode(disasm, code + out->size, len - out->size, address + out->size, &next) &&
	    next.emulated)
		*out = next;
	return 0;
}
