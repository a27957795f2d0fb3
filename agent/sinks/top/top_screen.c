/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size is asked for at each picture instead of at SIGWINCH: a handler of
 * our own is not needed, and signals may be blocked.
 */
#define NCURSES_WIDECHAR 1
#include "top_screen.h"

#include "base/buffer.h"
#include "base/escape.h"
#include "top_cells.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#undef columns /* a capability of term.h */

#define COPY_MAX    (48 * 1024) /* terminals take 74,994 bytes of base64 at least, as xterm does */
#define ESCAPE_MS   25		/* an Esc that nothing follows for so long was the key */
#define ROWS_MAX    1000
#define COLUMNS_MAX 1000

static const struct {
	short color;	/* -1: the terminal's own */
	attr_t colored; /* with colours */
	attr_t plain;	/* without */
} styles[TOP_STYLE_COUNT] = {
	[TOP_PLAIN] = { -1, A_NORMAL, A_NORMAL },
	[TOP_BOLD] = { -1, A_BOLD, A_BOLD },
	[TOP_DIM] = { -1, A_DIM, A_NORMAL },
	[TOP_OK] = { COLOR_GREEN, A_NORMAL, A_NORMAL },
	[TOP_REDIRECT] = { COLOR_CYAN, A_NORMAL, A_NORMAL },
	[TOP_CLIENT] = { COLOR_YELLOW, A_NORMAL, A_BOLD },
	[TOP_SERVER] = { COLOR_RED, A_BOLD, A_BOLD },
	[TOP_HEAD] = { COLOR_GREEN, A_REVERSE, A_REVERSE },
	[TOP_HEAD_SORT] = { COLOR_CYAN, A_REVERSE | A_BOLD, A_REVERSE | A_BOLD },
	[TOP_TAB] = { COLOR_CYAN, A_REVERSE | A_BOLD, A_REVERSE | A_BOLD },
	[TOP_KEY] = { COLOR_CYAN, A_REVERSE, A_REVERSE },
};

const char *top_screen_missing(FILE *out)
{
	const char *missing = NULL;
	int error = 0;

	if (!isatty(STDIN_FILENO) || !isatty(fileno(out)))
		return "standard input and output are not both a terminal";
	if (setupterm(NULL, fileno(out), &error) != OK)
		return "the type of the terminal (TERM) is not known";
	if (!cursor_address || !clear_screen)
		missing = "this type of terminal (TERM) cannot place its cursor";
	del_curterm(cur_term);
	return missing;
}

/* Terminals send one of two forms, whatever their terminfo says. */
static void keys_define(void)
{
	static const struct {
		char letter;
		int code;
	} keys[] = { { 'A', KEY_UP },	{ 'B', KEY_DOWN }, { 'C', KEY_RIGHT },
		     { 'D', KEY_LEFT }, { 'H', KEY_HOME }, { 'F', KEY_END } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		define_key((const char[]){ '\033', '[', keys[i].letter, '\0' }, keys[i].code);
		define_key((const char[]){ '\033', 'O', keys[i].letter, '\0' }, keys[i].code);
	}
}

static void size_take(struct top_screen *screen)
{
	wchar_t *cells;

	screen->rows = LINES < ROWS_MAX ? LINES : ROWS_MAX;
	screen->columns = COLS < COLUMNS_MAX ? COLS : COLUMNS_MAX;
	cells = realloc(screen->cells, TOP_CELLS_MAX(screen->columns) * sizeof(*cells));
	if (cells)
		screen->cells = cells;
	else
		screen->columns = 0; /* nothing fits until the next change */
}

int top_screen_open(struct top_screen *screen, FILE *out, bool color)
{
	SCREEN *terminal = newterm(NULL, out, stdin);

	if (!terminal)
		return -ENOTTY;
	*screen = (struct top_screen){ .terminal = terminal,
				       .color = color,
				       .out = out,
				       .fd = fileno(out),
				       .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 };
	set_term(terminal);
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	keys_define();
	nodelay(stdscr, TRUE);
	curs_set(0);
	screen->color = screen->color && has_colors() && start_color() == OK && use_default_colors() == OK;
	for (short i = 1; screen->color && i < TOP_STYLE_COUNT; i++)
		init_pair(i, styles[i].color, -1);
	size_take(screen);
	if (screen->cells)
		return 0;
	top_screen_close(screen);
	return -ENOMEM;
}

void top_screen_close(struct top_screen *screen)
{
	if (!screen->terminal)
		return;
	curs_set(1);
	endwin();
	delscreen(screen->terminal);
	screen->terminal = NULL;
	free(screen->cells);
	screen->cells = NULL;
}

