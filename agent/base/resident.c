/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments that can be written hold relocated addresses, and those that run may hold a debugger's or the
 * kernel's breakpoints: both stay.
 */
#include "resident.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE_BYTES (256 * 1024)

/* Where it was loaded to. */
static void *object_at(const struct dl_phdr_info *object, uintptr_t offset)
{
	return (void *)(object->dlpi_addr + offset); /* NOLINT(performance-no-int-to-ptr): its loader's */
}

/* Does its loader write into segments that are not to be written? */
static bool has_text_relocations(const struct dl_phdr_info *object)
{
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Dyn) *entry = object_at(object, object->dlpi_phdr[i].p_vaddr);

		if (object->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		for (; entry->d_tag != DT_NULL; entry++)
			if (entry->d_tag == DT_TEXTREL ||
			    (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL))
				return true;
	}
	return false;
}

static int object_release(struct dl_phdr_info *object, size_t size, void *page)
{
	uintptr_t mask = *(const uintptr_t *)page - 1;

	(void)size;
	if (has_text_relocations(object))
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t start = segment->p_vaddr & ~mask;
		uintptr_t end = (segment->p_vaddr + segment->p_memsz) & ~mask;

		/* A refusal costs what it was to save. */
		if (segment->p_type == PT_LOAD && segment->p_flags == PF_R && end > start)
			madvise(object_at(object, start), end - start, MADV_DONTNEED);
	}
	return 0;
}

void resident_release(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES);
	malloc_trim(0);
	dl_iterate_phdr(object_release, &page);
}
