/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_facts.h"

const char *conn_facts_tls_version_name(uint16_t version)
{
	static const char *const names[] = { "1.0", "1.1", "1.2", "1.3" };

	if (version < 0x0301 || version > 0x0304)
		return NULL;
	return names[version - 0x0301];
}

const char *conn_facts_role_name(enum protocol_role role)
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

const char *conn_facts_closed_by_name(enum conn_closed_by closed_by)
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
