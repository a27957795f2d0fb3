/* SPDX-License-Identifier: Apache-2.0 */
#include "play.h"

#include "base/counters.h"
#include "track/tracker.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEQ_BASE	0xfffff000u /* positions wrap early */
#define START_NS	UINT64_C(1000000000)
#define STEP_NS		UINT64_C(1000)
#define POLL_NS		UINT64_C(10000000)
#define OBSERVED_PID	4711
#define OBSERVED_FD	7
#define SOCKET_ID	77
#define CIPHER_BYTES	5000 /* that a TLS socket moved besides: handshake, record headers */
#define SESSION_ADDRESS UINT64_C(0x5500aa00)

/* TCP states, as in linux/tcp_states.h */
#define STATE_ESTABLISHED 1
#define STATE_SYN_SENT	  2
#define STATE_SYN_RECV	  3
#define STATE_FIN_WAIT	  4
#define STATE_CLOSED	  7
#define STATE_CLOSE_WAIT  8

const char *transform_name(enum transform transform)
{
	static const char *const names[] = {
		[TRANSFORM_NONE] = "none", [TRANSFORM_REORDER] = "reorder", [TRANSFORM_JOIN] = "join",
		[TRANSFORM_LOSE] = "lose", [TRANSFORM_BURST] = "burst",	    [TRANSFORM_REFUSE] = "refuse",
		[TRANSFORM_SNAP] = "snap",
	};

	return names[transform];
}

/* --- the plan ------------------------------------------------------------------- */

static void record_add(struct play *play, int direction, size_t begin, size_t end, int polls)
{
	if (play->count == play->capacity) {
		play->capacity = 2 * play->capacity + 64;
		play->records = realloc(play->records, play->capacity * sizeof(*play->records));
		if (!play->records)
			abort();
	}
	play->records[play->count++] = (struct record){
		.direction = direction,
		.begin = begin,
		.end = end,
		.seen_from = begin,
		.seen_to = end,
		.polls = polls,
	};
}

/* Neighbours of one direction are written or read at once, portions in parts. */
static void records_cut(struct play *play, struct random *random)
{
	const struct conversation *conversation = play->conversation;
	unsigned int merge = 20 * (unsigned int)random_below(random, 5),
		     split = 15 * (unsigned int)random_below(random, 4),
		     poll = 25 * (unsigned int)random_below(random, 5);
	size_t i = 0;

	while (i < conversation->step_count) {
		const struct step *step = &conversation->steps[i++];
		size_t begin = step->begin, end = step->end;

		while (i < conversation->step_count && conversation->steps[i].direction == step->direction &&
		       random_chance(random, merge))
			end = conversation->steps[i++].end;
		while (begin < end) {
			size_t n = end - begin;

			if (random_chance(random, split))
				n = 1 + random_below(random, n);
			n = n < EVENT_PAYLOAD_MAX ? n : EVENT_PAYLOAD_MAX;
			record_add(play, step->direction, begin, begin + n,
				   random_chance(random, poll) ? 1 + (int)random_below(random, 3) : 0);
			begin += n;
		}
	}
}

static void record_lose(struct play *play, size_t at)
{
	play->records[at].lost = true;
	play->records[at].seen_from = play->records[at].end;
}

static void plan_burst(struct play *play, struct random *random)
{
	for (size_t bursts = 1 + random_below(random, 3); bursts; bursts--) {
		size_t at = random_below(random, play->count), n = 1 + random_below(random, 4);

		for (; n && at < play->count; n--)
			record_lose(play, at++);
	}
}

static void plan_snap(struct play *play, struct random *random)
{
	unsigned int often = 10 + (unsigned int)random_below(random, 60);

	for (size_t i = 0; i < play->count; i++) {
		struct record *record = &play->records[i];

		if (random_chance(random, often))
			record->seen_to = record->begin + random_below(random, record->end - record->begin);
	}
}

static void plan_join(struct play *play, struct random *random, size_t at)
{
	struct record *record = &play->records[at];

	play->before_hark = at;
	for (size_t i = 0; i < at; i++)
		play->records[i].seen_from = play->records[i].end;
	/* Reads may begin anywhere: the rest of a portion is a record as good as any. */
	if (random_chance(random, 50))
		record->seen_from = record->begin + random_below(random, record->end - record->begin);
}

