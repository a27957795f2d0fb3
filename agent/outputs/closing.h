/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a run, on stderr: one line that says what was shown, what failed, what was not read and what was
 * lost. The counters follow where they are asked for, or where something was lost.
 */
#ifndef HARK_CLOSING_H
#define HARK_CLOSING_H

#include "outputs.h"

#include <stdbool.h>

struct closing {
	enum view view;
	struct tally tally;
	bool tabled;		     /* a table says how many exchanges there were */
	const struct filter *filter; /* by words or options of the user's; NULL: everything */
	bool detail;		     /* -v, --debug: all counters */
};

/* Says it as far as the log level lets it: that a filter matched nothing in any case. */
void closing_say(const struct closing *closing);

#endif
