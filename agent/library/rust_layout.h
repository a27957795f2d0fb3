/* SPDX-License-Identifier: Apache-2.0 */
/* Where rustls keeps what it has to send and what it received (bpf/tls/rust.h). */
#ifndef HARK_RUST_LAYOUT_H
#define HARK_RUST_LAYOUT_H

#include "elf_file.h"

#include "maps_abi.h"

#include <stdbool.h>

/* The functions that tell it, as both of Rust's ways of mangling have their names. */
#define RUSTLS_IO_STATE                                  \
	"_ZN6rustls%11CommonState16current_io_state17h%" \
	"|_RNvM%6rustls%11CommonState16current_io_state%"
#define RUSTLS_IS_FULL                                  \
	"_ZN6rustls6vecbuf14ChunkVecBuffer7is_full17h%" \
	"|_RNvM%6rustls6vecbuf%14ChunkVecBuffer7is_full%"

/* Reads it out of the file's own code. False: it is not clear; *out is untouched. */
bool rust_layout_find(const struct elf_file *elf, struct tls_layout *out);

#endif
