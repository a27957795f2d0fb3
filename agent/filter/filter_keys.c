/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the filter language, a row each at the end of the file, with a
 * function that reads a value and one that matches it: help, completion and the
 * man page's list follow (make docs). A match function answers FILTER_UNKNOWN
 * for what is not known, and does not care what that means.
 */
#include "filter_term.h"

#include "base/content_coding.h"
#include "base/fact_text.h"
#include "base/number.h"
#include "content/contents.h"
#include "fact.h"
#include "library/libraries.h"
#include "model/address.h"
#include "model/container.h"

#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int filter_wrong(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s", what);
	return -EINVAL;
}

static enum filter_answer filter_says(bool yes)
{
	return yes ? FILTER_YES : FILTER_NO;
}

static struct slice field_slice(const char *field, size_t size)
{
	return slice_of(field, strnlen(field, size));
}

static struct slice value_slice(const struct filter_value *value)
{
	return slice_of(value->text, value->len);
}

static int value_glob(struct filter_value *value, char *why, size_t size)
{
	return filter_pattern_parse(&value->pattern, value_slice(value), false, why, size);
}

static int value_glob_nocase(struct filter_value *value, char *why, size_t size)
{
	value->pattern.nocase = true;
	return filter_pattern_parse(&value->pattern, value_slice(value), false, why, size);
}

/* --- the process --------------------------------------------------------------- */

static int value_pid(struct filter_value *value, char *why, size_t size)
{
	if (filter_number_parse(value->text, 1, INT32_MAX, value) < 0)
		return filter_wrong(why, size, "a process id is a positive number: 1234, >1000 or 1000-1999");
	return 0;
}

static enum filter_answer match_pid(const struct filter_value *value, struct filter_subject *subject)
{
	if (!subject->mover || !subject->mover->pid)
		return FILTER_UNKNOWN;
	return filter_says(filter_in_range(value, subject->mover->pid));
}

static enum filter_answer match_comm(const struct filter_value *value, struct filter_subject *subject)
{
	const struct mover *mover = subject->mover;

	if (!mover || (!mover->exe[0] && !mover->comm[0]))
		return FILTER_UNKNOWN;
	return filter_says(
		filter_pattern_match(&value->pattern, field_slice(mover->exe, sizeof(mover->exe))) ||
		filter_pattern_match(&value->pattern, field_slice(mover->comm, sizeof(mover->comm))));
}

static int value_user(struct filter_value *value, char *why, size_t size)
{
	const struct passwd *entry;

	if (filter_number_parse(value->text, 0, UINT32_MAX, value) == 0)
		return 0;
	entry = getpwnam(value->text);
	if (!entry)
		return filter_wrong(why, size, "this machine has no such user; a number is taken as it is");
	value->low = value->high = entry->pw_uid;
	return 0;
}

static enum filter_answer match_user(const struct filter_value *value, struct filter_subject *subject)
{
	if (!subject->mover || !subject->mover->pid)
		return FILTER_UNKNOWN;
	return filter_says(filter_in_range(value, subject->mover->uid));
}

static int value_container(struct filter_value *value, char *why, size_t size)
{
	value->none = strcmp(value->text, "none") == 0;
	return value_glob(value, why, size);
}

/* By one of the names; of an id the beginning suffices. `none`: the first of the names is not there. */
static enum filter_answer match_place(const struct filter_value *value, const struct filter_subject *subject,
				      const enum container_name *which, size_t count)
{
	if (!subject->mover)
		return FILTER_UNKNOWN;
	if (value->none)
		return filter_says(!container_name(subject->mover->container, which[0]).data);
	for (size_t i = 0; i < count; i++) {
		struct slice name = container_name(subject->mover->container, which[i]);
		bool begins = which[i] == CONTAINER_ID && value->pattern.kind == PATTERN_EXACT;

		if (name.data && (begins ? slice_has_prefix(name, value_slice(value))
					 : filter_pattern_match(&value->pattern, name)))
			return FILTER_YES;
	}
	return FILTER_NO;
}

static enum filter_answer match_container(const struct filter_value *value, struct filter_subject *subject)
{
	static const enum container_name names[] = { CONTAINER_ID, CONTAINER_NAME, CONTAINER_POD_CONTAINER };

	return match_place(value, subject, names, 3);
}

static enum filter_answer match_pod(const struct filter_value *value, struct filter_subject *subject)
{
	static const enum container_name names[] = { CONTAINER_POD, CONTAINER_POD_UID };

	return match_place(value, subject, names, 2);
}

static enum filter_answer match_namespace(const struct filter_value *value, struct filter_subject *subject)
{
	return match_place(value, subject, (const enum container_name[]){ CONTAINER_NAMESPACE }, 1);
}

static enum filter_answer match_unit(const struct filter_value *value, struct filter_subject *subject)
{
	return match_place(value, subject, (const enum container_name[]){ CONTAINER_UNIT }, 1);
}

