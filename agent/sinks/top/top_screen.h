/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal of `hark top`: the only place that knows ncurses. Everything is
 * drawn anew for each picture; ncurses sends what changed, so that nothing
 * flickers.
 */
#ifndef HARK_TOP_SCREEN_H
#define HARK_TOP_SCREEN_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

enum top_style {
	TOP_PLAIN,
	TOP_BOLD,
	TOP_DIM,
	TOP_OK,	       /* 2xx */
	TOP_REDIRECT,  /* 3xx */
	TOP_CLIENT,    /* 4xx */
	TOP_SERVER,    /* 5xx, losses */
	TOP_HEAD,      /* the titles of columns */
	TOP_HEAD_SORT, /* of the one that is sorted by */
	TOP_TAB,       /* the one that is shown */
	TOP_KEY,       /* the labels of the keys' line */
	TOP_STYLE_COUNT
};

/* Keys beyond characters. */
enum top_key {
	TOP_KEY_NONE = 0x200000, /* none waits */
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_BACK, /* Backspace */
	TOP_KEY_ESCAPE,
	TOP_KEY_RESIZE,
	TOP_KEY_OTHER,
	TOP_KEY_F0, /* F1 is one more, and so on */
	TOP_KEY_F10 = TOP_KEY_F0 + 10
};

/* Of the status of an answer; 0: it has none. */
enum top_style top_style_of_status(int status);

struct top_screen {
	void *terminal; /* ncurses' own; NULL: the screen is not up */
	wchar_t *cells; /* of one line */
	int rows, columns;
	int left; /* columns of the terminal before what is drawn now */
	FILE *out;
	int fd;
	bool color, utf8;
	bool selected; /* what is put now stands in the selected row */
};

/* Can the terminal that out writes to be drawn on? NULL, or why not (static). */
const char *top_screen_missing(FILE *out);

/* Takes the terminal. 0 or -errno. */
int top_screen_open(struct top_screen *screen, FILE *out, bool color);
/* Gives it back as it was; a screen that is not up is legal. */
void top_screen_close(struct top_screen *screen);

/* Has the terminal another size? Then it is taken over. */
bool top_screen_resized(struct top_screen *screen);

/* Around a picture, which begins empty and without a cursor. */
void top_screen_begin(void);
void top_screen_end(void);

/* Puts escaped text into at most width columns from (y, x) on. Returns the columns used; what lies outside of
 * the screen is cut. */
int top_screen_put(struct top_screen *screen, int y, int x, int width, struct slice text,
		   enum top_style style);
/* The same without a bound but the screen's. */
int top_screen_string(struct top_screen *screen, int y, int x, const char *text, enum top_style style);
/* Characters that have one column each. */
int top_screen_wide(struct top_screen *screen, int y, int x, const wchar_t *text, enum top_style style);
/* Spaces. */
void top_screen_fill(struct top_screen *screen, int y, int x, int width, enum top_style style);
/* Gives the terminal's clipboard a text (OSC 52), in base64: none of its bytes reaches the terminal as
 * another. False: it is too long, or this terminal is known to print such a sequence. */
bool top_screen_copy(struct top_screen *screen, struct slice text);
/* Where a line is typed. */
void top_screen_cursor(struct top_screen *screen, int y, int x);

/* The next key: a character, or enum top_key. Never waits. */
uint32_t top_screen_key(void);
/* How many rows a key moves down by, where `page` are in sight; less than 0: up. 0: it does not move. */
long top_screen_rows(uint32_t key, size_t page);

#endif
