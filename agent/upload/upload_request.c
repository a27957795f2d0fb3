/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer is a stranger's: of its body the first bytes are looked at, and no
 * more than ANSWER_MAX taken; a status that has come stands, whatever happens to
 * the rest.
 */
#define CURL_DISABLE_TYPECHECK /* functions are called by pointer */
#include "upload_request.h"

#include "base/log.h"
#include "base/shared_library.h"
#include "content/protobuf_wire.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_S 5L
#define TIMEOUT_S	  30L
#define ANSWER_KEPT	  4096
#define ANSWER_MAX	  (1u << 20)
#define WAIT_MAX_MS	  1000000

#define CURL_FUNCTIONS(X)           \
	X(curl_global_init)         \
	X(curl_easy_init)           \
	X(curl_easy_setopt)         \
	X(curl_easy_getinfo)        \
	X(curl_easy_strerror)       \
	X(curl_easy_cleanup)        \
	X(curl_multi_init)          \
	X(curl_multi_add_handle)    \
	X(curl_multi_remove_handle) \
	X(curl_multi_perform)       \
	X(curl_multi_poll)          \
	X(curl_multi_info_read)     \
	X(curl_multi_cleanup)       \
	X(curl_slist_append)        \
	X(curl_slist_free_all)

struct curl_functions {
	CURL_FUNCTIONS(SHARED_LIBRARY_POINTER)
};

struct upload_request {
	struct curl_functions curl;
	const struct upload_config *config;
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers; /* of the request that is under way */
	uint32_t endpoint;
	uint64_t number; /* of the request */
	uint8_t answer[ANSWER_KEPT];
	size_t answer_len, answer_bytes;
	char error[CURL_ERROR_SIZE];
	char where[UPLOAD_ENDPOINTS_MAX][UPLOAD_WHY_MAX];
};

static int curl_load(struct upload_request *request)
{
	struct curl_functions *curl = &request->curl;
#define SYMBOL(name) { #name, &curl->name },
	const struct shared_symbol symbols[] = { CURL_FUNCTIONS(SYMBOL) };
#undef SYMBOL
	char purpose[32];

	snprintf(purpose, sizeof(purpose), "-o %s", request->config->name);
	return shared_library_load("libcurl.so.4", "libcurl4", purpose, symbols,
				   sizeof(symbols) / sizeof(symbols[0]));
}

static size_t answer_take(char *data, size_t size, size_t count, void *ctx)
{
	struct upload_request *request = ctx;
	size_t len = size * count, room = ANSWER_KEPT - request->answer_len, kept = len < room ? len : room;

	memcpy(request->answer + request->answer_len, data, kept);
	request->answer_len += kept;
	request->answer_bytes += len;
	return request->answer_bytes > ANSWER_MAX ? 0 : len; /* 0: that is enough */
}

static void easy_set(struct upload_request *request)
{
	const struct curl_functions *curl = &request->curl;
	CURL *easy = request->easy;

	curl->curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl->curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* headers are for this receiver */
	curl->curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl->curl_easy_setopt(easy, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl->curl_easy_setopt(easy, CURLOPT_USERAGENT, "hark/" HARK_VERSION);
	curl->curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
	curl->curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_take);
	curl->curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl->curl_easy_setopt(easy, CURLOPT_POST, 1L);
}

struct upload_request *upload_request_new(const struct upload_config *config)
{
	struct upload_request *request = calloc(1, sizeof(*request));

	if (!request) {
		log_error("out of memory");
		return NULL;
	}
	request->config = config;
	if (curl_load(request) < 0) {
		free(request);
		return NULL; /* reported */
	}
	for (size_t i = 0; i < UPLOAD_ENDPOINTS_MAX && config->endpoints[i].url; i++)
		snprintf(request->where[i], UPLOAD_WHY_MAX, "%.*s",
			 (int)strcspn(config->endpoints[i].url, "?#"), config->endpoints[i].url);
	if (request->curl.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
		request->easy = request->curl.curl_easy_init();
		request->multi = request->curl.curl_multi_init();
	}
	if (request->easy && request->multi) {
		easy_set(request);
		return request;
	}
	log_error("-o %s: libcurl does not begin", config->name);
	upload_request_free(request);
	return NULL;
}

void upload_request_free(struct upload_request *request)
{
	if (!request)
		return;
	if (request->easy)
		request->curl.curl_easy_cleanup(request->easy);
	if (request->multi)
		request->curl.curl_multi_cleanup(request->multi);
	request->curl.curl_slist_free_all(request->headers);
	free(request);
}

static void header_add(struct upload_request *request, const char *header)
{
	struct curl_slist *list = request->curl.curl_slist_append(request->headers, header);

	if (list)
		request->headers = list;
}

