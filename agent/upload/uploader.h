/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands what sinks make to a process of its own that sends it by HTTP. hark itself may open no socket: it
 * reads what anybody on the network sent (docs/security.md). The uploader is forked before hark gives its
 * rights up, gives up all of its own, and knows nothing but what it is sent.
 *
 * Sending never waits in a live run: what has no room is dropped and counted. Counted are items (spans,
 * rows): export.delivered, export.rejected and export.lost are all that were sent, once the uploader is
 * freed.
 */
#ifndef HARK_UPLOADER_H
#define HARK_UPLOADER_H

#include "message.h"
#include "slice.h"
#include "upload.h"

#include <sys/types.h>

struct loop;
struct uploader;

struct uploader_options {
	struct upload_config upload; /* copied by the fork; but for `id`, which is made */
	const char *items;	     /* what is counted, for people: "rows" */
	bool waits;	   /* a recording is replayed: what has no room waits for some, for a while */
	struct loop *loop; /* borrowed; reports come by it. NULL: they are read when something is sent */
};

/* NULL: errno. The process loads its libraries meanwhile: whether it can work is told by uploader_failed().
 */
struct uploader *uploader_new(const struct uploader_options *options);

/* Ends it, and frees. NULL is legal. */
void uploader_free(struct uploader *uploader);

/*
 * Waits for at most UPLOAD_FLUSH_NS until all is sent; what was not is counted as lost. The process is gone
 * then, and uploader_failed() is known. Once is enough.
 */
void uploader_end(struct uploader *uploader);

/* Hands a chunk over, or drops and counts it, as one of more than UPLOAD_CHUNK_BYTES. */
void uploader_send(struct uploader *uploader, uint32_t endpoint, uint32_t items, struct slice bytes);

/* The process could not begin, or is gone: why was said. Nothing more will be sent. */
bool uploader_failed(const struct uploader *uploader);

/* What is not to be observed. */
pid_t uploader_pid(const struct uploader *uploader);

/*
 * The X-Request-Id of each of its requests begins so, at random for each uploader: by it the other end of its
 * own traffic is known.
 */
struct slice uploader_id(const struct uploader *uploader);
/* Is it a request of its own, as the receiver got it? Export of those would never end. NULL: it is none. */
bool uploader_is_own(const struct uploader *uploader, const struct message *request);

#endif
