/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask. A browser on this machine runs what any site sends it: that may ask hark, too, and by a name
 * whose address changes (DNS rebinding) it may even read the answer. So a request names the server by an
 * address of its own, and comes from no page but hark's. Beyond loopback, and wherever a token was given,
 * only who has it is answered; then the name says nothing more, for no browser adds the token by itself.
 */
#ifndef HARK_SERVE_RULES_H
#define HARK_SERVE_RULES_H

#include "serve_address.h"
#include "slice.h"

#include <stdbool.h>

#define SERVE_TOKEN_MIN 16
#define SERVE_TOKEN_MAX 512

struct serve_rules {
	struct serve_address bound;
	bool tls;
	char token[SERVE_TOKEN_MAX + 1]; /* empty: none is wanted */
};

/*
 * Reads the token from a file that nobody but its owner may read, who is root or hark's user. 0, or -errno:
 * -EPERM another's file, -EACCES others may read it (but for root's group of a file of root's), -EINVAL it is
 * none of 16 to 512 visible characters.
 */
int serve_rules_read_token(struct serve_rules *rules, const char *path);

/* The value of Host; data NULL: there is none. */
bool serve_rules_host(const struct serve_rules *rules, struct slice host);
/* The value of Origin, beside that of Host; data NULL: there is none, which is right. */
bool serve_rules_origin(const struct serve_rules *rules, struct slice origin, struct slice host);
/* The value of Authorization (RFC 6750, 2.1); takes the same time whatever is wrong with a token. */
bool serve_rules_token(const struct serve_rules *rules, struct slice authorization);

#endif
