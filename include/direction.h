/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Which way bytes go, as the observed process sees it. Part of event.h's ABI, and all that decoders know of
 * it. */
#ifndef HARK_DIRECTION_H
#define HARK_DIRECTION_H

enum event_direction {
	DIRECTION_SENT = 0, /* by the observed process */
	DIRECTION_RECEIVED = 1,
};

#endif
