/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), in this machine's byte order, into a buffer. A block
 * whose buffer failed is dropped with it: half a block is never written.
 */
#ifndef HARK_PCAPNG_BLOCK_H
#define HARK_PCAPNG_BLOCK_H

#include "base/buffer.h"
#include "slice.h"

#include <stdint.h>

enum pcapng_link {
	PCAPNG_LINK_RAW = 101, /* packets begin with the header of IPv4 or IPv6 */
	PCAPNG_LINK_PDU = 252, /* Wireshark's own: tags, then the bytes of some protocol */
};

enum pcapng_way {
	PCAPNG_INBOUND = 1, /* epb_flags */
	PCAPNG_OUTBOUND = 2,
};

enum pcapng_option {
	PCAPNG_OPT_COMMENT = 1,
	PCAPNG_OPT_HARDWARE = 2,
	PCAPNG_OPT_OS = 3,
	PCAPNG_OPT_APPLICATION = 4,
	PCAPNG_OPT_IF_NAME = 2,
	PCAPNG_OPT_IF_DESCRIPTION = 3,
	PCAPNG_OPT_IF_TIME_RESOLUTION = 9,
	PCAPNG_OPT_PACKET_FLAGS = 2,
};

/* The section begins; an empty text is left out. */
void pcapng_put_section(struct buffer *out, struct slice hardware, struct slice os, struct slice application);
/* The next interface, with times in nanoseconds. */
void pcapng_put_interface(struct buffer *out, enum pcapng_link link, const char *name,
			  const char *description);

/*
 * A packet: begun, its bytes put into the buffer by the caller, ended. time_ns is since 1970. The comment may
 * be empty.
 */
struct pcapng_packet {
	size_t start, bytes; /* where the block and its bytes begin in the buffer */
};
struct pcapng_packet pcapng_packet_begin(struct buffer *out, uint32_t interface, uint64_t time_ns);
void pcapng_packet_end(struct buffer *out, const struct pcapng_packet *packet, enum pcapng_way way,
		       struct slice comment);

/* Lines of a key log (NSS' format), for packets behind this block. */
void pcapng_put_key_log(struct buffer *out, struct slice lines);

#endif