/* --- the connection -------------------------------------------------------------- */

static const struct event_socket *socket_of(const struct filter_subject *subject)
{
	return subject->conn && subject->conn->sock.family ? &subject->conn->sock : NULL;
}

static int value_port(struct filter_value *value, char *why, size_t size)
{
	if (filter_number_parse(value->text, 0, UINT16_MAX, value) < 0)
		return filter_wrong(why, size, "a port is a number up to 65535: 443, 8000-8099 or >=8000");
	return 0;
}

static enum filter_answer match_port(const struct filter_value *value, struct filter_subject *subject)
{
	const struct event_socket *sock = socket_of(subject);

	if (!sock)
		return FILTER_UNKNOWN;
	if (sock->family == AF_UNIX)
		return FILTER_NO;
	return filter_says(filter_in_range(value, sock->local_port) ||
			   filter_in_range(value, sock->peer_port));
}

static int value_peer(struct filter_value *value, char *why, size_t size)
{
	if (filter_peer_parse(value->text, &value->peer) < 0)
		return filter_wrong(
			why, size,
			"a peer is 10.0.0.1, 10.0.0.0/8, 10.0.0.1:80, ::1, fe80::/10, [::1]:443 or unix");
	return 0;
}

static bool address_within(const struct filter_peer *peer, const uint8_t *address)
{
	unsigned int whole = peer->bits / 8, rest = peer->bits % 8;

	if (address_is_ipv4(address) && peer->ipv6 && peer->bits < 96)
		return false; /* ::/0 is all of IPv6 */
	if (memcmp(peer->bytes, address, whole) != 0)
		return false;
	return !rest || !((peer->bytes[whole] ^ address[whole]) >> (8 - rest));
}

static enum filter_answer match_peer(const struct filter_value *value, struct filter_subject *subject)
{
	const struct event_socket *sock = socket_of(subject);
	uint8_t address[16];

	if (!sock)
		return FILTER_UNKNOWN;
	if (sock->family == AF_UNIX || value->peer.unix_socket)
		return filter_says(sock->family == AF_UNIX && value->peer.unix_socket);
	if (sock->protocol == IPPROTO_UDP && !sock->peer_port)
		return FILTER_UNKNOWN;
	if (value->peer.port_known && value->peer.port != sock->peer_port)
		return FILTER_NO;
	address_widen(address, sock->family, sock->peer);
	return filter_says(address_within(&value->peer, address));
}

static int value_role(struct filter_value *value, char *why, size_t size)
{
	if (strcmp(value->text, "client") != 0 && strcmp(value->text, "server") != 0)
		return filter_wrong(why, size, "a role is client or server");
	value->low = *value->text == 'c' ? ROLE_CLIENT : ROLE_SERVER;
	return 0;
}

static enum filter_answer match_role(const struct filter_value *value, struct filter_subject *subject)
{
	if (!subject->conn || subject->conn->role == ROLE_UNKNOWN)
		return FILTER_UNKNOWN;
	return filter_says(subject->conn->role == value->low);
}

enum {
	TLS_VALUE_NO,
	TLS_VALUE_YES,
	TLS_VALUE_LIBRARY
};

/* The libraries that can be asked for, each once. */
static int tls_wrong(char *why, size_t size)
{
	const struct library_row *row, *before;
	size_t len = 0;

	for (size_t i = 0; (row = libraries_row(i)) && len < size; i++) {
		for (size_t j = 0;
		     (before = libraries_row(j)) != row && strcmp(before->name, row->name) != 0;)
			j++;
		if (before == row)
			len += (size_t)snprintf(why + len, size - len, "%s%s",
						i ? ", " : "tls: takes yes, no, or a library: ", row->name);
	}
	if (len < size)
		snprintf(why + len, size - len, ", " CONN_TLS_KERNEL);
	return -EINVAL;
}

static int value_tls(struct filter_value *value, char *why, size_t size)
{
	if (strcmp(value->text, "no") == 0)
		value->low = TLS_VALUE_NO;
	else if (strcmp(value->text, "yes") == 0)
		value->low = TLS_VALUE_YES;
	else if (libraries_has_name(value->text) || strcmp(value->text, CONN_TLS_KERNEL) == 0)
		value->low = TLS_VALUE_LIBRARY;
	else
		return tls_wrong(why, size);
	return 0;
}

static enum filter_answer match_tls(const struct filter_value *value, struct filter_subject *subject)
{
	const struct conn_facts *conn = subject->conn;

	if (!conn || conn->tls_unknown)
		return FILTER_UNKNOWN;
	if (value->low != TLS_VALUE_LIBRARY)
		return filter_says(conn->tls == (value->low == TLS_VALUE_YES));
	if (!conn->tls)
		return FILTER_NO;
	return conn->tls_library ? filter_says(strcmp(conn->tls_library, value->text) == 0) : FILTER_UNKNOWN;
}

