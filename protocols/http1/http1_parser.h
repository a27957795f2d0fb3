/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of an HTTP/1 connection: bytes and holes in, messages out.
 * What the two directions must know of each other (may a message begin now?
 * does this response have a body?) is asked of the owner through hooks.
 */
#ifndef HARK_HTTP1_PARSER_H
#define HARK_HTTP1_PARSER_H

#include "http1_known.h"
#include "http1_line.h"
#include "protocol.h"

#define HTTP1_DOUBT_BYTES 12 /* "HTTP/1.1 200" */

struct http1_parser;

enum http1_state {
	HTTP1_START,	   /* at a message border */
	HTTP1_START_LINE,  /* inside a start line */
	HTTP1_HEAD,	   /* field lines */
	HTTP1_BODY_DOUBT,  /* a body, or the head behind a message that has none */
	HTTP1_BODY_LENGTH, /* a body of known length */
	HTTP1_BODY_CLOSE,  /* a body that ends with the direction */
	HTTP1_CHUNK_SIZE,
	HTTP1_CHUNK_DATA,
	HTTP1_CHUNK_END, /* the line end behind a chunk */
	HTTP1_CHUNK_LF,	 /* behind its CR */
	HTTP1_TRAILER,
	HTTP1_SEARCH, /* framing was lost: looks for the next start line */
	HTTP1_ENDED,  /* the direction ended */
	HTTP1_LEFT,   /* the connection left HTTP/1: nothing is taken */
};

/* Where in its direction a hole begins. */
enum http1_place {
	HTTP1_AT_BORDER, /* of messages, with no byte of the next one read */
	HTTP1_IN_LINE,	 /* a start line */
	HTTP1_IN_MESSAGE,
	HTTP1_ELSEWHERE, /* nobody knows where messages begin, or there are no more */
};

/* How much a search passed over. */
enum http1_passed {
	HTTP1_PASSED_NOTHING,
	HTTP1_PASSED_BEFORE, /* something, but nothing since the other direction told where a message begins
			      */
	HTTP1_PASSED_SOME,
};

/* The line under way in a head or a trailer section. */
enum http1_reading {
	HTTP1_READS_FIELD,   /* a field, or the empty line, so far */
	HTTP1_KEEPS_FIELD,   /* a whole field, kept back: it may go on in the next line (obs-fold) */
	HTTP1_READS_NOTHING, /* the rest of a start line that was taken */
};

/* How far what a direction holds for messages is known to be messages (http1_evidence.h). */
enum http1_trust {
	HTTP1_TRUST_PROVEN, /* framed from a start that is certain */
	HTTP1_TRUST_SEARCH, /* nothing was found yet */
	HTTP1_TRUST_GUESS,  /* framed from a start line that was found, and that nothing agrees with so far */
	HTTP1_TRUST_REFUTED, /* what was found was text: only a turn may begin a message */
};

/* Guesses in a row, none of them proven; more are text. */
#define HTTP1_GUESSES_MAX 64

enum http1_body {
	HTTP1_BODY_FRAMED, /* as the fields say */
	HTTP1_BODY_NONE,   /* whatever the fields say */
	HTTP1_BODY_UNSURE, /* as the fields say, or none (the answer to a HEAD that nobody saw) */
	HTTP1_BODY_TURN,   /* the same of a client that waits: behind none the next head begins a turn */
};

struct http1_hooks {
	void *ctx;
	/* May a message begin now, at this time? False: the bytes stay with the caller. */
	bool (*ready)(void *ctx, struct http1_parser *parser, uint64_t time_ns);
	/* The start line is read. -ENOMEM: the message is dropped and framing is lost. */
	int (*begin)(void *ctx, struct http1_parser *parser);
	/* The head is complete. */
	enum http1_body (*head)(void *ctx, struct http1_parser *parser);
	/* The message ended; `cut` when not where it should. Takes ownership of parser->message. */
	void (*done)(void *ctx, struct http1_parser *parser, struct message *message, bool cut);
	/* From here on messages of this direction may be missing. Comes after done(). */
	void (*lost)(void *ctx, struct http1_parser *parser);
};

