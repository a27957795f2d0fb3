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
	static const char *const names[] = { [ROLE_CLIENT] = "client", [ROLE_SERVER] = "server" };

	return names[role];
}

const char *conn_facts_closed_by_name(enum conn_closed_by closed_by)
{
	static const char *const names[] = {
		[CLOSED_LOCAL] = "local", [CLOSED_PEER] = "peer", [CLOSED_EXIT] = "exit"
	};

	return names[closed_by];
}
