/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ends of one HTTP/3 connection by nghttp3, joined by memory: what one gives out the other is given, as
 * QUIC would do it. A script has a request a line and what becomes of it:
 *
 *	GET /a                     answered 200, with the path as its body
 *	POST /b 5000               with a body of so many bytes, which comes back
 *	GET /c early               a 103 comes first
 *	GET /d trailers            trailers follow the body
 *	GET /e cut                 the server ends the stream instead, with an error
 *
 * All requests of one script are under way at once. Both ends allow a dynamic table.
 */
#ifndef HARK_TESTS_HTTP3_PAIR_H
#define HARK_TESTS_HTTP3_PAIR_H

#include <nghttp3/nghttp3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP3_PAIR_STREAMS   64
#define HTTP3_PAIR_ERROR_CUT 0x102 /* H3_INTERNAL_ERROR */

struct http3_pair_stream {
	int64_t id;
	char method[8], path[64];
	size_t body, body_sent, answer_sent; /* the answer's is as long, or the path */
	bool early, trailers, cut, answered;
};

struct http3_pair {
	nghttp3_conn *client, *server;
	struct http3_pair_stream streams[HTTP3_PAIR_STREAMS];
	size_t count;
	size_t take; /* the network takes so many bytes of what is offered at most; 0: all of them */
	bool halves; /* and says so in two steps */
	void *ctx;
	/* When set: bytes of a stream went from one end to the other; the stream was ended by an error. */
	void (*moved)(void *ctx, bool by_client, int64_t stream, const uint8_t *bytes, size_t len, bool fin);
	void (*cut)(void *ctx, int64_t stream, uint64_t error);
};

static inline void http3_pair_fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, nghttp3_strerror(error));
	abort();
}

static inline void http3_pair_check(const char *what, nghttp3_ssize result)
{
	if (result < 0)
		http3_pair_fail(what, (int)result);
}

static inline nghttp3_nv http3_pair_field(const char *name, const char *value)
{
	return (nghttp3_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			     strlen(value), NGHTTP3_NV_FLAG_NONE };
}

static inline struct http3_pair_stream *http3_pair_find(struct http3_pair *pair, int64_t id)
{
	if (id % 4 || id < 0 || id / 4 >= (int64_t)pair->count)
		abort();
	return &pair->streams[id / 4];
}

/* Of each body, again and again: what would be the head of a request, GET /evil, if it were not in one. */
static const uint8_t http3_pair_evil[16] = { 1,	  14,	0, 0,	0xd1, 0xd7, 0x50, 1,
					     'x', 0x51, 5, '/', 'e',  'v',  'i',  'l' };
static uint8_t http3_pair_body[65536];

/* Gives out what is left of a body, and its end. */
static inline nghttp3_ssize http3_pair_read(size_t len, size_t *sent, const uint8_t *bytes, nghttp3_vec *vec,
					    uint32_t *flags, bool goes_on)
{
	*vec = (nghttp3_vec){ (uint8_t *)(uintptr_t)bytes, len - *sent };
	*sent = len;
	*flags |= NGHTTP3_DATA_FLAG_EOF | (goes_on ? NGHTTP3_DATA_FLAG_NO_END_STREAM : 0);
	return vec->len ? 1 : 0;
}

static inline nghttp3_ssize http3_pair_read_request(nghttp3_conn *conn, int64_t id, nghttp3_vec *vec,
						    size_t count, uint32_t *flags, void *user, void *own)
{
	struct http3_pair_stream *stream = http3_pair_find(user, id);

	(void)conn, (void)count, (void)own;
	return http3_pair_read(stream->body, &stream->body_sent, http3_pair_body, vec, flags, false);
}

static inline nghttp3_ssize http3_pair_read_answer(nghttp3_conn *conn, int64_t id, nghttp3_vec *vec,
						   size_t count, uint32_t *flags, void *user, void *own)
{
	struct http3_pair_stream *stream = http3_pair_find(user, id);
	nghttp3_nv trailer = http3_pair_field("checksum", "abc");
	bool echo = stream->body > 0;
	nghttp3_ssize vecs = http3_pair_read(echo ? stream->body : strlen(stream->path), &stream->answer_sent,
					     echo ? http3_pair_body : (const uint8_t *)stream->path, vec,
					     flags, stream->trailers);

	(void)count, (void)own;
	if (stream->trailers)
		http3_pair_check("submit_trailers", nghttp3_conn_submit_trailers(conn, id, &trailer, 1));
	return vecs;
}

static inline int http3_pair_answer(nghttp3_conn *conn, int64_t id, void *user, void *own)
{
	struct http3_pair_stream *stream = http3_pair_find(user, id);
	nghttp3_nv early[] = { http3_pair_field(":status", "103"), http3_pair_field("link", "</style>") };
	nghttp3_nv head[] = { http3_pair_field(":status", "200"), http3_pair_field("server", "pair"),
			      http3_pair_field("x-path", stream->path) };
	nghttp3_data_reader reader = { http3_pair_read_answer };

	(void)own;
	if (stream->cut || stream->answered)
		return 0;
	stream->answered = true;
	if (stream->early)
		http3_pair_check("submit_info", nghttp3_conn_submit_info(conn, id, early, 2));
	http3_pair_check("submit_response", nghttp3_conn_submit_response(conn, id, head, 3, &reader));
	return 0;
}