/* --- the request ------------------------------------------------------------------ */

static const struct message *request_of(const struct filter_subject *subject)
{
	return subject->exchange ? subject->exchange->request : NULL;
}

static const struct message *response_of(const struct filter_subject *subject)
{
	return subject->exchange ? subject->exchange->response : NULL;
}

static const struct url *url_of(struct filter_subject *subject)
{
	if (!subject->url_known && request_of(subject))
		url_of_request(request_of(subject), &subject->url);
	subject->url_known = true;
	return &subject->url;
}

/* Of a request that names no host: the address of the server. */
static enum filter_answer address_match(const struct filter_value *value, const struct conn_facts *conn)
{
	struct buffer text = { .data = NULL };
	enum filter_answer result;

	if (!conn || !address_put_server(&text, conn))
		return FILTER_UNKNOWN;
	result = filter_says(filter_pattern_match(&value->pattern, slice_of(text.data, text.len)));
	buffer_fini(&text);
	return result;
}

static enum filter_answer match_host(const struct filter_value *value, struct filter_subject *subject)
{
	const struct conn_facts *conn = subject->conn;
	const struct url *url = url_of(subject);

	if (url->host.data)
		return filter_says(filter_pattern_match(&value->pattern, url->host) ||
				   filter_pattern_match(&value->pattern, url->authority));
	if (subject->exchange)
		return address_match(value, conn);
	/* No exchange of it will ever be seen: what its hello says is all there is. */
	if (conn && conn->opaque && conn->sni[0])
		return filter_says(
			filter_pattern_match(&value->pattern, field_slice(conn->sni, sizeof(conn->sni))));
	return FILTER_UNKNOWN;
}

static int value_method(struct filter_value *value, char *why, size_t size)
{
	for (const char *p = value->text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("*?~/:", *p))
			return filter_wrong(why, size, "a method is a word such as GET");
	return 0;
}

static enum filter_answer match_method(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *request = request_of(subject);

	if (!request || !request->method.data)
		return FILTER_UNKNOWN;
	return filter_says(slice_equal_nocase(request->method, value_slice(value)));
}

static int value_path(struct filter_value *value, char *why, size_t size)
{
	return filter_pattern_parse(&value->pattern, value_slice(value), true, why, size);
}

static enum filter_answer match_path(const struct filter_value *value, struct filter_subject *subject)
{
	struct slice path = url_of(subject)->path;

	return path.data ? filter_says(filter_pattern_match(&value->pattern, path)) : FILTER_UNKNOWN;
}

/* As lines show it; a scheme in front of the pattern is not asked about. */
static int value_url(struct filter_value *value, char *why, size_t size)
{
	struct slice text = value_slice(value);

	for (size_t i = 0; i < 2; i++) {
		struct slice scheme = i ? SLICE("https://") : SLICE("http://");

		if (slice_has_prefix(text, scheme))
			text = slice_drop(text, scheme.len);
	}
	return filter_pattern_parse(&value->pattern, text, true, why, size);
}

static enum filter_answer match_url(const struct filter_value *value, struct filter_subject *subject)
{
	const struct url *url = url_of(subject);
	struct buffer text = { .data = NULL };
	enum filter_answer result = FILTER_UNKNOWN;
	bool known = url->path.data;

	if (url->authority.data)
		buffer_put(&text, url->authority.data, url->authority.len);
	else if (known)
		known = subject->conn && address_put_server(&text, subject->conn);
	if (known) {
		buffer_put(&text, url->path.data, url->path.len);
		if (url->query.data) {
			buffer_char(&text, '?');
			buffer_put(&text, url->query.data, url->query.len);
		}
		if (!text.failed)
			result = filter_says(
				filter_pattern_match(&value->pattern, slice_of(text.data, text.len)));
	}
	buffer_fini(&text);
	return result;
}

/* --- NAME[=GLOB], of the query and of header fields ------------------------------------- */

/* Splits value at its first =; what: the complaint about a name that is empty. */
static int value_named(struct filter_value *value, char *why, size_t size, const char *what)
{
	char *sign = strchr(value->text, '=');
	size_t len = sign ? (size_t)(sign - value->text) : value->len;

	if (len == 0)
		return filter_wrong(why, size, what);
	value->name = slice_of(value->text, len);
	value->present = !sign;
	if (value->present)
		return 0;
	return filter_pattern_parse(&value->pattern, slice_of(sign + 1, value->len - len - 1), true, why,
				    size);
}

static int value_query(struct filter_value *value, char *why, size_t size)
{
	return value_named(value, why, size, "a parameter of the query is name, or name=value");
}

static enum filter_answer match_query(const struct filter_value *value, struct filter_subject *subject)
{
	const struct url *url = url_of(subject);
	struct slice rest = url->query;