/* Within a stretch that one poll cuts at most, records come in any order. */
static void plan_order(struct play *play, struct random *random)
{
	size_t begin = 0, end;

	for (size_t i = 0; i < play->count; i++)
		play->order[i] = i;
	while (play->plan.transform == TRANSFORM_REORDER && begin < play->count) {
		size_t longest = 1 + random_below(random, 6);
		int polls = 0;

		for (end = begin + 1; end < play->count && end - begin < longest; end++) {
			polls += play->records[end - 1].polls;
			if (polls > 1)
				break;
		}
		for (size_t n = end - begin; n > 1; n--) {
			size_t other = begin + random_below(random, n), last = begin + n - 1;
			size_t swap = play->order[other];

			play->order[other] = play->order[last];
			play->order[last] = swap;
		}
		begin = end;
	}
}

void play_init(struct play *play, const struct conversation *conversation, const struct plan *plan)
{
	struct random random = { .state = plan->seed };
	uint64_t now_ns = START_NS;

	*play = (struct play){ .conversation = conversation, .plan = *plan };
	play->server = random_chance(&random, 50);
	play->tls = plan->transform == TRANSFORM_REFUSE || random_chance(&random, 50);
	play->close = conversation->needs_end || random_chance(&random, 70);
	/* Of a connection that begins, states tell; only their loss leaves it without. */
	play->announced = plan->transform == TRANSFORM_REORDER || random_chance(&random, 80);
	records_cut(play, &random);
	play->order = malloc((play->count + 1) * sizeof(*play->order));
	if (!play->order)
		abort();
	for (size_t i = 0; i < play->count; i++) {
		play->records[i].time_ns = now_ns += STEP_NS;
		now_ns += (uint64_t)play->records[i].polls * POLL_NS;
	}
	plan_order(play, &random);
	if (plan->at >= play->count)
		return;
	if (plan->transform == TRANSFORM_LOSE || plan->transform == TRANSFORM_REFUSE)
		record_lose(play, plan->at);
	play->records[plan->at].refused = plan->transform == TRANSFORM_REFUSE;
	if (plan->transform == TRANSFORM_JOIN)
		plan_join(play, &random, plan->at);
	if (plan->transform == TRANSFORM_SNAP)
		plan_snap(play, &random);
	if (plan->transform == TRANSFORM_BURST)
		plan_burst(play, &random);
}

void play_fini(struct play *play)
{
	free(play->records);
	free(play->order);
}

/* --- events ----------------------------------------------------------------------- */

struct player {
	const struct play *play;
	struct tracker *tracker;
	uint64_t now_ns;
	uint64_t unmeasured[2]; /* bytes that no counter of the session has */
	uint64_t first[2];	/* position 0 of the session's counter */
	union {
		struct event_data data;
		uint8_t bytes[sizeof(struct event_data) + EVENT_PAYLOAD_MAX];
	} event;
};

static struct event_socket the_socket(const struct play *play)
{
	return (struct event_socket){
		.id = SOCKET_ID,
		.sk = 9000,
		.fd = OBSERVED_FD,
		.family = AF_INET,
		.protocol = IPPROTO_TCP,
		.local_port = play->server ? 80 : 40000,
		.peer_port = play->server ? 40000 : 80,
		.state = STATE_ESTABLISHED,
		.local = { 127, 0, 0, 1 },
		.peer = { 127, 0, 0, 1 },
	};
}

static struct event_header the_header(const struct player *player, enum event_type type, size_t size)
{
	return (struct event_header){
		.size = (uint32_t)size,
		.type = (uint16_t)type,
		.flags = EVENT_PID_VALID,
		.time_ns = player->now_ns,
		.pid = OBSERVED_PID,
		.tid = OBSERVED_PID,
		.comm = "oracle",
	};
}

static enum event_direction side_direction(const struct play *play, int direction)
{
	return (direction == 0) != play->server ? DIRECTION_SENT : DIRECTION_RECEIVED;
}

