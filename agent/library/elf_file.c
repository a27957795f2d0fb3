/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols and code of an ELF file.
 *
 * The file belongs to an observed program and may be made to hurt, at any moment: it is read with pread (a
 * mapping would die by SIGBUS when the file is cut), each header once and never again, and every number is
 * checked against what the file holds and what is allowed. A sparse file costs its owner nothing, so three
 * sums are bounded: the bytes of one section, of all that are read of one file, and those that are looked
 * through, for a table may name the same strings again and again. No library does that: libelf believes what
 * a file says of itself, and would hold as much as that. Most files that are asked about do not have the
 * symbol at all, so a search through the string table comes before the walk over the symbols.
 */
#include "elf_file.h"

#include "base/counters.h"
#include "go_table.h"
#include "unwind_table.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX	  64
#define SECTION_BYTES_MAX (UINT64_C(256) << 20)
#define READ_BYTES_MAX	  (UINT64_C(512) << 20) /* of all sections together */
#define SEARCH_BYTES_MAX  (UINT64_C(8) << 30)	/* looked through, of one file: a second of a processor */
#define NAME_BYTES_MAX	  4096
#define NAME_WEIGHT	  8 /* a byte of a name that is compared costs as much as so many of a search */
#define POINTERS_MAX	  (512u << 10)
#define PIECE_BYTES	  (1u << 20)
#define CODE_BYTES_MAX \
	(512u << 20) /* handed out of one file, and no more than it has, however many segments tell of it */

struct section {
	Elf64_Shdr header;
	uint8_t *bytes; /* NULL: not read */
};

/* Apart, as what was read belongs to no state that the caller sees. */
struct sections {
	uint64_t read_left, search_left;
	bool limited; /* which was counted */
	size_t count;
	struct section list[];
};

struct elf_file {
	int fd;
	uint64_t size;
	unsigned int machine;
	Elf64_Phdr segments[SEGMENTS_MAX]; /* p_filesz is what the file really holds */
	size_t segment_count;
	size_t names; /* the section of the sections' names */
	struct sections *sections;
};

/* The whole of it, or false. */
static bool bytes_read(const struct elf_file *file, uint64_t offset, void *out, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	if (offset > file->size || file->size - offset < size)
		return false;
	while (n > 0 && len != size) {
		n = pread(file->fd, (uint8_t *)out + len, size - len, (off_t)(offset + len));
		if (n > 0)
			len += (size_t)n;
	}
	return len == size;
}

static int header_read(struct elf_file *file, Elf64_Ehdr *header)
{
	if (!bytes_read(file, 0, header, sizeof(*header)) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_VERSION] != EV_CURRENT)
		return -ENOEXEC;
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64)
		return -ENOEXEC;
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return -ENOEXEC;
	file->machine = header->e_machine;
	return 0;
}

/* A table of the file's, read at once. NULL: errno. */
static void *table_read(const struct elf_file *file, uint64_t offset, size_t count, size_t entry)
{
	void *table = malloc(count * entry);

	if (!table)
		return NULL;
	if (bytes_read(file, offset, table, count * entry))
		return table;
	free(table);
	errno = ENOEXEC;
	return NULL;
}

static int segments_read(struct elf_file *file, const Elf64_Ehdr *header)
{
	Elf64_Phdr *table;

	if (!header->e_phnum)
		return 0;
	if (header->e_phentsize != sizeof(*table))
		return -ENOEXEC;
	table = table_read(file, header->e_phoff, header->e_phnum, sizeof(*table));
	if (!table)
		return -errno;
	for (size_t i = 0; i < header->e_phnum && file->segment_count < SEGMENTS_MAX; i++) {
		uint64_t held = table[i].p_offset < file->size ? file->size - table[i].p_offset : 0;

		if (table[i].p_type != PT_LOAD)
			continue;
		if (table[i].p_filesz > held)
			table[i].p_filesz = held;
		file->segments[file->segment_count++] = table[i];
	}
	free(table);
	return 0;
}

static void limit_met(struct sections *sections)
{
	if (!sections->limited)
		counter_add(COUNTER_LIMIT_FILES, 1);
	sections->limited = true;
}

