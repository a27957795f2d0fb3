/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the filter language. Adding one is a row here with a function
 * that reads a value and one that matches it: help, completion and the man
 * page's list follow (make docs).
 */
#include "filter_keys.h"

const struct filter_key filter_keys[] = {
	{ "pid", "PID", "Process id",
	  "When a filter restricts to processes they must exist, as with -p; when all have ended hark ends.",
	  false, value_pid, match_pid },
	{ "comm", "NAME", "Program: name of its file or thread, or a glob", NULL, false, value_glob,
	  match_comm },
	{ "user", "NAME, UID", "User that the process runs as",
	  "Names are those of the machine where hark runs.", false, value_user, match_user },
	{ "container", "ID, none", "Container or unit: how it begins, or a glob",
	  "That is what JSON calls container.id: the container of the process by its cgroup, or its systemd "
	  "unit.",
	  false, value_container, match_container },
	{ "port", "443, 8000-8099", "Port of either end", NULL, false, value_port, match_port },
	{ "peer", "ADDRESS[/BITS][:PORT]", "Address of the other end",
	  "IPv6 with a port stands in brackets: [::1]:443. IPv4 within IPv6 is IPv4. unix is a Unix socket.",
	  false, value_peer, match_peer },
	{ "role", "client, server", "Which side the process is", NULL, false, value_role, match_role },
	{ "tls", "yes, no, LIBRARY", "TLS or not, or the library that does it", NULL, false, value_tls,
	  match_tls },
	{ "proto", "1, 1.0, 1.1, 2", "Version of HTTP; h2 and http/2 are 2", NULL, true, value_proto,
	  match_proto },
	{ "host", "GLOB", "Host of the request, with or without its port",
	  "Case does not matter. Of a request that names none it is the address of the server; of a TLS "
	  "connection that cannot be read, the name in its hello message.",
	  true, value_glob_nocase, match_host },
	{ "method", "GET", "Method of the request", "Case does not matter.", true, value_method,
	  match_method },
	{ "path", "GLOB, ~REGEX", "Path of the request, without its query",
	  "Case matters. A regex looks at the first 4096 bytes.", true, value_path, match_path },
	{ "status", "404, 5xx, 200-204, none", "Status of the response", "none is an exchange without one.",
	  true, value_status, match_status },
	{ "grpc", "5, NOT_FOUND, error", "Status of a gRPC call; error is all but OK", NULL, true, value_grpc,
	  match_grpc },
	{ "latency", ">50ms, 10ms-1s", "First byte asked to last byte answered",
	  "Signs are >, >=, <, <= and =; the shell takes them for itself unless they stand in quotes. Of a "
	  "request that still waits it is the time so far.",
	  true, value_latency, match_latency },
	{ "size", ">1M, 1K-64K", "Bytes on the wire of the larger of both bodies", "Signs as for latency.",
	  true, value_size, match_size },
	{ "header", "NAME[=GLOB]", "Header field of either side, or its value",
	  "Trailers count too; a ~REGEX may stand for the glob; case does not matter. Values that are not "
	  "shown, being secrets, are matched.",
	  true, value_header, match_header },
	{ "flag", "NAME", "Flag of the exchange, such as gap or reset",
	  "These are the names that lines and JSON have; hark lists them when one is wrong.", true,
	  value_flag, match_flag },
};

const size_t filter_key_count = sizeof(filter_keys) / sizeof(filter_keys[0]);
