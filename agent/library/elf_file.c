/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols and code of an ELF file.
 *
 * The file belongs to an observed program and may be made to hurt: it is read
 * with pread (a mapping would die by SIGBUS when the file is cut), sections
 * above a limit are not loaded, and every offset is checked against what was
 * read. Most files that are asked about do not have the symbol at all, so a
 * search through the string table comes before the walk over the symbols.
 */
#include "elf_file.h"

#include "go_table.h"
#include "unwind_table.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX	  64
#define SECTION_BYTES_MAX (256u << 20)
#define POINTERS_MAX	  (512u << 10)
#define PIECE_BYTES	  (1u << 20)
#define CODE_BYTES_MAX	  (512u << 20) /* handed out of one file, however many segments tell of it */

struct elf_file {
	Elf *elf;
	int fd;
	unsigned int machine;
	GElf_Phdr segments[SEGMENTS_MAX]; /* p_filesz is what the file really holds */
	size_t segment_count;
};

static int header_check(struct elf_file *file)
{
	GElf_Ehdr header;

	if (elf_kind(file->elf) != ELF_K_ELF || !gelf_getehdr(file->elf, &header))
		return -ENOEXEC;
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (header.e_machine != EM_X86_64 && header.e_machine != EM_AARCH64)
		return -ENOEXEC;
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return -ENOEXEC;
	file->machine = header.e_machine;
	return 0;
}

static int segments_load(struct elf_file *file)
{
	struct stat st;
	size_t count;

	if (fstat(file->fd, &st) || elf_getphdrnum(file->elf, &count))
		return -ENOEXEC;
	for (size_t i = 0; i < count && i < INT32_MAX && file->segment_count < SEGMENTS_MAX; i++) {
		GElf_Phdr *segment = &file->segments[file->segment_count];
		uint64_t held;

		if (!gelf_getphdr(file->elf, (int)i, segment))
			return -ENOEXEC;
		if (segment->p_type != PT_LOAD)
			continue;
		held = segment->p_offset < (uint64_t)st.st_size ? (uint64_t)st.st_size - segment->p_offset
								: 0;
		if (segment->p_filesz > held)
			segment->p_filesz = held;
		file->segment_count++;
	}
	return 0;
}

struct elf_file *elf_file_open_fd(int fd)
{
	struct elf_file *file = calloc(1, sizeof(*file));
	int err = -ENOEXEC;

	if (!file)
		return NULL;
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->fd < 0) {
		err = -errno;
		goto fail;
	}
	if (elf_version(EV_CURRENT) == EV_NONE)
		goto fail;
	file->elf = elf_begin(file->fd, ELF_C_READ, NULL);
	if (!file->elf)
		goto fail;
	err = header_check(file);
	if (!err)
		err = segments_load(file);
	if (!err)
		return file;
fail:
	elf_file_close(file);
	errno = -err;
	return NULL;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

bool elf_is_x86_64(const struct elf_file *file)
{
	return file->machine == EM_X86_64;
}

/* The bytes of a section, owned by libelf; NULL when there are none or too many. */
static const Elf_Data *section_data(Elf_Scn *section, const GElf_Shdr *header)
{
	const Elf_Data *data;

	if (!section || header->sh_type == SHT_NOBITS || header->sh_size > SECTION_BYTES_MAX)
		return NULL;
	data = elf_getdata(section, NULL);
	return data && data->d_buf ? data : NULL;
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
	size_t len = strnlen(name, size);

	if (len == size)
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
static bool strings_may_have(const Elf_Data *strings, const char *pattern)
{
	const char *part = pattern;

	if (!strpbrk(pattern, "%|"))
		return memmem(strings->d_buf, strings->d_size, pattern, strlen(pattern) + 1);
	while (part) {
		const char *begin = part + strcspn(part, "%|"), *end;

		begin = *begin == ANY ? begin + 1 : part;
		end = begin + strcspn(begin, "%|");
		if (memmem(strings->d_buf, strings->d_size, begin, (size_t)(end - begin)))
			return true;
		part = strchr(part, PART);
		part = part ? part + 1 : NULL;
	}
	return false;
}

static bool symbol_matches(const GElf_Sym *symbol, const Elf_Data *strings, const char *name)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	if (type != STT_FUNC) /* an indirect function's address is its resolver */
		return false;
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_name >= strings->d_size)
		return false;
	return elf_name_matches(name, (const char *)strings->d_buf + symbol->st_name,
				strings->d_size - symbol->st_name);
}

