/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pair counts the bodies that are being read, so that the kernel side is not told to leave their bytes
 * out. A message within a body is shown with a view of its exchange as it stands.
 */
#include "pair_read.h"

#include "base/counters.h"
#include "content/readings.h"

static void entry_count(struct pair *pair, struct pair_entry *entry)
{
	unsigned int reads = readings_want(entry->readings, MESSAGE_REQUEST) +
			     readings_want(entry->readings, MESSAGE_RESPONSE);

	pair->reads += reads - entry->reads;
	entry->reads = reads;
	entry->read_bytes = readings_memory(entry->readings);
}

/* The :protocol of an extended CONNECT, which tells instead of a type (RFC 8441, 4); data NULL: none. */
static inline struct slice tunnel_token(const struct message *request)
{
	if (!request || request->version < HTTP_2 || !slice_equal(request->method, SLICE("CONNECT")))
		return slice_of(NULL, 0);
	return message_header(request, SLICE(":protocol"));
}

/* The two messages have heads of their own, so that types come in turns. */
void pair_read_head(struct pair *pair, struct pair_entry *entry, struct message *message)
{
	struct pipeline_reading *reading = pair->pipeline->reading;
	const struct message *request = entry->half[MESSAGE_REQUEST].message;
	struct slice type = message_known(message, HEADER_CONTENT_TYPE), token = tunnel_token(request);
	const struct content *content =
		type.data ? content_memo_find(&reading->types[message->kind], type) : NULL;

	if (!(message->flags & FLAG_PARTIAL_HEADERS)) {
		message->type_state = type.data ? MESSAGE_TYPE_SEEN : MESSAGE_TYPE_NONE;
		message->content = content;
	}
	if (token.data)
		content = content_of_upgrade(token);
	if (!entry->readings && !(content && content_is_read(content, request)))
		return;
	entry->pair = pair;
	readings_head(&entry->readings, &reading->config, entry, content, message,
		      entry->half[!message->kind].message);
	entry_count(pair, entry);
}

void pair_read_body(struct pair *pair, struct pair_entry *entry, const struct message *message,
		    struct slice bytes, uint64_t time_ns)
{
	readings_body(entry->readings, message->kind, bytes, time_ns);
	entry_count(pair, entry);
}

void pair_read_hole(struct pair *pair, struct pair_entry *entry, const struct message *message, uint64_t size,
		    uint64_t time_ns)
{
	readings_hole(entry->readings, message->kind, size, time_ns);
	entry_count(pair, entry);
}

void pair_read_end(struct pair *pair, struct pair_entry *entry, struct message *message)
{
	readings_end(entry->readings, message, message->last_byte_ns);
	entry_count(pair, entry);
}

void pair_read_free(struct pair *pair, struct pair_entry *entry)
{
	pair->reads -= entry->reads;
	entry->reads = 0;
	readings_free(entry->readings);
	entry->readings = NULL;
	entry->read_bytes = 0;
}

/* --- what readers say ----------------------------------------------------------------------- */

static void on_message(void *ctx, void *at, const struct content_message *message)
{
	const struct pipeline *pipeline = ctx;
	struct pair_entry *entry = at;
	struct exchange exchange = pair_entry_view(entry->pair, entry);
	struct result result = result_of_exchange(RESULT_MESSAGE, &exchange);

	result.message = message;
	pipeline_tell(pipeline, &result);
}

static void on_note(void *ctx, enum protocol_note note, uint64_t n)
{
	(void)ctx;
	counter_note(note, n);
}

void pipeline_reading_init(struct pipeline_reading *reading, const struct pipeline *pipeline)
{
	*reading = (struct pipeline_reading){
		.config = {
			.wants = pipeline->config.want_reads,
			.schema = pipeline->config.schema,
			.ctx = (void *)pipeline,
			.message = on_message,
			.note = on_note,
		},
	};
}