/*
 * A file whose table of sections is cut has none. More than SHN_LORESERVE stand elsewhere (e_shnum is 0
 * then), which no executable needs.
 */
static int sections_read(struct elf_file *file, const Elf64_Ehdr *header)
{
	size_t count = header->e_shentsize == sizeof(Elf64_Shdr) ? header->e_shnum : 0;
	Elf64_Shdr first = { .sh_size = 0 }, *table;
	uint64_t size = count * sizeof(first);
	bool extended = header->e_shoff && !header->e_shnum &&
			bytes_read(file, header->e_shoff, &first, sizeof(first)) && first.sh_size;

	if (header->e_shoff > file->size || file->size - header->e_shoff < size)
		count = 0;
	file->sections = calloc(1, sizeof(*file->sections) + count * sizeof(file->sections->list[0]));
	if (!file->sections)
		return -ENOMEM;
	*file->sections = (struct sections){ .read_left = READ_BYTES_MAX, .search_left = SEARCH_BYTES_MAX };
	if (extended)
		limit_met(file->sections);
	file->names = header->e_shstrndx;
	if (!count)
		return 0;
	table = table_read(file, header->e_shoff, count, sizeof(*table));
	if (!table)
		return -errno;
	for (size_t i = 0; i < count; i++)
		file->sections->list[i].header = table[i];
	file->sections->count = count;
	free(table);
	return 0;
}

struct elf_file *elf_file_open_fd(int fd)
{
	struct elf_file *file = calloc(1, sizeof(*file));
	Elf64_Ehdr header;
	struct stat st = { .st_size = 0 };
	int err;

	if (!file)
		return NULL;
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	err = file->fd < 0 || fstat(file->fd, &st) ? -errno : 0;
	file->size = (uint64_t)st.st_size;
	if (!err)
		err = header_read(file, &header);
	if (!err)
		err = segments_read(file, &header);
	if (!err)
		err = sections_read(file, &header);
	if (!err)
		return file;
	elf_file_close(file);
	errno = -err;
	return NULL;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; file->sections && i < file->sections->count; i++)
		free(file->sections->list[i].bytes);
	free(file->sections);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

bool elf_is_x86_64(const struct elf_file *file)
{
	return file->machine == EM_X86_64;
}

/* The bytes of a section, the file's; none when there are none or too many. */
static struct slice section_data(const struct elf_file *file, size_t index)
{
	struct slice none = slice_of(NULL, 0);
	struct sections *sections = file->sections;
	struct section *section = index < sections->count ? &sections->list[index] : NULL;
	const Elf64_Shdr *header;

	if (!section || section->header.sh_type == SHT_NOBITS || !section->header.sh_size)
		return none;
	header = &section->header;
	if (section->bytes)
		return slice_of(section->bytes, header->sh_size);
	if (header->sh_offset > file->size || file->size - header->sh_offset < header->sh_size)
		return none;
	if (header->sh_size > SECTION_BYTES_MAX || header->sh_size > sections->read_left) {
		limit_met(sections);
		return none;
	}
	section->bytes = malloc(header->sh_size);
	if (!section->bytes)
		return none;
	sections->read_left -= header->sh_size;
	if (bytes_read(file, header->sh_offset, section->bytes, header->sh_size))
		return slice_of(section->bytes, header->sh_size);
	free(section->bytes);
	section->bytes = NULL;
	return none;
}

/* May so many bytes more be looked through? */
static bool search_take(const struct elf_file *file, uint64_t bytes)
{
	struct sections *sections = file->sections;

	if (bytes <= sections->search_left) {
		sections->search_left -= bytes;
		return true;
	}
	limit_met(sections);
	return false;
}

static const void *search_for(const struct elf_file *file, struct slice in, struct slice what)
{
	return in.len && search_take(file, in.len) ? memmem(in.data, in.len, what.data, what.len) : NULL;
}

#define ANY  '%'
#define PART '|'

/*
 * One of a pattern's parts, up to `end`: what stands before the first ANY begins the name, what stands behind
 * the last one ends it, and all else comes in this order between.
 */
