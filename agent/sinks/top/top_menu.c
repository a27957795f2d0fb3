/* SPDX-License-Identifier: Apache-2.0 */
/* The list at the left from which a column to sort by, or a user, is chosen, as htop has it. */
#include "top.h"

#include "base/user.h"

#include <inttypes.h>

#define USERS_MAX 64
#define ALL_USERS UINT64_MAX

static const struct top_column sort_columns[] = { { "SORT BY", TOP_TEXT, 0, 0, 0, true } };
static const struct top_column user_columns[] = { { "USER", TOP_TEXT, 0, 0, 0, true } };

static void menu_add(struct top_table *menu, uint64_t id, const char *text)
{
	size_t start = menu->names.len;
	struct top_row *row = top_table_add(menu, id);

	if (!row)
		return;
	buffer_string(&menu->names, text);
	top_table_text(menu, row, 0, start);
}

static void sorts_add(struct sink *sink, const struct top_table *table)
{
	for (size_t i = 0; i < table->column_count; i++)
		menu_add(&sink->menu_table, i, table->columns[i].title);
	top_table_move(&sink->menu_table, (long)table->sort);
}

/* Of the connections that are kept: "1000 alice". Names are this machine's, so a filter takes the number. */
static void users_add(struct sink *sink)
{
	struct top_table *menu = &sink->menu_table;
	struct top_conn *conn;

	menu_add(menu, ALL_USERS, "all");
	for (conn = sink->kept.conn_list; conn && menu->count < USERS_MAX; conn = conn->next) {
		uint32_t uid = conn->facts.owner.uid;
		const struct passwd *user;
		char text[80];
		size_t i = 1;

		while (i < menu->count && menu->rows[i].id != uid)
			i++;
		if (i < menu->count)
			continue;
		snprintf(text, sizeof(text), "%" PRIu32, uid);
		user = user_find(text);
		snprintf(text, sizeof(text), "%" PRIu32 " %.40s", uid, user ? user->pw_name : "");
		menu_add(menu, uid, text);
	}
}

void top_menu_open(struct sink *sink, enum top_menu menu)
{
	struct top_table *table = top_table_shown(sink);

	if (menu == MENU_SORT && !table)
		return;
	top_table_fini(&sink->menu_table);
	top_table_init(&sink->menu_table, menu == MENU_SORT ? sort_columns : user_columns, 1);
	sink->menu_table.sort = 1; /* none */
	top_table_clear(&sink->menu_table);
	sink->menu = menu;
	if (menu == MENU_SORT)
		sorts_add(sink, table);
	else
		users_add(sink);
}

/* The filter's other words stay. */
static void user_take(struct sink *sink, uint64_t uid)
{
	struct top_prompt *filter = &sink->filter_text;
	char text[TOP_PROMPT_MAX] = "", rest[TOP_PROMPT_MAX], *state = NULL;
	size_t len = 0;

	snprintf(rest, sizeof(rest), "%s", filter->text);
	for (char *word = strtok_r(rest, " ", &state); word; word = strtok_r(NULL, " ", &state))
		if (strncmp(word, "user:", strlen("user:")) != 0)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? " " : "", word);
	if (uid != ALL_USERS && len + 20 < sizeof(text))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%suser:%" PRIu64, len ? " " : "",
					uid);
	memcpy(filter->text, text, len + 1);
	filter->len = len;
	top_filter_changed(sink);
}

static void menu_take(struct sink *sink)
{
	const struct top_row *row = top_table_selected(&sink->menu_table);
	struct top_table *table = top_table_shown(sink);
	enum top_menu menu = sink->menu;

	sink->menu = MENU_NONE;
	if (!row)
		return;
	if (menu == MENU_USER) {
		user_take(sink, row->id);
	} else if (table) {
		table->sort = (size_t)row->id;
		table->chosen = true;
		table->reverse = false;
		top_page_order(sink);
	}
}

void top_menu_key(struct sink *sink, uint32_t key)
{
	switch (key) {
	case TOP_KEY_ENTER:
	case TOP_KEY_RIGHT:
		menu_take(sink);
		break;
	case TOP_KEY_ESCAPE:
	case TOP_KEY_BACK:
	case TOP_KEY_LEFT:
	case 'q':
		sink->menu = MENU_NONE;
		break;
	default:
		top_table_key(&sink->menu_table, key);
		break;
	}
}
