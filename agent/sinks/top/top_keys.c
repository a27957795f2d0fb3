/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, as htop's users know them: a row each at the end of the file, which the help page and the bar at the
 * bottom are made of, too. While a line is typed nearly all of them go into it, or into an open menu.
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

/* Leaves the pages that lie deeper. */
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

/* Goes from an endpoint to its slowest exchanges, from one of them to its headers and its connection. */
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

static void page_leave(struct sink *sink)
{
	if (sink->depth)
		page_return(sink, sink->depth - 1);
}

static void help_turn(struct sink *sink)
{
	if (top_page(sink) != PAGE_HELP)
		page_enter(sink, PAGE_HELP);
	else
		page_leave(sink);
}

static void tab_show(struct sink *sink, enum top_page tab)
{
	sink->pages[0] = tab;
	page_return(sink, 0);
}

static void tab_next(struct sink *sink)
{
	tab_show(sink, (sink->pages[0] + 1) % TAB_COUNT);
}

static void tree_turn(struct sink *sink)
{
	sink->tree = top_page(sink) != PAGE_PROCESSES || !sink->tree;
	if (!sink->tree)
		top_family_fini(&sink->family);
	else if (!sink->config.live)
		top_say(sink, "a recording does not tell who started whom");
	tab_show(sink, PAGE_PROCESSES);
}

/* --- what is looked for ---------------------------------------------------------------------- */

static void search_begin(struct sink *sink)
{
	sink->prompting = PROMPT_SEARCH;
	sink->search_text = (struct top_prompt){ .len = 0 };
}

static void search_again(struct sink *sink)
{
	if (!top_search(sink, 1))
		top_say(sink, "not on this page");
}

static void filter_begin(struct sink *sink)
{
	sink->prompting = PROMPT_FILTER;
}

static void user_choose(struct sink *sink)
{
	top_menu_open(sink, MENU_USER);
}

/* --- order, and which numbers ------------------------------------------------------------------ */

static void sort_choose(struct sink *sink)
{
	top_menu_open(sink, MENU_SORT);
}

static void sort_step(struct sink *sink, int step)
{
	struct top_table *table = top_table_shown(sink);

	if (table)
		top_table_sort_step(table, sink->screen.columns, step);
	top_page_order(sink);
}

static void sort_next(struct sink *sink)
{
	sort_step(sink, 1);
}

static void sort_before(struct sink *sink)
{
	sort_step(sink, -1);
}

static void order_turn(struct sink *sink)
{
	struct top_table *table = top_table_shown(sink);

	if (table)
		top_table_reverse(table);
	top_page_order(sink);
}

static void window_next(struct sink *sink)
{
	sink->window = (sink->window + 1) % WINDOW_COUNT;
	top_page_make(sink);
}

static void pause_turn(struct sink *sink)
{
	sink->paused = !sink->paused;
	top_page_make(sink);
}

/* --- the rows ---------------------------------------------------------------------------------- */

#define F(number) (TOP_KEY_F0 + (number))

/* clang-format off */
const struct top_key_row top_keys[] = {
	{ { '?', 'h', F(1) }, help_turn, "F1", "Help", "? h F1", "this help" },
	{ { '\t' }, tab_next, NULL, NULL, "1 2 3 4  Tab", "endpoints, connections, processes, live list" },
	{ { 0 }, NULL, NULL, NULL, "Up Down PgUp PgDn Home End", "move; also k j" },
	{ { TOP_KEY_ENTER, TOP_KEY_RIGHT }, row_enter, NULL, NULL, "Enter",
	  "endpoint, process: its programs, addresses, new connections and slowest exchanges; exchange: headers, "
	  "waterfall" },
	{ { TOP_KEY_ESCAPE, TOP_KEY_BACK, TOP_KEY_LEFT }, page_leave, NULL, NULL, "Esc Backspace", "back" },
	{ { 'b', F(2) }, top_body, "F2", "Body", "b F2",
	  "the bodies of the exchange that is chosen, or of the slowest; kept with -vv" },
	{ { '/', F(3) }, search_begin, "F3", "Search", "/ F3",
	  "search: the first row that has the text; n the next one" },
	{ { 'n' }, search_again, NULL, NULL, NULL, NULL },
	{ { '\\', F(4) }, filter_begin, "F4", "Filter", "\\ F4",
	  "filter as you type: the words of the command line, as status:5xx path:/api/* latency:>50ms; Enter keeps "
	  "it, Esc drops it" },
	{ { 't', F(5) }, tree_turn, "F5", "Tree", "t F5",
	  "processes as a tree: in the numbers of each stand those of what it started, too" },
	{ { F(6) }, sort_choose, "F6", "SortBy", "F6", "sort by a column of a list; < > the one before, after" },
	{ { '>', '.' }, sort_next, NULL, NULL, NULL, NULL },
	{ { '<', ',' }, sort_before, NULL, NULL, NULL, NULL },
	{ { 'c', F(7) }, top_copy, "F7", "Copy", "c F7",
	  "the exchange as a command for curl, into the terminal's clipboard too; the last one comes as a line when "
	  "hark ends" },
	{ { 'e', F(8) }, top_export, "F8", "Export", "e F8",
	  "the same as HAR, of an endpoint or a process its slowest, of a connection all that are kept, to the file "
	  "of --export" },
	{ { 'u', F(9) }, user_choose, "F9", "User", "u F9", "only what processes of one user do" },
	{ { 'p', ' ' }, pause_turn, "p", "Pause", "p Space", "pause and go on; what comes meanwhile is counted" },
	{ { 'w' }, window_next, "w", "Window", "w", "numbers of: whole run, last 10 s, last 60 s" },
	{ { 'I' }, order_turn, "I", "Invert", "I", "the order the other way round" },
	{ { 'q', F(10) }, NULL, "F10", "Quit", "q F10 Ctrl-C", "leave" },
};
/* clang-format on */

const size_t top_key_count = sizeof(top_keys) / sizeof(top_keys[0]);

static const struct top_key_row *row_of(uint32_t key)
{
	for (size_t i = 0; i < top_key_count; i++)
		for (size_t j = 0; j < TOP_KEY_CODES && top_keys[i].codes[j]; j++)
			if (top_keys[i].codes[j] == key)
				return &top_keys[i];
	return NULL;
}

static void move(struct sink *sink, uint32_t key)
{
	struct top_table *table = top_table_shown(sink);

	if (table)
		top_table_key(table, key);
	else
		top_lines_scroll(&sink->lines, top_screen_rows(key, sink->lines.page));
}

bool top_key(struct sink *sink, uint32_t key)
{
	bool always = key == TOP_KEY_F10 || key == TOP_KEY_RESIZE;
	const struct top_key_row *row = row_of(key);

	if (sink->prompting && !always)
		top_prompt_key(sink, key);
	else if (sink->menu && !always)
		top_menu_key(sink, key);
	else if (row && !row->act)
		return true;
	else if (row)
		row->act(sink);
	else if (key >= '1' && key < '1' + TAB_COUNT)
		tab_show(sink, (enum top_page)(key - '1'));
	else
		move(sink, key);
	return false;
}