static bool part_matches(const char *part, const char *end, const char *name, size_t len)
{
	const char *star = memchr(part, ANY, (size_t)(end - part));
	size_t piece = (size_t)((star ? star : end) - part);

	if (piece > len || memcmp(part, name, piece) != 0)
		return false;
	while (star) {
		name += piece;
		len -= piece;
		part = star + 1;
		star = memchr(part, ANY, (size_t)(end - part));
		piece = (size_t)((star ? star : end) - part);
		if (!star)
			return piece <= len && memcmp(part, name + len - piece, piece) == 0;
		const char *found = memmem(name, len, part, piece);

		if (!found)
			return false;
		len -= (size_t)(found - name);
		name = found;
	}
	return piece == len;
}

bool elf_name_matches(const char *pattern, const char *name, size_t size)
{
	size_t len = strnlen(name, size < NAME_BYTES_MAX ? size : NAME_BYTES_MAX);

	if (len == size || len == NAME_BYTES_MAX)
		return false;
	for (;;) {
		const char *end = strchrnul(pattern, PART);

		if (part_matches(pattern, end, name, len))
			return true;
		if (!*end)
			return false;
		pattern = end + 1;
	}
}

/* May a name among these strings match? Asks for one piece of each part: walking all symbols takes longer. */
static bool strings_may_have(const struct elf_file *file, struct slice strings, const char *pattern)
{
	const char *part = pattern;

	if (!strpbrk(pattern, "%|"))
		return search_for(file, strings, slice_of(pattern, strlen(pattern) + 1));
	while (part) {
		const char *begin = part + strcspn(part, "%|"), *end;

		begin = *begin == ANY ? begin + 1 : part;
		end = begin + strcspn(begin, "%|");
		if (search_for(file, strings, slice_of(begin, (size_t)(end - begin))))
			return true;
		part = strchr(part, PART);
		part = part ? part + 1 : NULL;
	}
	return false;
}

static bool symbol_matches(const struct elf_file *file, const Elf64_Sym *symbol, struct slice strings,
			   const char *name)
{
	struct slice own = slice_drop(strings, symbol->st_name);

	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC) /* an indirect function's address is its resolver */
		return false;
	if (symbol->st_shndx == SHN_UNDEF || !own.len)
		return false;
	own = slice_take(own, NAME_BYTES_MAX);
	return search_take(file, NAME_WEIGHT * (slice_find(own, '\0') + 1)) &&
	       elf_name_matches(name, (const char *)own.data, own.len);
}

static size_t table_find(const struct elf_file *file, size_t section, const char *name,
			 struct elf_symbol *out, size_t max)
{
	const Elf64_Shdr *header = &file->sections->list[section].header;
	struct slice strings = section_data(file, header->sh_link), symbols;
	Elf64_Sym symbol;
	size_t found = 0;

	if (!strings_may_have(file, strings, name))
		return 0;
	symbols = section_data(file, section);
	if (!search_take(file, symbols.len))
		return 0;
	for (; found < max && symbols.len >= sizeof(symbol); symbols = slice_drop(symbols, sizeof(symbol))) {
		memcpy(&symbol, symbols.data, sizeof(symbol));
		if (!symbol_matches(file, &symbol, strings, name))
			continue;
		out[found] = (struct elf_symbol){
			.address = symbol.st_value,
			.size = symbol.st_size,
			.table = header->sh_type == SHT_DYNSYM ? ELF_DYNSYM : ELF_SYMTAB,
		};
		if (elf_file_offset(file, symbol.st_value, &out[found].file_offset))
			break;
		found++;
	}
	return found;
}

static const Elf64_Phdr *segment_find(const struct elf_file *file, uint64_t address)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *segment = &file->segments[i];

		if (address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz)
			return segment;
	}
	return NULL;
}

long elf_read_code(const struct elf_file *file, uint64_t address, uint8_t *out, size_t size)
{
	const Elf64_Phdr *segment = segment_find(file, address);
	uint64_t within;
	ssize_t n;

	if (!segment || !(segment->p_flags & PF_X))
		return -EFAULT;
	within = address - segment->p_vaddr;
	if (size > segment->p_filesz - within)
		size = segment->p_filesz - within;
	n = pread(file->fd, out, size, (off_t)(segment->p_offset + within));
	return n > 0 ? n : -EFAULT;
}

