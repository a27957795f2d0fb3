/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server of hark serve: libmicrohttpd in hark's own loop, which waits for its epoll descriptor; no
 * thread, and nothing that blocks. What is answered stands in a table of paths. GET and HEAD alone, by who
 * may ask (serve_rules.h). All that a client can make hark hold is bounded: connections, streams, the size of
 * a request, the bytes of answers that are not read, and how long each takes.
 */
#ifndef HARK_SERVE_HTTP_H
#define HARK_SERVE_HTTP_H

#include "base/buffer.h"
#include "base/loop.h"
#include "serve_rules.h"

#include <stdbool.h>
#include <stddef.h>

#define SERVE_CONNECTIONS_MAX 256
#define SERVE_STREAMS_MAX     64
#define SERVE_HELD_MAX	      (64u << 20)	    /* of answers that were not read yet */
#define SERVE_REQUEST_NS      UINT64_C(30000000000) /* from a connection's rest to its next request */
#define SERVE_ANSWER_NS	      UINT64_C(60000000000) /* until an answer was read, which is no stream */
#define SERVE_TURN_NS	      UINT64_C(100000000)   /* for answers of one turn of the loop */
#define SERVE_ALIVE_NS	      UINT64_C(15000000000) /* a stream that has nothing to say says so */

struct serve_http;

/* Borrowed for the call that it is handed to. */
struct serve_request {
	const char *path;   /* decoded, without its query */
	const char *rest;   /* of a row that stands for all that begin with it: what follows */
	const char *accept; /* its value; empty: the field is not there */
	void *connection;   /* for serve_request_argument() */
	struct serve_http *http;
};

/* The first argument of the query that has this name, decoded, NUL-terminated; NULL: there is none. */
const char *serve_request_argument(const struct serve_request *request, const char *name);

/* The value of a field of its head; NULL: there is none. */
const char *serve_request_field(const struct serve_request *request, const char *name);

/*
 * A body without an end. Its owner makes it, first of a struct of its own; the server wakes and closes it.
 * Bytes that are read in one call may be sent in several.
 */
struct serve_stream {
	size_t (*read)(struct serve_stream *stream, char *bytes, size_t size); /* 0: nothing now */
	void (*close)(struct serve_stream *stream);			       /* and frees it */
	/* The server's own. */
	struct serve_http *http;
	void *connection;
	bool suspended;
	struct serve_stream *prev, *next;
};

/* There is something to read, or may be, in every stream. */
void serve_http_wake(struct serve_http *http);

struct serve_answer {
	unsigned int status;	     /* 200 at first */
	const char *type;	     /* Content-Type: the row's at first; static */
	struct buffer body;	     /* taken over */
	struct serve_stream *stream; /* NULL: the body is all */
};

struct serve_path {
	const char *path; /* "/metrics"; what ends with a slash (but "/") stands for all that begin with it */
	const char *type; /* Content-Type */
	/* Fills *answer at once; NULL: the bytes from file to file_end are the body. */
	void (*answer)(void *ctx, const struct serve_request *request, struct serve_answer *answer);
	const char *file, *file_end;
	bool open; /* it tells nothing of what was observed: the token is not asked for */
};

/* Borrowed, with all that it points to, until serve_http_free(). */
struct serve_http_config {
	struct loop *loop;
	const char *listen;		  /* ADDR:PORT, checked */
	const char *cert_path, *key_path; /* PEM; both or none (NULL) */
	const char *token_path;		  /* NULL: none */
	const struct serve_path *paths;
	size_t path_count;
	void *ctx; /* of their functions */
};

/* Listens, and answers from the loop's next turn on. NULL: the reason was reported. */
struct serve_http *serve_http_new(const struct serve_http_config *config);
/* Closes every connection and stream. NULL is legal. */
void serve_http_free(struct serve_http *http);

/* What was bound, with its port. Borrowed. */
const struct serve_rules *serve_http_rules(const struct serve_http *http);

/* As numbers for people who watch it: open connections and streams, bytes of answers on their way. */
struct serve_http_load {
	size_t connections, streams, held_bytes;
};
struct serve_http_load serve_http_load(const struct serve_http *http);

#endif