static inline void http3_pair_open(struct http3_pair *pair)
{
	nghttp3_callbacks none = { 0 }, server = { .end_stream = http3_pair_answer };
	nghttp3_settings settings;

	for (size_t i = 0; i < sizeof(http3_pair_body); i++)
		http3_pair_body[i] = http3_pair_evil[i % sizeof(http3_pair_evil)];
	nghttp3_settings_default(&settings);
	settings.qpack_max_dtable_capacity = 4096;
	settings.qpack_blocked_streams = 100;
	http3_pair_check("client_new", nghttp3_conn_client_new(&pair->client, &none, &settings,
							       nghttp3_mem_default(), pair));
	http3_pair_check("server_new", nghttp3_conn_server_new(&pair->server, &server, &settings,
							       nghttp3_mem_default(), pair));
	nghttp3_conn_set_max_client_streams_bidi(pair->server, HTTP3_PAIR_STREAMS);
	http3_pair_check("bind", nghttp3_conn_bind_control_stream(pair->client, 2));
	http3_pair_check("bind", nghttp3_conn_bind_qpack_streams(pair->client, 6, 10));
	http3_pair_check("bind", nghttp3_conn_bind_control_stream(pair->server, 3));
	http3_pair_check("bind", nghttp3_conn_bind_qpack_streams(pair->server, 7, 11));
}

static inline void http3_pair_submit(struct http3_pair *pair, const char *line)
{
	struct http3_pair_stream *stream = &pair->streams[pair->count];
	nghttp3_data_reader reader = { http3_pair_read_request };
	nghttp3_nv fields[5];
	char word[16] = "";

	*stream = (struct http3_pair_stream){ .id = (int64_t)pair->count * 4 };
	if (sscanf(line, "%7s %63s %15s", stream->method, stream->path, word) < 2)
		return;
	stream->body = (size_t)atol(word);
	stream->early = !strcmp(word, "early");
	stream->trailers = !strcmp(word, "trailers");
	stream->cut = !strcmp(word, "cut");
	pair->count++;
	fields[0] = http3_pair_field(":method", stream->method);
	fields[1] = http3_pair_field(":scheme", "https");
	fields[2] = http3_pair_field(":authority", "pair.test");
	fields[3] = http3_pair_field(":path", stream->path);
	fields[4] = http3_pair_field("user-agent", "pair/1");
	http3_pair_check("submit_request", nghttp3_conn_submit_request(pair->client, stream->id, fields, 5,
								       stream->body ? &reader : NULL, NULL));
}

/* What one end gives out goes to the other one, as much as is taken at once. False: it gave nothing out. */
static inline bool http3_pair_step(struct http3_pair *pair, bool by_client)
{
	nghttp3_conn *from = by_client ? pair->client : pair->server;
	nghttp3_conn *to = by_client ? pair->server : pair->client;
	nghttp3_vec vecs[8];
	int64_t id = -1;
	int fin = 0;
	size_t len = 0;
	uint8_t *bytes;
	nghttp3_ssize count = nghttp3_conn_writev_stream(from, &id, &fin, vecs, 8);

	http3_pair_check("writev_stream", count);
	if (id < 0)
		return false;
	for (nghttp3_ssize i = 0; i < count; i++)
		len += vecs[i].len;
	bytes = malloc(len + 1);
	len = 0;
	for (nghttp3_ssize i = 0; i < count; len += vecs[i++].len)
		memcpy(bytes + len, vecs[i].base, vecs[i].len);
	if (pair->take && len > pair->take) {
		len = pair->take;
		fin = 0;
	}
	if (pair->halves)
		http3_pair_check("add_write_offset", nghttp3_conn_add_write_offset(from, id, len / 2));
	http3_pair_check("add_write_offset",
			 nghttp3_conn_add_write_offset(from, id, pair->halves ? len - len / 2 : len));
	http3_pair_check("add_ack_offset", nghttp3_conn_add_ack_offset(from, id, len));
	if (pair->moved)
		pair->moved(pair->ctx, by_client, id, bytes, len, fin);
	http3_pair_check("read_stream", nghttp3_conn_read_stream(to, id, bytes, len, fin));
	free(bytes);
	return true;
}

/* Until neither end has anything to say; the streams that are to be cut end then. */
static inline void http3_pair_run(struct http3_pair *pair, const char *script)
{
	for (const char *line = script; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		http3_pair_submit(pair, line);
	while (http3_pair_step(pair, true) | http3_pair_step(pair, false))
		;
	for (size_t i = 0; i < pair->count; i++) {
		if (!pair->streams[i].cut)
			continue;
		pair->streams[i].cut = false;
		http3_pair_check("close", nghttp3_conn_close_stream(pair->client, pair->streams[i].id,
								    HTTP3_PAIR_ERROR_CUT));
		http3_pair_check("close", nghttp3_conn_close_stream(pair->server, pair->streams[i].id,
								    HTTP3_PAIR_ERROR_CUT));
		if (pair->cut)
			pair->cut(pair->ctx, pair->streams[i].id, HTTP3_PAIR_ERROR_CUT);
	}
}

static inline void http3_pair_close(struct http3_pair *pair)
{
	nghttp3_conn_del(pair->client);
	nghttp3_conn_del(pair->server);
}

#endif