/* The number makes each request one of its own, also for the receiver's log. */
static void headers_make(struct upload_request *request, const struct upload_endpoint *endpoint)
{
	const struct upload_config *config = request->config;
	char header[128];

	request->curl.curl_slist_free_all(request->headers);
	request->headers = NULL;
	for (size_t i = 0; i < config->header_count; i++)
		header_add(request, config->headers[i]);
	snprintf(header, sizeof(header), "Content-Type: %s", endpoint->content_type);
	header_add(request, header);
	snprintf(header, sizeof(header), "X-Request-Id: %s%" PRIu64, config->id, ++request->number);
	header_add(request, header);
	header_add(request, "Content-Encoding: gzip");
	header_add(request, "Expect:");
}

void upload_request_start(struct upload_request *request, uint32_t endpoint, struct slice body)
{
	const struct upload_endpoint *to = &request->config->endpoints[endpoint];
	const struct curl_functions *curl = &request->curl;
	CURL *easy = request->easy;

	request->endpoint = endpoint;
	request->answer_len = request->answer_bytes = 0;
	request->error[0] = '\0';
	headers_make(request, to);
	curl->curl_easy_setopt(easy, CURLOPT_URL, to->url);
	curl->curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	curl->curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	curl->curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data);
	curl->curl_multi_add_handle(request->multi, easy);
}

/*
 * Of an ExportTraceServiceResponse the partial success (field 1 in it): how many were rejected (1), and why
 * (2).
 */
static void partial_read(const struct upload_request *request, struct upload_outcome *outcome)
{
	struct slice bytes = slice_of(request->answer, request->answer_len), inner;
	struct protobuf_field field;

	while (protobuf_next(&bytes, &field) > 0) {
		if (field.number != 1 || field.wire != PROTOBUF_LEN)
			continue;
		inner = field.bytes;
		while (protobuf_next(&inner, &field) > 0) {
			if (field.number == 1 && field.wire == PROTOBUF_VARINT)
				outcome->rejected = field.value;
			if (field.number == 2 && field.wire == PROTOBUF_LEN)
				snprintf(outcome->why, sizeof(outcome->why), "%.*s", (int)field.bytes.len,
					 (const char *)field.bytes.data);
		}
		return;
	}
}

/* The first line of the answer says more than its status. */
static void why_say(const struct upload_request *request, struct upload_outcome *outcome)
{
	struct slice line = slice_of(request->answer, request->answer_len);

	line = slice_take(slice_take(line, slice_find(line, '\n')), UPLOAD_WHY_MAX / 2);
	snprintf(outcome->why, sizeof(outcome->why), "status %d%s%.*s", outcome->status, line.len ? ": " : "",
		 (int)line.len, (const char *)line.data);
}

static void outcome_tell(const struct upload_request *request, CURLcode result,
			 struct upload_outcome *outcome)
{
	const struct curl_functions *curl = &request->curl;
	curl_off_t retry_after_s = 0;
	long status = 0;

	curl->curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	*outcome =
		(struct upload_outcome){ .status = (int)status, .where = request->where[request->endpoint] };
	if (status < 200) {
		outcome->kind = UPLOAD_AGAIN;
		outcome->status = 0;
		snprintf(outcome->why, sizeof(outcome->why), "%s",
			 request->error[0] ? request->error : curl->curl_easy_strerror(result));
		return;
	}
	why_say(request, outcome);
	if (status < 300) {
		outcome->kind = UPLOAD_DELIVERED;
		if (request->config->partial)
			partial_read(request, outcome);
	} else if (status == 429 || status >= 500) {
		outcome->kind = UPLOAD_AGAIN;
		curl->curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
		if (retry_after_s > 0 && retry_after_s < 86400)
			outcome->retry_after_ns = (uint64_t)retry_after_s * UINT64_C(1000000000);
	} else {
		outcome->kind = UPLOAD_REJECTED;
	}
}

/* The outcome of the request, if it is over. */
static bool outcome_take(struct upload_request *request, struct upload_outcome *outcome)
{
	const struct curl_functions *curl = &request->curl;
	const CURLMsg *message;
	int left;

	curl->curl_multi_perform(request->multi, &left);
	message = curl->curl_multi_info_read(request->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return false;
	outcome_tell(request, message->data.result, outcome);
	curl->curl_multi_remove_handle(request->multi, request->easy);
	return true;
}

bool upload_request_wait(struct upload_request *request, int fd, bool readable, uint64_t wait_ns,
			 struct upload_outcome *outcome)
{
	struct curl_waitfd extra = { .fd = fd, .events = readable ? CURL_WAIT_POLLIN : 0 };
	uint64_t wait_ms = wait_ns / 1000000 + (wait_ns % 1000000 != 0);

	/* One that could not even begin is over at once. */
	if (outcome_take(request, outcome))
		return true;
	request->curl.curl_multi_poll(request->multi, &extra, 1,
				      (int)(wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS), NULL);
	return outcome_take(request, outcome);
}
