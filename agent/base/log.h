/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talk to the user on stderr. One line a call, beginning with "hark: ". What
 * would act on a terminal, or hide in it, is shown as \xNN.
 */
#ifndef HARK_LOG_H
#define HARK_LOG_H

enum log_level {
	LOG_QUIET = -1, /* -q: errors only */
	LOG_NORMAL = 0,
	LOG_DEBUG = 1, /* --debug */
};

extern enum log_level log_level;

/* Says it unless log_level is below this one. */
void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_QUIET, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_NORMAL, __VA_ARGS__)
#define log_info(...)  log_at(LOG_NORMAL, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/*
 * From now on each line (without "hark: " and its line feed) goes to fn instead of stderr, which shows a
 * screen meanwhile; NULL: to stderr again.
 */
void log_divert(void (*fn)(void *ctx, const char *line), void *ctx);

#endif