bool elf_is_code(const struct elf_file *file, uint64_t address)
{
	const Elf64_Phdr *segment = segment_find(file, address);

	return segment && segment->p_flags & PF_X;
}

struct code_walk {
	uint8_t *piece;
	size_t overlap;
	uint64_t left; /* bytes that may still be read */
	bool (*fn)(void *ctx, uint64_t address, struct slice code);
	void *ctx;
};

/* False: fn wants no more, the file cannot be read, or all that may be has been. */
static bool segment_walk(struct code_walk *walk, const struct elf_file *file, const Elf64_Phdr *segment)
{
	size_t kept = 0;

	for (uint64_t at = 0; at < segment->p_filesz;) {
		uint64_t left = segment->p_filesz - at;
		size_t wanted = left < PIECE_BYTES - kept ? left : PIECE_BYTES - kept;
		ssize_t n = walk->left ? pread(file->fd, walk->piece + kept, wanted,
					       (off_t)(segment->p_offset + at))
				       : 0;

		if (n <= 0)
			return false;
		at += (uint64_t)n;
		kept += (size_t)n;
		walk->left -= (uint64_t)n < walk->left ? (uint64_t)n : walk->left;
		if (!walk->fn(walk->ctx, segment->p_vaddr + at - kept, slice_of(walk->piece, kept)))
			return false;
		if (kept > walk->overlap) {
			memmove(walk->piece, walk->piece + kept - walk->overlap, walk->overlap);
			kept = walk->overlap;
		}
	}
	return true;
}

void elf_each_code(const struct elf_file *file, size_t overlap,
		   bool (*fn)(void *ctx, uint64_t address, struct slice code), void *ctx)
{
	struct code_walk walk = {
		.piece = malloc(PIECE_BYTES),
		.overlap = overlap,
		.left = file->size < CODE_BYTES_MAX ? file->size : CODE_BYTES_MAX,
		.fn = fn,
		.ctx = ctx,
	};
	bool more = walk.piece != NULL;

	for (size_t i = 0; more && i < file->segment_count; i++)
		if (file->segments[i].p_flags & PF_X)
			more = segment_walk(&walk, file, &file->segments[i]);
	free(walk.piece);
}

int elf_code_address(const struct elf_file *file, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *segment = &file->segments[i];

		if (!(segment->p_flags & PF_X) || offset < segment->p_offset ||
		    offset - segment->p_offset >= segment->p_filesz)
			continue;
		*address = segment->p_vaddr + (offset - segment->p_offset);
		return 0;
	}
	return -EFAULT;
}

int elf_file_offset(const struct elf_file *file, uint64_t address, uint64_t *offset)
{
	const Elf64_Phdr *segment = segment_find(file, address);

	if (!segment)
		return -EFAULT;
	*offset = segment->p_offset + (address - segment->p_vaddr);
	return 0;
}

/* A section by name; its number, 0: there is none. */
static size_t section_find(const struct elf_file *file, const char *name)
{
	const struct sections *sections = file->sections;
	struct slice names = section_data(file, file->names), wanted = slice_of(name, strlen(name) + 1);

	for (size_t i = 1; i < sections->count; i++)
		if (slice_has_prefix(slice_drop(names, sections->list[i].header.sh_name), wanted))
			return i;
	return 0;
}

bool elf_has_section(const struct elf_file *file, const char *name)
{
	return section_find(file, name) > 0;
}

static struct slice section_bytes(const struct elf_file *file, const char *name)
{
	size_t section = section_find(file, name);

	return section ? section_data(file, section) : slice_of(NULL, 0);
}

static uint64_t section_address(const struct elf_file *file, const char *name)
{
	size_t section = section_find(file, name);

	return section ? file->sections->list[section].header.sh_addr : 0;
}

bool elf_has_text(const struct elf_file *file, const char *text)
{
	return search_for(file, section_bytes(file, ".rodata"), slice_of_string(text));
}