static struct event_data *data_begin(struct player *player, enum event_type type, int direction)
{
	struct event_data *data = &player->event.data;
	const struct play *play = player->play;

	*data = (struct event_data){
		.h = the_header(player, type, sizeof(*data)),
		.sock = the_socket(play),
		.ssl = play->tls ? SESSION_ADDRESS : 0,
		.direction = (uint8_t)side_direction(play, direction),
		.source = play->tls ? SOURCE_OPENSSL : SOURCE_SOCKET,
	};
	return data;
}

static void socket_place(struct event_data *data, uint64_t offset)
{
	data->h.flags |= EVENT_POS_SEQ32 | EVENT_OFFSET_KNOWN;
	data->pos = (uint32_t)(SEQ_BASE + offset);
	data->offset = offset;
}

static void data_place(struct player *player, int direction, uint64_t offset)
{
	struct event_data *data = &player->event.data;

	if (player->play->tls) {
		data->pos = offset - player->first[direction] - player->unmeasured[direction];
		if (player->play->plan.transform != TRANSFORM_JOIN)
			data->h.flags |= EVENT_FROM_START;
		return;
	}
	socket_place(data, offset);
}

static void record_send(struct player *player, const struct record *record)
{
	const struct play *play = player->play;
	const uint8_t *bytes = play->conversation->direction[record->direction].bytes;
	size_t n = record->end - record->seen_from;
	struct event_data *data;

	player->now_ns = record->time_ns;
	if (record->refused) {
		data = data_begin(player, EVENT_TLS_REFUSED, record->direction);
		player->unmeasured[record->direction] += record->end - record->begin;
		tracker_event(player->tracker, &data->h);
		return;
	}
	if (!n)
		return;
	data = data_begin(player, play->tls ? EVENT_TLS_DATA : EVENT_SOCKET_DATA, record->direction);
	data_place(player, record->direction, record->seen_from);
	data->len = (uint32_t)n;
	data->copied = (uint32_t)(record->seen_to - record->seen_from);
	data->hole = data->copied < data->len ? HOLE_SNAPLEN : HOLE_NONE;
	data->h.size += data->copied;
	memcpy(player->event.bytes + sizeof(*data), bytes + record->seen_from, data->copied);
	tracker_event(player->tracker, &data->h);
}

static void polls_send(struct player *player, int times)
{
	for (; times > 0; times--) {
		struct event_header poll = the_header(player, EVENT_POLL, sizeof(poll));

		poll.flags = EVENT_SYNTHETIC;
		tracker_event(player->tracker, &poll);
	}
}

static void state_send(struct player *player, enum event_type type, uint8_t from, uint8_t to)
{
	struct event_state state = {
		.h = the_header(player, type, sizeof(state)),
		.sock = the_socket(player->play),
		.old_state = from,
		.new_state = to,
	};

	tracker_event(player->tracker, &state.h);
}

static void connection_begin(struct player *player)
{
	const struct play *play = player->play;
	bool late = play->plan.transform == TRANSFORM_JOIN;
	struct event_data *bind;

	player->now_ns = START_NS;
	polls_send(player, 1); /* all is probed */
	if (!play->announced)
		return;
	if (late) {
		state_send(player, EVENT_SOCKET_SEEN, 0, STATE_ESTABLISHED);
		return;
	}
	if (play->server) {
		state_send(player, EVENT_SOCKET_STATE, STATE_SYN_RECV, STATE_ESTABLISHED);
	} else {
		state_send(player, EVENT_SOCKET_STATE, STATE_CLOSED, STATE_SYN_SENT);
		state_send(player, EVENT_SOCKET_STATE, STATE_SYN_SENT, STATE_ESTABLISHED);
	}
	if (!play->tls)
		return;
	bind = data_begin(player, EVENT_TLS_BIND, 0);
	bind->h.flags |= EVENT_FROM_START;
	tracker_event(player->tracker, &bind->h);
}

