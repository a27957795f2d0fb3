/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret field's value is overwritten up to the end of its line, and on in
 * the lines that continue it (RFC 9112, 5.2). Spaces in front of the value and
 * the line's end stay, so that every parser finds what it found before.
 */
#include "scrub_text.h"

#include "detect.h"
#include "http1_line.h"

#include <string.h>

static void name_clear(struct scrub_name *name)
{
	name->len = 0;
	name->over = false;
}

static void name_add(struct scrub_name *name, uint8_t c)
{
	if (name->len == SCRUB_NAME_MAX)
		name->over = true;
	else
		name->bytes[name->len++] = c;
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

bool scrub_parameters_byte(struct scrub_parameters *scan, const struct redact *redact, uint8_t c)
{
	if (scan->secret && !is_one_of(c, "&;# \t\r\n\"<>"))
		return true;
	scan->secret = false;
	if (is_one_of(c, "?&;# \t\r\n")) {
		name_clear(&scan->name);
	} else if (c == '=') {
		scan->secret = !scan->name.over && scan->name.len &&
			       redact_parameter(redact, slice_of(scan->name.bytes, scan->name.len));
		scan->name.over = true;
	} else {
		name_add(&scan->name, c);
	}
	return false;
}

static void line_begin(struct scrub_text *scan)
{
	name_clear(&scan->name);
	scan->in_value = scan->secret = scan->unknown = scan->line_ended = false;
	scan->value_len = 0;
}

static void field_byte(struct scrub_text *scan, const struct redact *redact, uint8_t c)
{
	if (c == ':' && !scan->name.over && scan->name.len) {
		scan->in_value = true;
		scan->secret = redact_header(redact, slice_of(scan->name.bytes, scan->name.len));
		scan->values += scan->secret;
	} else {
		name_add(&scan->name, c);
	}
}

/* True: the byte is secret. */
static bool text_byte(struct scrub_text *scan, const struct redact *redact, uint8_t c)
{
	bool was_secret = scan->parameters.secret, parameter;

	if (scan->line_ended && !(scan->secret && (c == ' ' || c == '\t')))
		line_begin(scan);
	scan->line_ended = c == '\n';
	parameter = scrub_parameters_byte(&scan->parameters, redact, c);
	scan->values += parameter && !was_secret;
	if (c == '\n' || c == '\r')
		return false;
	if (!scan->in_value) {
		field_byte(scan, redact, c);
		return parameter;
	}
	if (scan->value_len < sizeof(scan->value) && (scan->value_len || c != ' '))
		scan->value[scan->value_len++] = c;
	return parameter || (scan->secret && c != ' ' && c != '\t');
}

/* At the end of a line, which is in `name` if it is no field. True: the head of a 101 ends here. */
static bool switches(struct scrub_text *scan)
{
	static const char status[] = "HTTP/1.1 101";
	struct slice line = slice_of(scan->name.bytes, scan->name.len);

	if (scan->switching && !scan->in_value && !line.len)
		return true;
	if (slice_has_prefix(line, slice_of_string(status)) || slice_has_prefix(line, SLICE("HTTP/1.0 101")))
		scan->switching = true;
	else if (line.len >= 5 && slice_has_prefix(line, SLICE("HTTP/")))
		scan->switching = false;
	if (scan->switching && scan->in_value && slice_equal_nocase(line, SLICE("upgrade")) &&
	    slice_equal_nocase(slice_of(scan->value, scan->value_len), SLICE("h2c")))
		scan->h2c = true;
	return false;
}

size_t scrub_text_bytes(struct scrub_text *scan, const struct redact *redact, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' && switches(scan)) {
			scan->switched = true;
			return i + 1;
		}
		if (text_byte(scan, redact, bytes[i]))
			bytes[i] = SCRUB_FILLER;
	}
	return len;
}

void scrub_text_hole(struct scrub_text *scan)
{
	uint64_t values = scan->values;

	*scan = (struct scrub_text){ .unknown = true, .values = values };
}

static void text_known(struct scrub_text *scan)
{
	uint64_t values = scan->values;

	*scan = (struct scrub_text){ .values = values };
}

size_t scrub_text_unknown(struct scrub_text *scan, struct slice bytes)
{
	struct http1_start_line line;

	if (!scan->unknown)
		return 0;
	if (http1_find_start_line(bytes, &line) == 0) {
		text_known(scan);
		return 0;
	}
	/* A line's end, and a line behind it that does not continue it. */
	for (size_t i = 0; i + 1 < bytes.len; i++) {
		if (bytes.data[i] == '\n' && bytes.data[i + 1] != ' ' && bytes.data[i + 1] != '\t') {
			text_known(scan);
			return i + 1;
		}
	}
	return bytes.len;
}
