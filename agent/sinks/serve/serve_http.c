/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd tells of a connection's begin and end, and of a request's; between them stand the states of a
 * connection here. What takes too long is shut down, and the library then notices an end like any other.
 */
#include "serve_http.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/shared_library.h"
#include "base/table.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_MAX  (16u << 10) /* of its head; what a connection has for both directions is twice that */
#define STREAM_PIECE (8u << 10)
#define SMALL_ANSWER 4096 /* is made whatever else is held */
#define RUNS_A_TURN  16
#define PEM_MAX	     (1u << 20)
#define TICK_NS	     UINT64_C(1000000000)
#define POLICY                                                                            \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#define MHD_FUNCTIONS(X)                                          \
	X(MHD_start_daemon)                                       \
	X(MHD_stop_daemon)                                        \
	X(MHD_run)                                                \
	X(MHD_get_timeout)                                        \
	X(MHD_get_daemon_info)                                    \
	X(MHD_get_connection_info)                                \
	X(MHD_is_feature_supported)                               \
	X(MHD_lookup_connection_value)                            \
	X(MHD_create_response_from_buffer)                        \
	X(MHD_create_response_from_buffer_with_free_callback_cls) \
	X(MHD_create_response_from_callback)                      \
	X(MHD_add_response_header)                                \
	X(MHD_queue_response)                                     \
	X(MHD_destroy_response)                                   \
	X(MHD_suspend_connection)                                 \
	X(MHD_resume_connection)

struct functions {
	MHD_FUNCTIONS(SHARED_LIBRARY_POINTER)
};

enum state {
	WAITING,   /* for a request */
	ANSWERING, /* one that was whole */
	STREAMING,
	ENDING, /* it was shut down */
};

struct connection {
	int fd;
	enum state state;
	uint64_t since_ns;
	struct connection *prev, *next;
};

struct serve_http {
	struct serve_http_config config;
	struct functions mhd;
	struct MHD_Daemon *daemon;
	struct serve_rules rules;
	int epoll, more, timer; /* -1: not there */
	char *cert, *key;
	struct connection *connections;
	struct serve_stream *streams;
	size_t connection_count, stream_count, held_bytes;
	uint64_t alive_ns, turn_ns; /* when streams said that they are alive; when the turn began */
	bool ending;
};

/* The bytes of an answer on its way. */
struct body {
	struct serve_http *http;
	char *data;
	size_t len;
};

static void count_refused(void)
{
	counter_add(COUNTER_SERVE_REFUSED, 1);
}

/* --- answers -------------------------------------------------------------------------------- */

static void body_free(void *ctx)
{
	struct body *body = ctx;

	body->http->held_bytes -= body->len;
	free(body->data);
	free(body);
}

/* Takes the buffer over. NULL: out of memory. */
static struct MHD_Response *response_of_buffer(struct serve_http *http, struct buffer *buffer)
{
	struct body *body = buffer->failed ? NULL : malloc(sizeof(*body));
	struct MHD_Response *response = NULL;

	if (body) {
		*body = (struct body){ .http = http, .data = buffer->data, .len = buffer->len };
		http->held_bytes += body->len;
		response = http->mhd.MHD_create_response_from_buffer_with_free_callback_cls(
			body->len, body->data, body_free, body);
		*buffer = (struct buffer){ .data = NULL };
		if (!response)
			body_free(body);
	}
	buffer_fini(buffer);
	return response;
}

static ssize_t stream_read(void *ctx, uint64_t position, char *bytes, size_t size)
{
	struct serve_stream *stream = ctx;
	struct serve_http *http = stream->http;
	size_t len;

	(void)position;
	if (http->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	len = stream->read(stream, bytes, size);
	if (len)
		return (ssize_t)len;
	stream->suspended = true;
	http->mhd.MHD_suspend_connection(stream->connection);
	return 0;
}

static void stream_close(void *ctx)
{
	struct serve_stream *stream = ctx;
	struct serve_http *http = stream->http;

	http->stream_count--;
	DL_DELETE(http->streams, stream);
	stream->close(stream);
}

static struct MHD_Response *response_of_stream(struct serve_http *http, struct MHD_Connection *connection,
					       struct serve_stream *stream)
{
	struct MHD_Response *response = http->mhd.MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_PIECE, stream_read, stream, stream_close);

	if (!response) {
		stream->close(stream);
		return NULL;
	}
	stream->http = http;
	stream->connection = connection;
	stream->suspended = false;
	DL_APPEND(http->streams, stream);
	http->stream_count++;
	return response;
}

