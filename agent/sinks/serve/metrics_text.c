/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as text (OpenMetrics 1.0; Prometheus' text format 0.0.4). The two differ in names of counters, in
 * UNIT, info and exemplars, and in the line at the end.
 */
#include "metrics_private.h"

static bool is_open(const struct metrics_writer *writer)
{
	return writer->form == &metrics_open_form;
}

static void put_line(struct buffer *text, const char *what, const char *name, const char *suffix,
		     const char *value)
{
	buffer_format(text, "# %s %s%s %s\n", what, name, suffix, value);
}

/* Behind the name of a sample. */
static const char *suffix_of(enum metric_kind kind)
{
	return kind == METRIC_COUNTER ? "_total" : kind == METRIC_INFO ? "_info" : "";
}

static void text_begin(struct metrics_writer *writer, const struct metric_family *family)
{
	static const char *const kinds[] = { "gauge", "counter", "histogram", "info" };
	bool open = is_open(writer);
	const char *suffix = open ? "" : suffix_of(family->kind);
	enum metric_kind kind = open || family->kind != METRIC_INFO ? family->kind : METRIC_GAUGE;

	writer->family = *family;
	put_line(writer->text, "TYPE", family->name, suffix, kinds[kind]);
	if (open && *family->unit)
		put_line(writer->text, "UNIT", family->name, suffix, family->unit);
	put_line(writer->text, "HELP", family->name, suffix, family->help);
}

static void text_value(struct metrics_writer *writer, struct slice labels, uint64_t value, uint64_t scale)
{
	struct buffer *text = writer->text;

	buffer_string(text, writer->family.name);
	buffer_string(text, suffix_of(writer->family.kind));
	if (labels.len) {
		buffer_char(text, '{');
		buffer_put(text, labels.data, labels.len);
		buffer_char(text, '}');
	}
	buffer_char(text, ' ');
	metric_put_scaled(text, value, scale);
	buffer_char(text, '\n');
}

static void text_histogram(struct metrics_writer *writer, struct slice labels,
			   const struct metric_histogram *histogram, const struct metric_bounds *bounds)
{
	metric_histogram_put(writer->text, writer->family.name, labels, histogram, bounds, is_open(writer));
}

static void text_end(struct metrics_writer *writer)
{
	(void)writer;
}

static void open_finish(struct metrics_writer *writer)
{
	buffer_string(writer->text, "# EOF\n");
}

const struct metrics_form metrics_text_form = {
	.begin = text_begin,
	.value = text_value,
	.histogram = text_histogram,
	.end = text_end,
};

const struct metrics_form metrics_open_form = {
	.begin = text_begin,
	.value = text_value,
	.histogram = text_histogram,
	.end = text_end,
	.finish = open_finish,
};
