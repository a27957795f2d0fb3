/* SPDX-License-Identifier: Apache-2.0 */
/* Names that turn out to be ids go to the placeholder beside them, with all that is beneath. */
#ifndef HARK_ROUTES_FOLD_H
#define HARK_ROUTES_FOLD_H

#include "routes_tree.h"

/* Makes the child part of its placeholder, which is made if need be. NULL: no memory, the child stays. */
struct node *fold_one(struct tree *tree, struct node *child);

/* The same for one of many: routes keep their old names until fold_rename(placeholder). */
struct node *fold_into(struct tree *tree, struct node *child);
void fold_rename(struct node *node);

#endif
