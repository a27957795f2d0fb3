/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a schema the descriptors' names and numbers are kept, in arrays that are sorted by name, or by number. A
 * type's name is looked up once, when all files have been read; one that the set lacks has no fields that are
 * known.
 */
#include "protobuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX	32   /* messages within each other that are looked into */
#define NAMES_MAX	1024 /* bytes of a type's whole name */
#define TYPES_MAX	100000
#define FIELD_BYTES	64	       /* of a hex dump */
#define TYPE_BYTES_EACH sizeof(void *) /* of the array of types, which are pointed to */

/* FieldDescriptorProto.Type */
enum field_type {
	TYPE_UNKNOWN = 0,
	TYPE_DOUBLE = 1,
	TYPE_FLOAT = 2,
	TYPE_INT64 = 3,
	TYPE_UINT64 = 4,
	TYPE_INT32 = 5,
	TYPE_FIXED64 = 6,
	TYPE_FIXED32 = 7,
	TYPE_BOOL = 8,
	TYPE_STRING = 9,
	TYPE_GROUP = 10,
	TYPE_MESSAGE = 11,
	TYPE_BYTES = 12,
	TYPE_UINT32 = 13,
	TYPE_ENUM = 14,
	TYPE_SFIXED32 = 15,
	TYPE_SFIXED64 = 16,
	TYPE_SINT32 = 17,
	TYPE_SINT64 = 18,
};

struct field {
	uint32_t number;
	enum field_type type;
	struct slice name, type_name;
	const struct protobuf_message *message; /* of a message: its type; NULL: not in the set */
	const struct protobuf_message *values;	/* of an enum: its names, as fields */
};

/* A message, or an enum, whose values stand as fields. */
struct protobuf_message {
	struct slice name; /* "pkg.Outer.Inner", in `names` */
	struct field *fields;
	size_t count, capacity;
};

struct method {
	struct slice service, name, input,
		output; /* service: with its package; types without a leading dot */
	const struct protobuf_message *types[2];
};

struct protobuf_schema {
	uint8_t *bytes; /* all names but whole ones point into it */
	struct protobuf_message **types;
	size_t type_count, type_capacity;
	struct method *methods;
	size_t method_count, method_capacity;
	bool wrong, no_memory;
};

/* --- the wire ------------------------------------------------------------------------------- */

/* False: none, or longer than 64 bits. */
static bool varint_take(struct slice *bytes, uint64_t *value)
{
	*value = 0;
	for (unsigned int i = 0; i < 10 && i < bytes->len; i++) {
		uint8_t byte = bytes->data[i];

		if (i == 9 && byte > 1)
			return false;
		*value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		*bytes = slice_drop(*bytes, i + 1);
		return true;
	}
	return false;
}

static bool fixed_take(struct slice *bytes, size_t size, uint64_t *value)
{
	if (bytes->len < size)
		return false;
	*value = 0;
	for (size_t i = size; i; i--)
		*value = *value << 8 | bytes->data[i - 1];
	*bytes = slice_drop(*bytes, size);
	return true;
}

static bool value_take(struct slice *bytes, struct protobuf_field *field)
{
	switch (field->wire) {
	case PROTOBUF_VARINT:
		return varint_take(bytes, &field->value);
	case PROTOBUF_I64:
		return fixed_take(bytes, 8, &field->value);
	case PROTOBUF_I32:
		return fixed_take(bytes, 4, &field->value);
	case PROTOBUF_LEN:
		if (!varint_take(bytes, &field->value) || field->value > bytes->len)
			return false;
		field->bytes = slice_take(*bytes, (size_t)field->value);
		*bytes = slice_drop(*bytes, field->bytes.len);
		return true;
	case PROTOBUF_GROUP:
	case PROTOBUF_GROUP_END:
		return true;
	}
	return false;
}

int protobuf_next(struct slice *bytes, struct protobuf_field *field)
{
	uint64_t tag;

	if (!bytes->len)
		return 0;
	if (!varint_take(bytes, &tag) || tag >> 3 == 0 || tag >> 32 || (tag & 7) > PROTOBUF_I32)
		return -1;
	*field = (struct protobuf_field){ .number = (uint32_t)(tag >> 3),
					  .wire = (enum protobuf_wire)(tag & 7) };
	return value_take(bytes, field) ? 1 : -1;
}

