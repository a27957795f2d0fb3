/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough x86-64 decoding (by Capstone) to choose where a uprobe goes, and to see what an accessor reads.
 */
#ifndef HARK_DISASM_H
#define HARK_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSTRUCTION_TEXT_LEN 48

/* Registers that may carry the address of a local as the fourth or fifth argument of a call. */
enum out_register {
	OUT_NONE = 0,
	OUT_RCX = 1,
	OUT_R8 = 2,
};

/* How a value comes into a general register, by their numbers in the instruction set (rax 0 … r15 15). */
enum move_form {
	MOVE_OTHER,
	MOVE_COPY,    /* to = from, 8 bytes */
	MOVE_LOAD,    /* to = `bytes` of memory at from + number */
	MOVE_ADDRESS, /* to = from + number */
	MOVE_ADD,     /* to += number, 8 bytes */
	MOVE_MASK,    /* to &= number */
	MOVE_STORE,   /* 8 bytes of memory at to + number = from */
};

struct move {
	enum move_form form;
	unsigned int to, from, bytes;
	int64_t number;
};

struct instruction {
	uint64_t address;
	size_t size;
	bool endbr;    /* endbr64 */
	bool emulated; /* a uprobe here is emulated by the kernel, not single-stepped */
	bool refused;  /* the kernel takes no uprobe here */
	bool call;     /* any call: the argument registers are undefined after it */
	bool jump;     /* an unconditional jump */
	bool leaves;   /* ret */
	bool direct;   /* a call or jump (conditional too) to `target` */
	uint64_t target;
	unsigned int written;	/* enum out_register bits that this instruction writes */
	unsigned int addressed; /* of them, those that now hold an address on the stack */
	unsigned int changed;	/* general registers that it writes, a bit each, by number */
	bool stores;		/* it writes memory, other than by pushing */
	struct move move;
	char text[INSTRUCTION_TEXT_LEN];
};

struct disasm;

/* NULL: out of memory, or a Capstone without x86. */
struct disasm *disasm_new(void);
/* NULL is legal. */
void disasm_free(struct disasm *disasm);

/* Decodes the first instruction of code, which stands at address. 0, or -EILSEQ (no instruction, or cut). */
int disasm_decode(struct disasm *disasm, const uint8_t *code, size_t len, uint64_t address,
		  struct instruction *out);

/*
 * The instruction at the start of a function where a probe costs least: the
 * first, or the one after an endbr64 when that one is emulated (the stack
 * pointer is the same at both). out->address tells which. 0, or -EILSEQ.
 */
int disasm_entry(struct disasm *disasm, const uint8_t *code, size_t len, uint64_t address,
		 struct instruction *out);

#endif
