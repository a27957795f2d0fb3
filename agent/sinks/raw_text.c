/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line about each call, then its bytes: escaped, a line of them a line, or
 * as a hex dump. What was not copied is said, with its reason.
 */
#include "sinks.h"

#include "line_text.h"
#include "protocol.h"

#include <inttypes.h>

struct sink {
	struct buffer text;
	struct style style;
	FILE *out;
	bool hex;
};

static int raw_text_init(struct sink *sink, const struct sink_config *config)
{
	sink->out = config->out;
	sink->hex = config->hex;
	line_style_init(&sink->style, config);
	return 0;
}

static void raw_text_fini(struct sink *sink)
{
	buffer_fini(&sink->text);
	line_style_fini(&sink->style);
}

static const char *const hole_reasons[] = {
	[HOLE_NONE] = "not known why",
	[HOLE_SNAPLEN] = "beyond --snaplen",
	[HOLE_SKIPPED] = "left out of the recording, or not to be judged: --show-secrets",
	[HOLE_MUTED] = "left out of the recording, or not to be judged: --show-secrets",
	[HOLE_KERNEL] = "never in a buffer of the program's (sendfile, splice, io_uring)",
	[HOLE_COMPAT] = "a 32-bit program",
	[HOLE_FOREIGN] = "another thread's call",
	[HOLE_FAULT] = "memory that could not be read",
	[HOLE_TRUNC] = "thrown away by the program",
	[HOLE_VECTOR] = "more vectors than are walked",
};

static void put_length(struct buffer *text, const struct call *call)
{
	if (call->lost_bytes == HOLE_UNKNOWN_SIZE)
		buffer_string(text, "bytes are missing here, nobody knows how many");
	else if (call->lost_bytes)
		buffer_format(text, "%" PRIu64 " bytes are missing here: lost", call->lost_bytes);
	else if (call->end)
		buffer_string(text, "end");
	else if (call->reset)
		buffer_string(text, "reset");
	else
		buffer_format(text, "%" PRIu64 " byte%s", call->len, call->len == 1 ? "" : "s");
	if (call->bytes.len < call->len)
		buffer_format(text, ", %zu of them copied (the rest: %s)", call->bytes.len,
			      call->hole < sizeof(hole_reasons) / sizeof(hole_reasons[0])
				      ? hole_reasons[call->hole]
				      : "?");
	if (call->undetermined)
		buffer_string(text, " [undetermined: may be ciphertext]");
	buffer_char(text, '\n');
}

/* A line feed ends a line and is shown in it. */
static void raw_text_call(struct sink *sink, const struct result *result)
{
	const struct call *call = result->call;
	struct buffer *text = &sink->text;
	size_t start;

	line_put_when_and_program(text, &sink->style, call->time_ns, &call->mover);
	line_put_connection(text, &sink->style, call->conn);
	start = text->len;
	line_put_styled(text, &sink->style, STYLE_BOLD, call->direction == DIRECTION_SENT ? "send" : "recv");
	buffer_string(text, call->tls ? "+tls" : "");
	line_column_end(text, start, 8);
	put_length(text, call);
	if (sink->hex)
		line_put_hex(text, "    ", call->bytes);
	else
		line_put_lines(text, &sink->style, "    | ", call->bytes, true);
	buffer_write(text, sink->out);
}

const struct sink_ops raw_text_sink = {
	.format = "text",
	.view = VIEW_RAW,
	.size = sizeof(struct sink),
	.init = raw_text_init,
	.show = { [RESULT_CALL] = raw_text_call },
	.fini = raw_text_fini,
};