	if (!url->path.data)
		return FILTER_UNKNOWN;
	while (rest.len) {
		const uint8_t *end = memchr(rest.data, '&', rest.len);
		struct slice parameter = end ? slice_take(rest, (size_t)(end - rest.data)) : rest;
		const uint8_t *sign = parameter.len ? memchr(parameter.data, '=', parameter.len) : NULL;
		size_t len = sign ? (size_t)(sign - parameter.data) : parameter.len;

		if (slice_equal(slice_take(parameter, len), value->name) &&
		    (value->present ||
		     filter_pattern_match(&value->pattern, slice_drop(parameter, len + !!sign))))
			return FILTER_YES;
		rest = slice_drop(rest, parameter.len + !!end);
	}
	return FILTER_NO;
}

/* --- the response, and both ---------------------------------------------------------- */

static int value_status(struct filter_value *value, char *why, size_t size)
{
	const char *text = value->text;

	value->none = strcmp(text, "none") == 0;
	if (value->none)
		return 0;
	if (value->len == 3 && text[0] >= '1' && text[0] <= '5' && strcasecmp(text + 1, "xx") == 0) {
		value->low = (uint64_t)(text[0] - '0') * 100;
		value->high = value->low + 99;
		return 0;
	}
	/* RFC 9110, 15: 100 to 599; there are programs that send others. */
	if (filter_number_parse(text, 100, 999, value) < 0)
		return filter_wrong(why, size, "a status is 404, 5xx, >=500, 200-204 or none");
	return 0;
}

static enum filter_answer match_status(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *response = response_of(subject);
	int status = response ? response->status : 0;

	if (!subject->exchange)
		return FILTER_UNKNOWN;
	if (value->none)
		return filter_says(status == 0);
	return status > 0 ? filter_says(filter_in_range(value, (uint64_t)status)) : FILTER_UNKNOWN;
}

/* https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
static const char *const grpc_names[] = {
	"OK",	     "CANCELLED",	"UNKNOWN",	     "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
	"NOT_FOUND", "ALREADY_EXISTS",	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED",   "OUT_OF_RANGE",	"UNIMPLEMENTED",     "INTERNAL",	   "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
};

#define GRPC_LAST (sizeof(grpc_names) / sizeof(grpc_names[0]) - 1)

static int value_grpc(struct filter_value *value, char *why, size_t size)
{
	if (strcmp(value->text, "error") == 0) {
		value->low = 1;
		value->high = GRPC_LAST;
		return 0;
	}
	for (size_t i = 0; i <= GRPC_LAST; i++) {
		if (strcasecmp(grpc_names[i], value->text) != 0)
			continue;
		value->low = value->high = i;
		return 0;
	}
	if (filter_number_parse(value->text, 0, GRPC_LAST, value) < 0)
		return filter_wrong(why, size,
				    "a gRPC status is 0 to 16, >0, a name such as NOT_FOUND, or error");
	return 0;
}

static enum filter_answer match_grpc(const struct filter_value *value, struct filter_subject *subject)
{
	int status = subject->exchange ? exchange_outcome(subject->exchange, &grpc_content) : -1;

	return status < 0 ? FILTER_UNKNOWN : filter_says(filter_in_range(value, (uint64_t)status));
}

/* The versions that the word means; false: none. */
static bool proto_word(struct filter_value *value, const char *text)
{
	static const struct {
		const char *word;
		enum http_version low, high;
	} words[] = { { "1", HTTP_1_0, HTTP_1_1 },
		      { "1.0", HTTP_1_0, HTTP_1_0 },
		      { "1.1", HTTP_1_1, HTTP_1_1 },
		      { "h1", HTTP_1_0, HTTP_1_1 },
		      { "2", HTTP_2, HTTP_2 },
		      { "2.0", HTTP_2, HTTP_2 },
		      { "h2", HTTP_2, HTTP_2 },
		      { "http/1", HTTP_1_0, HTTP_1_1 },
		      { "http/1.0", HTTP_1_0, HTTP_1_0 },
		      { "http/1.1", HTTP_1_1, HTTP_1_1 },
		      { "http/2", HTTP_2, HTTP_2 },
		      { "3", HTTP_3, HTTP_3 },
		      { "3.0", HTTP_3, HTTP_3 },
		      { "h3", HTTP_3, HTTP_3 },
		      { "http/3", HTTP_3, HTTP_3 },
		      { "fastcgi", FASTCGI_1, FASTCGI_1 },
		      { "postgresql", POSTGRESQL_3, POSTGRESQL_3 },
		      { "mysql", MYSQL_41, MYSQL_41 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i].word, text) != 0)
			continue;
		value->low = words[i].low;
		value->high = words[i].high;
		return true;
	}
	return false;
}

