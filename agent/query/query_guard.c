/* SPDX-License-Identifier: Apache-2.0 */
#include "query_guard.h"

#include "base/clock.h"
#include "stats/histogram.h"

#include <string.h>

#define STEPS_BETWEEN 20000	  /* of SQLite's machine, from look to look at the clock */
#define HEAP_BYTES    (512 << 20) /* of all that SQLite holds */
#define CELL_BYTES    (64 << 20)

/* Pragmas that only tell. */
static bool pragma_tells(const char *name)
{
	static const char *const names[] = {
		"table_info", "table_xinfo",	"table_list",	   "index_list",
		"index_info", "user_version",	"application_id",  "page_count",
		"page_size",  "freelist_count", "integrity_check", "quick_check"
	};

	for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int deny(struct query_guard *guard, const char *what)
{
	guard->denied = what;
	return SQLITE_DENY;
}

static int authorize(void *ctx, int action, const char *first, const char *other, const char *database,
		     const char *by)
{
	struct query_guard *guard = ctx;

	(void)database;
	(void)by;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return other && strcmp(other, "load_extension") == 0 ? deny(guard, "load_extension()")
								     : SQLITE_OK;
	case SQLITE_PRAGMA:
		return pragma_tells(first) && !(other && strcmp(first, "user_version") == 0)
			       ? SQLITE_OK
			       : deny(guard, "this PRAGMA");
	case SQLITE_ATTACH:
		return deny(guard, "ATTACH");
	default:
		return deny(guard, "anything but SELECT");
	}
}

static int look_at_clock(void *ctx)
{
	const struct query_guard *guard = ctx;

	return clock_ns() >= guard->until_ns;
}

int query_guard_set(struct query_guard *guard, const struct history_file *file, uint64_t time_ns)
{
	sqlite3 *db = file->db;
	int error;

	*guard = (struct query_guard){ .until_ns = clock_ns() + time_ns };
	sqlite.hard_heap_limit64(HEAP_BYTES);
	/* Functions that are tables declare themselves at their first use, which looks like CREATE TABLE. */
	(void)sqlite.exec(db, "SELECT 1 FROM json_each('[]'), json_tree('[]'), pragma_table_info('run')",
			  NULL, NULL, NULL);
	error = sqlite.exec(db,
			    "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
			    " PRAGMA mmap_size = 0;",
			    NULL, NULL, NULL);
	sqlite.db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite.db_config(db, SQLITE_DBCONFIG_DQS_DML, 0,
			 NULL); /* "tiem" is a column that is not there, no text */
	sqlite.db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite.limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite.limit(db, SQLITE_LIMIT_LENGTH, CELL_BYTES);
	sqlite.progress_handler(db, STEPS_BETWEEN, look_at_clock, guard);
	return error ? error : sqlite.set_authorizer(db, authorize, guard);
}

/* --- quantile() ------------------------------------------------------------------------------------- */

struct quantile {
	struct histogram histogram;
	double share;
	bool failed;
};

static void quantile_step(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct quantile *quantile = sqlite.aggregate_context(context, sizeof(*quantile));
	double ms;

	(void)count;
	if (!quantile) {
		sqlite.result_error_nomem(context);
		return;
	}
	if (sqlite.value_type(values[0]) == SQLITE_NULL)
		return;
	ms = sqlite.value_double(values[0]);
	quantile->share = sqlite.value_double(values[1]);
	if (ms >= 0 && ms < 9e12)
		quantile->failed |= histogram_add(&quantile->histogram, (uint64_t)(ms * 1e6)) < 0;
}

static void quantile_final(sqlite3_context *context)
{
	struct quantile *quantile = sqlite.aggregate_context(context, 0);

	if (!quantile)
		return;
	if (quantile->failed)
		sqlite.result_error_nomem(context);
	else if (quantile->histogram.count && quantile->share >= 0 && quantile->share <= 1)
		sqlite.result_double(context,
				     (double)histogram_quantile(&quantile->histogram, quantile->share) / 1e6);
	histogram_fini(&quantile->histogram);
}

int query_quantile_add(const struct history_file *file)
{
	return sqlite.create_function_v2(file->db, "quantile", 2,
					 SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, NULL,
					 quantile_step, quantile_final, NULL);
}
