/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_library.h"

#include "base/shared_library.h"

struct sqlite_library sqlite;

int sqlite_library_load(const char *purpose)
{
#define SQLITE_SYMBOL(name) { "sqlite3_" #name, &sqlite.name },
	static const struct shared_symbol symbols[] = { SQLITE_FUNCTIONS(SQLITE_SYMBOL) };

	return shared_library_load("libsqlite3.so.0", "libsqlite3-0", purpose, symbols,
				   sizeof(symbols) / sizeof(symbols[0]));
}