void serve_http_wake(struct serve_http *http)
{
	struct serve_stream *stream;

	DL_FOREACH (http->streams, stream) {
		if (stream->suspended)
			http->mhd.MHD_resume_connection(stream->connection);
		stream->suspended = false;
	}
}

static enum MHD_Result response_queue(struct serve_http *http, struct MHD_Connection *connection,
				      unsigned int status, const char *type, struct MHD_Response *response)
{
	static const struct {
		const char *name, *value;
	} always[] = {
		{ "Content-Security-Policy", POLICY },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cache-Control", "no-store" },
	};
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		http->mhd.MHD_add_response_header(response, always[i].name, always[i].value);
	http->mhd.MHD_add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		http->mhd.MHD_add_response_header(response, "Allow", "GET, HEAD");
	if (status == MHD_HTTP_UNAUTHORIZED)
		http->mhd.MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		http->mhd.MHD_add_response_header(response, "Retry-After", "5");
	result = http->mhd.MHD_queue_response(connection, status, response);
	http->mhd.MHD_destroy_response(response);
	return result;
}

/* In words that stay. */
static enum MHD_Result refuse(struct serve_http *http, struct MHD_Connection *connection, unsigned int status,
			      const char *words)
{
	count_refused();
	return response_queue(http, connection, status, "text/plain; charset=utf-8",
			      http->mhd.MHD_create_response_from_buffer(strlen(words), (void *)words,
									MHD_RESPMEM_PERSISTENT));
}

/* --- requests -------------------------------------------------------------------------------- */

