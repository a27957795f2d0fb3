/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a small ELF file for tests: functions of a few hand-assembled bytes in
 * slots of 256 bytes from address 0x401000 (file offset 0x1000) on, and a
 * table of dynamic symbols. Code is written in hex; "@3" is the 32-bit distance to slot 3, as call and
 * jump want it. A function named "" gets no symbol.
 */
#ifndef TEST_ELF_BUILD_H
#define TEST_ELF_BUILD_H

#include <assert.h>
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUILD_SLOTS	8
#define BUILD_SLOT_SIZE 256
#define BUILD_OFFSET	0x1000
#define BUILD_ADDRESS	0x401000
#define BUILD_SIZE	0x3000

struct build_function {
	const char *name, *code;
};

struct build_image {
	uint8_t bytes[BUILD_SIZE];
	Elf64_Sym symbols[BUILD_SLOTS + 1];
	char strings[512];
	size_t symbol_count, string_len;
};

static size_t build_code(uint8_t *out, size_t slot, const char *code)
{
	size_t at = 0;

	while (*code) {
		char *end;

		if (*code == ' ') {
			code++;
		} else if (*code == '@') {
			long target = strtol(code + 1, &end, 10);
			int32_t distance = (int32_t)((target - (long)slot) * BUILD_SLOT_SIZE - (long)at - 4);

			memcpy(out + at, &distance, sizeof(distance));
			at += sizeof(distance);
			code = end;
		} else {
			out[at++] = (uint8_t)strtoul(code, &end, 16);
			code = end;
		}
		assert(at <= BUILD_SLOT_SIZE);
	}
	return at;
}

static void build_symbol(struct build_image *image, size_t slot, const char *name, size_t size)
{
	image->symbols[image->symbol_count++] = (Elf64_Sym){
		.st_name = (Elf64_Word)image->string_len,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 1,
		.st_value = BUILD_ADDRESS + slot * BUILD_SLOT_SIZE,
		.st_size = size,
	};
	assert(image->string_len + strlen(name) + 1 <= sizeof(image->strings));
	strcpy(image->strings + image->string_len, name);
	image->string_len += strlen(name) + 1;
}

static void build_headers(struct build_image *image, unsigned int machine)
{
	static const char names[] = "\0.text\0.dynsym\0.dynstr\0.shstrtab";
	size_t symbols_at = 0x400, strings_at = 0x600, names_at = 0x900, sections_at = 0xa00;
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = (Elf64_Half)machine,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_shoff = sections_at,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 5,
		.e_shstrndx = 4,
	};
	Elf64_Phdr segment = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = BUILD_OFFSET,
		.p_vaddr = BUILD_ADDRESS,
		.p_filesz = BUILD_SLOTS * BUILD_SLOT_SIZE,
		.p_memsz = BUILD_SLOTS * BUILD_SLOT_SIZE,
	};
	Elf64_Shdr sections[5] = {
		[1] = { .sh_name = 1,
			.sh_type = SHT_PROGBITS,
			.sh_addr = BUILD_ADDRESS,
			.sh_offset = BUILD_OFFSET,
			.sh_size = BUILD_SLOTS * BUILD_SLOT_SIZE },
		[2] = { .sh_name = 7,
			.sh_type = SHT_DYNSYM,
			.sh_offset = symbols_at,
			.sh_link = 3,
			.sh_size = image->symbol_count * sizeof(Elf64_Sym),
			.sh_entsize = sizeof(Elf64_Sym),
			.sh_addralign = 8 },
		[3] = { .sh_name = 15,
			.sh_type = SHT_STRTAB,
			.sh_offset = strings_at,
			.sh_size = image->string_len },
		[4] = { .sh_name = 23,
			.sh_type = SHT_STRTAB,
			.sh_offset = names_at,
			.sh_size = sizeof(names) },
	};

	memcpy(image->bytes, &header, sizeof(header));
	memcpy(image->bytes + sizeof(header), &segment, sizeof(segment));
	memcpy(image->bytes + symbols_at, image->symbols, sizeof(image->symbols));
	memcpy(image->bytes + strings_at, image->strings, image->string_len);
	memcpy(image->bytes + names_at, names, sizeof(names));
	memcpy(image->bytes + sections_at, sections, sizeof(sections));
}

/* Fills image; slot i holds functions[i]; the list ends with a NULL name. */
static void build_fill(struct build_image *image, unsigned int machine,
		       const struct build_function *functions)
{
	*image = (struct build_image){ .symbol_count = 1, .string_len = 1 };
	for (size_t i = 0; i < BUILD_SLOTS && functions[i].name; i++) {
		size_t size =
			build_code(image->bytes + BUILD_OFFSET + i * BUILD_SLOT_SIZE, i, functions[i].code);

		if (functions[i].name[0])
			build_symbol(image, i, functions[i].name, size);
	}
	build_headers(image, machine);
}

/* A descriptor of a file in memory with these bytes. */
static inline int build_file(const void *bytes, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert(fd >= 0);
	assert(write(fd, bytes, size) == (ssize_t)size);
	return fd;
}

#endif
