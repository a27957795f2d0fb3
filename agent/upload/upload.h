/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two processes of an upload say to each other, over a socket pair that keeps messages whole
 * (SOCK_SEQPACKET), and what bounds it.
 *
 *   hark     ->  a chunk (items of one endpoint), …, the end
 *   uploader ->  a report after each request, with sums, so that the last one is all that counts
 *
 * The pair's buffer is the queue of what the uploader has not yet taken, and refuses what has no room.
 */
#ifndef HARK_UPLOAD_H
#define HARK_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPLOAD_ENDPOINTS_MAX 2
#define UPLOAD_HEADERS_MAX   32
#define UPLOAD_ID_MAX	     32 /* of uploader_id() */

#define UPLOAD_SOCKET_BYTES (8u << 20)	/* between the processes: as much as the kernel allows of it */
#define UPLOAD_CHUNK_BYTES  (4u << 20)	/* of one at most */
#define UPLOAD_QUEUE_BYTES  (32u << 20) /* that the uploader holds; it takes no more before */
#define UPLOAD_BODY_BYTES   (1u << 20)	/* of one request, before compression; a chunk is never cut */
#define UPLOAD_LINGER_NS    UINT64_C(1000000000) /* chunks wait for others so long */
#define UPLOAD_FLUSH_NS	    UINT64_C(5000000000) /* what the end of a run waits for at most */

enum upload_kind {
	UPLOAD_CHUNK,
	UPLOAD_END, /* flush, report, end */
};

/* Behind it the bytes of the chunk. */
struct upload_message {
	uint32_t kind; /* enum upload_kind */
	uint32_t endpoint;
	uint32_t items; /* in the chunk, as they are counted */
	uint32_t pad;
};

struct upload_report {
	uint64_t delivered, rejected, lost; /* items, since the beginning */
	uint32_t ready;			    /* false: it cannot do its work, and ends; why was said */
	uint32_t pad;
};

/* Where chunks go: those of one may be put behind one another and make one body. */
struct upload_endpoint {
	const char *url;
	const char *content_type;
};

struct upload_config {
	const char *name; /* of the format, for people: "otlp" */
	struct upload_endpoint endpoints[UPLOAD_ENDPOINTS_MAX];
	const char *const *headers; /* "Name: value", checked */
	size_t header_count;
	bool partial;	/* a response of OTLP's tells how many items were rejected */
	const char *id; /* value of X-Request-Id, before a number */
};

#endif
