/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overwrites secrets in one direction of an HTTP/2 connection: header blocks
 * by their fields, DATA as text. Framing never changes.
 */
#ifndef HARK_SCRUB_FRAMES_H
#define HARK_SCRUB_FRAMES_H

#include "scrub.h"
#include "scrub_cuts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scrub_frames;

/* from_start: the first byte is the first of the direction. config is borrowed. NULL: out of memory. */
struct scrub_frames *scrub_frames_new(const struct scrub_config *config, bool from_start);
/* NULL is legal. */
void scrub_frames_free(struct scrub_frames *frames);

/*
 * Takes bytes and overwrites in them, now or in a later call: they must stay where they are while
 * scrub_frames_open(). What cannot be judged and must not be kept is noted in cuts.
 */
void scrub_frames_feed(struct scrub_frames *frames, uint8_t *bytes, size_t len, struct scrub_cuts *cuts);

/* size bytes are missing; HOLE_UNKNOWN_SIZE: nobody knows how many. */
void scrub_frames_hole(struct scrub_frames *frames, uint64_t size);

/* A header block or a URL is under way: bytes of earlier calls may still change. */
bool scrub_frames_open(const struct scrub_frames *frames);

/* The bytes that wait are taken away. True: a block was under way, and its bytes must not be kept. */
bool scrub_frames_force(struct scrub_frames *frames);

/* All the memory that it takes. */
size_t scrub_frames_memory(const struct scrub_frames *frames);

#endif
