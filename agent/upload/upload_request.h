/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request at a time, by libcurl, which is loaded here and in this process alone. */
#ifndef HARK_UPLOAD_REQUEST_H
#define HARK_UPLOAD_REQUEST_H

#include "slice.h"
#include "upload.h"

#define UPLOAD_WHY_MAX 256

struct upload_request;

struct upload_outcome {
	enum {
		UPLOAD_DELIVERED, /* 2xx */
		UPLOAD_REJECTED,  /* by a status that means the same tomorrow: 3xx (none is followed), 4xx */
		UPLOAD_AGAIN,	  /* 429, 5xx, or no answer */
	} kind;
	int status;		 /* 0: no answer */
	uint64_t rejected;	 /* of a delivered body: so many items were not taken */
	uint64_t retry_after_ns; /* that the receiver asked for; 0: it did not */
	const char *where;	 /* for people: the URL without what may be a secret */
	char why[UPLOAD_WHY_MAX];
};

/* NULL: the reason was reported. config is borrowed. */
struct upload_request *upload_request_new(const struct upload_config *config);
void upload_request_free(struct upload_request *request); /* NULL is legal */

/* Begins; none is under way. The body, which is gzip, is borrowed until its outcome is there. */
void upload_request_start(struct upload_request *request, uint32_t endpoint, struct slice body);

/*
 * Goes on, for at most so long, and no longer than until fd is readable (if that is wanted) or hangs up.
 * True: the request is over.
 */
bool upload_request_wait(struct upload_request *request, int fd, bool readable, uint64_t wait_ns,
			 struct upload_outcome *outcome);

#endif