static struct slice field_of(struct serve_http *http, struct MHD_Connection *connection, const char *name)
{
	return slice_of_string(http->mhd.MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

const char *serve_request_argument(const struct serve_request *request, const char *name)
{
	return request->http->mhd.MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND,
							      name);
}

const char *serve_request_field(const struct serve_request *request, const char *name)
{
	return request->http->mhd.MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static struct connection *connection_of(struct serve_http *http, struct MHD_Connection *connection)
{
	return http->mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

/* The row of a path, and what of the path is behind its own; NULL: none. */
static const struct serve_path *path_find(const struct serve_http *http, const char *path, const char **rest)
{
	for (size_t i = 0; i < http->config.path_count; i++) {
		const struct serve_path *row = &http->config.paths[i];
		size_t len = strlen(row->path);
		bool all = len > 1 && row->path[len - 1] == '/';

		*rest = path + len;
		if (strncmp(path, row->path, len) == 0 && (all || !path[len]))
			return row;
	}
	return NULL;
}

static enum MHD_Result refuse_for_now(struct serve_http *http, struct MHD_Connection *connection,
				      const char *words)
{
	counter_add(COUNTER_LIMIT_SERVE, 1);
	return refuse(http, connection, MHD_HTTP_SERVICE_UNAVAILABLE, words);
}

static enum MHD_Result answer_make(struct serve_http *http, struct MHD_Connection *connection,
				   const struct serve_path *row, const struct serve_request *request)
{
	struct serve_answer answer = { .status = MHD_HTTP_OK, .type = row->type };

	if (!row->answer)
		return response_queue(
			http, connection, MHD_HTTP_OK, row->type,
			http->mhd.MHD_create_response_from_buffer((size_t)(row->file_end - row->file),
								  (void *)row->file, MHD_RESPMEM_PERSISTENT));
	row->answer(http->config.ctx, request, &answer);
	if (answer.stream && http->stream_count >= SERVE_STREAMS_MAX) {
		answer.stream->close(answer.stream);
		return refuse_for_now(http, connection, "there are 64 streams already\n");
	}
	if (answer.stream) {
		buffer_fini(&answer.body);
		connection_of(http, connection)->state = STREAMING;
		return response_queue(http, connection, answer.status, answer.type,
				      response_of_stream(http, connection, answer.stream));
	}
	if (answer.body.len > SMALL_ANSWER && http->held_bytes + answer.body.len > SERVE_HELD_MAX) {
		buffer_fini(&answer.body);
		return refuse_for_now(http, connection,
				      "hark holds too much of other answers that are not read\n");
	}
	return response_queue(http, connection, answer.status, answer.type,
			      response_of_buffer(http, &answer.body));
}

/* Who asks, for what, in which way? */
static enum MHD_Result request_judge(struct serve_http *http, struct MHD_Connection *connection,
				     const char *path)
{
	struct slice host = field_of(http, connection, "Host");
	const char *accept = http->mhd.MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	struct serve_request request = {
		.path = path, .accept = accept ? accept : "", .connection = connection, .http = http
	};
	const struct serve_path *row = path_find(http, path, &request.rest);

	if (!serve_rules_host(&http->rules, host))
		return refuse(http, connection, MHD_HTTP_MISDIRECTED_REQUEST,
			      "this Host is none of hark's addresses\n");
	if (!serve_rules_origin(&http->rules, field_of(http, connection, "Origin"), host))
		return refuse(http, connection, MHD_HTTP_FORBIDDEN, "a page of another origin asks\n");
	if (!(row && row->open) &&
	    !serve_rules_token(&http->rules, field_of(http, connection, "Authorization")))
		return refuse(http, connection, MHD_HTTP_UNAUTHORIZED, "the token is missing or wrong\n");
	if (!row)
		return refuse(http, connection, MHD_HTTP_NOT_FOUND,
			      "there is nothing here; there are /, /metrics, /healthz, /events and /api/ "
			      "(docs/interface.md)\n");
	/* Answers take time in which the ring is not read: whoever asks for many at once waits for another
	 * turn. */
	if (!row->open && clock_ns() - http->turn_ns > SERVE_TURN_NS)
		return refuse_for_now(http, connection, "hark is busy\n");
	counter_add(COUNTER_SERVE_REQUESTS, 1);
	return answer_make(http, connection, row, &request);
}

static bool has_body(struct serve_http *http, struct MHD_Connection *connection)
{
	struct slice length = field_of(http, connection, "Content-Length");

	return field_of(http, connection, "Transfer-Encoding").data ||
	       (length.data && !slice_equal(length, SLICE("0")));
}

/* Called when a request's head is there, and again when the request is whole. */
static enum MHD_Result request_take(void *ctx, struct MHD_Connection *connection, const char *path,
				    const char *method, const char *version, const char *upload,
				    size_t *upload_size, void **state)
{
	static const char begun = 0;
	struct serve_http *http = ctx;
	struct connection *own = connection_of(http, connection);

	(void)version;
	(void)upload;
	if (*upload_size || !own) {
		count_refused();
		return MHD_NO;
	}
	if (!*state) {
		*state = (void *)&begun;
		if (own->state != ENDING)
			own->state = ANSWERING;
		own->since_ns = clock_ns();
		if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
			return refuse(http, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				      "hark answers GET and HEAD\n");
		if (!has_body(http, connection))
			return MHD_YES;
		count_refused();
		return MHD_NO;
	}
	return request_judge(http, connection, path);
}

static void request_end(void *ctx, struct MHD_Connection *connection, void **state,
			enum MHD_RequestTerminationCode how)
{
	struct connection *own = connection_of(ctx, connection);

	(void)state;
	(void)how;
	if (!own || own->state == ENDING)
		return;
	own->state = WAITING;
	own->since_ns = clock_ns();
}

/* --- connections ------------------------------------------------------------------------------ */

static enum MHD_Result connection_accept(void *ctx, const struct sockaddr *address, socklen_t len)
{
	struct serve_http *http = ctx;

	(void)address;
	(void)len;
	if (http->connection_count < SERVE_CONNECTIONS_MAX)
		return MHD_YES;
	counter_add(COUNTER_LIMIT_SERVE, 1);
	return MHD_NO;
}

static void connection_tell(void *ctx, struct MHD_Connection *connection, void **context,
			    enum MHD_ConnectionNotificationCode what)
{
	struct serve_http *http = ctx;
	struct connection *own = *context;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (!own)
			return;
		DL_DELETE(http->connections, own);
		http->connection_count--;
		free(own);
		*context = NULL;
		return;
	}
	own = malloc(sizeof(*own));
	if (!own)
		return; /* its first request is refused */
	*own = (struct connection){
		.fd = http->mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			      ->connect_fd,
		.since_ns = clock_ns(),
	};
	DL_APPEND(http->connections, own);
	http->connection_count++;
	*context = own;
}

static uint64_t state_limit_ns(enum state state)
{
	switch (state) {
	case WAITING:
		return SERVE_REQUEST_NS;
	case ANSWERING:
		return SERVE_ANSWER_NS;
	case STREAMING: /* who does not read is noticed by the library, which has something to write */
	case ENDING:
		break;
	}
	return UINT64_MAX;
}

static void connections_sweep(struct serve_http *http, uint64_t now_ns)
{
	struct connection *own;

	DL_FOREACH (http->connections, own) {
		if (now_ns - own->since_ns < state_limit_ns(own->state))
			continue;
		if (own->state == ANSWERING)
			counter_add(COUNTER_SERVE_LATE, 1);
		own->state = ENDING;
		shutdown(own->fd, SHUT_RDWR);
	}
}

/* --- the loop ------------------------------------------------------------------------------------ */

/* What one turn leaves over comes in the next one: the ring is read in between. */
static void http_run(struct serve_http *http)
{
	const uint64_t one = 1;
	bool more = true;

	http->turn_ns = clock_ns();
	for (int i = 0; more && i < RUNS_A_TURN; i++) {
		MHD_UNSIGNED_LONG_LONG wait_ms;

		http->mhd.MHD_run(http->daemon);
		more = http->mhd.MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES && wait_ms == 0;
	}
	if (more && write(http->more, &one, sizeof(one)) < 0)
		log_debug("serve: the loop is not woken: %s", strerror(errno));
}

static void http_turn(void *ctx, bool closed)
{
	(void)closed;
	http_run(ctx);
}

static void http_more(void *ctx, bool closed)
{
	struct serve_http *http = ctx;
	uint64_t count;

	(void)closed;
	if (read(http->more, &count, sizeof(count)) == sizeof(count))
		http_run(http);
}

static void http_tick(void *ctx, bool closed)
{
	struct serve_http *http = ctx;
	uint64_t now_ns = clock_ns();

	(void)closed;
	connections_sweep(http, now_ns);
	if (now_ns - http->alive_ns >= SERVE_ALIVE_NS) {
		http->alive_ns = now_ns;
		serve_http_wake(http);
	}
	http_run(http);
}

/* --- begin and end --------------------------------------------------------------------------------- */

static void http_log(void *ctx, const char *format, va_list args)
{
	char text[256];

	(void)ctx;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("serve: %s", text);
}

/* A whole file, NUL-terminated. NULL: reported. */
static char *pem_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = fd < 0 ? NULL : malloc(PEM_MAX);
	ssize_t len = -1;

	if (text)
		len = read(fd, text, PEM_MAX);
	if (len < 0 || len == PEM_MAX) {
		log_error("cannot read %s: %s", path, len < 0 ? strerror(errno) : "it is larger than 1 MiB");
		free(text);
		text = NULL;
	} else {
		text[len] = '\0';
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static int rules_make(struct serve_http *http)
{
	const struct serve_http_config *config = &http->config;
	struct serve_rules *rules = &http->rules;
	int error;

	if (serve_address_parse(config->listen, &rules->bound) < 0) {
		log_error("--listen: '%s' is no ADDRESS:PORT", config->listen);
		return -EIO;
	}
	rules->tls = config->cert_path != NULL;
	if (!config->token_path)
		return 0;
	error = serve_rules_read_token(rules, config->token_path);
	if (error)
		log_error("--token-file: %s: %s", config->token_path,
			  error == -EACCES  ? "others than its owner may read it, or hark may not; chmod 600"
			  : error == -EPERM ? "it is another user's"
			  : error == -EINVAL
				  ? "it holds no token: one line of 16 to 512 characters without blanks"
				  : strerror(-error));
	return error ? -EIO : 0;
}

static int tls_read(struct serve_http *http)
{
	if (!http->rules.tls)
		return 0;
	if (http->mhd.MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		log_error("this libmicrohttpd has no TLS");
		return -EIO;
	}
	http->cert = pem_read(http->config.cert_path);
	http->key = http->cert ? pem_read(http->config.key_path) : NULL;
	return http->key ? 0 : -EIO;
}

static struct MHD_Daemon *daemon_start(struct serve_http *http, int fd)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, http->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, http->key },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	if (!http->rules.tls)
		tls[0] = tls[2];
	else
		flags |= MHD_USE_TLS;
	/* The library's own limit is never met, for it would leave who comes waiting without a word. */
	return http->mhd.MHD_start_daemon(
		flags, 0, connection_accept, http, request_take, http, MHD_OPTION_EXTERNAL_LOGGER, http_log,
		http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, SERVE_CONNECTIONS_MAX + 16u,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)2 * REQUEST_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)(SERVE_ANSWER_NS / 1000000000), MHD_OPTION_NOTIFY_CONNECTION, connection_tell,
		http, MHD_OPTION_NOTIFY_COMPLETED, request_end, http, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static int http_listen(struct serve_http *http)
{
	int fd = serve_address_listen(&http->rules.bound);

	if (fd < 0) {
		log_error("cannot listen on %s: %s", http->config.listen, strerror(-fd));
		return -EIO;
	}
	http->daemon = daemon_start(http, fd);
	if (http->daemon)
		return 0;
	log_error("cannot start the server%s", http->rules.tls ? ": --tls-cert and --tls-key must be a "
								 "certificate and its key, as PEM"
							       : "");
	close(fd);
	return -EIO;
}

static int http_register(struct serve_http *http)
{
	struct loop *loop = http->config.loop;
	int error;

	http->epoll = http->mhd.MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	error = loop_add(loop, http->epoll, http_turn, http);
	if (error) {
		http->epoll = -1;
		return error;
	}
	http->more = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = http->more < 0 ? -errno : loop_add(loop, http->more, http_more, http);
	if (error)
		return error;
	http->timer = loop_add_timer(loop, TICK_NS, http_tick, http);
	return http->timer < 0 ? http->timer : 0;
}

struct serve_http *serve_http_new(const struct serve_http_config *config)
{
	struct serve_http *http = calloc(1, sizeof(*http));
	int error;