static size_t table_find(const struct elf_file *file, Elf_Scn *section, const GElf_Shdr *header,
			 const char *name, struct elf_symbol *out, size_t max)
{
	Elf_Scn *string_section = elf_getscn(file->elf, header->sh_link);
	const Elf_Data *symbols, *strings;
	GElf_Shdr string_header;
	GElf_Sym symbol;
	size_t found = 0;

	if (!string_section || !gelf_getshdr(string_section, &string_header))
		return 0;
	strings = section_data(string_section, &string_header);
	if (!strings || !strings_may_have(strings, name))
		return 0;
	symbols = section_data(section, header);
	if (!symbols)
		return 0;
	for (int i = 0; found < max && gelf_getsym((Elf_Data *)symbols, i, &symbol); i++) {
		if (!symbol_matches(&symbol, strings, name))
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

static const GElf_Phdr *segment_find(const struct elf_file *file, uint64_t address)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const GElf_Phdr *segment = &file->segments[i];

		if (address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz)
			return segment;
	}
	return NULL;
}

long elf_read_code(const struct elf_file *file, uint64_t address, uint8_t *out, size_t size)
{
	const GElf_Phdr *segment = segment_find(file, address);
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
	const GElf_Phdr *segment = segment_find(file, address);

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
static bool segment_walk(struct code_walk *walk, const struct elf_file *file, const GElf_Phdr *segment)
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
		.piece = malloc(PIECE_BYTES), .overlap = overlap, .left = CODE_BYTES_MAX, .fn = fn, .ctx = ctx
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
		const GElf_Phdr *segment = &file->segments[i];

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
	const GElf_Phdr *segment = segment_find(file, address);

	if (!segment)
		return -EFAULT;
	*offset = segment->p_offset + (address - segment->p_vaddr);
	return 0;
}

/* A section by name; NULL when there is none. */
static Elf_Scn *section_find(const struct elf_file *file, const char *name, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(file->elf, &names))
		return NULL;
	while ((section = elf_nextscn(file->elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, header))
			continue;
		found = elf_strptr(file->elf, names, header->sh_name);
		if (found && strcmp(found, name) == 0)
			return section;
	}
	return NULL;
}

bool elf_has_section(const struct elf_file *file, const char *name)
{
	GElf_Shdr header;

	return section_find(file, name, &header) != NULL;
}

static const Elf_Data *texts_find(const struct elf_file *file)
{
	GElf_Shdr header;
	Elf_Scn *section = section_find(file, ".rodata", &header);

	return section ? section_data(section, &header) : NULL;
}

bool elf_has_text(const struct elf_file *file, const char *text)
{
	const Elf_Data *data = texts_find(file);

	return data && memmem(data->d_buf, data->d_size, text, strlen(text));
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
	const Elf_Data *data = texts_find(file);
	size_t prefix_len = strlen(prefix);
	const char *at, *end;

	out[0] = '\0';
	if (!data)
		return -ENOENT;
	at = data->d_buf;
	end = at + data->d_size;
	for (; (at = memmem(at, (size_t)(end - at), prefix, prefix_len)); at += prefix_len) {
		text_copy(at, (size_t)(end - at), out, size);
		if (strlen(out) > prefix_len && is_version(out + prefix_len))
			return 0;
	}
	out[0] = '\0';
	return -ENOENT;
}

static struct slice section_bytes(const struct elf_file *file, const char *name)
{
	GElf_Shdr header;
	Elf_Scn *section = section_find(file, name, &header);
	const Elf_Data *data = section ? section_data(section, &header) : NULL;

	return data ? slice_of(data->d_buf, data->d_size) : slice_of(NULL, 0);
}

static uint64_t section_address(const struct elf_file *file, const char *name)
{
	GElf_Shdr header;

	return section_find(file, name, &header) ? header.sh_addr : 0;
}

/* --- pointers ----------------------------------------------------------------------------- */

/*
 * Puts what the loader adds its own address to into these words, which begin at address. Packed relocations
 * (SHT_RELR) have it in place already.
 */
static void relocations_apply(const struct elf_file *file, uint64_t address, uint64_t *words, size_t count)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Rela rela;

	while ((section = elf_nextscn(file->elf, section))) {
		const Elf_Data *data = NULL;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA)
			data = section_data(section, &header);
		for (int i = 0; data && gelf_getrela((Elf_Data *)data, i, &rela); i++) {
			uint64_t at = rela.r_offset - address;

			if (GELF_R_TYPE(rela.r_info) == R_X86_64_RELATIVE && at % 8 == 0 && at / 8 < count)
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
	Elf_Scn *section = NULL;
	size_t found = 0;

	while (!found && (section = elf_nextscn(file->elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == type)
			found = table_find(file, section, &header, name, out, max);
	}
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
