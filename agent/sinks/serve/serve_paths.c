/* SPDX-License-Identifier: Apache-2.0 */
/* What hark serve answers, a row a path. A file stands inside of hark, byte by byte (the Makefile knows it).
 */
#include "serve.h"

const struct serve_path serve_paths[] = {
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", .answer = serve_answer_metrics },
	{ "/healthz", "application/json", .answer = serve_answer_health, .open = true },
};

const size_t serve_path_count = sizeof(serve_paths) / sizeof(serve_paths[0]);