struct http1_parser {
	enum http1_state state;
	enum message_kind kind;
	enum event_direction direction;
	const struct protocol_config *config;
	const struct protocol_handler *handler;
	const struct http1_hooks *hooks;

	struct http1_line line;	     /* the line under way */
	struct http1_line candidate; /* searching: a start line that waits for the line that proves it */
	enum http1_reading reading;
	bool edge;		  /* searching: line began behind a hole, not behind a line end */
	bool late;		  /* joined late: nothing was passed over so far */
	bool searched;		  /* the message under way was found by a search */
	bool no_memory;		  /* an allocation failed since the owner looked */
	enum http1_passed passed; /* since framing was lost */

	enum http1_trust trust;
	bool fresh;	      /* the next byte is the first of a call */
	bool turn;	      /* the next byte is the first of a turn; the owner sets it */
	bool message_first;   /* the newest message began with such a byte, */
	bool guess_first;     /* and the first one of the guesses under way */
	unsigned int guesses; /* in a row */

	struct slice method; /* of the request that begins; valid in hooks.begin() */
	struct message *message;
	struct http1_framing framing;
	struct http1_known known; /* the newest head that was there whole */
	uint64_t head_size;	  /* so far, of the message under way */
	bool head_done;		  /* of the message under way */
	bool header_cut;	  /* a limit was met: no further field is kept */
	bool field_refused;	  /* a line of it was no field */
	bool body_cut;		  /* no further byte of the body is kept */
	bool unmeasured;	  /* what may be a body, or a tunnel, or stands for a hole, is not counted */
	enum http1_state doubted; /* HTTP1_BODY_DOUBT: the state if there is a body */
	bool doubt_turn;	  /* and a head would begin a turn */
	size_t doubt_len;	  /* bytes that may begin a body or a status line */
	uint8_t doubt[HTTP1_DOUBT_BYTES];
	uint64_t doubt_ns;  /* when the first of them came */
	bool embedded;	    /* messages may be text in the body of an earlier one, until one begins a turn */
	uint64_t body_left; /* of BODY_LENGTH and CHUNK_DATA */
	size_t body_capacity;
};

/* from_start false: searches for the first start line. Cannot fail; the pointers are borrowed for life. */
void http1_parser_init(struct http1_parser *parser, enum event_direction direction,
		       const struct protocol_config *config, const struct protocol_handler *handler,
		       const struct http1_hooks *hooks);
void http1_parser_fini(struct http1_parser *parser);

/* Returns how many bytes it took: all, but when the owner is not ready or stopped it. */
size_t http1_parser_feed(struct http1_parser *parser, struct slice bytes, uint64_t time_ns);

void http1_parser_hole(struct http1_parser *parser, uint64_t size, uint64_t time_ns);

/*
 * The other direction answers, or the rest of a line that is too long is lost: of a request whose line did
 * not end so far the method and the beginning of the target are taken, and it is marked. Nothing happens
 * otherwise.
 */
void http1_parser_cut_line(struct http1_parser *parser);

/* The direction ended: completes a close-delimited body, cuts anything else with FLAG_CLOSED. */
void http1_parser_finish(struct http1_parser *parser, uint64_t time_ns);

/* Cuts the message under way with these flags and leaves the direction ended. */
void http1_parser_end(struct http1_parser *parser, unsigned int flags);

enum http1_place http1_parser_place(const struct http1_parser *parser);

/* Gives up the message under way (FLAG_GAP) and searches. */
void http1_parser_lose(struct http1_parser *parser);

/* The other direction tells that the next byte begins a message: a search forgets the line under way. */
void http1_parser_realign(struct http1_parser *parser);

#endif
