/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nobody who parses can be faster than: the bare parsers over the bytes of a recording, parsers
 * http1|http2 FILE. llhttp with callbacks that do nothing, a parser a connection and direction; of HTTP/2 the
 * frames' heads and nghttp2's inflater over the header blocks. The recording is one of conversations.py: no
 * record is missing, none ends inside of a frame, and no header block goes over several frames. Prints how
 * many exchanges there are and nanoseconds of processor time for each: the median of several passes, each
 * with parsers of its own.
 */
#include <llhttp.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASSES	      7
#define CONNECTIONS   64
#define FILE_HEADER   32
#define SOCKET_DATA   1
#define AT_SOCKET     48
#define AT_COPIED     140
#define AT_DIRECTION  144
#define AT_PAYLOAD    152
#define FRAME_HEADER  9
#define FRAME_HEADERS 1
#define PREFACE_BYTES 24

struct record {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t stream; /* connection and direction */
};

static struct record *records;
static size_t record_count, exchanges;

static void fail(const char *why)
{
	fprintf(stderr, "parsers: %s\n", why);
	exit(2);
}

/* Fixed widths, as the recording has them in this machine's order. */
static uint32_t u32_at(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t u64_at(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint8_t *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");

	if (!file || fseek(file, 0, SEEK_END))
		fail("cannot open the recording");
	*len = (size_t)ftell(file);
	rewind(file);
	uint8_t *bytes = malloc(*len);

	if (!bytes || fread(bytes, 1, *len, file) != *len)
		fail("cannot read the recording");
	fclose(file);
	return bytes;
}

static void find_records(const uint8_t *bytes, size_t len)
{
	records = calloc(len / AT_PAYLOAD + 1, sizeof(*records));
	if (!records)
		fail("no memory");
	for (size_t at = FILE_HEADER; at + AT_SOCKET <= len;) {
		uint32_t size = u32_at(bytes + at);

		if (bytes[at + 4] == SOCKET_DATA) {
			uint64_t connection = u64_at(bytes + at + AT_SOCKET) - 1;

			if (connection >= CONNECTIONS)
				fail("too many connections");
			records[record_count++] = (struct record){
				.bytes = bytes + at + AT_PAYLOAD,
				.len = u32_at(bytes + at + AT_COPIED),
				.stream = (uint32_t)connection * 2 + bytes[at + AT_DIRECTION],
			};
		}
		at += (size + 7u) & ~7u;
	}
}

static int ignore(llhttp_t *parser)
{
	(void)parser;
	return 0;
}

static int ignore_data(llhttp_t *parser, const char *at, size_t len)
{
	(void)parser, (void)at, (void)len;
	return 0;
}

static int count_response(llhttp_t *parser)
{
	exchanges += parser->type == HTTP_RESPONSE;
	return 0;
}

static void pass_http1(void)
{
	static llhttp_t parsers[2 * CONNECTIONS];
	llhttp_settings_t settings;

	llhttp_settings_init(&settings);
	settings.on_message_begin = settings.on_headers_complete = ignore;
	settings.on_url = settings.on_status = settings.on_header_field = settings.on_header_value =
		settings.on_body = ignore_data;
	settings.on_message_complete = count_response;
	for (size_t i = 0; i < 2 * CONNECTIONS; i++)
		llhttp_init(&parsers[i], HTTP_BOTH, &settings);
	for (size_t i = 0; i < record_count; i++)
		if (llhttp_execute(&parsers[records[i].stream], (const char *)records[i].bytes,
				   records[i].len) != HPE_OK)
			fail("llhttp refuses the bytes");
}

static void inflate_block(nghttp2_hd_inflater *inflater, const uint8_t *at, size_t len)
{
	for (;;) {
		nghttp2_nv field;
		int flags = 0;
		ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &field, &flags, at, len, true);

		if (taken < 0)
			fail("the inflater refuses the bytes");
		at += taken;
		len -= (size_t)taken;
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			break;
	}
	nghttp2_hd_inflate_end_headers(inflater);
}

static void pass_frames(nghttp2_hd_inflater *inflater, const struct record *record)
{
	const uint8_t *at = record->bytes, *end = at + record->len;

	if (record->len >= PREFACE_BYTES && !memcmp(at, "PRI * HTTP/2.0", 14))
		at += PREFACE_BYTES;
	while (end - at >= FRAME_HEADER) {
		size_t len = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];

		if ((size_t)(end - at) < FRAME_HEADER + len)
			fail("a frame goes over two records");
		if (at[3] == FRAME_HEADERS) {
			inflate_block(inflater, at + FRAME_HEADER, len);
			exchanges += !(record->stream & 1);
		}
		at += FRAME_HEADER + len;
	}
}

static void pass_http2(void)
{
	nghttp2_hd_inflater *inflaters[2 * CONNECTIONS];

	for (size_t i = 0; i < 2 * CONNECTIONS; i++)
		if (nghttp2_hd_inflate_new(&inflaters[i]))
			fail("no memory");
	for (size_t i = 0; i < record_count; i++)
		pass_frames(inflaters[records[i].stream], &records[i]);
	for (size_t i = 0; i < 2 * CONNECTIONS; i++)
		nghttp2_hd_inflate_del(inflaters[i]);
}

static uint64_t cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double passes[PASSES];
	size_t len;

	if (argc != 3 || (strcmp(argv[1], "http1") && strcmp(argv[1], "http2"))) {
		fprintf(stderr, "usage: parsers http1|http2 FILE\n");
		return 2;
	}
	uint8_t *bytes = read_file(argv[2], &len);

	find_records(bytes, len);
	for (int i = 0; i < PASSES; i++) {
		uint64_t begin = cpu_ns();

		exchanges = 0;
		strcmp(argv[1], "http1") ? pass_http2() : pass_http1();
		if (!exchanges)
			fail("no exchange in the recording");
		passes[i] = (double)(cpu_ns() - begin) / (double)exchanges;
	}
	qsort(passes, PASSES, sizeof(*passes), compare);
	printf("%zu %.2f\n", exchanges, passes[PASSES / 2]);
	free(records);
	free(bytes);
	return 0;
}
