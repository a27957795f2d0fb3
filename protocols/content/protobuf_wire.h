/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol Buffers' wire format (protobuf.dev, "Encoding"): fields, one after the other. */
#ifndef HARK_PROTOBUF_WIRE_H
#define HARK_PROTOBUF_WIRE_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

enum protobuf_wire {
	PROTOBUF_VARINT = 0,
	PROTOBUF_I64 = 1,
	PROTOBUF_LEN = 2,
	PROTOBUF_GROUP = 3,
	PROTOBUF_GROUP_END = 4,
	PROTOBUF_I32 = 5,
};

struct protobuf_field {
	uint32_t number;
	enum protobuf_wire wire;
	uint64_t value;	    /* of numbers */
	struct slice bytes; /* of PROTOBUF_LEN */
};

/* Takes the next field off. 1: there is one; 0: none is left; -1: this is no such format, or it is cut. */
int protobuf_next(struct slice *bytes, struct protobuf_field *field);

/* Takes the value of field->wire off, as a packed one stands. False: it is cut, or none. */
bool protobuf_value(struct slice *bytes, struct protobuf_field *field);

#endif
