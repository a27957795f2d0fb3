/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What curl adds by itself is taken away again (-H 'Accept:'), what it makes of the command is left out
 * (Content-Length, the fields of one hop, RFC 9110, 7.6.1), and what it would change on its way is told not
 * to be (--globoff, --path-as-is, --request-target). A name is bound to the address that was really asked.
 */
#include "curl_text.h"

#include "ascii.h"
#include "base/escape.h"
#include "base/url.h"
#include "content/content.h"
#include "curl_word.h"
#include "http1/http1_line.h"
#include "model/address.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#define ARGUMENT_MAX (96u << 10) /* of a word; Linux takes 128 KiB */
#define EXPECT_BYTES (1u << 20)	 /* curl asks before it sends more */

struct command {
	struct buffer remarks, text; /* own */
	struct buffer *out;	     /* the text */
	struct curl_text *curl;
	const struct exchange *exchange;
	const struct message *request;
	struct url url;
	bool tls, tls_known;
	bool proxied;	   /* the target is absolute: the server that was asked is a proxy */
	bool https_target; /* and its scheme https */
	bool host_usable;  /* the URL can name it */
	bool has_body;	   /* data goes with the command */
	bool decoded;	   /* and its coding was undone */
	bool piped;	   /* the body comes by way of the standard input */
	bool secrets;	   /* something was left out for one */
	size_t left_out;   /* fields that no command can have */
	size_t unknown;	   /* fields that could not be decoded */
	size_t flag_count; /* that were told of */
	struct slice body; /* borrowed */
};

void curl_text_fini(struct curl_text *curl)
{
	redact_free(curl->off);
	body_reader_fini(&curl->bodies);
	buffer_fini(&curl->scratch);
	buffer_fini(&curl->word);
	buffer_fini(&curl->body);
}

static void put_option(struct command *c, const char *option, struct slice first, struct slice second)
{
	buffer_char(c->out, ' ');
	buffer_string(c->out, option);
	if (*option)
		buffer_char(c->out, ' ');
	curl_word_put(c->out, first, second);
}

static void put_remark(struct command *c, const char *remark)
{
	buffer_string(&c->remarks, "# ");
	buffer_string(&c->remarks, remark);
	buffer_char(&c->remarks, '\n');
}

static bool field_is(struct slice name, const char *other)
{
	return slice_equal_nocase(name, slice_of_string(other));
}

static bool has_field(const struct command *c, const char *name)
{
	return message_header(c->request, slice_of_string(name)).data != NULL;
}

static bool is_token(struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (!ascii_is_token(bytes.data[i]))
			return false;
	return bytes.len > 0;
}

/* --- what has to be known before the first word -------------------------------------------- */

/*
 * Is the target an absolute URL, as those for proxies are (RFC 9112, 3.2.2)? Of HTTP, for curl reads files of
 * file://, and takes -o:// for an option; and the host is the target's own.
 */
static bool is_absolute(struct slice target, const struct url *url)
{
	struct slice scheme = slice_take(target, slice_find(target, ':'));
	const uint8_t *authority = url->authority.data;

	return (field_is(scheme, "http") || field_is(scheme, "https")) && authority &&
	       authority > target.data && authority < target.data + target.len;
}

/* Is the address written as it is read? curl makes 127.0.0.1 of 0x7f.1. */
static bool address_is_canonical(struct slice host, int family)
{
	char text[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
	uint8_t address[16];

	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.data, host.len);
	text[host.len] = '\0';
	return inet_pton(family, text, address) == 1 && inet_ntop(family, address, again, sizeof(again)) &&
	       strcmp(text, again) == 0;
}

/* Is what stands behind the last dot a number, for curl too? */
static bool ends_in_number(struct slice host)
{
	size_t at = host.len;

	while (at && host.data[at - 1] == '.')
		at--;
	while (at && host.data[at - 1] != '.')
		at--;
	return at < host.len && ascii_is_digit(host.data[at]);
}

