/* SPDX-License-Identifier: Apache-2.0 */
/* What shows that bytes are the protocol of MySQL and MariaDB (their manuals, "Client/Server Protocol"). */
#ifndef HARK_MYSQL_EVIDENCE_H
#define HARK_MYSQL_EVIDENCE_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

#define MYSQL_HEADER_BYTES 4 /* three of the length, and the packet's number in its exchange */

enum mysql_command {
	MYSQL_QUIT = 0x01,
	MYSQL_INIT_DB = 0x02,
	MYSQL_QUERY = 0x03,
	MYSQL_FIELD_LIST = 0x04,
	MYSQL_STATISTICS = 0x09,
	MYSQL_CHANGE_USER = 0x11,
	MYSQL_BINLOG_DUMP = 0x12,
	MYSQL_PREPARE = 0x16,
	MYSQL_EXECUTE = 0x17,
	MYSQL_LONG_DATA = 0x18,
	MYSQL_CLOSE = 0x19,
	MYSQL_FETCH = 0x1c,
	MYSQL_BINLOG_DUMP_GTID = 0x1e,
	MYSQL_RESET = 0x1f,
	MYSQL_BULK_EXECUTE = 0xfa, /* of MariaDB */
};

enum mysql_evidence {
	MYSQL_NONE,
	MYSQL_MORE, /* it may be, with more bytes */
	MYSQL_FOUND,
};

uint32_t mysql_length(const uint8_t bytes[3]);

/* Does a server begin so: its greeting, with a version? */
enum mysql_evidence mysql_greets(struct slice bytes);
/* Does a client begin so, under TLS, where the greeting came before: its login, whose middle is zeros? */
enum mysql_evidence mysql_logs_in(struct slice bytes);
/* In mid-stream, where a turn begins: is all of it one command with a statement's text? */
enum mysql_evidence mysql_asks(struct slice bytes);
/* Is this payload a command as a client sends it? Known to be this protocol. */
bool mysql_is_command(struct slice payload);

#endif
