/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, as htop's users know them. While a line is typed nearly all of them go into it, or into an open menu.
 */
#include "top.h"

static void page_enter(struct sink *sink, enum top_page page)
{
	if (sink->depth + 1 == TOP_DEPTH_MAX)
		return;
	sink->pages[++sink->depth] = page;
	sink->lines.first = 0;
	top_page_make(sink);
}

/* Leaves what lies deeper than this. */
static void page_return(struct sink *sink, size_t depth)
{
	for (; sink->depth > depth; sink->depth--) {
		if (top_page(sink) == PAGE_EXCHANGE) {
			top_record_drop(&sink->kept, sink->record);
			sink->record = NULL;
		} else if (top_page(sink) == PAGE_CONNECTION) {
			top_conn_drop(sink->conn);
			sink->conn = NULL;
		}
	}
	top_page_make(sink);
}

/* From an endpoint to its slowest exchanges, from one of them to its headers and its connection. */
static void row_enter(struct sink *sink)
{
	struct top_table *table = top_table_shown(sink);
	const struct top_row *row = table ? top_table_selected(table) : NULL;
	struct top_table *slowest = &sink->tables[PAGE_SLOWEST];

	if (!row)
		return;
	if (row->record) {
		sink->record = top_record_use(row->record);
		page_enter(sink, PAGE_EXCHANGE);
		return;
	}
	if (top_page(sink) == PAGE_CONNECTIONS) {
		HASH_FIND(hh, sink->kept.conns, &row->id, sizeof(row->id), sink->conn);
		if (!sink->conn)
			return; /* it was forgotten since the rows were made */
		sink->conn->users++;
		page_enter(sink, PAGE_CONNECTION);
		return;
	}
	sink->subject_id = row->id;
	sink->subject_stats = top_page(sink) == PAGE_PROCESSES ? TOP_PROCESSES : TOP_ENDPOINTS;
	snprintf(sink->subject, sizeof(sink->subject), "%s", table->names.data + row->texts[0]);
	slowest->moved = false;
	page_enter(sink, PAGE_SLOWEST);
}

static void move(struct sink *sink, long rows)
{
	struct top_table *table = top_table_shown(sink);

	if (table)
		top_table_move(table, rows);
	else
		top_lines_scroll(&sink->lines, rows);
}

static void tree_turn(struct sink *sink)
{
	sink->tree = top_page(sink) != PAGE_PROCESSES || !sink->tree;
	if (!sink->tree)
		top_family_fini(&sink->family);
	else if (!sink->config.live)
		top_say(sink, "a recording does not tell who started whom");
	sink->pages[0] = PAGE_PROCESSES;
	page_return(sink, 0);
}

static void search_again(struct sink *sink)
{
	if (!top_search(sink, 1))
		top_say(sink, "not on this page");
}

bool top_key(struct sink *sink, uint32_t key)
{
	struct top_table *table = top_table_shown(sink);
	size_t rows = table ? table->page : sink->lines.page;
	long page = rows > 1 ? (long)rows - 1 : 1;

	if (sink->prompting && key != TOP_KEY_F10 && key != TOP_KEY_RESIZE) {
		top_prompt_key(sink, key);
		return false;
	}
	if (sink->menu && key != TOP_KEY_F10 && key != TOP_KEY_RESIZE) {
		top_menu_key(sink, key);
		return false;
	}
	switch (key) {
	case 'q':
	case TOP_KEY_F10:
		return true;
	case '?':
	case 'h':
	case TOP_KEY_F0 + 1:
		if (top_page(sink) != PAGE_HELP)
			page_enter(sink, PAGE_HELP);
		else if (sink->depth)
			page_return(sink, sink->depth - 1);
		break;
	case '/':
	case TOP_KEY_F0 + 3:
		sink->prompting = PROMPT_SEARCH;
		sink->search_text = (struct top_prompt){ .len = 0 };
		break;
	case 'n':
		search_again(sink);
		break;
	case '\\':
	case TOP_KEY_F0 + 4:
		sink->prompting = PROMPT_FILTER;
		break;
	case 't':
	case TOP_KEY_F0 + 5:
		tree_turn(sink);
		break;
	case 'b':
	case TOP_KEY_F0 + 2:
		top_body(sink);
		break;
	case 'c':
	case TOP_KEY_F0 + 7:
		top_copy(sink);
		break;
	case 'e':
	case TOP_KEY_F0 + 8:
		top_export(sink);
		break;
	case 'u':
	case TOP_KEY_F0 + 9:
		top_menu_open(sink, MENU_USER);
		break;
	case TOP_KEY_F0 + 6:
		top_menu_open(sink, MENU_SORT);
		break;
	case 'p':
	case ' ':
		sink->paused = !sink->paused;
		top_page_make(sink);
		break;
	case '>':
	case '.':
		if (table)
			top_table_sort_step(table, sink->screen.columns, 1);
		top_page_order(sink);
		break;
	case '<':
	case ',':
		if (table)
			top_table_sort_step(table, sink->screen.columns, -1);
		top_page_order(sink);
		break;
	case 'I':
		if (table)
			top_table_reverse(table);
		top_page_order(sink);
		break;
	case 'w':
		sink->window = (sink->window + 1) % WINDOW_COUNT;
		top_page_make(sink);
		break;
	case '1' ... '4':
		sink->pages[0] = (enum top_page)(key - '1');
		page_return(sink, 0);
		break;
	case '\t':
		sink->pages[0] = (sink->pages[0] + 1) % TAB_COUNT;
		page_return(sink, 0);
		break;
	case TOP_KEY_UP:
	case 'k':
		move(sink, -1);
		break;
	case TOP_KEY_DOWN:
	case 'j':
		move(sink, 1);
		break;
	case TOP_KEY_PAGE_UP:
		move(sink, -page);
		break;
	case TOP_KEY_PAGE_DOWN:
		move(sink, page);
		break;
	case TOP_KEY_HOME:
		if (table)
			top_table_home(table);
		else
			sink->lines.first = 0;
		break;
	case TOP_KEY_END:
		move(sink, INT32_MAX);
		break;
	case TOP_KEY_ENTER:
	case TOP_KEY_RIGHT:
		row_enter(sink);
		break;
	case TOP_KEY_ESCAPE:
	case TOP_KEY_BACK:
	case TOP_KEY_LEFT:
		if (sink->depth)
			page_return(sink, sink->depth - 1);
		break;
	}
	return false;
}
