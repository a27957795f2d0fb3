/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every number that tells the user what was seen and what was not. One table;
 * adding a counter is one line. Kernel counters arrive as EVENT_COUNTERS and
 * are set, all others are added to where the thing happens.
 *
 * Counters are one of the three permitted globals (with the log level and the
 * stop flag): they only go up, have no owner, and everybody may count.
 */
#ifndef HARK_COUNTERS_H
#define HARK_COUNTERS_H

#include "event.h"
#include "protocol.h"

#include <stdint.h>
#include <stdio.h>

/* X(symbol, name, what it means to the user) */
#define COUNTERS(X)                                                                                         \
	X(EVENTS_RECEIVED, "events.received", "records that reached user space")                            \
	X(EVENTS_LOST, "events.lost", "records lost because the ring was full (enlarge it: --ring)")        \
	X(BYTES_MOVED, "bytes.moved", "bytes that the observed calls moved")                                \
	X(BYTES_COPIED, "bytes.copied", "of them copied to user space")                                     \
	X(BYTES_SKIPPED, "bytes.skipped", "of them not copied by choice")                                   \
	X(BYTES_LOST, "bytes.lost", "of them wanted and not had")                                           \
	X(BYTES_CIPHERTEXT, "bytes.ciphertext", "encrypted bytes of TLS connections, not decoded")          \
	X(BYTES_UNPARSED, "bytes.unparsed", "bytes passed over while looking for a message border")         \
	X(BYTES_OVERLAP, "bytes.overlap", "bytes at positions that two calls claimed")                      \
	X(CONNECTIONS_OPENED, "connections.opened", "connections that appeared")                            \
	X(CONNECTIONS_CLOSED, "connections.closed", "connections that ended")                               \
	X(CONNECTIONS_EVICTED, "connections.evicted", "connections forgotten to stay within limits")        \
	X(CONNECTIONS_MUTED, "connections.muted", "connections that do not speak HTTP")                     \
	X(CONNECTIONS_OPAQUE, "connections.opaque",                                                         \
	  "TLS connections whose plaintext was not seen (hark doctor says why)")                            \
	X(CONNECTIONS_CUT, "connections.cut",                                                               \
	  "TLS connections at the start or end of the run: too little seen to tell")                        \
	X(CONNECTIONS_UNBOUND, "connections.unbound",                                                       \
	  "TLS connections whose plaintext was seen, but not that it is theirs")                            \
	X(CONNECTIONS_QUIC, "connections.quic", "QUIC connections (HTTP/3) that began, a line each")        \
	X(EXCHANGES_WHOLE, "exchanges.whole", "exchanges seen whole")                                       \
	X(EXCHANGES_FLAGGED, "exchanges.flagged", "exchanges with a flag")                                  \
	X(EXCHANGES_PENDING, "exchanges.pending", "lines about exchanges that were not over")               \
	X(EXCHANGES_JOINED, "exchanges.joined", "exchanges of which both ends were seen")                   \
	X(EXCHANGES_UNDER_WAY, "exchanges.under_way",                                                       \
	  "answers whose request came before hark: left out (--all shows them)")                            \
	X(RETURNS_REFUSED, "returns.refused", "TLS calls not followed: a return was pending in the thread") \
	X(RETURNS_STALE, "returns.stale", "TLS calls whose return never came")                              \
	X(MESSAGES_REFUSED, "messages.refused", "messages that a parser could not take")                    \
	X(MESSAGES_INTERIM, "messages.interim", "interim (1xx) responses")                                  \
	X(MESSAGES_UPGRADED, "messages.upgraded", "connections that left HTTP (CONNECT, 101)")              \
	X(PROTOCOL_RESYNCS, "protocol.resyncs", "searches for the next message after a hole")               \
	X(HPACK_BLOCKS_LOST, "hpack.blocks_lost", "HTTP/2, HTTP/3 header blocks lost or cut by a hole")     \
	X(HPACK_ERRORS, "hpack.errors", "HTTP/2, HTTP/3 header blocks that could not be decoded")           \
	X(STREAM_HOLES, "stream.holes", "holes in byte streams")                                            \
	X(STREAM_LATE, "stream.late", "records that came out of order and were put in place")               \
	X(TLS_DISCARDED, "tls.discarded", "held bytes that turned out to be ciphertext")                    \
	X(TLS_EARLY_REFUSED, "tls.early_refused", "bytes of early data refused by servers, never read")     \
	X(TLS_UNBOUND, "tls.unbound", "TLS sessions whose socket is not known")                             \
	X(TRANSFERS_COMPAT, "transfers.compat", "transfers of 32-bit programs: size only")                  \
	X(TRANSFERS_IO_URING, "transfers.io_uring", "transfers through io_uring: size only")                \
	X(TRANSFERS_PEEKED, "transfers.peeked", "peeks: seen, not counted as data")                         \
	X(TRANSFERS_OUT_OF_BAND, "transfers.out_of_band", "out-of-band transfers: not stream data")         \
	X(TRANSFERS_VECTORS, "transfers.vectors", "calls with more vectors than are walked")                \
	X(TRANSFERS_UDP_443, "transfers.udp_443", "datagrams of UDP port 443 (HTTP/3): not read")           \
	X(TRANSFERS_QUIC, "transfers.quic", "datagrams in which QUIC connections begin, copied")            \
	X(QUIC_UNNAMED, "quic.unnamed", "QUIC connections whose hello was not seen whole: no name")         \
	X(PROGRAMS_SKIPPED, "programs.skipped",                                                             \
	  "calls that the kernel kept from hark: its program was under way on that processor")              \
	X(FAULTS, "faults", "user memory that could not be read")                                           \
	X(PROBES_DETACHED, "probes.detached",                                                               \
	  "files whose return probes were taken off to protect a program")                                  \
	X(PROBES_FAILED, "probes.failed", "TLS libraries that could not be probed")                         \
	X(PROBES_REFUTED, "probes.refuted",                                                                 \
	  "files probed by a guess (a signature, --tls-library) that was wrong: not probed any more")       \
	X(PROBES_UNPROVEN, "probes.unproven",                                                               \
	  "calls at such probes that were not shown: nothing proved them")                                  \
	X(RECORD_DROPPED, "record.dropped", "bytes left out of a redacted recording: not to be judged")     \
	X(CONTAINERS_UNNAMED, "containers.unnamed",                                                         \
	  "containers whose engine's state files are there and give no name")                               \
	X(HISTORY_WRITTEN, "history.written", "exchanges and connections written to an SQLite file")        \
	X(HISTORY_LOST, "history.lost", "exchanges and connections that an SQLite file did not get")        \
	X(HISTORY_PRUNED, "history.pruned", "exchanges and connections that --keep took away")              \
	X(OUTPUT_ERRORS, "output.errors", "writes that failed")                                             \
	X(PCAPNG_OTHER_ENDS, "pcapng.other_ends",                                                           \
	  "connections that -o pcapng left out: their other end, on this machine too, is in it")            \
	X(PCAPNG_QUIC, "pcapng.quic", "calls of HTTP/3 that -o pcapng left out: their packets were QUIC's") \
	X(EXPORT_DELIVERED, "export.delivered", "spans or rows that their receiver took")                   \
	X(EXPORT_REJECTED, "export.rejected", "spans or rows that their receiver refused")                  \
	X(EXPORT_LOST, "export.lost", "spans or rows that could not be delivered")                          \
	X(LIMIT_MAPS, "limit.maps", "kernel maps that were full")                                           \
	X(LIMIT_CONNECTIONS, "limit.connections", "more connections than are followed")                     \
	X(LIMIT_FILES, "limit.files", "files not searched whole for TLS, being larger than any program")    \
	X(LIMIT_CONTAINERS, "limit.containers", "processes shown without the container they are in")        \
	X(LIMIT_DATAGRAMS, "limit.datagrams",                                                               \
	  "times that a UDP socket began more QUIC connections in a second than are looked at")             \
	X(LIMIT_ENDPOINTS, "limit.endpoints", "exchanges counted in the row of the rest")                   \
	X(LIMIT_EXCHANGES, "limit.exchanges", "more open exchanges than are followed")                      \
	X(LIMIT_JOINS, "limit.joins", "exchanges that did not wait for their other end")                    \
	X(LIMIT_TRACES, "limit.traces", "exchanges of traces that tree had no room for")                    \
	X(LIMIT_HELD, "limit.held", "bytes not held for an undetermined connection")                        \
	X(LIMIT_REORDER, "limit.reorder", "bytes not held while waiting for a late record")                 \
	X(LIMIT_HEADERS, "limit.headers", "header lists cut")                                               \
	X(LIMIT_STREAMS, "limit.streams", "streams of HTTP/2, or requests of FastCGI, not followed")        \
	X(LIMIT_PIPELINE, "limit.pipeline", "pipelined requests not followed")                              \
	X(LIMIT_STATEMENTS, "limit.statements", "prepared statements whose text was forgotten")             \
	X(FILTER_NO_ADDRESS, "filter.no_address",                                                           \
	  "exchanges that port: or peer: left out: their socket is not known")                              \
	X(LIMIT_FILTER, "limit.filter", "connections left out though an exchange of theirs was shown")      \
	X(LIMIT_FACTS, "limit.facts", "facts of bodies that had no room")                                   \
	X(LIMIT_CONTENT, "limit.content",                                                                   \
	  "bodies not read to their end: they expand too far, or hold too much")                            \
	X(SERVE_REQUESTS, "serve.requests", "requests that hark serve answered")                            \
	X(SERVE_REFUSED, "serve.refused",                                                                   \
	  "requests that it refused: host, origin, token, method, path, body")                              \
	X(SERVE_MISSED, "serve.missed", "exchanges that a reader of its events was too slow for")           \
	X(SERVE_LATE, "serve.late", "answers of it that nobody read in time")                               \
	X(LIMIT_SERVE, "limit.serve", "connections, streams or answers that it had no room for")            \
	X(LIMIT_SERIES, "limit.series",                                                                     \
	  "exchanges without a series of their own in /metrics: that of the rest counts them")              \
	X(LIMIT_MEMORY, "limit.memory", "things dropped because memory was short (--memory)")               \
	X(MEMORY_HELD_PEAK, "memory.held_peak", "bytes held at once at most (--memory bounds them)")        \
	X(READY_US, "ready.us", "microseconds from the start until hark was ready")                         \
	X(READY_LOAD_US, "ready.load_us", "of them to load and attach the BPF programs")

enum counter {
#define X(symbol, name, meaning) COUNTER_##symbol,
	COUNTERS(X)
#undef X
	COUNTER_COUNT,
};

extern uint64_t counters[COUNTER_COUNT];

static inline void counter_add(enum counter counter, uint64_t n)
{
	counters[counter] += n;
}

/* The name that docs/interface.md and --stats-json use, and its meaning. Static strings. */
const char *counter_name(enum counter counter);
const char *counter_meaning(enum counter counter);

/* Adds n to the counter that stands for a decoder's note. */
void counter_note(enum protocol_note note, uint64_t n);

/* Takes over the kernel's figures (they replace, not add; what user space corrected itself is kept). */
void counters_set_kernel(const struct event_counters *event);

/* Moves n bytes from moved and copied to ciphertext: held bytes that turned out to be TLS. */
void counters_recount_ciphertext(uint64_t copied, uint64_t skipped);

/* Bytes that moved past the records (splice), which the kernel side could not count. */
void counters_add_skipped(uint64_t bytes);
void counters_add_ciphertext(uint64_t bytes);

/* All that are not 0, one a line, for people; then all of them as one flat JSON object. 0 or -errno. */
int counters_print(FILE *out);
int counters_print_json(FILE *out);

#endif
