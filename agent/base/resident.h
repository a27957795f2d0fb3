/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARK_RESIDENT_H
#define HARK_RESIDENT_H

/*
 * Gives back what a start took and what comes after it hardly needs: free memory between what is used, and
 * pages of files that were only read (relocations, the BPF programs' object, a disassembler's tables). Who
 * needs one again meets it in the page cache. What is freed in large pieces from then on is given back too:
 * left alone, the C library keeps twice as much as the largest that was ever freed, and those are the
 * kernel's types.
 */
void resident_release(void);

#endif