size_t elf_find_texts(const struct elf_file *file, const char *const *texts, size_t count,
		      struct elf_text *out, size_t max)
{
	struct slice in = section_bytes(file, ".rodata");
	uint64_t address = section_address(file, ".rodata");
	size_t found = 0;

	if (!in.len || !search_take(file, in.len))
		return 0;
	for (size_t which = 0; which < count; which++) {
		struct slice rest = in, text = slice_of(texts[which], strlen(texts[which]) + 1);
		const uint8_t *at;

		while (found < max && (at = memmem(rest.data, rest.len, text.data, text.len))) {
			out[found++] = (struct elf_text){ address + (uint64_t)(at - in.data), which };
			rest = slice_drop(rest, (size_t)(at - rest.data) + 1);
		}
	}
	return found;
}

/* Copies printable ASCII up to the first other byte. */
static void text_copy(const char *text, size_t len, char *out, size_t size)
{
	size_t i;

	for (i = 0; i < len && i + 1 < size && text[i] >= ' ' && text[i] <= '~'; i++)
		out[i] = text[i];
	out[i] = '\0';
}

/* Three numbers with dots between. */
static bool is_version(const char *text)
{
	for (int part = 0; part < 3; part++) {
		size_t digits = strspn(text, "0123456789");

		if (!digits || (part < 2 && text[digits] != '.'))
			return false;
		text += digits + 1;
	}
	return true;
}

int elf_find_version(const struct elf_file *file, const char *prefix, char *out, size_t size)
{
	struct slice texts = section_bytes(file, ".rodata");
	size_t prefix_len = strlen(prefix);
	const char *at, *end;

	out[0] = '\0';
	if (!texts.len || !search_take(file, texts.len))
		return -ENOENT;
	at = (const char *)texts.data;
	end = at + texts.len;
	for (; (at = memmem(at, (size_t)(end - at), prefix, prefix_len)); at += prefix_len) {
		text_copy(at, (size_t)(end - at), out, size);
		if (strlen(out) > prefix_len && is_version(out + prefix_len))
			return 0;
	}
	out[0] = '\0';
	return -ENOENT;
}

/* --- pointers ----------------------------------------------------------------------------- */

/*
 * Puts what the loader adds its own address to into these words, which begin at address. Packed relocations
 * (SHT_RELR) have it in place already.
 */
static void relocations_apply(const struct elf_file *file, uint64_t address, uint64_t *words, size_t count)
{
	const struct sections *sections = file->sections;
	Elf64_Rela rela;

	for (size_t i = 0; i < sections->count; i++) {
		struct slice data = slice_of(NULL, 0);

		if (sections->list[i].header.sh_type == SHT_RELA)
			data = section_data(file, i);
		if (!search_take(file, data.len))
			return;
		for (; data.len >= sizeof(rela); data = slice_drop(data, sizeof(rela))) {
			memcpy(&rela, data.data, sizeof(rela));
			uint64_t at = rela.r_offset - address;

			if (ELF64_R_TYPE(rela.r_info) == R_X86_64_RELATIVE && at % 8 == 0 && at / 8 < count)
				words[at / 8] = (uint64_t)rela.r_addend;
		}
	}
}

long elf_read_pointers(const struct elf_file *file, const char *section, uint64_t **out)
{
	struct slice bytes = section_bytes(file, section);
	size_t count = bytes.len / sizeof(**out);

	if (!count || count > POINTERS_MAX)
		return -ENOENT;
	*out = calloc(count, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	memcpy(*out, bytes.data, count * sizeof(**out));
	relocations_apply(file, section_address(file, section), *out, count);
	return (long)count;
}

/* --- Go ----------------------------------------------------------------------------------- */

/* Where moduledata has the start of the text, behind a pointer, six slices, a pointer and the borders
 * (Go 1.26, in a section of its own). */
#define GO_MODULE_TEXT (8 + 6 * 24 + 8 + 2 * 8)

/* The address that the loader puts there, less where it puts the file; 0: none. */
static uint64_t relocated_address(const struct elf_file *file, uint64_t address)
{
	uint64_t word = 0;

	relocations_apply(file, address, &word, 1);
	return word;
}

struct go_place {
	struct slice table;
	uint64_t address;
};

/* Under its own name, or (position independent, linked by others than Go) merged with other constants. */
static struct go_place go_table_place(const struct elf_file *file)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	struct go_place place = { .address = section_address(file, ".data.rel.ro") };
	struct slice constants;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (elf_has_section(file, names[i]))
			return (struct go_place){ section_bytes(file, names[i]),
						  section_address(file, names[i]) };
	if (!elf_has_section(file, ".go.buildinfo"))
		return place;
	constants = section_bytes(file, ".data.rel.ro");
	place.table = go_table_search(constants);
	place.address += constants.len - place.table.len;
	return place;
}

