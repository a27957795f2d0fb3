/* SPDX-License-Identifier: Apache-2.0 */
/* What hark serve answers, a row a path. Files stand inside of hark, byte by byte: FILES and their rows. */
#include "serve.h"

#define JSON "application/json"
#define HTML "text/html; charset=utf-8"

/* X(name, file): of each file its bytes are name to name_end. */
#define FILES(X) X(page_index, "share/page/index.html")

/* Global: what refers to them may be another unit when the program is linked. */
#define FILE_BYTES(name, file)                                                                         \
	__asm__(".pushsection .rodata\n"                                                               \
		".globl " #name ", " #name "_end\n"                                                    \
		".hidden " #name ", " #name "_end\n" #name ":\n.incbin \"" file "\"\n" #name "_end:\n" \
		".popsection");                                                                        \
	extern const char name[], name##_end[];
FILES(FILE_BYTES)

#define FILE_ROW(path, type, name)                                             \
	{                                                                      \
		path, type, .file = name, .file_end = name##_end, .open = true \
	}

const struct serve_path serve_paths[] = {
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", .answer = serve_answer_metrics },
	{ "/healthz", JSON, .answer = serve_answer_health, .open = true },
	{ "/events", "text/event-stream", .answer = serve_answer_events },
	{ "/api/exchanges", JSON, .answer = serve_answer_exchanges },
	{ "/api/exchange/", JSON, .answer = serve_answer_exchange },
	{ "/api/endpoints", JSON, .answer = serve_answer_endpoints },
	{ "/api/connections", JSON, .answer = serve_answer_connections },
	{ "/api/counters", JSON, .answer = serve_answer_counters },
	FILE_ROW("/", HTML, page_index),
};

const size_t serve_path_count = sizeof(serve_paths) / sizeof(serve_paths[0]);
