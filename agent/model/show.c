/* SPDX-License-Identifier: Apache-2.0 */
/* Event time is monotonic; the recorded or measured offset turns it into wall time. */
#include "show.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>

static_assert(AF_INET == 2 && AF_INET6 == 10, "show_has_address()");

#define SECOND_NS 1000000000

/* Splits into seconds and ns, also before 1970: both numbers may come from a hostile recording. */
static int64_t wall_second(const struct show_clock *clock, uint64_t event_ns, uint64_t *ns)
{
	int64_t wall = (int64_t)(event_ns + (uint64_t)clock->wall_offset_ns);
	int64_t second = wall / SECOND_NS;
	int64_t rest = wall % SECOND_NS;

	if (rest < 0) {
		rest += SECOND_NS;
		second--;
	}
	*ns = (uint64_t)rest;
	return second;
}

static void show_second(struct buffer *buffer, struct show_clock *clock, int64_t second, bool utc)
{
	time_t time = (time_t)second;
	struct tm tm;

	if (!clock->cached || clock->second != second) {
		if (!(utc ? gmtime_r(&time, &tm) : localtime_r(&time, &tm)))
			return;
		strftime(clock->text, sizeof(clock->text), utc ? "%Y-%m-%dT%H:%M:%S." : "%H:%M:%S.", &tm);
		clock->second = second;
		clock->cached = true;
	}
	buffer_string(buffer, clock->text);
}

void show_utc(struct buffer *buffer, struct show_clock *clock, uint64_t event_ns)
{
	uint64_t ns;
	int64_t second = wall_second(clock, event_ns, &ns);

	show_second(buffer, clock, second, true);
	buffer_digits(buffer, ns, 9);
	buffer_char(buffer, 'Z');
}

void show_local(struct buffer *buffer, struct show_clock *clock, uint64_t event_ns)
{
	uint64_t ns;
	int64_t second = wall_second(clock, event_ns, &ns);

	show_second(buffer, clock, second, false);
	buffer_digits(buffer, ns / 1000000, 3);
}

static void show_ipv4(struct buffer *buffer, const uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		if (i)
			buffer_char(buffer, '.');
		buffer_u64(buffer, bytes[i]);
	}
}

static bool is_mapped(const uint8_t address[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

void show_address(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	if (sock->family == AF_INET)
		show_ipv4(buffer, address);
	else if (is_mapped(address))
		show_ipv4(buffer, address + 12);
	else if (inet_ntop(AF_INET6, address, text, sizeof(text)))
		buffer_string(buffer, text);
}

void show_endpoint(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16],
		   uint16_t port)
{
	bool bracket = sock->family == AF_INET6 && !is_mapped(address);

	if (!show_has_address(sock)) {
		buffer_string(buffer, sock->family == AF_UNIX ? "unix" : "-");
		return;
	}
	if (bracket)
		buffer_char(buffer, '[');
	show_address(buffer, sock, address);
	if (bracket)
		buffer_char(buffer, ']');
	buffer_char(buffer, ':');
	buffer_u64(buffer, port);
}

struct slice show_program(const struct mover *mover)
{
	if (mover->exe[0])
		return slice_of(mover->exe, strnlen(mover->exe, sizeof(mover->exe)));
	if (mover->comm[0])
		return slice_of(mover->comm, strnlen(mover->comm, sizeof(mover->comm)));
	return (struct slice){ 0 };
}

const char *show_version(enum http_version version)
{
	switch (version) {
	case HTTP_VERSION_UNKNOWN:
		return NULL;
	case HTTP_1_0:
		return "1.0";
	case HTTP_1_1:
		return "1.1";
	case HTTP_2:
		return "2";
	}
	return NULL;
}

enum http_version show_exchange_version(const struct exchange *exchange)
{
	if (exchange->request && exchange->request->version != HTTP_VERSION_UNKNOWN)
		return exchange->request->version;
	return exchange->response ? exchange->response->version : HTTP_VERSION_UNKNOWN;
}

const char *show_tls_version(uint16_t version)
{
	static const char *const names[] = { "1.0", "1.1", "1.2", "1.3" };

	if (version < 0x0301 || version > 0x0304)
		return NULL;
	return names[version - 0x0301];
}

const char *show_role(enum protocol_role role)
{
	switch (role) {
	case ROLE_UNKNOWN:
		return NULL;
	case ROLE_CLIENT:
		return "client";
	case ROLE_SERVER:
		return "server";
	}
	return NULL;
}

const char *show_closed_by(enum conn_closed_by closed_by)
{
	switch (closed_by) {
	case CLOSED_UNKNOWN:
		return NULL;
	case CLOSED_LOCAL:
		return "local";
	case CLOSED_PEER:
		return "peer";
	case CLOSED_EXIT:
		return "exit";
	}
	return NULL;
}
