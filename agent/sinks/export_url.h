/* SPDX-License-Identifier: Apache-2.0 */
/* The URL behind "-o FORMAT:", as the user gave it. */
#ifndef HARK_EXPORT_URL_H
#define HARK_EXPORT_URL_H

#include "base/buffer.h"
#include "slice.h"

struct export_url {	    /* borrowed from what the user gave */
	struct slice base;  /* scheme and authority */
	struct slice path;  /* with its slash; empty: there is none, or it is "/" */
	struct slice query; /* without '?' */
};

/* 0, or -EINVAL with the reason logged: it is no http or https URL, or has a user name and password in it. */
int export_url_parse(struct export_url *url, const char *format, const char *place);

#endif
