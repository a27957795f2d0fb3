/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile connection of MySQL: the first byte chooses the configuration, the
 * rest is a script (fuzz_script.h). Every message that comes out is walked
 * (fuzz_message.h).
 */
#include "fuzz_protocol.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice = size ? data[0] : 0;
	const struct protocol_config config = {
		.role = (enum protocol_role)((choice & 3) % 3),
		.from_start = { !(choice & 4), !(choice & 8) },
		.few_fields = choice & 16,
		.want_bodies = choice & 32,
		.body_limit_bytes = 64,
		.message_limit_bytes = choice & 64 ? 512 : 65536,
		.stream_limit = 8,
	};

	fuzz_version = MYSQL_41;
	fuzz_protocol(&mysql_protocol, &config, &fuzz_handler, slice_drop(slice_of(data, size), 1), choice);
	return 0;
}
