/* SPDX-License-Identifier: Apache-2.0 */
/* What hark serve answers, a row a path. Files stand inside of hark, byte by byte: FILES and their rows. */
#include "serve.h"

#define JSON   "application/json"
#define HTML   "text/html; charset=utf-8"
#define CSS    "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

/* X(name, file): of each file its bytes are name to name_end. */
#define FILES(X)                                         \
	X(page_index, "share/page/index.html")           \
	X(page_icon, "share/page/icon.svg")              \
	X(page_style, "share/page/style.css")            \
	X(page_app, "share/page/app.js")                 \
	X(page_connections, "share/page/connections.js") \
	X(page_data, "share/page/data.js")               \
	X(page_detail, "share/page/detail.js")           \
	X(page_endpoints, "share/page/endpoints.js")     \
	X(page_exchanges, "share/page/exchanges.js")     \
	X(page_heat, "share/page/heat.js")               \
	X(page_list, "share/page/list.js")               \
	X(page_map, "share/page/map.js")                 \
	X(page_models, "share/page/models.js")           \
	X(page_table, "share/page/table.js")             \
	X(page_text, "share/page/text.js")

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
	FILE_ROW("/icon.svg", "image/svg+xml", page_icon),
	FILE_ROW("/style.css", CSS, page_style),
	FILE_ROW("/app.js", SCRIPT, page_app),
	FILE_ROW("/connections.js", SCRIPT, page_connections),
	FILE_ROW("/data.js", SCRIPT, page_data),
	FILE_ROW("/detail.js", SCRIPT, page_detail),
	FILE_ROW("/endpoints.js", SCRIPT, page_endpoints),
	FILE_ROW("/exchanges.js", SCRIPT, page_exchanges),
	FILE_ROW("/heat.js", SCRIPT, page_heat),
	FILE_ROW("/list.js", SCRIPT, page_list),
	FILE_ROW("/map.js", SCRIPT, page_map),
	FILE_ROW("/models.js", SCRIPT, page_models),
	FILE_ROW("/table.js", SCRIPT, page_table),
	FILE_ROW("/text.js", SCRIPT, page_text),
};

const size_t serve_path_count = sizeof(serve_paths) / sizeof(serve_paths[0]);