/* --- a schema ------------------------------------------------------------------------------- */

/* One more item of an array that doubles. NULL: memory is out, which is noted. */
static void *grow(struct protobuf_schema *schema, void *items, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 8;
	void *more;

	if (count < *capacity)
		return items;
	more = count < TYPES_MAX ? realloc(items, wanted * size) : NULL;
	if (!more) {
		schema->no_memory = true;
		return NULL;
	}
	*capacity = wanted;
	return more;
}

/* "scope.name"; data NULL: out of memory, or too long. */
static struct slice name_join(struct protobuf_schema *schema, struct slice scope, struct slice name)
{
	size_t len = scope.len + (scope.len ? 1 : 0) + name.len;
	char *whole = len <= NAMES_MAX ? malloc(len + 1) : NULL;

	if (!whole) {
		schema->no_memory = true;
		return slice_of(NULL, 0);
	}
	if (scope.len)
		memcpy(whole, scope.data, scope.len);
	if (scope.len)
		whole[scope.len] = '.';
	if (name.len)
		memcpy(whole + len - name.len, name.data, name.len);
	return slice_of(whole, len);
}

static struct slice undotted(struct slice name)
{
	return name.len && name.data[0] == '.' ? slice_drop(name, 1) : name;
}

/* The text of the field of this number in a message; empty: none. */
static struct slice text_of(struct slice bytes, uint32_t number)
{
	struct protobuf_field field;
	struct slice text = SLICE("");

	while (protobuf_next(&bytes, &field) > 0)
		if (field.number == number && field.wire == PROTOBUF_LEN)
			text = field.bytes;
	return text;
}

static struct field *field_add(struct protobuf_schema *schema, struct protobuf_message *type)
{
	struct field *fields =
		grow(schema, type->fields, &type->capacity, type->count, sizeof(*type->fields));

	if (!fields)
		return NULL;
	type->fields = fields;
	fields[type->count] = (struct field){ .number = 0 };
	return &fields[type->count++];
}

/* FieldDescriptorProto: name 1, number 3, type 5, type_name 6; EnumValueDescriptorProto: name 1, number 2. */
static void field_read(struct protobuf_schema *schema, struct protobuf_message *type, struct slice bytes,
		       uint32_t number_at)
{
	struct field *field = field_add(schema, type);
	struct protobuf_field one;
	int more = 0;

	while (field && (more = protobuf_next(&bytes, &one)) > 0) {
		if (one.number == 1 && one.wire == PROTOBUF_LEN)
			field->name = one.bytes;
		else if (one.number == number_at && one.wire == PROTOBUF_VARINT)
			field->number = (uint32_t)one.value;
		else if (one.number == 5 && one.wire == PROTOBUF_VARINT && one.value <= TYPE_SINT64)
			field->type = (enum field_type)one.value;
		else if (one.number == 6 && one.wire == PROTOBUF_LEN)
			field->type_name = undotted(one.bytes);
	}
	schema->wrong |= more < 0;
}

static struct protobuf_message *type_add(struct protobuf_schema *schema, struct slice scope,
					 struct slice name)
{
	struct protobuf_message **types =
		grow(schema, schema->types, &schema->type_capacity, schema->type_count, TYPE_BYTES_EACH);
	struct protobuf_message *type = types ? calloc(1, sizeof(*type)) : NULL;

	if (types)
		schema->types = types;
	if (!type) {
		schema->no_memory = true;
		return NULL;
	}
	type->name = name_join(schema, scope, name);
	schema->types[schema->type_count++] = type;
	return type;
}

/* EnumDescriptorProto: name 1, value 2. */
static void enum_read(struct protobuf_schema *schema, struct slice scope, struct slice bytes)
{
	struct protobuf_message *type = type_add(schema, scope, text_of(bytes, 1));
	struct protobuf_field one;
	int more = 0;

	while (type && (more = protobuf_next(&bytes, &one)) > 0)
		if (one.number == 2 && one.wire == PROTOBUF_LEN)
			field_read(schema, type, one.bytes, 2);
	schema->wrong |= more < 0;
}