/* Another protocol than HTTP is neither above nor below a version of HTTP. */
static int value_proto(struct filter_value *value, char *why, size_t size)
{
	const char *sign = filter_sign(value->text);

	if (!proto_word(value, value->text + (sign ? strlen(sign) : 0)) || (sign && value->low < HTTP_1_0))
		return filter_wrong(why, size,
				    "a protocol is 1, 1.0, 1.1, 2, 3, >=2, h2, h3, http/2, http/3, fastcgi, "
				    "postgresql or mysql");
	if (!sign)
		return 0;
	filter_bound_set(value, sign);
	if (value->low < HTTP_1_0)
		value->low = HTTP_1_0;
	return 0;
}

static enum filter_answer match_proto(const struct filter_value *value, struct filter_subject *subject)
{
	enum http_version version =
		subject->exchange ? exchange_version(subject->exchange) : HTTP_VERSION_UNKNOWN;

	if (!version && subject->conn)
		version = subject->conn->version;
	return version ? filter_says(filter_in_range(value, version)) : FILTER_UNKNOWN;
}

static int value_latency(struct filter_value *value, char *why, size_t size)
{
	if (filter_bound_parse(value, number_parse_duration) < 0)
		return filter_wrong(why, size, "a latency is >50ms, >=1s, <0.5, <=2m, =1s or 10ms-50ms");
	return 0;
}

static enum filter_answer match_latency(const struct filter_value *value, struct filter_subject *subject)
{
	const struct exchange *exchange = subject->exchange;

	if (!exchange || (!exchange->pending && !exchange->duration_known))
		return FILTER_UNKNOWN;
	return filter_says(
		filter_in_range(value, exchange->pending ? exchange->waited_ns : exchange->duration_ns));
}

static int size_unit(const char *text, uint64_t *number)
{
	size_t bytes = 0;
	int error = number_parse_size(text, &bytes);

	*number = bytes;
	return error;
}

static int value_size(struct filter_value *value, char *why, size_t size)
{
	if (filter_bound_parse(value, size_unit) < 0)
		return filter_wrong(why, size, "a size is >1M, >=64K, <100, <=1G, =0 or 1K-64K");
	return 0;
}

/* The larger of both bodies; where an end was not seen the number is a lower bound. */
static enum filter_answer match_size(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *const messages[] = { request_of(subject), response_of(subject) };
	bool whole = subject->exchange && !subject->exchange->pending;
	uint64_t bytes = 0;

	if (!subject->exchange)
		return FILTER_UNKNOWN;
	for (size_t i = 0; i < 2; i++) {
		if (!messages[i])
			continue;
		bytes = messages[i]->body_bytes > bytes ? messages[i]->body_bytes : bytes;
		whole = whole && messages[i]->body_known;
	}
	if (whole || bytes > value->high || (bytes >= value->low && value->high == UINT64_MAX))
		return filter_says(filter_in_range(value, bytes));
	return FILTER_UNKNOWN;
}

/* --- header fields --------------------------------------------------------------------- */

static int value_header(struct filter_value *value, char *why, size_t size)
{
	size_t len = strcspn(value->text, "=");

	for (size_t i = 0; i < len; i++)
		if (value->text[i] <= ' ' || value->text[i] >= 0x7f || strchr("*?~:", value->text[i]))
			return filter_wrong(why, size,
					    "the name of a header field is written out: name=value");
	value->pattern.nocase = true;
	return value_named(value, why, size, "a header field is name, or name=value");
}

static enum filter_answer fields_match(const struct filter_value *value, const struct header_list *fields)
{
	enum filter_answer best = FILTER_NO;

	for (size_t i = 0; i < fields->count && best != FILTER_YES; i++) {
		const struct header *field = &fields->items[i];

		if (field->name.data && !slice_equal_nocase(field->name, value->name))
			continue;
		if (!field->name.data || (!value->present && !field->value.data))
			best = FILTER_UNKNOWN; /* it may be the one */
		else if (value->present || filter_pattern_match(&value->pattern, field->value))
			best = FILTER_YES;
	}
	return best;
}

static enum filter_answer match_header(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *const messages[] = { request_of(subject), response_of(subject) };
	enum filter_answer best = FILTER_NO;

	if (!subject->exchange)
		return FILTER_UNKNOWN;
	for (size_t i = 0; i < 2; i++) {
		enum filter_answer head, tail;

		if (!messages[i])
			continue;
		head = fields_match(value, &messages[i]->headers);
		tail = fields_match(value, &messages[i]->trailers);
		best = head > best ? head : best;
		best = tail > best ? tail : best;
	}
	return best;
}

/* --- bodies ------------------------------------------------------------------------------ */

static int value_body(struct filter_value *value, char *why, size_t size)
{
	if (!value->len)
		return filter_wrong(why, size, "a body is looked through for a text");
	value->pattern.within = true;
	return filter_pattern_parse(&value->pattern, value_slice(value), true, why, size);
}

