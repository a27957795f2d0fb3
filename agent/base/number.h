/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, strictly: the whole text must be one. */
#ifndef HARK_NUMBER_H
#define HARK_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* "64K", "16M", "1G" or plain bytes. 0, or -EINVAL, -ERANGE. */
int number_parse_size(const char *text, size_t *bytes);
/* "500ms", "10s", "2m", "1h", "7d", plain seconds, fractions allowed. 0, or -EINVAL, -ERANGE. */
int number_parse_duration(const char *text, uint64_t *ns);

#endif
