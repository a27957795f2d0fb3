/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session ends with SSL_free(), with its process, or with its connection.
 * The address may be used again at once, so an ending session is out of the
 * tracker's table already and only its connection still knows it.
 */
#include "tls.h"

#include "base/counters.h"
#include "conn.h"
#include "library/libraries.h"

#include <stdlib.h>
#include <string.h>

#define EARLY_MAX_BYTES (64 * 1024) /* OpenSSL's servers take 16 KiB unless told otherwise */

struct tls_early_record {
	struct tls_early_record *prev, *next;
	struct mover mover;
	struct event_data event; /* with its payload */
};

/* Keeps a copy of the record. False: there is no room for it. */
static bool tls_early_hold(struct tls_early *early, const struct event_data *event, const struct mover *mover)
{
	struct tls_early_record *record;

	if (early->bytes + event->copied > EARLY_MAX_BYTES) {
		counter_add(COUNTER_LIMIT_HELD, event->copied);
		return false;
	}
	record = malloc(sizeof(*record) + event->copied);
	if (!record) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return false;
	}
	record->mover = *mover;
	memcpy(&record->event, event, sizeof(*event) + event->copied);
	early->bytes += event->copied;
	DL_APPEND(early->records, record);
	return true;
}

static void tls_early_drop(struct tls_early *early)
{
	struct tls_early_record *record;

	while ((record = early->records)) {
		DL_DELETE(early->records, record);
		free(record);
	}
	early->bytes = 0;
}

struct tls_session *tls_session_new(const struct pipeline *pipeline, struct tls_key key)
{
	struct tls_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->key = key;
	flow_init(&session->flow, pipeline, NULL, &session->key);
	return session;
}

void tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	tls_early_drop(&session->early);
	flow_fini(&session->flow);
	free(session);
}

static void session_take(struct tls_session *session, const struct event_data *event,
			 const struct mover *mover)
{
	/* Kernel TLS has no handshake: of a connection that was seen to open all plaintext is counted. */
	bool from_start =
		session->by_kernel ? session->flow.facts->opened_ns : event->h.flags & EVENT_FROM_START;

	session->plaintext = session->plaintext || event->len;
	flow_record(&session->flow, event, mover, from_start);
}

/*
 * The fate of early data, as the kernel side told or as what follows shows: refused, its positions are used
 * again.
 */
static void session_settle(struct tls_session *session, bool taken)
{
	struct tls_early_record *record;

	if (!taken)
		counter_add(COUNTER_TLS_EARLY_REFUSED, session->early.bytes);
	DL_FOREACH (taken ? session->early.records : NULL, record)
		session_take(session, &record->event, &record->mover);
	tls_early_drop(&session->early);
}

static bool session_holds(struct tls_session *session, const struct event_data *event,
			  const struct mover *mover)
{
	bool sent = event->direction == DIRECTION_SENT;

	if (event->h.flags & EVENT_EARLY && sent && tls_early_hold(&session->early, event, mover))
		return true;
	if (session->early.records)
		session_settle(session, !sent || event->pos > 0);
	return false;
}

void tls_session_record(struct tls_session *session, const struct event_data *event,
			const struct mover *mover)
{
	switch (event->h.type) {
	case EVENT_TLS_REFUSED:
		flow_unknown(&session->flow, event, mover);
		return;
	case EVENT_TLS_EARLY:
		session_settle(session, event->h.flags & EVENT_EARLY);
		return;
	case EVENT_STREAM_DATA:
	case EVENT_STREAM_OVER:
		session->plaintext = true;
		flow_record_streams(&session->flow, event, mover);
		return;
	}
	if (!session_holds(session, event, mover))
		session_take(session, event, mover);
}

void tls_session_stood(struct tls_session *session, const struct event_data *event, const struct mover *mover)
{
	uint64_t stood[2] = { event->pos, event->offset };

	for (int i = 0; i < 2; i++) {
		struct event_data end = *event;

		end.h.type = EVENT_TLS_DATA;
		end.h.flags &= ~(unsigned int)EVENT_OFFSET_KNOWN;
		end.pos = end.offset = stood[i];
		end.direction = (uint8_t)i;
		flow_stood(&session->flow, &end, mover, false);
	}
}

void tls_session_end(struct tls_session *session, enum protocol_end reason)
{
	session_settle(session, true);
	flow_end(&session->flow, reason);
}

bool tls_session_is_other(const struct tls_session *session, const struct event_data *event)
{
	const struct flow_side *side = &session->flow.side[event->direction == DIRECTION_SENT ? 0 : 1];

	if (session->socket_id && event->sock.id && session->socket_id != event->sock.id)
		return true;
	if (session->key.generation)
		return false; /* another one would have another number */
	return event->h.type == EVENT_TLS_DATA && event->h.flags & EVENT_FROM_START && event->pos == 0 &&
	       event->len && side->stream.next > 0;
}

bool tls_is_http3(const struct event_data *event)
{
	const struct library_row *row = libraries_find_number(event->source);

	return row && row->calls == LIBRARY_CALLS_STREAMS;
}

bool tls_is_kernel(const struct event_data *event)
{
	return event->source == SOURCE_KERNEL_TLS;
}

const char *tls_library(const struct event_data *event)
{
	const struct library_row *row = libraries_find_number(event->source);

	if (tls_is_kernel(event))
		return CONN_TLS_KERNEL;
	return row ? row->name : NULL;
}
