/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols and code of an ELF file. What is read of one file is bounded (elf_file.c); a file that is larger
 * counts (limit.files). Not named elf.h: with -Iagent that would hide the system's <elf.h>.
 */
#ifndef HARK_ELF_FILE_H
#define HARK_ELF_FILE_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file;

/* Opens an ELF file (x86-64 or aarch64, executable or shared) by descriptor (duplicated). NULL: errno
 * (ENOEXEC: not such a file). */
struct elf_file *elf_file_open_fd(int fd);
/* NULL is legal. */
void elf_file_close(struct elf_file *file);

/* True for x86-64, false for aarch64. */
bool elf_is_x86_64(const struct elf_file *file);

/* Whether a section of this name is there (".gopclntab"). */
bool elf_has_section(const struct elf_file *file, const char *name);

/* Whether this text stands in .rodata. */
bool elf_has_text(const struct elf_file *file, const char *text);

/* Where one of some texts stands, its NUL included; it may be the end of a longer one. */
struct elf_text {
	uint64_t address;
	size_t which;
};

/* Where these texts stand in .rodata, up to max places. How many; 0: none. */
size_t elf_find_texts(const struct elf_file *file, const char *const *texts, size_t count,
		      struct elf_text *out, size_t max);

/*
 * Copies the first printable text in .rodata that is prefix and a version of three numbers ("OpenSSL 3.0.17 1
 * Jul 2025"), cut to size. 0, or -ENOENT and out is empty.
 */
int elf_find_version(const struct elf_file *file, const char *prefix, char *out, size_t size);

struct elf_symbol {
	uint64_t address;     /* virtual address in the file's own numbering */
	uint64_t size;	      /* 0: not known */
	uint64_t file_offset; /* where a uprobe goes */
	enum elf_table {
		ELF_DYNSYM,
		ELF_SYMTAB,
		ELF_GO, /* .gopclntab, which stripping leaves (go_table.h) */
	} table;
};

/*
 * Compilers of some languages put a hash into a symbol's name, so a name may be a pattern: `%` stands for any
 * text, and `|` parts patterns of which one has to match. size: with the NUL behind the name, which has to be
 * there, within 4096 bytes.
 */
bool elf_name_matches(const char *pattern, const char *name, size_t size);

/*
 * A defined function by name (or pattern: the first that matches), in the first of the tables that has it;
 * versions ignored. 0, or -ENOENT.
 */
int elf_find_function(const struct elf_file *file, const char *name, struct elf_symbol *out);

/* The same for all that match, up to max of them. How many; 0: none. */
size_t elf_find_functions(const struct elf_file *file, const char *pattern, struct elf_symbol *out,
			  size_t max);

/* Is a function of this name where that symbol was found? Other tables, which can be large, are not read. */
bool elf_has_function_beside(const struct elf_file *file, const struct elf_symbol *symbol, const char *name);

/* Does the file define a dynamic symbol of this name, a function? No other table is read. */
bool elf_exports(const struct elf_file *file, const char *name);

/*
 * Hands all bytes of executable segments to fn, in pieces of at most a mebibyte, which are gone when it
 * returns. Of two pieces of one segment the second begins with the last `overlap` bytes of the first (less
 * than 4096). No more than half a gibibyte of one file. fn returns whether it wants more.
 */
void elf_each_code(const struct elf_file *file, size_t overlap,
		   bool (*fn)(void *ctx, uint64_t address, struct slice code), void *ctx);

/* The virtual address of a file offset in an executable segment. 0, or -EFAULT: it lies in none. */
int elf_code_address(const struct elf_file *file, uint64_t offset, uint64_t *address);

/* As unwind_table_find(), in this file's own table. */
uint64_t elf_function_before(const struct elf_file *file, uint64_t address);

/* Copies up to size bytes of code at a virtual address. Bytes copied, or -EFAULT when it lies in no
 * executable segment. */
long elf_read_code(const struct elf_file *file, uint64_t address, uint8_t *out, size_t size);

/* Does this virtual address lie in code that the file holds? */
bool elf_is_code(const struct elf_file *file, uint64_t address);

/*
 * The section's content as words of 8 bytes, its pointers as the loader makes them where it puts the file at
 * 0. How many, and *out is the caller's; or -ENOENT (no such section, or one too large), or -ENOMEM.
 */
long elf_read_pointers(const struct elf_file *file, const char *section, uint64_t **out);

/* Virtual address to file offset through the program headers. 0, or -EFAULT. */
int elf_file_offset(const struct elf_file *file, uint64_t address, uint64_t *offset);

#endif
