/* SPDX-License-Identifier: Apache-2.0 */
#include "stat_picture.h"

#include <inttypes.h>

#define COLUMNS_DEFAULT 80
#define LABEL_COLUMNS	8		   /* "500 ms" and a space */
#define SHARE_COLUMNS	7		   /* a space and "100.0%" */
#define SLICE_FIRST_NS	UINT64_C(10000000) /* of a heat map: 10 ms */

/* Where a band begins: 0, 1 µs, 2, 5, 10, … */
static uint64_t band_low(unsigned int band)
{
	static const uint64_t steps[] = { 1, 2, 5 };
	uint64_t value = 1000;

	if (band == 0)
		return 0;
	for (unsigned int i = 0; i < (band - 1) / 3; i++)
		value *= 10;
	return value * steps[(band - 1) % 3];
}

static unsigned int band_of(uint64_t ns)
{
	unsigned int band = 0;

	while (band + 1 < BANDS && ns >= band_low(band + 1))
		band++;
	return band;
}

/* "1 us", "500 ms", "20 s"; below the first: "0". */
static void put_band(struct buffer *text, unsigned int band)
{
	uint64_t low = band_low(band);
	size_t start = text->len;

	if (low >= UINT64_C(1000000000))
		buffer_format(text, "%" PRIu64 " s", low / 1000000000);
	else if (low >= 1000000)
		buffer_format(text, "%" PRIu64 " ms", low / 1000000);
	else if (low)
		buffer_format(text, "%" PRIu64 " us", low / 1000);
	else
		buffer_char(text, '0');
	line_column_end(text, start, LABEL_COLUMNS - 1);
}

struct bands {
	uint64_t counts[BANDS];
	uint64_t largest;
	unsigned int first, last;
};

/* A bucket of the histogram belongs where its middle is: it may reach over a border by 1 %. */
static void bands_add(void *ctx, uint64_t low_ns, uint64_t high_ns, uint64_t count)
{
	struct bands *bands = ctx;
	unsigned int band = band_of(high_ns == UINT64_MAX ? low_ns : low_ns / 2 + high_ns / 2);

	if (bands->largest == 0)
		bands->first = band;
	bands->last = band;
	bands->counts[band] += count;
	if (bands->counts[band] > bands->largest)
		bands->largest = bands->counts[band];
}

/* In eighths of a column where the locale has them. What is there has a mark at least. */
static void put_bar(struct buffer *text, const struct style *style, uint64_t count, uint64_t largest,
		    size_t columns)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	uint64_t length = (uint64_t)((double)count / (double)largest * (double)columns * 8 + 0.5);

	if (count == 0)
		return;
	if (length == 0)
		length = 1;
	buffer_char(text, ' ');
	line_style_on(text, style, STYLE_CYAN);
	for (; length >= 8; length -= 8)
		buffer_string(text, style->utf8 ? "█" : "#");
	if (style->utf8)
		buffer_string(text, eighths[length]);
	else if (length >= 4 || (double)count * (double)columns < (double)largest)
		buffer_char(text, '#');
	line_style_off(text, style);
}

/* " 97.3%": of all that is in this band and the ones before it; never 100 before the last. */
static void put_share(struct buffer *text, uint64_t sum, uint64_t all)
{
	uint64_t tenths = (uint64_t)((double)sum / (double)all * 1000);

	if (sum == all)
		tenths = 1000;
	else if (tenths > 999)
		tenths = 999;
	buffer_format(text, " %3" PRIu64 ".%" PRIu64 "%%", tenths / 10, tenths % 10);
}

void stat_hist_put(struct buffer *text, const struct style *style, const struct histogram *histogram)
{
	size_t columns = style->columns ? style->columns : COLUMNS_DEFAULT, used;
	struct bands bands = { .largest = 0 };
	uint64_t sum = 0;
	int digits;

	histogram_each(histogram, bands_add, &bands);
	if (bands.largest == 0) {
		buffer_string(text, "  no durations are known\n");
		return;
	}
	digits = snprintf(NULL, 0, "%" PRIu64, bands.largest);
	used = 2 + LABEL_COLUMNS + (size_t)digits + SHARE_COLUMNS + 1;
	columns = columns > used + 10 ? columns - used : 10;
	for (unsigned int band = bands.first; band <= bands.last; band++) {
		buffer_string(text, "  ");
		put_band(text, band);
		sum += bands.counts[band];
		buffer_format(text, "%*" PRIu64, digits, bands.counts[band]);
		put_share(text, sum, histogram->count);
		put_bar(text, style, bands.counts[band], bands.largest, columns);
		buffer_char(text, '\n');
	}
}