bool top_screen_resized(struct top_screen *screen)
{
	struct winsize size;

	if (ioctl(screen->fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		return false;
	if (size.ws_row != LINES || size.ws_col != COLS)
		resizeterm(size.ws_row, size.ws_col);
	else if (screen->rows == (LINES < ROWS_MAX ? LINES : ROWS_MAX) &&
		 screen->columns == (COLS < COLUMNS_MAX ? COLS : COLUMNS_MAX))
		return false;
	size_take(screen);
	clearok(curscr, TRUE); /* what the terminal made of its picture is not known */
	return true;
}

void top_screen_begin(void)
{
	erase();
	curs_set(0);
}

void top_screen_end(void)
{
	refresh();
}

enum top_style top_style_of_status(int status)
{
	if (status >= 500)
		return TOP_SERVER;
	if (status >= 400)
		return TOP_CLIENT;
	return status >= 300 ? TOP_REDIRECT : status ? TOP_OK : TOP_PLAIN;
}

static void style_on(const struct top_screen *screen, enum top_style style)
{
	attr_t attributes = screen->color ? styles[style].colored : styles[style].plain;

	/* A colour of its own could not be read on the bar. */
	if (screen->selected)
		attr_set(A_REVERSE | (attributes & A_BOLD), 0, NULL);
	else
		attr_set(attributes, screen->color ? (short)style : 0, NULL);
}

/* The columns from x on that there are; 0: none. */
static int room(const struct top_screen *screen, int y, int x, int width)
{
	if (y < 0 || y >= screen->rows || x < 0 || x >= screen->columns)
		return 0;
	return width < screen->columns - x ? width : screen->columns - x;
}

int top_screen_put(struct top_screen *screen, int y, int x, int width, struct slice text,
		   enum top_style style)
{
	int used;

	width = room(screen, y, x, width);
	if (width <= 0)
		return 0;
	used = top_cells(text, screen->utf8, width, screen->cells);
	style_on(screen, style);
	mvaddwstr(y, screen->left + x, screen->cells);
	return used;
}

int top_screen_string(struct top_screen *screen, int y, int x, const char *text, enum top_style style)
{
	return top_screen_put(screen, y, x, screen->columns, slice_of_string(text), style);
}

int top_screen_wide(struct top_screen *screen, int y, int x, const wchar_t *text, enum top_style style)
{
	int width = room(screen, y, x, (int)wcslen(text));

	if (width <= 0)
		return 0;
	style_on(screen, style);
	mvaddnwstr(y, screen->left + x, text, width);
	return width;
}

void top_screen_fill(struct top_screen *screen, int y, int x, int width, enum top_style style)
{
	width = room(screen, y, x, width);
	style_on(screen, style);
	for (int i = 0; i < width; i++)
		mvaddch(y, screen->left + x + i, ' ');
}

void top_screen_cursor(struct top_screen *screen, int y, int x)
{
	curs_set(1);
	if (room(screen, y, x, 1))
		move(y, x);
}

bool top_screen_copy(struct top_screen *screen, struct slice text)
{
	const char *type = getenv("TERM");
	struct buffer sequence = { .data = NULL };
	bool ok;

	if (text.len > COPY_MAX || !type || strncmp(type, "linux", 5) == 0 || strncmp(type, "vt", 2) == 0)
		return false;
	buffer_string(&sequence, "\033]52;c;");
	escape_base64(&sequence, text);
	buffer_char(&sequence, '\a');
	ok = !sequence.failed && fwrite(sequence.data, 1, sequence.len, screen->out) == sequence.len &&
	     fflush(screen->out) == 0;
	buffer_fini(&sequence);
	return ok;
}

static uint32_t key_of_function(wint_t code)
{
	static const struct {
		wint_t code;
		enum top_key key;
	} keys[] = {
		{ KEY_UP, TOP_KEY_UP },		{ KEY_DOWN, TOP_KEY_DOWN },
		{ KEY_LEFT, TOP_KEY_LEFT },	{ KEY_RIGHT, TOP_KEY_RIGHT },
		{ KEY_PPAGE, TOP_KEY_PAGE_UP }, { KEY_NPAGE, TOP_KEY_PAGE_DOWN },
		{ KEY_HOME, TOP_KEY_HOME },	{ KEY_END, TOP_KEY_END },
		{ KEY_ENTER, TOP_KEY_ENTER },	{ KEY_BACKSPACE, TOP_KEY_BACK },
		{ KEY_RESIZE, TOP_KEY_RESIZE },
	};

	if (code >= KEY_F(1) && code <= KEY_F(10))
		return TOP_KEY_F0 + (code - KEY_F(0));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return TOP_KEY_OTHER;
}

uint32_t top_screen_key(void)
{
	wint_t code = 0;
	int result = get_wch(&code);

	if (result == ERR)
		return TOP_KEY_NONE;
	if (result == KEY_CODE_YES)
		return key_of_function(code);
	switch (code) {
	case '\r':
	case '\n':
		return TOP_KEY_ENTER;
	case '\033':
		return TOP_KEY_ESCAPE;
	case '\b':
	case 0x7f:
		return TOP_KEY_BACK;
	}
	return code;
}

long top_screen_rows(uint32_t key, size_t page)
{
	long most = page > 1 ? (long)page - 1 : 1;

	switch (key) {
	case TOP_KEY_UP:
	case 'k':
		return -1;
	case TOP_KEY_DOWN:
	case 'j':
		return 1;
	case TOP_KEY_PAGE_UP:
		return -most;
	case TOP_KEY_PAGE_DOWN:
		return most;
	case TOP_KEY_HOME:
		return INT32_MIN;
	case TOP_KEY_END:
		return INT32_MAX;
	default:
		return 0;
	}
}
