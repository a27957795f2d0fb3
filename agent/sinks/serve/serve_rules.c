/* SPDX-License-Identifier: Apache-2.0 */
#include "serve_rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST_MAX 64 /* of an address in words */

static int token_check(struct serve_rules *rules, size_t len)
{
	char *token = rules->token;

	while (len && (token[len - 1] == '\n' || token[len - 1] == '\r'))
		len--;
	token[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return -EINVAL;
	return len >= SERVE_TOKEN_MIN ? 0 : -EINVAL;
}

/* Where root's own group may read, that is the mask of the ACL by which systemd lends a credential. */
static bool is_private(const struct stat *st)
{
	bool lent = st->st_uid == 0 && st->st_gid == 0 && !(st->st_mode & (S_IWGRP | S_IXGRP));

	return !(st->st_mode & ((lent ? 0 : S_IRWXG) | S_IRWXO));
}

int serve_rules_read_token(struct serve_rules *rules, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = 0;
	struct stat st;
	ssize_t len = -1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		error = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > SERVE_TOKEN_MAX)
		error = -EINVAL;
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		error = -EPERM;
	else if (!is_private(&st))
		error = -EACCES;
	if (!error)
		len = read(fd, rules->token, SERVE_TOKEN_MAX);
	if (!error && len < 0)
		error = -errno;
	close(fd);
	if (!error)
		error = token_check(rules, (size_t)len);
	if (error)
		rules->token[0] = '\0';
	return error;
}

/* "host", "host:port", "[address]:port" → the host alone; data NULL: it is none of them. */
static struct slice host_alone(struct slice host)
{
	struct slice rest;
	size_t end;

	if (host.len && host.data[0] == '[') {
		end = slice_find(host, ']');
		if (end >= host.len)
			return slice_of(NULL, 0);
		rest = slice_drop(host, end + 1);
		host = slice_drop(slice_take(host, end), 1);
	} else {
		end = slice_find(host, ':');
		rest = slice_drop(host, end);
		host = slice_take(host, end);
	}
	if (rest.len && (rest.data[0] != ':' || rest.len > 6))
		return slice_of(NULL, 0);
	for (size_t i = 1; i < rest.len; i++)
		if (rest.data[i] < '0' || rest.data[i] > '9')
			return slice_of(NULL, 0);
	return host;
}

static bool is_own_address(const struct serve_rules *rules, const char *host)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&rules->bound.socket;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&rules->bound.socket;
	bool is_four = rules->bound.socket.ss_family == AF_INET;
	struct in6_addr address6;
	struct in_addr address4;

	if (inet_pton(AF_INET, host, &address4) == 1)
		return ntohl(address4.s_addr) >> 24 == IN_LOOPBACKNET ||
		       (is_four && address4.s_addr == four->sin_addr.s_addr);
	if (inet_pton(AF_INET6, host, &address6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&address6) ||
		       (!is_four && IN6_ARE_ADDR_EQUAL(&address6, &six->sin6_addr));
	return strcasecmp(host, "localhost") == 0;
}

bool serve_rules_host(const struct serve_rules *rules, struct slice host)
{
	char text[HOST_MAX];

	if (rules->token[0])
		return true;
	host = host_alone(host);
	if (host.len == 0 || host.len >= sizeof(text) || slice_find(host, '\0') < host.len)
		return false;
	memcpy(text, host.data, host.len);
	text[host.len] = '\0';
	return is_own_address(rules, text);
}

bool serve_rules_origin(const struct serve_rules *rules, struct slice origin, struct slice host)
{
	struct slice scheme = rules->tls ? SLICE("https://") : SLICE("http://");

	if (!origin.data)
		return true;
	return origin.len == scheme.len + host.len && slice_equal(slice_take(origin, scheme.len), scheme) &&
	       strncasecmp((const char *)origin.data + scheme.len, (const char *)host.data, host.len) == 0;
}

bool serve_rules_token(const struct serve_rules *rules, struct slice authorization)
{
	struct slice scheme = SLICE("Bearer ");
	size_t len = strlen(rules->token);
	struct slice token;

	if (!len)
		return true;
	if (authorization.len < scheme.len ||
	    strncasecmp((const char *)authorization.data, (const char *)scheme.data, scheme.len) != 0)
		return false;
	token = slice_drop(authorization, scheme.len);
	while (token.len && token.data[0] == ' ')
		token = slice_drop(token, 1);
	return token.len == len && CRYPTO_memcmp(token.data, rules->token, len) == 0;
}
