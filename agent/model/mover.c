/* SPDX-License-Identifier: Apache-2.0 */
#include "mover.h"

#include <string.h>

struct slice mover_program(const struct mover *mover)
{
	if (mover->exe[0])
		return slice_of(mover->exe, strnlen(mover->exe, sizeof(mover->exe)));
	if (mover->comm[0])
		return slice_of(mover->comm, strnlen(mover->comm, sizeof(mover->comm)));
	return (struct slice){ 0 };
}