static enum filter_answer body_match(const struct filter_value *value, const struct message *message)
{
	bool part = !message->body_known || message->body.len < message->body_bytes;
	struct buffer work[2] = { { .data = NULL }, { .data = NULL } };
	struct content_coding_undone undone = content_coding_undo(
		message_known(message, HEADER_CONTENT_ENCODING), message->body, part, work, BODY_DECODED_MAX);
	bool whole = !part && !undone.expands && !undone.wrong && !undone.unknown;
	bool found = filter_pattern_match(&value->pattern, undone.bytes);

	buffer_fini(&work[0]);
	buffer_fini(&work[1]);
	return found ? FILTER_YES : whole ? FILTER_NO : FILTER_UNKNOWN;
}

static enum filter_answer match_body(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *const messages[] = { request_of(subject), response_of(subject) };
	enum filter_answer best =
		subject->exchange && messages[0] && messages[1] ? FILTER_NO : FILTER_UNKNOWN;

	for (size_t i = 0; i < 2 && best != FILTER_YES; i++) {
		enum filter_answer answer = messages[i] ? body_match(value, messages[i]) : FILTER_UNKNOWN;

		best = answer > best ? answer : best;
	}
	return best;
}

/* --- what bodies say ------------------------------------------------------------------- */

/* "3", "0.25": in thousandths. */
static int thousandths(const char *text, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789"), more = 0;

	if (!digits || digits > 15)
		return -EINVAL;
	*number = 0;
	for (size_t i = 0; i < digits; i++)
		*number = *number * 10 + (uint64_t)(text[i] - '0');
	text += digits;
	if (*text == '.' && text[1])
		text++;
	for (; more < 3; more++)
		*number = *number * 10 + (*text >= '0' && *text <= '9' ? (uint64_t)(*text++ - '0') : 0);
	return *text ? -EINVAL : 0;
}

static int value_fact(struct filter_value *value, char *why, size_t size)
{
	static const char *const form = "a fact is name, or name=value, as JSON has it, or name>=number";
	struct filter_value bound = { .text = value->text + strcspn(value->text, "<>=") };

	if (bound.text == value->text)
		return filter_wrong(why, size, form);
	if (*bound.text != '<' && *bound.text != '>')
		return value_named(value, why, size, form);
	if (filter_bound_parse(&bound, thousandths) < 0)
		return filter_wrong(why, size,
				    "behind the sign stands a number, as JSON has it: 100 or 0.25");
	value->name = slice_of(value->text, (size_t)(bound.text - value->text));
	value->low = bound.low;
	value->high = bound.high;
	value->bounded = true;
	return 0;
}

/* No bound is negative: what is, is below each of them. */
static bool fact_in_range(const struct filter_value *value, const struct fact *fact)
{
	uint64_t number = fact->number;

	switch (fact->kind) {
	case FACT_NUMBER:
	case FACT_INTEGER:
		if (fact->kind == FACT_INTEGER && (int64_t)number < 0)
			return value->high != UINT64_MAX;
		return filter_in_range(value, number > UINT64_MAX / 1000 ? UINT64_MAX : number * 1000);
	case FACT_NS:
		return filter_in_range(value, number / 1000);
	case FACT_MILLI:
		return filter_in_range(value, number);
	case FACT_TEXT:
	case FACT_TRUE:
		break;
	}
	return false;
}

static bool fact_matches(const struct filter_value *value, const struct fact *fact)
{
	struct buffer number = { .data = NULL };
	bool matches;

	if (value->bounded)
		return fact_in_range(value, fact);
	if (value->present)
		return true;
	if (fact->kind == FACT_TEXT)
		return filter_pattern_match(&value->pattern, fact->text);
	fact_text_put(&number, fact);
	matches = filter_pattern_match(&value->pattern, slice_of(number.data, number.len));
	buffer_fini(&number);
	return matches;
}

static enum filter_answer match_fact(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *const messages[] = { request_of(subject), response_of(subject) };

	for (size_t i = 0; i < 2; i++)
		for (const struct fact *fact = messages[i] ? messages[i]->facts : NULL; fact;
		     fact = fact->next)
			if (slice_equal(slice_of_string(fact->name), value->name) &&
			    fact_matches(value, fact))
				return FILTER_YES;
	return subject->exchange && !subject->exchange->pending ? FILTER_NO : FILTER_UNKNOWN;
}

/* --- traces ------------------------------------------------------------------------------ */

/*
 * Fields of a request that name the trace that it belongs to: W3C Trace Context, B3 (of Zipkin), Jaeger, the
 * clouds' own, and the ids that servers write into their logs.
 */
