/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where functions begin, as the table for unwinding stacks says (.eh_frame_hdr, Linux Standard Base Core 5.0,
 * 10.6.2), which stripping leaves.
 */
#ifndef HARK_UNWIND_TABLE_H
#define HARK_UNWIND_TABLE_H

#include "slice.h"

#include <stdint.h>

/*
 * The last address up to `address` at which a function begins, by the section's bytes and its own address. 0:
 * no function begins there or before. UINT64_MAX: there is no table, or one in a form that is not read.
 */
uint64_t unwind_table_find(struct slice section, uint64_t section_address, uint64_t address);

#endif
