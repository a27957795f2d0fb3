/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpf makes an index of 5 MB of types first, which takes ten times as long as a pass over them, and it
 * makes another one for itself when it loads the programs.
 */
#include "kernel_types.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <unistd.h>

#define VMLINUX	      "/sys/kernel/btf/vmlinux"
#define READ_FIRST    (8u << 20)
#define READ_MAX      (256u << 20)
#define KIND_ENUM64   19 /* Linux 6.0 */
#define KIND_TYPE_TAG 18
#define KIND_DECL_TAG 17

/* How many bytes follow a type; SIZE_MAX: nobody knows. */
static size_t type_tail(uint32_t info)
{
	size_t count = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case KIND_DECL_TAG:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return count * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return count * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return count * sizeof(struct btf_var_secinfo);
	case KIND_ENUM64:
		return count * 3 * sizeof(uint32_t);
	default:
		return SIZE_MAX;
	}
}

/* The strings end with a NUL. */
static bool name_is(struct slice strings, uint32_t at, const char *name)
{
	return at < strings.len && strings.data[at] == (uint8_t)name[0] &&
	       strcmp((const char *)strings.data + at, name) == 0;
}

static bool has_member(struct slice strings, const struct btf_type *type, struct slice tail, const char *name)
{
	size_t size = BTF_INFO_KIND(type->info) == BTF_KIND_ENUM ? sizeof(struct btf_enum)
								 : sizeof(struct btf_member);
	uint32_t at;

	/* Both begin with their name. */
	for (; tail.len >= size; tail = slice_drop(tail, size)) {
		memcpy(&at, tail.data, sizeof(at));
		if (name_is(strings, at, name))
			return true;
	}
	return false;
}

static bool types_walk(struct slice all, struct slice strings, struct kernel_type *types, size_t count)
{
	struct btf_type type;
	struct slice tail;
	size_t size;

	while (all.len >= sizeof(type)) {
		memcpy(&type, all.data, sizeof(type));
		all = slice_drop(all, sizeof(type));
		size = type_tail(type.info);
		if (size > all.len)
			return false;
		tail = slice_take(all, size);
		all = slice_drop(all, size);
		for (size_t i = 0; i < count; i++)
			if (types[i].kind == BTF_INFO_KIND(type.info) &&
			    name_is(strings, type.name_off, types[i].name))
				types[i].found |=
					!types[i].member || has_member(strings, &type, tail, types[i].member);
	}
	return !all.len;
}

bool kernel_types_find(struct slice btf, struct kernel_type *types, size_t count)
{
	struct btf_header header;
	struct slice rest, strings;

	for (size_t i = 0; i < count; i++)
		types[i].found = false;
	if (btf.len < sizeof(header))
		return false;
	memcpy(&header, btf.data, sizeof(header));
	if (header.magic != BTF_MAGIC || header.hdr_len < sizeof(header))
		return false;
	rest = slice_drop(btf, header.hdr_len);
	strings = slice_take(slice_drop(rest, header.str_off), header.str_len);
	rest = slice_drop(rest, header.type_off);
	if (!strings.len || strings.data[strings.len - 1] || rest.len < header.type_len)
		return false;
	return types_walk(slice_take(rest, header.type_len), strings, types, count);
}

/* The kernel hands out a page at a time, and its size need not be told. */
static uint8_t *file_read(int fd, size_t *len)
{
	size_t room = READ_FIRST;
	uint8_t *bytes = malloc(room), *more;
	ssize_t n = 1;

	for (*len = 0; bytes && n > 0; *len += n > 0 ? (size_t)n : 0) {
		if (*len == room) {
			more = room < READ_MAX ? realloc(bytes, room * 2) : NULL;
			if (!more)
				break;
			bytes = more;
			room *= 2;
		}
		n = read(fd, bytes + *len, room - *len);
	}
	if (n == 0)
		return bytes;
	free(bytes);
	return NULL;
}

bool kernel_types_read(struct kernel_type *types, size_t count)
{
	int fd = open(VMLINUX, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes;
	size_t len;
	bool whole;

	if (fd < 0)
		return false;
	bytes = file_read(fd, &len);
	close(fd);
	whole = bytes && kernel_types_find(slice_of(bytes, len), types, count);
	free(bytes);
	return whole;
}