static const struct {
	const char *name;
	const char *before; /* the id stands behind the first of it; NULL: at the beginning */
	const char *ends;   /* one of these ends it */
} trace_fields[] = {
	{ "traceparent", "-", "-" },
	{ "b3", NULL, "-" },
	{ "x-b3-traceid", NULL, "" },
	{ "uber-trace-id", NULL, ":%" },
	{ "x-cloud-trace-context", NULL, "/" },
	{ "x-amzn-trace-id", "Root=", ";" },
	{ "x-datadog-trace-id", NULL, "" },
	{ "x-request-id", NULL, "" },
	{ "x-correlation-id", NULL, "" },
};

static int value_trace(struct filter_value *value, char *why, size_t size)
{
	if (!value->len)
		return filter_wrong(why, size, "a trace is the id that a field such as traceparent has");
	return value_glob_nocase(value, why, size);
}

/* The id within the value of the field of this row; data NULL: there is none. */
static struct slice trace_id(size_t row, struct slice text)
{
	const char *before = trace_fields[row].before;
	size_t len = 0;

	if (before) {
		const uint8_t *found = text.len ? memmem(text.data, text.len, before, strlen(before)) : NULL;

		if (!found)
			return (struct slice){ .data = NULL };
		text = slice_drop(text, (size_t)(found - text.data) + strlen(before));
	}
	while (len < text.len && !(text.data[len] && strchr(trace_fields[row].ends, text.data[len])))
		len++;
	return slice_take(text, len);
}

static enum filter_answer match_trace(const struct filter_value *value, struct filter_subject *subject)
{
	const struct message *request = request_of(subject);
	enum filter_answer best = FILTER_NO;

	if (!request)
		return FILTER_UNKNOWN;
	for (size_t i = 0; i < request->headers.count; i++) {
		const struct header *field = &request->headers.items[i];

		if (!field->name.data)
			best = FILTER_UNKNOWN; /* it may be the one */
		for (size_t row = 0; field->name.data && row < sizeof(trace_fields) / sizeof(trace_fields[0]);
		     row++) {
			if (!slice_equal_nocase(field->name, slice_of_string(trace_fields[row].name)))
				continue;
			if (!field->value.data)
				best = FILTER_UNKNOWN;
			else if (filter_pattern_match(&value->pattern, trace_id(row, field->value)))
				return FILTER_YES;
		}
	}
	return best;
}

/* --- flags ----------------------------------------------------------------------------- */

struct flag_list {
	char *text;
	size_t size;
};

static void flag_list(void *ctx, const char *name)
{
	const struct flag_list *list = ctx;
	size_t len = strlen(list->text);

	snprintf(list->text + len, list->size - len, "%s%s", len ? ", " : "", name);
}

static int value_flag(struct filter_value *value, char *why, size_t size)
{
	struct flag_list list = { .text = why, .size = size };

	value->low = exchange_flag_find(value->text);
	if (value->low)
		return 0;
	why[0] = '\0';
	exchange_flags_each(~0u, flag_list, &list);
	return -EINVAL;
}

static enum filter_answer match_flag(const struct filter_value *value, struct filter_subject *subject)
{
	if (subject->exchange)
		return filter_says(subject->exchange->flags & value->low);
	/* An exchange that is still to come may have it. */
	return subject->conn && (subject->conn->flags & value->low) ? FILTER_YES : FILTER_UNKNOWN;
}

/* --- the rows --------------------------------------------------------------------------- */

