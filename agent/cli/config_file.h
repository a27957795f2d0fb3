/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options that a file gives when the command line does not: long options, one a line, as NAME, NAME VALUE or
 * NAME=VALUE; lines that begin with # are comments. Whoever can write to the file decides what hark does, so
 * it must be root's or hark's own user's, and nobody else may write to it.
 */
#ifndef HARK_CONFIG_FILE_H
#define HARK_CONFIG_FILE_H

#include "option_table.h"

/*
 * The file that $HARK_CONFIG names, which is the only one then; none where it is empty. Without it: the
 * user's file, $XDG_CONFIG_HOME/hark.conf or ~/.config/hark.conf, then /etc/hark.conf: of each option the
 * command line counts before the first file, and that before the second. 0, or 2 when a usage error was
 * reported. A file that others can write to is left out, with a line on stderr.
 */
int config_files_take(struct parse *parse);

/* One file; wanted: that it is not taken is an error. Values stay in options->config_texts[slot]. */
int config_file_take(struct parse *parse, const char *path, unsigned int slot, bool wanted);

#endif
