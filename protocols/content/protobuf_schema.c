/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema keeps the descriptors' names and numbers, in arrays that are sorted by name, or by number. A
 * type's name is looked up once, when all files have been read; one that the set lacks has no fields that are
 * known.
 */
#include "protobuf_schema.h"

#include "protobuf_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX	1024 /* bytes of a type's whole name */
#define NESTED_MAX	32   /* types within each other */
#define TYPES_MAX	100000
#define TYPE_BYTES_EACH sizeof(void *) /* of the array of types, which are pointed to */

struct protobuf_message {
	struct slice name; /* "pkg.Outer.Inner", memory of its own */
	struct protobuf_member *fields;
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

static struct protobuf_member *field_add(struct protobuf_schema *schema, struct protobuf_message *type)
{
	struct protobuf_member *fields =
		grow(schema, type->fields, &type->capacity, type->count, sizeof(*type->fields));

	if (!fields)
		return NULL;
	type->fields = fields;
	fields[type->count] = (struct protobuf_member){ .number = 0 };
	return &fields[type->count++];
}

/* FieldDescriptorProto: name 1, number 3, type 5, type_name 6; EnumValueDescriptorProto: name 1, number 2. */
static void field_read(struct protobuf_schema *schema, struct protobuf_message *type, struct slice bytes,
		       uint32_t number_at)
{
	struct protobuf_member *field = field_add(schema, type);
	struct protobuf_field one;
	int more = 0;

	while (field && (more = protobuf_next(&bytes, &one)) > 0) {
		if (one.number == 1 && one.wire == PROTOBUF_LEN)
			field->name = one.bytes;
		else if (one.number == number_at && one.wire == PROTOBUF_VARINT)
			field->number = (uint32_t)one.value;
		else if (one.number == 5 && one.wire == PROTOBUF_VARINT && one.value <= TYPE_SINT64)
			field->type = (enum protobuf_type)one.value;
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
	struct protobuf_message *type =
		depth < NESTED_MAX ? type_add(schema, scope, text_of(bytes, 1)) : NULL;
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
	uint32_t x = ((const struct protobuf_member *)a)->number,
		 y = ((const struct protobuf_member *)b)->number;

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
			struct protobuf_member *field = &type->fields[j];
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

const struct protobuf_member *protobuf_member_find(const struct protobuf_message *type, uint32_t number)
{
	const struct protobuf_member wanted = { .number = number };

	return type && type->count
		       ? bsearch(&wanted, type->fields, type->count, sizeof(*type->fields), field_order)
		       : NULL;
}