	if (!http) {
		log_error("out of memory");
		return NULL;
	}
	http->config = *config;
	http->epoll = http->more = http->timer = -1;
#define MHD_SYMBOL(name) { #name, &http->mhd.name },
	const struct shared_symbol symbols[] = { MHD_FUNCTIONS(MHD_SYMBOL) };

	if (rules_make(http) < 0 ||
	    shared_library_load("libmicrohttpd.so.12", "libmicrohttpd12, from 13 on libmicrohttpd12t64",
				"hark serve", symbols, sizeof(symbols) / sizeof(symbols[0])) < 0 ||
	    tls_read(http) < 0 || http_listen(http) < 0)
		goto fail;
	error = http_register(http);
	if (!error)
		return http;
	log_error("cannot start the server: %s", strerror(-error));
fail:
	serve_http_free(http);
	return NULL;
}

static void key_forget(char *key)
{
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
}

/* The library wants none suspended when it stops. */
void serve_http_free(struct serve_http *http)
{
	if (!http)
		return;
	http->ending = true;
	serve_http_wake(http);
	if (http->daemon) {
		http->mhd.MHD_run(http->daemon);
		if (http->epoll >= 0)
			loop_remove(http->config.loop, http->epoll);
		http->mhd.MHD_stop_daemon(http->daemon);
	}
	if (http->timer >= 0)
		loop_remove(http->config.loop, http->timer);
	if (http->more >= 0) {
		loop_remove(http->config.loop, http->more);
		close(http->more);
	}
	free(http->cert);
	key_forget(http->key);
	explicit_bzero(http->rules.token, sizeof(http->rules.token));
	free(http);
}

const struct serve_rules *serve_http_rules(const struct serve_http *http)
{
	return &http->rules;
}

struct serve_http_load serve_http_load(const struct serve_http *http)
{
	return (struct serve_http_load){ .connections = http->connection_count,
					 .streams = http->stream_count,
					 .held_bytes = http->held_bytes };
}