static uint64_t module_text(const struct elf_file *file)
{
	struct slice module = slice_drop(section_bytes(file, ".go.module"), GO_MODULE_TEXT);
	uint64_t text = 0;

	if (module.len >= sizeof(text))
		memcpy(&text, module.data, sizeof(text));
	return text;
}

uint64_t elf_function_before(const struct elf_file *file, uint64_t address)
{
	return unwind_table_find(section_bytes(file, ".eh_frame_hdr"), section_address(file, ".eh_frame_hdr"),
				 address);
}

static bool go_begins(const struct elf_file *file, uint64_t address)
{
	uint8_t code[16];
	long len = elf_read_code(file, address, code, sizeof(code));

	return len > 0 && go_function_begins(code, (size_t)len);
}

/* Functions stand at offsets from a start that is told in one place or the other, or in none. */
static int go_find(const struct elf_file *file, const char *name, struct elf_symbol *out)
{
	struct go_place place = go_table_place(file);
	struct go_function function;
	uint64_t starts[4];

	if (go_table_find(place.table, name, &function))
		return -ENOENT;
	starts[0] = module_text(file);
	starts[1] = go_table_text(place.table);
	starts[2] = relocated_address(file, place.address + GO_TABLE_TEXT_AT);
	starts[3] = section_address(file, ".text");
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		*out = (struct elf_symbol){
			.address = starts[i] + function.offset,
			.size = function.size,
			.table = ELF_GO,
		};
		if (starts[i] && go_begins(file, out->address) &&
		    !elf_file_offset(file, out->address, &out->file_offset))
			return 0;
	}
	return -ENOENT;
}

/* --- functions by name -------------------------------------------------------------------- */

static size_t symbols_find(const struct elf_file *file, unsigned int type, const char *name,
			   struct elf_symbol *out, size_t max)
{
	const struct sections *sections = file->sections;
	size_t found = 0;

	for (size_t i = 0; !found && i < sections->count; i++)
		if (sections->list[i].header.sh_type == type)
			found = table_find(file, i, name, out, max);
	return found;
}

static size_t functions_find(const struct elf_file *file, enum elf_table table, const char *name,
			     struct elf_symbol *out, size_t max)
{
	switch (table) {
	case ELF_DYNSYM:
		return symbols_find(file, SHT_DYNSYM, name, out, max);
	case ELF_SYMTAB:
		return symbols_find(file, SHT_SYMTAB, name, out, max);
	case ELF_GO:
		return !go_find(file, name, out);
	}
	return 0;
}

size_t elf_find_functions(const struct elf_file *file, const char *pattern, struct elf_symbol *out,
			  size_t max)
{
	size_t found = 0;

	for (enum elf_table table = ELF_DYNSYM; table <= ELF_GO && !found; table++)
		found = functions_find(file, table, pattern, out, max);
	return found;
}

bool elf_exports(const struct elf_file *file, const char *name)
{
	struct elf_symbol found;

	return symbols_find(file, SHT_DYNSYM, name, &found, 1) > 0;
}

int elf_find_function(const struct elf_file *file, const char *name, struct elf_symbol *out)
{
	return elf_find_functions(file, name, out, 1) ? 0 : -ENOENT;
}

bool elf_has_function_beside(const struct elf_file *file, const struct elf_symbol *symbol, const char *name)
{
	struct elf_symbol found;

	return functions_find(file, symbol->table, name, &found, 1) > 0;
}