/* Can a URL have the host, so that curl sends it on as it is? A - in front is --resolve's. */
static bool host_is_usable(struct slice host)
{
	if (slice_has_prefix(host, SLICE("-")))
		return false;
	if (slice_find(host, ':') < host.len)
		return address_is_canonical(host, AF_INET6);
	if (ends_in_number(host))
		return address_is_canonical(host, AF_INET);
	for (size_t i = 0; i < host.len; i++) {
		uint8_t c = host.data[i];

		if (!ascii_is_letter(c) && !ascii_is_digit(c) && !(c && strchr("-._~", c)))
			return false;
	}
	return host.len > 0;
}

/* The body as it was sent, unless it has secrets: those take a text in which they can be replaced. */
static void body_take(struct command *c)
{
	struct curl_text *curl = c->curl;
	const struct message *request = c->request;
	const struct content *content = content_of_type(message_header(request, SLICE("Content-Type")));
	struct slice shown;
	struct body body;

	c->body = request->body;
	c->has_body = request->body.len ||
		      (request->body_known && !request->body_bytes && has_field(c, "Content-Length"));
	if (!request->body.len || redact_is_off(curl->redact))
		return;
	if (!curl->off)
		curl->off = redact_new(true);
	if (!curl->off) {
		c->out->failed = true;
		return;
	}
	body = body_read(&curl->bodies, request, curl->off);
	if (body.look == CONTENT_BINARY)
		return;
	shown = redact_body(curl->redact, body.bytes, content && content->secrets == CONTENT_FORM,
			    &curl->body);
	if (slice_equal(shown, body.bytes))
		return;
	c->body = shown;
	c->secrets = true;
	c->decoded = body.codings.len > 0;
}

static void command_begin(struct command *c)
{
	const struct conn_facts *conn = c->exchange->conn;

	url_of_request(c->request, &c->url);
	c->tls_known = !conn->tls_unknown;
	c->tls = c->tls_known ? conn->tls : slice_equal(c->request->scheme, SLICE("https"));
	c->proxied = c->request->version < HTTP_2 && is_absolute(c->request->target, &c->url);
	c->https_target = c->proxied && slice_find(c->request->target, ':') == strlen("https");
	c->host_usable = host_is_usable(c->url.host);
	body_take(c);
	/* An @ at the front would name a file for --data-binary, and what has control characters is no word.
	 */
	c->piped = c->body.len && (!curl_word_is_plain(c->body) || c->body.len > ARGUMENT_MAX);
}

/* --- fields ----------------------------------------------------------------------------------- */

/* A change to another protocol but HTTP/2 is what the request is about: those fields stay. */
static bool is_upgrade(const struct command *c)
{
	struct slice upgrade = message_header(c->request, SLICE("Upgrade"));

	return upgrade.len && !field_is(upgrade, "h2c");
}