const struct filter_key filter_keys[] = {
	{ "pid", "PID", "Process id",
	  "When a filter restricts to processes they must exist, as with -p; when all have ended hark ends. "
	  "Signs as for latency: such processes need not exist.",
	  FILTER_BY_PIDS, value_pid, match_pid },
	{ "comm", "NAME", "Program: name of its file or thread, or a glob", NULL, FILTER_BY_CONN, value_glob,
	  match_comm },
	{ "user", "NAME, UID", "User that the process runs as",
	  "Names are those of the machine where hark runs. Signs as for latency.", FILTER_BY_CONN, value_user,
	  match_user },
	{ "container", "NAME, ID, none", "Container: name, how its id begins, or a glob",
	  "By name as its engine or its pod calls it. The id is what JSON calls container.id: of a process "
	  "in no container its systemd unit.",
	  FILTER_BY_CONTAINERS, value_container, match_container },
	{ "pod", "NAME, UID, none", "Pod of Kubernetes, or a glob", NULL, FILTER_BY_CONTAINERS,
	  value_container, match_pod },
	{ "namespace", "NAME, none", "Namespace of that pod, or a glob", NULL, FILTER_BY_CONTAINERS,
	  value_container, match_namespace },
	{ "unit", "NAME, none", "Unit of systemd, as nginx.service, or a glob", NULL, FILTER_BY_CONTAINERS,
	  value_container, match_unit },
	{ "port", "443, 8000-8099", "Port of either end", "Signs as for latency.", FILTER_BY_PORTS,
	  value_port, match_port },
	{ "peer", "ADDRESS[/BITS][:PORT]", "Address of the other end",
	  "IPv6 with a port stands in brackets: [::1]:443. IPv4 within IPv6 is IPv4. unix is a Unix socket.",
	  FILTER_BY_ADDRESS, value_peer, match_peer },
	{ "role", "client, server", "Which side the process is", NULL, FILTER_BY_CONN, value_role,
	  match_role },
	{ "tls", "yes, no, LIBRARY", "TLS or not, or the library that does it", NULL, FILTER_BY_CONN,
	  value_tls, match_tls },
	{ "proto", "2, NAME", "HTTP's version, fastcgi, mysql or postgresql",
	  "Versions are 1, 1.0, 1.1, 2 and 3; h2 and http/2 are 2, h3 is 3. Views of exchanges show "
	  "statements to a database only where this key asks for them. Signs as for latency.",
	  FILTER_BY_EXCHANGE, value_proto, match_proto },
	{ "host", "GLOB", "Host of the request, with or without its port",
	  "Case does not matter. Of a request that names none it is the address of the server; of a TLS "
	  "connection that cannot be read, the name in its hello message.",
	  FILTER_BY_EXCHANGE, value_glob_nocase, match_host },
	{ "method", "GET", "Method of the request", "Case does not matter.", FILTER_BY_EXCHANGE, value_method,
	  match_method },
	{ "path", "GLOB, ~REGEX", "Path of the request, without its query",
	  "Case matters. A regex looks at the first 4096 bytes.", FILTER_BY_EXCHANGE, value_path,
	  match_path },
	{ "url", "GLOB, ~REGEX", "Host, path and query, as lines show them",
	  "Case matters. http:// or https:// in front is left out. A regex looks at the first 4096 bytes.",
	  FILTER_BY_EXCHANGE, value_url, match_url },
	{ "query", "NAME[=GLOB]", "Parameter of the query, or its value",
	  "As it was sent, so percent signs stay; a ~REGEX may stand for the glob; case matters. Values that "
	  "are not shown, being secrets, are matched.",
	  FILTER_BY_EXCHANGE, value_query, match_query },
	{ "status", "404, 5xx, 200-204, none", "Status of the response",
	  "none is an exchange without one. Signs as for latency.", FILTER_BY_EXCHANGE, value_status,
	  match_status },
	{ "grpc", "5, NOT_FOUND, error", "Status of a gRPC call; error is all but OK", NULL,
	  FILTER_BY_EXCHANGE, value_grpc, match_grpc },
	{ "latency", ">50ms, 10ms-1s", "First byte asked to last byte answered",
	  "Signs are >, >=, <, <= and =; the shell takes them for itself unless they stand in quotes. Of a "
	  "request that still waits it is the time so far.",
	  FILTER_BY_EXCHANGE, value_latency, match_latency },
	{ "size", ">1M, 1K-64K", "Bytes on the wire of the larger of both bodies", "Signs as for latency.",
	  FILTER_BY_EXCHANGE, value_size, match_size },
	{ "header", "NAME[=GLOB]", "Header field of either side, or its value",
	  "Trailers count too; a ~REGEX may stand for the glob; case does not matter. Values that are not "
	  "shown, being secrets, are matched.",
	  FILTER_BY_FIELDS, value_header, match_header },
	{ "body", "TEXT, ~REGEX", "Text in either body",
	  "Anywhere in it, decompressed; * and ? are a glob's; case matters. Of a body the first 64K are "
	  "kept; a "
	  "regex looks at the first 4096 bytes. What is not shown, being a secret, is matched.",
	  FILTER_BY_BODIES, value_body, match_body },
	{ "fact", "NAME[=GLOB]", "What a body says: JSON's key, or its value",
	  "Such as rpc.method, hark.operation, hark.sse.events; a ~REGEX may stand for the glob; case "
	  "matters. Of numbers signs as for latency: gen_ai.usage.output_tokens>=1000. Of a "
	  "message within a body it is its exchange's, as far as that is known by then.",
	  FILTER_BY_FACTS, value_fact, match_fact },
	{ "trace", "ID, GLOB", "Trace that the request belongs to",
	  "The id in traceparent, b3, x-b3-traceid, uber-trace-id, x-cloud-trace-context, x-amzn-trace-id, "
	  "x-datadog-trace-id, x-request-id or x-correlation-id; case does not matter.",
	  FILTER_BY_FIELDS, value_trace, match_trace },
	{ "flag", "NAME", "Flag of the exchange, such as gap or reset",
	  "These are the names that lines and JSON have; hark lists them when one is wrong.",
	  FILTER_BY_EXCHANGE, value_flag, match_flag },
};

const size_t filter_key_count = sizeof(filter_keys) / sizeof(filter_keys[0]);
