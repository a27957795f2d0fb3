/* SPDX-License-Identifier: Apache-2.0 */
/* Keys about who moves the bytes, and over what: known also before there is an exchange. */
#include "filter_keys.h"

#include "library/libraries.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int value_glob(struct filter_value *value, char *why, size_t size)
{
	return filter_pattern_parse(&value->pattern, value_slice(value), false, why, size);
}

int value_glob_nocase(struct filter_value *value, char *why, size_t size)
{
	value->pattern.nocase = true;
	return filter_pattern_parse(&value->pattern, value_slice(value), false, why, size);
}

/* --- the process --------------------------------------------------------------- */

int value_pid(struct filter_value *value, char *why, size_t size)
{
	if (strchr(value->text, '-') || filter_range_parse(value->text, 1, INT32_MAX, value) < 0)
		return filter_wrong(why, size, "a process id is a positive number");
	return 0;
}

enum filter_answer match_pid(const struct filter_value *value, struct filter_subject *subject)
{
	if (!subject->mover || !subject->mover->pid)
		return FILTER_UNKNOWN;
	return filter_says(filter_in_range(value, subject->mover->pid));
}

enum filter_answer match_comm(const struct filter_value *value, struct filter_subject *subject)
{
	const struct mover *mover = subject->mover;

	if (!mover || (!mover->exe[0] && !mover->comm[0]))
		return FILTER_UNKNOWN;
	return filter_says(
		filter_pattern_match(&value->pattern, field_slice(mover->exe, sizeof(mover->exe))) ||
		filter_pattern_match(&value->pattern, field_slice(mover->comm, sizeof(mover->comm))));
}

int value_user(struct filter_value *value, char *why, size_t size)
{
	const struct passwd *entry;

	if (!strchr(value->text, '-') && filter_range_parse(value->text, 0, UINT32_MAX, value) == 0)
		return 0;
	entry = getpwnam(value->text);
	if (!entry)
		return filter_wrong(why, size, "this machine has no such user; a number is taken as it is");
	value->low = value->high = entry->pw_uid;
	return 0;
}

enum filter_answer match_user(const struct filter_value *value, struct filter_subject *subject)
{
	if (!subject->mover || !subject->mover->pid)
		return FILTER_UNKNOWN;
	return filter_says(filter_in_range(value, subject->mover->uid));
}

int value_container(struct filter_value *value, char *why, size_t size)
{
	value->none = strcmp(value->text, "none") == 0;
	return value_glob(value, why, size);
}

enum filter_answer match_container(const struct filter_value *value, struct filter_subject *subject)
{
	const char *name = subject->mover ? subject->mover->container : NULL;

	if (!subject->mover)
		return FILTER_UNKNOWN;
	if (!name || value->none)
		return filter_says(!name && value->none);
	if (value->pattern.kind == PATTERN_EXACT)
		return filter_says(slice_has_prefix(slice_of_string(name), value_slice(value)));
	return filter_says(filter_pattern_match(&value->pattern, slice_of_string(name)));
}

/* --- the connection -------------------------------------------------------------- */

static const struct event_socket *socket_of(const struct filter_subject *subject)
{
	return subject->conn && subject->conn->sock.family ? &subject->conn->sock : NULL;
}

int value_port(struct filter_value *value, char *why, size_t size)
{
	if (filter_range_parse(value->text, 0, UINT16_MAX, value) < 0)
		return filter_wrong(why, size,
				    "a port is a number up to 65535, or two with a hyphen (8000-8099)");
	return 0;
}

enum filter_answer match_port(const struct filter_value *value, struct filter_subject *subject)
{
	const struct event_socket *sock = socket_of(subject);

	if (!sock)
		return FILTER_UNKNOWN;
	if (sock->family == AF_UNIX)
		return FILTER_NO;
	return filter_says(filter_in_range(value, sock->local_port) ||
			   filter_in_range(value, sock->peer_port));
}

int value_peer(struct filter_value *value, char *why, size_t size)
{
	if (filter_peer_parse(value->text, &value->peer) < 0)
		return filter_wrong(
			why, size,
			"a peer is 10.0.0.1, 10.0.0.0/8, 10.0.0.1:80, ::1, fe80::/10, [::1]:443 or unix");
	return 0;
}

static const uint8_t ipv4_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* A sockets' address in 16 bytes; IPv4 as ::ffff:a.b.c.d. */
static void address_widen(const struct event_socket *sock, const uint8_t *address, uint8_t *out)
{
	if (sock->family == AF_INET6) {
		memcpy(out, address, 16);
		return;
	}
	memcpy(out, ipv4_prefix, sizeof(ipv4_prefix));
	memcpy(out + 12, address, 4);
}

static bool address_within(const struct filter_peer *peer, const uint8_t *address)
{
	unsigned int whole = peer->bits / 8, rest = peer->bits % 8;
	bool ipv4 = memcmp(address, ipv4_prefix, sizeof(ipv4_prefix)) == 0;

	if (ipv4 && peer->ipv6 && peer->bits < 96)
		return false; /* ::/0 is all of IPv6 */
	if (memcmp(peer->bytes, address, whole) != 0)
		return false;
	return !rest || !((peer->bytes[whole] ^ address[whole]) >> (8 - rest));
}

enum filter_answer match_peer(const struct filter_value *value, struct filter_subject *subject)
{
	const struct event_socket *sock = socket_of(subject);
	uint8_t address[16];

	if (!sock)
		return FILTER_UNKNOWN;
	if (sock->family == AF_UNIX || value->peer.unix_socket)
		return filter_says(sock->family == AF_UNIX && value->peer.unix_socket);
	if (value->peer.port_known && value->peer.port != sock->peer_port)
		return FILTER_NO;
	address_widen(sock, sock->peer, address);
	return filter_says(address_within(&value->peer, address));
}

int value_role(struct filter_value *value, char *why, size_t size)
{
	if (strcmp(value->text, "client") != 0 && strcmp(value->text, "server") != 0)
		return filter_wrong(why, size, "a role is client or server");
	value->low = *value->text == 'c' ? ROLE_CLIENT : ROLE_SERVER;
	return 0;
}

enum filter_answer match_role(const struct filter_value *value, struct filter_subject *subject)
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
	return -EINVAL;
}

int value_tls(struct filter_value *value, char *why, size_t size)
{
	if (strcmp(value->text, "no") == 0)
		value->low = TLS_VALUE_NO;
	else if (strcmp(value->text, "yes") == 0)
		value->low = TLS_VALUE_YES;
	else if (libraries_has_name(value->text))
		value->low = TLS_VALUE_LIBRARY;
	else
		return tls_wrong(why, size);
	return 0;
}

enum filter_answer match_tls(const struct filter_value *value, struct filter_subject *subject)
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
