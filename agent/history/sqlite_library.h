/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsqlite3, loaded by the runs that need it. The pointers are what the linker
 * would have set: written once, by sqlite_library_load(), and then only called.
 */
#ifndef HARK_SQLITE_LIBRARY_H
#define HARK_SQLITE_LIBRARY_H

#include <sqlite3.h>

#define SQLITE_FUNCTIONS(X)   \
	X(open_v2)            \
	X(close_v2)           \
	X(exec)               \
	X(prepare_v3)         \
	X(step)               \
	X(reset)              \
	X(finalize)           \
	X(clear_bindings)     \
	X(bind_int64)         \
	X(bind_text)          \
	X(column_count)       \
	X(column_name)        \
	X(column_type)        \
	X(column_int64)       \
	X(column_double)      \
	X(column_blob)        \
	X(column_bytes)       \
	X(changes)            \
	X(last_insert_rowid)  \
	X(errmsg)             \
	X(error_offset)       \
	X(get_autocommit)     \
	X(busy_timeout)       \
	X(wal_hook)           \
	X(wal_checkpoint_v2)  \
	X(file_control)       \
	X(set_authorizer)     \
	X(progress_handler)   \
	X(limit)              \
	X(db_config)          \
	X(create_function_v2) \
	X(value_type)         \
	X(hard_heap_limit64)  \
	X(value_double)       \
	X(aggregate_context)  \
	X(result_double)      \
	X(result_error_nomem)

#define SQLITE_POINTER(name) __typeof__(&(sqlite3_##name)) name;
struct sqlite_library {
	SQLITE_FUNCTIONS(SQLITE_POINTER)
};

extern struct sqlite_library sqlite;

/* 0, or -ENOENT: the reason was reported; purpose stands in it. */
int sqlite_library_load(const char *purpose);

#endif