/* SSL_free() tells how much plaintext had moved. */
static void session_end_send(struct player *player, int received)
{
	const struct play *play = player->play;
	struct event_data *data = data_begin(player, EVENT_TLS_FREE, received);
	uint64_t moved[2];

	for (int i = 0; i < 2; i++)
		moved[i] = play->conversation->direction[i].len - player->first[i] - player->unmeasured[i];
	data->h.flags |= EVENT_OFFSET_KNOWN;
	data->pos = moved[!received];
	data->offset = moved[received];
	tracker_event(player->tracker, &data->h);
}

/* The socket closes here; its counters tell how far both directions had got. */
static void closed_send(struct player *player, uint8_t from, uint8_t to)
{
	const struct play *play = player->play;
	struct event_state_end end = {
		.state = { .h = the_header(player, EVENT_SOCKET_STATE, sizeof(end)),
			   .sock = the_socket(play),
			   .old_state = from,
			   .new_state = to,
			   .offset_known = 3 },
	};

	end.state.h.flags |= EVENT_POS_SEQ32;
	for (int i = 0; i < 2; i++) {
		enum event_direction direction = side_direction(play, i);

		end.offset[direction] = play->conversation->direction[i].len + (play->tls ? CIPHER_BYTES : 0);
		end.pos[direction] = (uint32_t)(SEQ_BASE + end.offset[direction]);
		/* The kernel's count has a client's SYN too. */
		end.offset[direction] += direction == DIRECTION_SENT && !play->server;
	}
	tracker_event(player->tracker, &end.state.h);
}

/* The reader learns of the end by a read of 0, then the socket goes. */
static void connection_end(struct player *player)
{
	const struct play *play = player->play;
	struct event_data *data;
	int received = play->server ? 0 : 1;

	player->now_ns += STEP_NS;
	polls_send(player, 3);
	if (!play->close)
		return;
	if (play->tls)
		session_end_send(player, received);
	data = data_begin(player, EVENT_SOCKET_DATA, received);
	data->ssl = 0;
	data->source = SOURCE_SOCKET;
	data->h.flags |= EVENT_EOF;
	/* FIN takes a number of its own. */
	socket_place(data, play->conversation->direction[received].len + (play->tls ? CIPHER_BYTES : 0) + 1);
	tracker_event(player->tracker, &data->h);
	if (play->server)
		closed_send(player, STATE_ESTABLISHED, STATE_FIN_WAIT);
	else
		state_send(player, EVENT_SOCKET_STATE, STATE_ESTABLISHED, STATE_CLOSE_WAIT);
	closed_send(player, play->server ? STATE_FIN_WAIT : STATE_CLOSE_WAIT, STATE_CLOSED);
	polls_send(player, 4);
}

/* A session that was there before hark counts from its first call that hark saw. */
static void positions_begin(struct player *player)
{
	const struct play *play = player->play;
	bool found[2] = { false, false };

	for (size_t i = 0; play->tls && i < play->count; i++) {
		const struct record *record = &play->records[i];

		if (i < play->before_hark || found[record->direction])
			continue;
		found[record->direction] = true;
		player->first[record->direction] = record->lost ? record->begin : record->seen_from;
	}
}

void play_run(const struct play *play, void (*exchange)(void *ctx, struct exchange *exchange), void *ctx)
{
	const struct pipeline_handler handler = { .ctx = ctx, .exchange = exchange };
	struct player player = { .play = play };
	struct pipeline_config config;
	uint64_t newest_ns = START_NS;
	int polls = 0;

	memset(counters, 0, sizeof(counters));
	pipeline_config_init(&config);
	player.tracker = tracker_new(&config, &handler);
	if (!player.tracker)
		abort();
	positions_begin(&player);
	connection_begin(&player);
	for (size_t i = 0; i < play->count; i++) {
		const struct record *record = &play->records[play->order[i]];

		record_send(&player, record);
		newest_ns = record->time_ns > newest_ns ? record->time_ns : newest_ns;
		polls = play->records[i].polls;
		player.now_ns = newest_ns;
		polls_send(&player, polls);
	}
	player.now_ns = newest_ns;
	connection_end(&player);
	tracker_end(player.tracker);
	tracker_free(player.tracker);
}
