/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key of the filter language does with a value: read it, and match it.
 * A match function answers FILTER_UNKNOWN for what is not known, and does not
 * care what that means.
 */
#ifndef HARK_FILTER_KEYS_H
#define HARK_FILTER_KEYS_H

#include "filter_term.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef int filter_value_fn(struct filter_value *value, char *why, size_t size);
typedef enum filter_answer filter_match_fn(const struct filter_value *value, struct filter_subject *subject);

/* Of the process and the connection (filter_keys_conn.c), of the exchange (filter_keys_http.c). */
filter_value_fn value_container, value_flag, value_glob, value_glob_nocase, value_grpc, value_header,
	value_latency, value_method, value_path, value_peer, value_pid, value_port, value_proto, value_role,
	value_size, value_status, value_tls, value_user;
filter_match_fn match_comm, match_container, match_flag, match_grpc, match_header, match_host, match_latency,
	match_method, match_path, match_peer, match_pid, match_port, match_proto, match_role, match_size,
	match_status, match_tls, match_user;

static inline int filter_wrong(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s", what);
	return -EINVAL;
}

static inline enum filter_answer filter_says(bool yes)
{
	return yes ? FILTER_YES : FILTER_NO;
}

static inline struct slice field_slice(const char *field, size_t size)
{
	return slice_of(field, strnlen(field, size));
}

static inline struct slice value_slice(const struct filter_value *value)
{
	return slice_of(value->text, value->len);
}

#endif