static void heat_halve(struct heat *heat)
{
	for (size_t i = 0; i < HEAT_SLICES; i++) {
		for (size_t band = 0; band < BANDS; band++) {
			uint32_t count = heat->counts[i][band], *into;

			heat->counts[i][band] = 0;
			into = &heat->counts[i / 2][band];
			*into = count > UINT32_MAX - *into ? UINT32_MAX : *into + count;
		}
	}
	heat->slice_ns *= 2;
	heat->used = (heat->used + 1) / 2;
}

void stat_heat_add(struct heat *heat, uint64_t time_ns, uint64_t latency_ns)
{
	uint64_t since;
	uint32_t *count;
	size_t slice;

	if (heat->slice_ns == 0) {
		heat->slice_ns = SLICE_FIRST_NS;
		heat->start_ns = time_ns;
	}
	since = time_ns > heat->start_ns ? time_ns - heat->start_ns : 0;
	while (since / heat->slice_ns >= HEAT_SLICES)
		heat_halve(heat);
	slice = (size_t)(since / heat->slice_ns);
	count = &heat->counts[slice][band_of(latency_ns)];
	*count += *count < UINT32_MAX;
	if (slice >= heat->used)
		heat->used = slice + 1;
}

/* The count of a band in `slices` from `first` on. */
static uint64_t heat_sum(const struct heat *heat, size_t first, size_t slices, unsigned int band)
{
	uint64_t sum = 0;

	for (size_t i = first; i < first + slices && i < heat->used; i++)
		sum += heat->counts[i][band];
	return sum;
}

/* How strong a cell is, 0 to 4: by the logarithm, so that a few slow ones beside many fast ones are seen. */
static unsigned int shade_of(uint64_t count, uint64_t largest)
{
	unsigned int bits = count ? 64 - (unsigned int)__builtin_clzll(count) : 0;
	unsigned int most = largest ? 64 - (unsigned int)__builtin_clzll(largest) : 1;

	return (bits * 4 + most - 1) / most;
}

struct heat_frame {
	size_t group, cells; /* slices a cell, cells a line */
	unsigned int first, last;
	uint64_t largest;
};

static void heat_frame_init(struct heat_frame *frame, const struct heat *heat, size_t columns)
{
	size_t room = columns > LABEL_COLUMNS + 12 ? columns - LABEL_COLUMNS - 2 : 10;

	*frame = (struct heat_frame){ .group = (heat->used + room - 1) / room, .first = BANDS };
	frame->cells = (heat->used + frame->group - 1) / frame->group;
	for (unsigned int band = 0; band < BANDS; band++) {
		for (size_t cell = 0; cell < frame->cells; cell++) {
			uint64_t sum = heat_sum(heat, cell * frame->group, frame->group, band);

			if (sum == 0)
				continue;
			if (frame->first == BANDS)
				frame->first = band;
			frame->last = band;
			frame->largest = sum > frame->largest ? sum : frame->largest;
		}
	}
}

static void heat_put_line(struct buffer *text, const struct style *style, const struct heat *heat,
			  const struct heat_frame *frame, unsigned int band)
{
	static const char *const blocks[] = { " ", "░", "▒", "▓", "█" };
	static const char marks[] = " .:*#";
	size_t end;

	put_band(text, band);
	buffer_string(text, style->utf8 ? "│" : "|");
	end = text->len;
	for (size_t cell = 0; cell < frame->cells; cell++) {
		uint64_t sum = heat_sum(heat, cell * frame->group, frame->group, band);
		unsigned int shade = shade_of(sum, frame->largest);

		if (style->utf8)
			buffer_string(text, blocks[shade]);
		else
			buffer_char(text, marks[shade]);
		end = shade ? text->len : end;
	}
	if (!text->failed)
		text->len = end;
	buffer_char(text, '\n');
}

void stat_heat_put(struct buffer *text, struct style *style, const struct heat *heat)
{
	struct heat_frame frame;

	if (heat->used == 0) {
		buffer_string(text, "no durations are known\n");
		return;
	}
	heat_frame_init(&frame, heat, style->columns ? style->columns : COLUMNS_DEFAULT);
	for (unsigned int band = frame.last + 1; band-- > frame.first;)
		heat_put_line(text, style, heat, &frame, band);
	line_column_end(text, text->len, LABEL_COLUMNS);
	wall_clock_local(text, &style->clock, heat->start_ns);
	buffer_string(text, ", a column is ");
	line_put_latency(text, heat->slice_ns * frame.group);
	buffer_format(text, ", the darkest cell has %" PRIu64 "\n", frame.largest);
}