/* Does the field belong to one hop, so that curl makes it? */
static bool is_of_hop(const struct command *c, struct slice name)
{
	static const char *const names[] = { "Keep-Alive",	  "Proxy-Connection", "Trailer",
					     "Transfer-Encoding", "HTTP2-Settings",   "Content-Length" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (field_is(name, names[i]))
			return true;
	if (c->request->version >= HTTP_2)
		return false;
	if (field_is(name, "Connection") || field_is(name, "Upgrade"))
		return !is_upgrade(c);
	return field_is(name, "TE") ||
	       (!is_upgrade(c) && http1_list_has(message_header(c->request, SLICE("Connection")), name));
}

/* Does curl make this of the URL? It leaves out the port that is usual. */
static bool is_in_url(const struct command *c, struct slice value)
{
	bool literal = slice_find(c->url.host, ':') < c->url.host.len;
	unsigned int usual = (c->proxied ? c->https_target : c->tls) ? 443 : 80;
	struct buffer text = { .data = NULL };
	bool same;

	if (!c->host_usable)
		return false;
	buffer_string(&text, literal ? "[" : "");
	buffer_put(&text, c->url.host.data, c->url.host.len);
	buffer_string(&text, literal ? "]" : "");
	if (c->url.port_known && c->url.port != usual)
		buffer_format(&text, ":%u", c->url.port);
	same = !text.failed && slice_equal(value, slice_of(text.data, text.len));
	buffer_fini(&text);
	return same;
}

/* Has HTTP/2 no place for it beside :authority, or does curl make it? */
static bool is_host_apart(const struct command *c, const struct header *header)
{
	if (!field_is(header->name, "Host"))
		return false;
	return (c->request->version >= HTTP_2 && c->request->authority.data) || is_in_url(c, header->value);
}

static bool has_line_end(struct slice value)
{
	return slice_find(value, '\n') < value.len || slice_find(value, '\r') < value.len;
}

static void put_pair(struct command *c, struct slice name, struct slice value)
{
	struct slice shown;

	if (!is_token(name) || !curl_word_possible(value) || has_line_end(value)) {
		c->left_out++;
		return;
	}
	shown = redact_value(c->curl->redact, name, value, &c->curl->scratch);
	c->secrets |= !slice_equal(shown, value);
	buffer_string(c->out, " -H ");
	if (!shown.len) {
		curl_word_put(c->out, name, SLICE(";")); /* curl's word for an empty one */
		return;
	}
	buffer_clear(&c->curl->word);
	buffer_put(&c->curl->word, name.data, name.len);
	buffer_string(&c->curl->word, ": ");
	curl_word_put(c->out, slice_of(c->curl->word.data, c->curl->word.len), shown);
}

static void put_field(struct command *c, const struct header *header)
{
	if (header->flags & (HEADER_NAME_UNKNOWN | HEADER_VALUE_UNKNOWN))
		c->unknown++;
	else if (!is_of_hop(c, header->name) && !is_host_apart(c, header) &&
		 !(c->decoded && field_is(header->name, "Content-Encoding")))
		put_pair(c, header->name, header->value);
}

/* Takes a field away that curl would send, and the request did not have. */
static void put_absent(struct command *c, const char *name)
{
	if (!has_field(c, name))
		put_option(c, "-H", slice_of_string(name), SLICE(":"));
}

static void put_fields(struct command *c)
{
	const struct header_list *list = &c->request->headers;
	struct slice coding = message_header(c->request, SLICE("Accept-Encoding"));

	for (size_t i = 0; i < list->count; i++)
		put_field(c, &list->items[i]);
	if (c->request->version >= HTTP_2 && c->request->authority.len &&
	    !is_in_url(c, c->request->authority))
		put_pair(c, SLICE("Host"), c->request->authority);
	if (c->request->version < HTTP_2 && !c->proxied)
		put_absent(c, "Host");
	put_absent(c, "User-Agent");
	put_absent(c, "Accept");
	if (c->has_body)
		put_absent(c, "Content-Type");
	if (c->body.len >= EXPECT_BYTES && c->request->version < HTTP_2)
		put_absent(c, "Expect");
	if (c->has_body && c->request->version < HTTP_2 &&
	    http1_list_has(message_header(c->request, SLICE("Transfer-Encoding")), SLICE("chunked")))
		buffer_string(c->out, " -H 'Transfer-Encoding: chunked'");
	if (coding.len && !field_is(coding, "identity"))
		buffer_string(c->out, " --compressed");
}

/* --- where it goes ------------------------------------------------------------------------------ */

static uint16_t server_port(const struct conn_facts *conn)
{
	return conn->role == ROLE_CLIENT ? conn->sock.peer_port : conn->sock.local_port;
}

static uint16_t url_port(const struct command *c)
{
	return c->url.port_known ? c->url.port : c->tls ? 443 : 80;
}

/* Does the address mean the same from wherever the command is called? Then DNS is asked again. */
static bool address_is_public(const struct event_socket *sock, const uint8_t address[16])
{
	const uint8_t *a = address;

	if (sock->family == AF_INET6 && !address_is_ipv4(address))
		return (a[0] & 0xe0) == 0x20; /* 2000::/3 (RFC 4291, 2.4) */
	if (sock->family == AF_INET6)
		a += 12;
	return a[0] != 0 && a[0] != 10 && a[0] != 127 && !(a[0] == 100 && (a[1] & 0xc0) == 64) &&
	       !(a[0] == 169 && a[1] == 254) && !(a[0] == 172 && (a[1] & 0xf0) == 16) &&
	       !(a[0] == 192 && a[1] == 168) && a[0] < 224;
}

/* Is the host an address? curl does not look it up, and --resolve has no effect on it. */
static bool is_literal(struct slice host)
{
	bool ipv4 = true;

	for (size_t i = 0; i < host.len; i++)
		ipv4 &= ascii_is_digit(host.data[i]) || host.data[i] == '.';
	return ipv4 || slice_find(host, ':') < host.len;
}

static bool is_loopback_name(const struct event_socket *sock, const uint8_t address[16], struct slice host)
{
	bool mapped = sock->family == AF_INET6 && address_is_ipv4(address);
	static const uint8_t loopback[16] = { [15] = 1 };

	if (!field_is(host, "localhost"))
		return false;
	if (sock->family == AF_INET6 && !mapped)
		return memcmp(address, loopback, sizeof(loopback)) == 0;
	return address[mapped ? 12 : 0] == 127;
}

/* An absolute target is for a proxy, which is the server of the socket. */
static void put_proxy(struct command *c)
{
	struct buffer way = { .data = NULL };

	if (address_put_server_endpoint(&way, c->exchange->conn))
		put_option(c, "--proxy", c->tls ? SLICE("https://") : SLICE("http://"),
			   slice_of(way.data, way.len));
	else
		put_remark(c, "sent to a proxy, whose address is not known");
	c->out->failed |= way.failed;
	buffer_fini(&way);
}

/* The way to the server, where the URL's host is not, or not surely, what the socket was connected to. */
static void put_way(struct command *c)
{
	const struct conn_facts *conn = c->exchange->conn;
	const struct event_socket *sock = &conn->sock;
	const uint8_t *address = conn->role == ROLE_CLIENT ? sock->peer : sock->local;
	bool same_port = server_port(conn) == url_port(c);
	struct buffer plain = { .data = NULL }, way = { .data = NULL };
	struct slice host = c->url.host;

	if (sock->family == AF_UNIX) {
		put_remark(c, "sent to a Unix socket, whose path belongs in the place of SOCKET");
		put_option(c, "--unix-socket", SLICE("SOCKET"), SLICE(""));
		return;
	}
	if (c->proxied) {
		put_proxy(c);
		return;
	}
	if (!c->host_usable || !address_put_server(&plain, conn))
		goto out;
	if (same_port && (slice_equal_nocase(host, slice_of(plain.data, plain.len)) ||
			  is_loopback_name(sock, address, host) || address_is_public(sock, address)))
		goto out;
	if (same_port && !is_literal(host)) {
		buffer_put(&way, host.data, host.len);
		buffer_format(&way, ":%u:", url_port(c));
		if (slice_find(slice_of(plain.data, plain.len), ':') < plain.len) {
			buffer_char(&way, '[');
			buffer_put(&way, plain.data, plain.len);
			buffer_char(&way, ']');
		} else {
			buffer_put(&way, plain.data, plain.len);
		}
		put_option(c, "--resolve", slice_of(way.data, way.len), SLICE(""));
	} else {
		address_put_server_endpoint(&way, conn);
		put_option(c, "--connect-to", SLICE("::"), slice_of(way.data, way.len));
	}
out:
	c->out->failed |= plain.failed || way.failed;
	buffer_fini(&plain);
	buffer_fini(&way);
}

/* --- the whole command --------------------------------------------------------------------------- */

static void put_version(struct command *c)
{
	enum http_version version = c->request->version;
	struct slice upgrade = message_header(c->request, SLICE("Upgrade"));

	if (version == HTTP_3)
		buffer_string(c->out, " --http3");
	else if (version == HTTP_2)
		buffer_string(c->out, c->tls ? " --http2" : " --http2-prior-knowledge");
	else if (version == HTTP_1_0)
		buffer_string(c->out, " --http1.0");
	else if (field_is(upgrade, "h2c"))
		buffer_string(c->out, " --http2");
	else if (c->tls)
		buffer_string(c->out, " --http1.1"); /* else curl offers HTTP/2 */
}

/* With data curl says POST by itself, else GET. */
static void put_method(struct command *c)
{
	struct slice method = c->request->method;

	if (slice_equal(method, SLICE("HEAD")) && !c->has_body)
		buffer_string(c->out, " --head");
	else if (!slice_equal(method, c->has_body ? SLICE("POST") : SLICE("GET")))
		put_option(c, "-X", method, SLICE(""));
}

/* What stands behind the authority of the target, and whether curl sends it as it is. */
static struct slice path_of(const struct command *c, bool *as_is)
{
	struct slice path = c->request->target;

	if (c->proxied)
		path = slice_drop(path, (size_t)(c->url.authority.data - path.data) + c->url.authority.len);
	*as_is = path.len && path.data[0] == '/' && path.data[path.len - 1] != '?';
	for (size_t i = 0; i < path.len; i++)
		*as_is &= path.data[i] > 0x20 && path.data[i] < 0x7f && path.data[i] != '#' &&
			  path.data[i] != '\\';
	return path;
}

/* Scheme, host and port as the request names them, or else the server's address. */
static void put_origin(struct command *c, struct buffer *url)
{
	struct slice scheme = c->proxied ? slice_take(c->request->target, slice_find(c->request->target, ':'))
					 : (c->tls ? SLICE("https") : SLICE("http"));

	buffer_put(url, scheme.data, scheme.len);
	buffer_string(url, "://");
	if (c->host_usable)
		buffer_put(url, c->url.authority.data, c->url.authority.len);
	else if (c->exchange->conn->sock.family == AF_UNIX)
		buffer_string(url, "localhost");
	else if (!address_put_server_endpoint(url, c->exchange->conn)) {
		buffer_string(url, "HOST");
		put_remark(c, "the server is not known: HOST stands in its place");
	}
}

/* Has the path segments (. and ..) that curl would take away, also as %2e? */
static bool has_dots(struct slice path)
{
	return memmem(path.data, path.len, "/.", 2) || memmem(path.data, path.len, "/%2e", 4) ||
	       memmem(path.data, path.len, "/%2E", 4);
}

static void put_url(struct command *c)
{
	struct buffer url = { .data = NULL };
	bool as_is;
	struct slice path = path_of(c, &as_is);
	struct slice shown = redact_target(c->curl->redact, path, &c->curl->scratch);

	c->secrets |= !slice_equal(shown, path);
	put_origin(c, &url);
	if (as_is) {
		buffer_put(&url, shown.data, shown.len);
		for (size_t i = 0; i < shown.len; i++) {
			if (strchr("[]{}", shown.data[i])) {
				buffer_string(c->out, " --globoff");
				break;
			}
		}
		if (has_dots(shown))
			buffer_string(c->out, " --path-as-is");
	} else {
		buffer_char(&url, '/');
		if (c->proxied) /* the proxy gets all of it */
			shown = redact_target(c->curl->redact, c->request->target, &c->curl->scratch);
		if (shown.len)
			put_option(c, "--request-target", shown, SLICE(""));
	}
	put_option(c, "", slice_of(url.data, url.len), SLICE(""));
	c->out->failed |= url.failed;
	buffer_fini(&url);
}

static void put_body(struct command *c)
{
	if (c->piped)
		buffer_string(c->out, " --data-binary @-");
	else if (c->has_body)
		put_option(c, "--data-raw", c->body, SLICE(""));
}

/* The body in front of curl, which reads it: no argument holds a NUL, nor more than 128 KiB. */
static void put_pipe(struct command *c)
{
	if (!c->piped)
		return;
	buffer_string(c->out, "printf ");
	if (curl_word_is_plain(c->body)) {
		buffer_string(c->out, "%s ");
		curl_word_put(c->out, c->body, SLICE(""));
	} else {
		curl_word_put_format(c->out, c->body);
	}
	buffer_string(c->out, " | ");
}

static void put_flag(void *ctx, const char *name)
{
	struct command *c = ctx;

	buffer_format(&c->remarks, "%s%s", c->flag_count++ ? "," : "# the request may not be whole: ", name);
}

/* Comments on what the command does not repeat. */
static void put_remarks(struct command *c)
{
	const struct message *request = c->request;

	exchange_flags_each(request->flags & (FLAG_GAP | FLAG_TRUNCATED | FLAG_PARTIAL_HEADERS |
					      FLAG_MALFORMED | FLAG_GUESS | FLAG_IN_FLIGHT),
			    put_flag, c);
	if (c->flag_count)
		buffer_char(&c->remarks, '\n');
	if (!request->body_known || request->body.len < request->body_bytes)
		buffer_format(&c->remarks, "# truncated: the body has %s%" PRIu64 " bytes, the command %zu\n",
			      request->body_known ? "" : "at least ", request->body_bytes, request->body.len);
	if (c->secrets)
		put_remark(c, REDACTED " stands for secrets (--show-secrets shows them)");
	if (c->decoded)
		put_remark(c, "the body was coded; it is sent without that coding");
	if (c->unknown)
		buffer_format(&c->remarks, "# not known, and left out: %zu header fields\n", c->unknown);
	if (c->left_out)
		buffer_format(&c->remarks, "# left out, for curl cannot send them: %zu header fields\n",
			      c->left_out);
	if (request->trailers.count)
		put_remark(c, "the trailers are left out: curl cannot send any");
}

/* Why no command can send the request; NULL: one can. */
static const char *why_not(const struct exchange *exchange)
{
	const struct message *request = exchange->request;

	if (!request)
		return "no command: the request was not seen";
	if (request->version == FASTCGI_1)
		return "no command: curl does not speak FastCGI";
	if (version_is_query(request->version))
		return "no command: what was asked is a database";
	if (!request->method.data || !request->target.data)
		return "no command: method or target are not known";
	if (slice_equal(request->method, SLICE("CONNECT")))
		return "no command: a CONNECT opens a tunnel, and what goes through it stands for itself";
	if (!is_token(request->method) || !curl_word_possible(request->target) ||
	    has_line_end(request->target))
		return "no command: curl sends no such method or target";
	return NULL;
}

bool curl_text_put(struct buffer *out, struct curl_text *curl, const struct exchange *exchange)
{
	struct command c = { .curl = curl, .exchange = exchange, .request = exchange->request };
	const char *why = why_not(exchange);

	c.out = &c.text;
	if (why) {
		put_remark(&c, why);
	} else {
		command_begin(&c);
		put_pipe(&c);
		buffer_string(&c.text, "curl");
		put_version(&c);
		put_method(&c);
		put_way(&c);
		put_url(&c);
		put_fields(&c);
		put_body(&c);
		put_remarks(&c);
		buffer_char(&c.text, '\n');
	}
	buffer_put(out, c.remarks.data, c.remarks.len);
	buffer_put(out, c.text.data, c.text.len);
	out->failed |= c.remarks.failed || c.text.failed;
	buffer_fini(&c.remarks);
	buffer_fini(&c.text);
	return !why;
}