/* DescriptorProto: name 1, field 2, nested_type 3, enum_type 4. */
static void type_read(struct protobuf_schema *schema, struct slice scope, struct slice bytes, int depth)
{
	struct protobuf_message *type = depth < DEPTH_MAX ? type_add(schema, scope, text_of(bytes, 1)) : NULL;
	struct protobuf_field one;
	int more = 0;

	while (type && !schema->no_memory && (more = protobuf_next(&bytes, &one)) > 0) {
		if (one.wire != PROTOBUF_LEN)
			continue;
		if (one.number == 2)
			field_read(schema, type, one.bytes, 3);
		else if (one.number == 3)
			type_read(schema, type->name, one.bytes, depth + 1);
		else if (one.number == 4)
			enum_read(schema, type->name, one.bytes);
	}
	schema->wrong |= more < 0;
}

/* ServiceDescriptorProto: name 1, method 2; MethodDescriptorProto: name 1, input_type 2, output_type 3. */
static void service_read(struct protobuf_schema *schema, struct slice package, struct slice bytes)
{
	struct slice name = text_of(bytes, 1);
	struct protobuf_field one;
	int more = 0;

	while (!schema->no_memory && (more = protobuf_next(&bytes, &one)) > 0) {
		struct method *methods;

		if (one.number != 2 || one.wire != PROTOBUF_LEN)
			continue;
		methods = grow(schema, schema->methods, &schema->method_capacity, schema->method_count,
			       sizeof(*methods));
		if (!methods)
			return;
		schema->methods = methods;
		methods[schema->method_count++] = (struct method){
			.service = name_join(schema, package, name),
			.name = text_of(one.bytes, 1),
			.input = undotted(text_of(one.bytes, 2)),
			.output = undotted(text_of(one.bytes, 3)),
		};
	}
	schema->wrong |= more < 0;
}

/* FileDescriptorProto: package 2, message_type 4, enum_type 5, service 6. */
static void file_read(struct protobuf_schema *schema, struct slice bytes)
{
	struct slice package = text_of(bytes, 2);
	struct protobuf_field one;
	int more = 0;

	while (!schema->no_memory && (more = protobuf_next(&bytes, &one)) > 0) {
		if (one.wire != PROTOBUF_LEN)
			continue;
		if (one.number == 4)
			type_read(schema, package, one.bytes, 0);
		else if (one.number == 5)
			enum_read(schema, package, one.bytes);
		else if (one.number == 6)
			service_read(schema, package, one.bytes);
	}
	schema->wrong |= more < 0;
}

