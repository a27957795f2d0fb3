/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One byte of version, three that say how what follows is written (each DW_EH_PE_…), the address of
 * .eh_frame, the number of entries, and the entries, sorted: where a function begins and where its
 * description is, both relative to the section. All linkers write 32-bit numbers; other forms are not read.
 */
#include "unwind_table.h"

#include <string.h>

#define VERSION	    1
#define UDATA4	    0x03 /* the number of entries */
#define DATA_SDATA4 0x3b /* the entries */
#define COUNT_AT    8
#define ENTRIES_AT  12
#define ENTRY_BYTES 8

static int32_t entry_begin(struct slice section, uint64_t index)
{
	int32_t begin;

	memcpy(&begin, section.data + ENTRIES_AT + index * ENTRY_BYTES, sizeof(begin));
	return begin;
}

uint64_t unwind_table_find(struct slice section, uint64_t section_address, uint64_t address)
{
	uint64_t low = 0, high;
	uint32_t count;

	if (section.len < ENTRIES_AT || section.data[0] != VERSION || section.data[2] != UDATA4 ||
	    section.data[3] != DATA_SDATA4)
		return UINT64_MAX;
	memcpy(&count, section.data + COUNT_AT, sizeof(count));
	if (!count || count > (section.len - ENTRIES_AT) / ENTRY_BYTES)
		return UINT64_MAX;
	for (high = count; low < high;) {
		uint64_t middle = low + (high - low) / 2;

		if ((int64_t)(address - section_address) >= entry_begin(section, middle))
			low = middle + 1;
		else
			high = middle;
	}
	return low ? section_address + (uint64_t)(int64_t)entry_begin(section, low - 1) : 0;
}
