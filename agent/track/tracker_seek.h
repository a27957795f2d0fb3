/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that are older than hark and have no socket under them: the kernel side looks for it, by what they
 * encrypt, as long as it may be found (docs/design.md, D4c).
 */
#ifndef HARK_TRACKER_SEEK_H
#define HARK_TRACKER_SEEK_H

#include "tracker_table.h"

/* After a record of this session was taken. */
void tracker_seek_note(struct tracker *tracker, struct tls_session *session, const struct event_data *event);

/* Now and then: ends what is not looked for any more. */
void tracker_seek_sweep(struct tracker *tracker);

#endif