static int slice_order(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.data, b.data, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int type_order(const void *a, const void *b)
{
	return slice_order((*(struct protobuf_message *const *)a)->name,
			   (*(struct protobuf_message *const *)b)->name);
}

static int field_order(const void *a, const void *b)
{
	uint32_t x = ((const struct field *)a)->number, y = ((const struct field *)b)->number;

	return (x > y) - (x < y);
}

static const struct protobuf_message *type_find(const struct protobuf_schema *schema, struct slice name)
{
	struct protobuf_message wanted = { .name = name }, *key = &wanted;
	struct protobuf_message **found = NULL;

	if (name.len && schema->type_count)
		found = bsearch(&key, schema->types, schema->type_count, TYPE_BYTES_EACH, type_order);
	return found ? *found : NULL;
}

/* Names become what they are of. */
static void schema_link(struct protobuf_schema *schema)
{
	if (schema->type_count)
		qsort(schema->types, schema->type_count, TYPE_BYTES_EACH, type_order);
	for (size_t i = 0; i < schema->type_count; i++) {
		struct protobuf_message *type = schema->types[i];

		if (type->count)
			qsort(type->fields, type->count, sizeof(*type->fields), field_order);
		for (size_t j = 0; j < type->count; j++) {
			struct field *field = &type->fields[j];
			const struct protobuf_message *found = type_find(schema, field->type_name);

			if (field->type == TYPE_MESSAGE || field->type == TYPE_GROUP)
				field->message = found;
			else if (field->type == TYPE_ENUM)
				field->values = found;
		}
	}
	for (size_t i = 0; i < schema->method_count; i++) {
		schema->methods[i].types[0] = type_find(schema, schema->methods[i].input);
		schema->methods[i].types[1] = type_find(schema, schema->methods[i].output);
	}
}

struct protobuf_schema *protobuf_schema_new(struct slice bytes)
{
	struct protobuf_schema *schema = calloc(1, sizeof(*schema));
	struct protobuf_field one;
	struct slice rest;
	int more = 0;

	if (!schema)
		return NULL;
	schema->bytes = malloc(bytes.len + 1);
	schema->no_memory = !schema->bytes;
	if (schema->bytes && bytes.len)
		memcpy(schema->bytes, bytes.data, bytes.len);
	rest = slice_of(schema->bytes, schema->bytes ? bytes.len : 0);
	while (!schema->no_memory && (more = protobuf_next(&rest, &one)) > 0)
		if (one.number == 1 && one.wire == PROTOBUF_LEN)
			file_read(schema, one.bytes);
	if (!schema->no_memory && !schema->wrong && more == 0 && schema->type_count) {
		schema_link(schema);
		return schema;
	}
	errno = schema->no_memory ? ENOMEM : EINVAL;
	protobuf_schema_free(schema);
	return NULL;
}

void protobuf_schema_free(struct protobuf_schema *schema)
{
	int error = errno;

	if (!schema)
		return;
	for (size_t i = 0; i < schema->type_count; i++) {
		free((void *)schema->types[i]->name.data);
		free(schema->types[i]->fields);
		free(schema->types[i]);
	}
	for (size_t i = 0; i < schema->method_count; i++)
		free((void *)schema->methods[i].service.data);
	free(schema->types);
	free(schema->methods);
	free(schema->bytes);
	free(schema);
	errno = error;
}

const struct protobuf_message *protobuf_method(const struct protobuf_schema *schema, struct slice service,
					       struct slice method, bool response)
{
	for (size_t i = 0; schema && i < schema->method_count; i++)
		if (slice_equal(schema->methods[i].service, service) &&
		    slice_equal(schema->methods[i].name, method))
			return schema->methods[i].types[response];
	return NULL;
}

/* --- as text -------------------------------------------------------------------------------- */

struct writing {
	struct bytes *out;
	size_t limit;
	bool full; /* no more is written */
};

static void put(struct writing *writing, struct slice text)
{
	writing->full = writing->full || bytes_append(writing->out, text, writing->limit) < 0;
}

static void put_u64(struct writing *writing, uint64_t number)
{
	uint8_t digits[SLICE_DIGITS_MAX];

	put(writing, slice_of_number(number, digits));
}

static void put_i64(struct writing *writing, int64_t number)
{
	if (number < 0)
		put(writing, SLICE("-"));
	put_u64(writing, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

/* At least `least` digits. */
static void put_hex(struct writing *writing, uint64_t number, unsigned int least)
{
	unsigned int digits = 1;

	while (digits < least || (digits < 16 && number >> (4 * digits)))
		digits++;
	while (digits--)
		put(writing,
		    slice_take(slice_drop(SLICE("0123456789abcdef"), number >> (4 * digits) & 15), 1));
}

static void put_real(struct writing *writing, double number, int digits)
{
	char text[40];

	put(writing, slice_of_string(gcvt(number, digits, text)));
}

static void put_indent(struct writing *writing, int depth)
{
	for (int i = 0; i < depth; i++)
		put(writing, SLICE("  "));
}

/* Bytes of the UTF-8 character at the front (RFC 3629); 0: there is none. */
static size_t utf8_len(struct slice bytes)
{
	uint8_t first = bytes.data[0];
	size_t len = first < 0x80   ? 1
		     : first < 0xc2 ? 0
		     : first < 0xe0 ? 2
		     : first < 0xf0 ? 3
		     : first < 0xf5 ? 4
				    : 0;

	if (len > bytes.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((bytes.data[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && bytes.data[1] < 0xa0) || (first == 0xed && bytes.data[1] >= 0xa0) ||
	    (first == 0xf0 && bytes.data[1] < 0x90) || (first == 0xf4 && bytes.data[1] >= 0x90))
		return 0;
	return len;
}

enum text_kind {
	TEXT_NONE,
	TEXT_LINES, /* with line ends or tabs, which are tags of fields, too */
	TEXT_PLAIN,
};

static enum text_kind text_kind_of(struct slice bytes)
{
	enum text_kind kind = TEXT_PLAIN;

	while (bytes.len) {
		size_t len = utf8_len(bytes);

		if (!len || bytes.data[0] == 0x7f)
			return TEXT_NONE;
		if (bytes.data[0] < ' ') {
			if (bytes.data[0] != '\n' && bytes.data[0] != '\t' && bytes.data[0] != '\r')
				return TEXT_NONE;
			kind = TEXT_LINES;
		}
		bytes = slice_drop(bytes, len);
	}
	return kind;
}

static void put_byte(struct writing *writing, uint8_t byte)
{
	put(writing, SLICE("\\x"));
	put_hex(writing, byte, 2);
}

/* As protobuf's text format has strings; what is beyond ASCII goes as it is, where all is UTF-8, or by its
 * bytes. */
static void put_string(struct writing *writing, struct slice bytes)
{
	bool as_text = text_kind_of(bytes) != TEXT_NONE;

	put(writing, SLICE("\""));
	for (size_t i = 0; i < bytes.len && !writing->full; i++) {
		uint8_t byte = bytes.data[i];

		if (byte == '"')
			put(writing, SLICE("\\\""));
		else if (byte == '\\')
			put(writing, SLICE("\\\\"));
		else if (byte == '\n')
			put(writing, SLICE("\\n"));
		else if (byte >= ' ' && byte != 0x7f && (byte < 0x80 || as_text))
			put(writing, slice_take(slice_drop(bytes, i), 1));
		else
			put_byte(writing, byte);
	}
	put(writing, SLICE("\""));
}

static void put_dump(struct writing *writing, struct slice bytes)
{
	put(writing, SLICE("<"));
	for (size_t i = 0; i < bytes.len && i < FIELD_BYTES; i++)
		put_hex(writing, bytes.data[i], 2);
	if (bytes.len > FIELD_BYTES) {
		put(writing, SLICE("... "));
		put_u64(writing, bytes.len);
		put(writing, SLICE(" bytes"));
	}
	put(writing, SLICE(">"));
}

static const struct field *field_find(const struct protobuf_message *type, uint32_t number)
{
	const struct field wanted = { .number = number };

	return type && type->count
		       ? bsearch(&wanted, type->fields, type->count, sizeof(*type->fields), field_order)
		       : NULL;
}

static int64_t zigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

static void put_double(struct writing *writing, uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	put_real(writing, number, 17);
}

static void put_float(struct writing *writing, uint32_t bits)
{
	float number;

	memcpy(&number, &bits, sizeof(number));
	put_real(writing, (double)number, 9);
}

static void put_enum(struct writing *writing, const struct field *field, uint64_t value)
{
	const struct field *name = field_find(field->values, (uint32_t)value);

	if (name)
		put(writing, name->name);
	else
		put_i64(writing, (int32_t)value);
}

/* A number of a type, or of an unknown one: a varint as it is, a fixed one in hex. */
static void put_number(struct writing *writing, const struct field *field, const struct protobuf_field *one)
{
	switch (field ? field->type : TYPE_UNKNOWN) {
	case TYPE_DOUBLE:
		put_double(writing, one->value);
		return;
	case TYPE_FLOAT:
		put_float(writing, (uint32_t)one->value);
		return;
	case TYPE_INT32:
	case TYPE_SFIXED32:
		put_i64(writing, (int32_t)one->value);
		return;
	case TYPE_INT64:
	case TYPE_SFIXED64:
		put_i64(writing, (int64_t)one->value);
		return;
	case TYPE_SINT32:
	case TYPE_SINT64:
		put_i64(writing, zigzag(one->value));
		return;
	case TYPE_BOOL:
		put(writing, one->value ? SLICE("true") : SLICE("false"));
		return;
	case TYPE_ENUM:
		put_enum(writing, field, one->value);
		return;
	case TYPE_UINT64:
	case TYPE_UINT32:
	case TYPE_FIXED64:
	case TYPE_FIXED32:
		put_u64(writing, one->value);
		return;
	case TYPE_UNKNOWN:
	case TYPE_STRING:
	case TYPE_GROUP:
	case TYPE_MESSAGE:
	case TYPE_BYTES:
		if (one->wire == PROTOBUF_VARINT) {
			put_u64(writing, one->value);
			return;
		}
		put(writing, SLICE("0x"));
		put_hex(writing, one->value, 1);
		return;
	}
}

/* Does it follow the format from one end to the other? Groups are not entered: a text may look like one. */
static bool may_be_message(struct slice bytes)
{
	struct protobuf_field field;
	int more;

	while ((more = protobuf_next(&bytes, &field)) > 0)
		if (field.wire == PROTOBUF_GROUP || field.wire == PROTOBUF_GROUP_END || field.number > 100000)
			return false;
	return more == 0;
}

static bool put_fields(struct writing *writing, const struct protobuf_message *type, struct slice *bytes,
		       int depth);

static void put_message(struct writing *writing, const struct protobuf_message *type, struct slice bytes,
			int depth)
{
	put(writing, SLICE(" {\n"));
	if (!put_fields(writing, type, &bytes, depth + 1)) {
		put_indent(writing, depth + 1);
		put(writing, SLICE("?\n"));
	}
	put_indent(writing, depth);
	put(writing, SLICE("}"));
}

/* Packed numbers of a known type (proto3's default for them). */
static void put_packed(struct writing *writing, const struct field *field, struct slice bytes)
{
	enum field_type type = field->type;
	struct protobuf_field one = { .wire = PROTOBUF_VARINT };

	if (type == TYPE_DOUBLE || type == TYPE_FIXED64 || type == TYPE_SFIXED64)
		one.wire = PROTOBUF_I64;
	else if (type == TYPE_FLOAT || type == TYPE_FIXED32 || type == TYPE_SFIXED32)
		one.wire = PROTOBUF_I32;
	put(writing, SLICE("["));
	for (bool first = true; bytes.len && !writing->full; first = false) {
		put(writing, first ? SLICE("") : SLICE(", "));
		if (!value_take(&bytes, &one)) {
			put(writing, SLICE("?"));
			break;
		}
		put_number(writing, field, &one);
	}
	put(writing, SLICE("]"));
}

/* Of bytes whose type is not known: a message? Most messages have bytes that no text has, and texts none. */
static bool looks_like_message(struct slice bytes, int depth)
{
	return bytes.len && depth < DEPTH_MAX && text_kind_of(bytes) != TEXT_PLAIN && may_be_message(bytes);
}

/* What stands behind a length. */
static void put_bytes(struct writing *writing, const struct field *field, struct slice bytes, int depth)
{
	enum field_type type = field ? field->type : TYPE_UNKNOWN;

	if (type == TYPE_MESSAGE || (type == TYPE_UNKNOWN && looks_like_message(bytes, depth))) {
		if (depth < DEPTH_MAX)
			put_message(writing, field ? field->message : NULL, bytes, depth);
		else
			put(writing, SLICE(" { ... }"));
		return;
	}
	put(writing, SLICE(": "));
	if (type == TYPE_STRING || (type == TYPE_UNKNOWN && text_kind_of(bytes) != TEXT_NONE))
		put_string(writing, bytes);
	else if (type == TYPE_BYTES || type == TYPE_UNKNOWN)
		put_dump(writing, bytes);
	else
		put_packed(writing, field, bytes);
}

/* To the end of the bytes, or of the group that they are in. False: they do not follow the format. */
static bool put_fields(struct writing *writing, const struct protobuf_message *type, struct slice *bytes,
		       int depth)
{
	struct protobuf_field one;
	int more = 0;

	while (!writing->full && (more = protobuf_next(bytes, &one)) > 0) {
		const struct field *field = field_find(type, one.number);
		bool whole = true;

		if (one.wire == PROTOBUF_GROUP_END)
			return depth > 0;
		put_indent(writing, depth);
		if (field)
			put(writing, field->name);
		else
			put_u64(writing, one.number);
		if (one.wire == PROTOBUF_LEN) {
			put_bytes(writing, field, one.bytes, depth);
		} else if (one.wire == PROTOBUF_GROUP) {
			put(writing, SLICE(" {\n"));
			whole = depth < DEPTH_MAX &&
				put_fields(writing, field ? field->message : NULL, bytes, depth + 1);
			put_indent(writing, depth);
			put(writing, SLICE("}"));
		} else {
			put(writing, SLICE(": "));
			put_number(writing, field, &one);
		}
		put(writing, SLICE("\n"));
		if (!whole)
			return false;
	}
	return writing->full || more == 0;
}

bool protobuf_text(struct bytes *out, const struct protobuf_message *type, struct slice bytes,
		   size_t limit_bytes)
{
	struct writing writing = { .out = out, .limit = limit_bytes };

	return put_fields(&writing, type, &bytes, 0);
}
