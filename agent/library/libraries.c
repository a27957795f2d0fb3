/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows. OpenSSL's relatives share its functions, so each is told by a
 * function that it alone has: BoringSSL's early callback, LibreSSL's loading of
 * trust from memory (libtls needs it). Of a library that is not followed the
 * name of a file is enough. What is linked into an executable is recognised by
 * what no build leaves out: Go's table of functions, and the source file names
 * that BoringSSL and rustls carry for their error messages.
 */
#include "libraries.h"

#include "elf_file.h"
#include "nss_table.h"
#include "rust_layout.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum openssl_wrapper {
	WRAPPER_READ = 1,
	WRAPPER_WRITE,
	WRAPPER_PEEK,
};

/* int f(ssl, buf, int num); int f(ssl, buf, size_t num, size_t *done); the same with flags before done. */
#define PLAIN .session = 1, .buffer = 2, .size = 3 | TLS_ARGUMENT_INT
#define EX    .session = 1, .buffer = 2, .size = 3, .done = 4, .result = TLS_STORES_IF_POSITIVE
#define EX2   .session = 1, .buffer = 2, .size = 3, .done = 5, .result = TLS_STORES_IF_POSITIVE

static const struct library_function openssl_functions[] = {
	{ .name = "SSL_read", .wrapper = WRAPPER_READ, .call = { .kind = TLS_READ, PLAIN } },
	{ .name = "SSL_read_ex", .wrapper = WRAPPER_READ, .call = { .kind = TLS_READ, EX } },
	{ .name = "SSL_write", .wrapper = WRAPPER_WRITE, .call = { .kind = TLS_WRITE, PLAIN } },
	{ .name = "SSL_write_ex",
	  .wrapper = WRAPPER_WRITE,
	  .jumps = true,
	  .call = { .kind = TLS_WRITE, EX } },
	/* OpenSSL 3.3 */
	{ .name = "SSL_write_ex2", .wrapper = WRAPPER_WRITE, .call = { .kind = TLS_WRITE, EX2 } },
	{ .name = "SSL_peek", .wrapper = WRAPPER_PEEK, .call = { .kind = TLS_PEEK, PLAIN } },
	{ .name = "SSL_peek_ex", .wrapper = WRAPPER_PEEK, .call = { .kind = TLS_PEEK, EX } },
	/* SSL_connect and SSL_accept call it. */
	{ .name = "SSL_do_handshake", .call = { .kind = TLS_HANDSHAKE, .session = 1 } },
	/* ssize_t f(ssl, int fd, off_t offset, size_t size, int flags) */
	{ .name = "SSL_sendfile",
	  .call = { .kind = TLS_SENDFILE, .session = 1, .size = 4, .result = TLS_RETURNS_LONG } },
	{ .name = "SSL_free", .call = { .kind = TLS_FREE, .session = 1 } },
	{ .name = "SSL_set_fd", .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2 } },
	{ .name = "SSL_write_early_data", .call = { .kind = TLS_WRITE_EARLY, EX } },
	{ .name = "SSL_set_rfd", .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2 } },
	{ .name = "SSL_set_wfd", .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2 } },
	{ .name = NULL },
};

/* int f(bio, const void *data, int size); int f(bio, data, size_t size, size_t *done) */
static const struct library_function libcrypto_functions[] = {
	{ .name = "BIO_write", .wrapper = WRAPPER_WRITE, .call = { .kind = TLS_WRITE, PLAIN } },
	{ .name = "BIO_write_ex", .wrapper = WRAPPER_WRITE, .call = { .kind = TLS_WRITE, EX } },
	{ .name = NULL },
};

const struct library_row libraries_libcrypto = {
	.name = "libcrypto",
	.title = "OpenSSL's libcrypto",
	.file = "libcrypto",
	.functions = libcrypto_functions,
};

/* Where arguments and results are is Go's (bpf/tls/go.bpf.c), from 1.17 on. */
static const struct library_function go_functions[] = {
	{ .name = "crypto/tls.(*Conn).Read", .call = { .kind = TLS_READ, .result = TLS_RETURNS_LONG } },
	{ .name = "crypto/tls.(*Conn).Write", .call = { .kind = TLS_WRITE, .result = TLS_RETURNS_LONG } },
	/* HandshakeContext() calls one of these once a connection; the two above call that one each time. */
	{ .name = "crypto/tls.(*Conn).clientHandshake",
	  .call = { .kind = TLS_HANDSHAKE, .result = TLS_STORES_IF_ZERO } },
	{ .name = "crypto/tls.(*Conn).serverHandshake",
	  .call = { .kind = TLS_HANDSHAKE, .result = TLS_STORES_IF_ZERO } },
	{ .name = "crypto/tls.(*Conn).Close", .call = { .kind = TLS_FREE } },
	{ .name = NULL },
};

/* ssize_t f(session, void *data, size_t size), which the _seq, 2 and range forms go on from */
#define GNUTLS .session = 1, .buffer = 2, .size = 3, .result = TLS_RETURNS_LONG

/*
 * gnutls_record_send_file() is none: its parts go by gnutls_record_send(). While a session is corked
 * gnutls_record_send2() keeps what it takes, and gnutls_record_uncork() gives the same bytes to it again.
 * Early data goes out in the handshake, and when it was not taken nothing but the session's flags says so.
 */
static const struct library_function gnutls_functions[] = {
	{ .name = "gnutls_record_recv", .call = { .kind = TLS_READ, GNUTLS } },
	{ .name = "gnutls_record_recv_seq", .call = { .kind = TLS_READ, GNUTLS } },
	/* ssize_t f(session, gnutls_packet_t *): into memory of the library's own, a hole */
	{ .name = "gnutls_record_recv_packet",
	  .call = { .kind = TLS_READ_APART, .session = 1, .result = TLS_RETURNS_LONG } },
	{ .name = "gnutls_record_recv_early_data", .call = { .kind = TLS_READ, GNUTLS } },
	{ .name = "gnutls_record_send",
	  .wrapper = WRAPPER_WRITE,
	  .jumps = true,
	  .call = { .kind = TLS_WRITE, GNUTLS } },
	{ .name = "gnutls_record_send2", .wrapper = WRAPPER_WRITE, .call = { .kind = TLS_WRITE, GNUTLS } },
	{ .name = "gnutls_record_send_range", .call = { .kind = TLS_WRITE, GNUTLS } },
	{ .name = "gnutls_record_send_early_data", .call = { .kind = TLS_WRITE_UNMEASURED, .session = 1 } },
	{ .name = "gnutls_record_uncork", .call = { .kind = TLS_FLUSH, .session = 1 } },
	{ .name = "gnutls_handshake",
	  .call = { .kind = TLS_HANDSHAKE, .session = 1, .result = TLS_STORES_IF_ZERO } },
	{ .name = "gnutls_deinit", .call = { .kind = TLS_FREE, .session = 1 } },
	/* void f(session, int receiving, int sending) */
	{ .name = "gnutls_transport_set_int2",
	  .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2, .done = 3 } },
	{ .name = NULL },
};

static const struct library_function mbedtls_functions[] = {
	/* int f(ssl, unsigned char *buf, size_t len) */
	{ .name = "mbedtls_ssl_read", .call = { .kind = TLS_READ, .session = 1, .buffer = 2, .size = 3 } },
	{ .name = "mbedtls_ssl_write", .call = { .kind = TLS_WRITE, .session = 1, .buffer = 2, .size = 3 } },
	{ .name = "mbedtls_ssl_handshake",
	  .call = { .kind = TLS_HANDSHAKE, .session = 1, .result = TLS_STORES_IF_ZERO } },
	/* 0 says that this step is done, not which is the last: never success */
	{ .name = "mbedtls_ssl_handshake_step", .call = { .kind = TLS_HANDSHAKE, .session = 1 } },
	{ .name = "mbedtls_ssl_free", .call = { .kind = TLS_FREE, .session = 1 } },
	/* for another connection */
	{ .name = "mbedtls_ssl_session_reset", .call = { .kind = TLS_FREE, .session = 1 } },
	{ .name = NULL },
};

/* wolfSSL_recv, _send and _writev call these, and wolfSSL_SSL_do_handshake jumps to them. */
static const struct library_function wolfssl_functions[] = {
	{ .name = "wolfSSL_read", .call = { .kind = TLS_READ, PLAIN } },
	{ .name = "wolfSSL_peek", .call = { .kind = TLS_PEEK, PLAIN } },
	{ .name = "wolfSSL_read_early_data", .call = { .kind = TLS_READ, PLAIN } },
	{ .name = "wolfSSL_write", .call = { .kind = TLS_WRITE, PLAIN } },
	{ .name = "wolfSSL_write_early_data", .call = { .kind = TLS_WRITE_UNMEASURED, .session = 1 } },
	{ .name = "wolfSSL_connect", .call = { .kind = TLS_HANDSHAKE, .session = 1 } },
	{ .name = "wolfSSL_accept", .call = { .kind = TLS_HANDSHAKE, .session = 1 } },
	{ .name = "wolfSSL_free", .call = { .kind = TLS_FREE, .session = 1 } },
	{ .name = "wolfSSL_set_fd", .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2 } },
	{ .name = "wolfSSL_set_read_fd", .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2 } },
	{ .name = "wolfSSL_set_write_fd", .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2 } },
	{ .name = NULL },
};

/* ssize_t f(connection, buf, ssize_t size, blocked *), and of an array of struct iovec the same */
#define S2N .session = 1, .buffer = 2, .size = 3, .result = TLS_RETURNS_LONG

/*
 * s2n_send() calls s2n_sendv_with_offset(), and s2n_sendv() jumps to it. s2n_recv_early_data() is none: it
 * calls s2n_recv(). s2n_peek() only says how many bytes there are. s2n_sendfile() is kernel TLS's, whose
 * socket has the plaintext. s2n_connection_new() wipes as well.
 */
static const struct library_function s2n_functions[] = {
	{ .name = "s2n_recv", .inner = "s2n_recv_impl", .call = { .kind = TLS_READ, S2N } },
	{ .name = "s2n_send", .call = { .kind = TLS_WRITE, S2N } },
	{ .name = "s2n_sendv", .call = { .kind = TLS_WRITEV, S2N } },
	{ .name = "s2n_sendv_with_offset", .call = { .kind = TLS_WRITEV_OFFSET, S2N, .done = 4 } },
	/* int f(connection, data, ssize_t size, ssize_t *sent, blocked *), which may send and fail. Its bytes
	 * are a hole: the server may have answered before, or not, and nothing that follows tells what it
	 * took */
	{ .name = "s2n_send_early_data",
	  .call = { .kind = TLS_SENDFILE, .session = 1, .size = 3, .done = 4, .result = TLS_STORES } },
	{ .name = "s2n_negotiate",
	  .call = { .kind = TLS_HANDSHAKE, .session = 1, .result = TLS_STORES_IF_ZERO } },
	{ .name = "s2n_connection_free", .call = { .kind = TLS_FREE, .session = 1 } },
	/* for another connection */
	{ .name = "s2n_connection_wipe", .call = { .kind = TLS_FREE, .session = 1 } },
	/* s2n_connection_set_fd() calls both */
	{ .name = "s2n_connection_set_read_fd", .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2 } },
	{ .name = "s2n_connection_set_write_fd", .call = { .kind = TLS_SET_FD, .session = 1, .fd = 2 } },
	{ .name = NULL },
};

/* int f(ss, buf, int len, int flags), below all layers, which PR_Read() and the like come to */
#define NSS .session = 1, .buffer = 2, .size = 3 | TLS_ARGUMENT_INT

static const struct library_function nss_functions[] = {
	{ .name = "ssl_SecureRecv",
	  .method = NSS_RECV,
	  .call = { .kind = TLS_READ_OR_PEEK, NSS, .done = 4 } },
	{ .name = "ssl_SecureSend", .method = NSS_SEND, .call = { .kind = TLS_WRITE_OR_EARLY, NSS } },
	{ .name = "ssl_SecureClose", .method = NSS_CLOSE, .call = { .kind = TLS_FREE, .session = 1 } },
	/* SECStatus f(PRFileDesc *), which the other calls before it sets a limit of time */
	{ .name = "SSL_ForceHandshake",
	  .call = { .kind = TLS_HANDSHAKE,
		    .session = 1 | TLS_ARGUMENT_LAYER,
		    .result = TLS_STORES_IF_ZERO } },
	{ .name = "SSL_ForceHandshakeWithTimeout",
	  .call = { .kind = TLS_HANDSHAKE,
		    .session = 1 | TLS_ARGUMENT_LAYER,
		    .result = TLS_STORES_IF_ZERO } },
	{ .name = NULL },
};

/*
 * Over QUIC: what a stream received is given to it, what is to be sent is shown, and then said how much of it
 * was taken. Where arguments are is its own (bpf/tls/nghttp3.bpf.c). nghttp3_conn_read_stream() jumps to
 * read_stream2 (nghttp3 1.12).
 */
static const struct library_function nghttp3_functions[] = {
	{ .name = "nghttp3_conn_read_stream",
	  .wrapper = WRAPPER_READ,
	  .jumps = true,
	  .call = { .kind = TLS_STREAM_READ } },
	{ .name = "nghttp3_conn_read_stream2", .wrapper = WRAPPER_READ, .call = { .kind = TLS_STREAM_READ } },
	{ .name = "nghttp3_conn_writev_stream", .call = { .kind = TLS_STREAM_OFFER } },
	{ .name = "nghttp3_conn_add_write_offset", .call = { .kind = TLS_STREAM_TAKE } },
	{ .name = "nghttp3_conn_close_stream", .call = { .kind = TLS_STREAM_CLOSE } },
	{ .name = "nghttp3_conn_client_new_versioned", .call = { .kind = TLS_STREAM_NEW } },
	{ .name = "nghttp3_conn_server_new_versioned", .call = { .kind = TLS_STREAM_NEW } },
	{ .name = "nghttp3_conn_del", .call = { .kind = TLS_FREE } },
	{ .name = NULL },
};

/*
 * Names as both of Rust's ways of mangling have them. What is public, and no template, is called across
 * crates, so it is there unless the linker optimises across them or the program makes no use of it: a program
 * has Reader::read(), which copies, or Reader::consume(), or both.
 */
#define RUSTLS_WRITE                                                                                   \
	"_ZN%_$LT$rustls..conn..ConnectionCommon$LT$T$GT$$u20$as$u20$rustls..conn..%PlaintextSink$GT$" \
	"5write17h%"                                                                                   \
	"|_RNvX%6rustls4conn%16ConnectionCommon%13PlaintextSink5write%"
#define RUSTLS_READ                                                          \
	"_ZN%_$LT$rustls..conn..%Reader$u20$as$u20$%..io..Read$GT$4read17h%" \
	"|_RNvX%6rustls4conn%6ReaderNt%2io4Read4read%"
#define RUSTLS_CONSUME                                                             \
	"_ZN%_$LT$rustls..conn..%Reader$u20$as$u20$%..io..BufRead$GT$7consume17h%" \
	"|_RNvX%6rustls4conn%6ReaderNt%2io7BufRead7consume%"
#define RUSTLS_TRANSPORT \
	"_ZN6rustls6vecbuf14ChunkVecBuffer8write_to17h%|_RNvM%6rustls6vecbuf%14ChunkVecBuffer8write_to%"

/* io::Result<usize> f(&mut object, &[u8]) */
#define RUSTLS .session = 1 | TLS_ARGUMENT_RUST, .buffer = 2, .size = 3, .result = TLS_RETURNS_PAIR

static const struct library_function rustls_functions[] = {
	{ .name = "Reader::read",
	  .symbols = RUSTLS_READ,
	  .call = { .kind = TLS_READ, RUSTLS, .done = RUST_RECEIVED_POINTER } },
	/* fill_buf() or into_first_chunk() showed them */
	{ .name = "Reader::consume",
	  .symbols = RUSTLS_CONSUME,
	  .call = { .kind = TLS_TAKE, .session = 1 | TLS_ARGUMENT_RUST, .done = RUST_RECEIVED_POINTER } },
	{ .name = "Writer::write", .symbols = RUSTLS_WRITE, .call = { .kind = TLS_WRITE, RUSTLS } },
	/* an IoSlice is a struct iovec */
	{ .name = "Writer::write_vectored",
	  .symbols = "_ZN%_$LT$rustls..conn..ConnectionCommon$LT$T$GT$$u20$as$u20$rustls..conn..%"
		     "PlaintextSink$GT$14write_vectored17h%"
		     "|_RNvX%6rustls4conn%16ConnectionCommon%13PlaintextSink14write_vectored%",
	  .call = { .kind = TLS_WRITEV, RUSTLS } },
	{ .name = "WriteEarlyData::write",
	  .symbols = "_ZN%_$LT$rustls..client..client_conn..%WriteEarlyData$u20$as$u20$%..io..Write$GT$"
		     "5write17h%"
		     "|_RNvX%6rustls6client11client_conn%14WriteEarlyDataNt%2io5Write5write%",
	  .call = { .kind = TLS_WRITE_UNMEASURED,
		    .session = 1 | TLS_ARGUMENT_RUST,
		    .done = RUST_CONNECTION_POINTER } },
	/* of the queue that is sent: write_tls() calls it, the socket's write is nested in it */
	{ .name = "write_tls",
	  .symbols = RUSTLS_TRANSPORT,
	  .call = { .kind = TLS_TRANSPORT, .session = 1 | TLS_ARGUMENT_RUST, .done = RUST_SENDABLE } },
	{ .name = "drop",
	  .symbols = "_ZN4core3ptr%drop_in_place$LT$rustls..conn..ConnectionCommon$LT$%"
		     "|_RINv%4core3ptr13drop_in_placeINtNt%6rustls4conn16ConnectionCommon%",
	  .call = { .kind = TLS_FREE, .session = 1 | TLS_ARGUMENT_RUST } },
	{ .name = NULL },
};

#define IS_FOLLOWED		" is followed, but no call of it was seen for this connection"
#define FOLLOWED(name_, title_) .name = (name_), .title = (title_), .unread = "its " title_ IS_FOLLOWED
#define NAMED(name_, title_) \
	.name = (name_), .title = (title_), .unread = title_ ", which hark does not follow"

/* BoringSSL's is C++, its secret a Span, which comes as a pointer and a length. */
#define OPENSSL_SECRETS "ssl_log_secret|_ZN4bssl14ssl_log_secret%"

static const struct library_row rows[] = {
	{
		FOLLOWED("boringssl", "BoringSSL"),
		.used_by = "netty-tcnative, curl_cffi, Bun 1.1 to 1.4, Conscrypt 2.1 to 2.5 (Java), PyPI's "
			   "grpcio",
		.untried = "Android's libssl.so",
		.limit = "with its symbols; Bun's, Conscrypt's and grpcio's by their first bytes",
		.number = 4,
		.signs = { "SSL_read", "SSL_write", "SSL_CTX_set_select_certificate_cb" },
		.functions = openssl_functions,
		.secrets = OPENSSL_SECRETS,
		.has_accessors = true,
	},
	{
		FOLLOWED("libressl", "LibreSSL"),
		.used_by = "a program of the tests",
		.untried = "a released one: Debian has none",
		.number = 5,
		.signs = { "SSL_read", "SSL_write", "SSL_CTX_load_verify_mem" },
		.functions = openssl_functions,
		.has_accessors = true,
		.version = "LibreSSL ",
		.version_beside = "libcrypto",
	},
	{
		FOLLOWED("openssl", "OpenSSL"),
		.used_by = "curl, nginx, Apache, HAProxy, nghttpd, Python, gRPC, Ruby, Node.js",
		.untried = "PHP, Perl, .NET, PostgreSQL",
		.limit = "1.1.1, 3.x; inside an executable that keeps its symbols, too",
		.number = SOURCE_OPENSSL,
		.file = "libssl.so", /* the relatives' as well */
		.signs = { "SSL_read", "SSL_write" },
		.functions = openssl_functions,
		.secrets = OPENSSL_SECRETS,
		.has_accessors = true,
		.version = "OpenSSL ",
		.version_beside = "libcrypto",
	},
	{
		FOLLOWED("gnutls", "GnuTLS"),
		.used_by = "wget, git, apt, lynx, gnutls-cli; lighttpd as a server",
		.number = 7,
		.file = "libgnutls.so",
		.signs = { "gnutls_record_send", "gnutls_record_recv" },
		.functions = gnutls_functions,
		.secrets = "_gnutls_call_keylog_func",
	},
	{
		FOLLOWED("nss", "NSS"),
		.used_by = "Firefox, libcurl; lighttpd as a server",
		.number = 10,
		.file = "libssl3.so",
		.signs = { "SSL_ImportFD", "SSL_ForceHandshake" },
		.functions = nss_functions,
	},
	{
		FOLLOWED("mbedtls", "Mbed TLS"),
		.used_by = "libgit2; lighttpd as a server",
		.number = 8,
		.file = "libmbedtls.so",
		.signs = { "mbedtls_ssl_read", "mbedtls_ssl_write" },
		.functions = mbedtls_functions,
	},
	{
		FOLLOWED("wolfssl", "wolfSSL"),
		.used_by = "lighttpd as a server",
		.untried = "any client",
		.number = 9,
		.file = "libwolfssl.so",
		.signs = { "wolfSSL_read", "wolfSSL_write" },
		.functions = wolfssl_functions,
		.version = "wolfSSL ",
	},
	{
		FOLLOWED("s2n", "s2n"),
		.used_by = "awscrt, the AWS common runtime for Python",
		.untried = "a server, AWS's SDKs for C++",
		.limit = "with its symbols, PyPI's wheel and Debian's package",
		.number = 12,
		.file = "libs2n.so",
		.signs = { "s2n_send", "s2n_recv" },
		.functions = s2n_functions,
	},
	{
		FOLLOWED("nghttp3", "nghttp3"),
		.used_by = "ngtcp2's gtlsclient and gtlsserver (HTTP/3)",
		.limit = "where it is a shared library; needs Linux 5.15",
		.number = 16,
		.file = "libnghttp3.so",
		.signs = { "nghttp3_conn_read_stream", "nghttp3_conn_writev_stream" },
		.functions = nghttp3_functions,
		.calls = LIBRARY_CALLS_STREAMS,
	},
	{
		NAMED("rustls", "rustls"),
		.limit = "its functions are stripped or inlined",
		.file = "librustls",
	},
	{
		NAMED("libressl", "LibreSSL's libtls"),
		.limit = "its calls are those of the libssl below it",
		.file = "libtls.so",
	},
	{
		.name = "boringssl",
		.title = "Conscrypt's BoringSSL",
		.unread = "Conscrypt's BoringSSL, without symbols: no call of it was seen (--tls-library can "
			  "say where its functions stand)",
		.limit = "a build whose first bytes hark does not know",
		.file = "libconscrypt",
	},
	{
		NAMED("java", "Java's own TLS"),
		.used_by = "Java, Kotlin, Scala (Tomcat, Spring, Kafka, Elasticsearch)",
		.limit = "bytecode, compiled as it runs: no function to probe",
		.file = "libjvm.so",
	},
	{
		FOLLOWED("go", "Go's crypto/tls"),
		.used_by = "Go (net/http, grpc-go), hey",
		.untried = "Docker, Kubernetes, Caddy, Traefik",
		.limit = "from Go 1.17 on, stripped or not, PIE, cgo; needs Linux 5.15",
		.number = 6,
		.signs = { "crypto/tls.(*Conn).Read", "crypto/tls.(*Conn).Write" },
		.functions = go_functions,
		.secrets = "crypto/tls.(*Config).writeKeyLog",
		.calls = LIBRARY_CALLS_GO,
	},
	{
		.name = "go",
		.title = "Go's crypto/tls in an unknown form",
		.unread = "Go's crypto/tls in a form that hark does not know (before Go 1.17, or obfuscated)",
		.limit = "before Go 1.17, or obfuscated",
		.sections = { ".gopclntab", ".go.buildinfo" },
	},
	{
		FOLLOWED("rustls", "rustls"),
		.used_by = "Rust (hyper on tokio, rustls's own streams)",
		.untried = "reqwest",
		.limit = "0.20 to 0.23, with its symbols and without LTO; needs Linux 5.15",
		.number = 11,
		.signs = { RUSTLS_WRITE, RUSTLS_TRANSPORT, RUSTLS_READ "|" RUSTLS_CONSUME, RUSTLS_IO_STATE,
			   RUSTLS_IS_FULL },
		.functions = rustls_functions,
		.calls = LIBRARY_CALLS_RUST,
	},
	{
		.name = "boringssl",
		.title = "BoringSSL inside",
		.unread = "BoringSSL inside, without symbols: no call of it was seen (--tls-library can say "
			  "where its functions stand)",
		.used_by = "Chromium, Chrome, Electron, Envoy",
		.limit = "without symbols; --tls-library can say where its functions stand",
		.text_first = 's',
		.text = "sl/ssl_lib.cc",
	},
	{
		.name = "rustls",
		.title = "rustls whose functions are stripped or inlined",
		.unread = "rustls whose functions are stripped or inlined, which hark does not follow",
		.used_by = "Deno",
		.limit = "its functions are stripped or inlined",
		.text_first = '/',
		.text = "rustls-0.",
	},
};

static_assert(COUNT_OF(rows) <= LIBRARIES_MAX_ROWS, "a bit for each");

const struct library_row *libraries_row(size_t index)
{
	return index < COUNT_OF(rows) ? &rows[index] : NULL;
}

const struct library_row *libraries_find_number(unsigned int number)
{
	for (size_t i = 0; number && i < COUNT_OF(rows); i++)
		if (rows[i].number == number)
			return &rows[i];
	return NULL;
}

bool libraries_has_name(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

/* Go's calls are told by each of their returns, those by the functions' sizes; NSS's by its table. */
const struct library_row *libraries_find_claimable(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].number && rows[i].calls == LIBRARY_CALLS_C && !rows[i].functions->method &&
		    strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct library_function *libraries_find_function(const struct library_row *row, const char *name)
{
	for (const struct library_function *function = row->functions; function->name; function++)
		if (strcmp(function->name, name) == 0)
			return function;
	return NULL;
}

/* Most files have none of it: a function that is missing is not looked for again. */
const struct library_row *libraries_find_file(const struct elf_file *elf)
{
	const char *missing = NULL;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *const *signs = rows[i].signs;
		struct elf_symbol first;
		size_t has = 1;

		if (!rows[i].number || (missing && strcmp(signs[0], missing) == 0))
			continue;
		if (elf_find_function(elf, signs[0], &first)) {
			missing = signs[0];
			continue;
		}
		while (has < LIBRARY_SIGNS_MAX && signs[has] &&
		       elf_has_function_beside(elf, &first, signs[has]))
			has++;
		if (has == LIBRARY_SIGNS_MAX || !signs[has])
			return &rows[i];
	}
	return NULL;
}

uint32_t libraries_of_row(const struct library_row *row)
{
	return 1u << (row - rows);
}

uint32_t libraries_followed(void)
{
	uint32_t found = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].number)
			found |= 1u << i;
	return found;
}

uint32_t libraries_inside(void)
{
	uint32_t found = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].text || rows[i].sections[0])
			found |= 1u << i;
	return found;
}

uint32_t libraries_of_name(const char *base)
{
	uint32_t found = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].file && strncmp(base, rows[i].file, strlen(rows[i].file)) == 0)
			found |= 1u << i;
	return found;
}

static bool executable_has(const struct elf_file *elf, const struct library_row *row)
{
	char text[32];

	for (size_t i = 0; i < COUNT_OF(row->sections); i++)
		if (row->sections[i] && elf_has_section(elf, row->sections[i]))
			return true;
	if (!row->text)
		return false;
	snprintf(text, sizeof(text), "%c%s", row->text_first, row->text);
	return elf_has_text(elf, text);
}

uint32_t libraries_of_executable(int fd)
{
	struct elf_file *elf = elf_file_open_fd(fd);
	const struct library_row *followed = elf ? libraries_find_file(elf) : NULL;
	uint32_t found = followed ? libraries_of_row(followed) : 0;

	for (size_t i = 0; elf && !followed && i < COUNT_OF(rows); i++)
		if (executable_has(elf, &rows[i]))
			found |= 1u << i;
	elf_file_close(elf);
	return found;
}

uint32_t libraries_without_texts(uint32_t set)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].text)
			set &= ~(1u << i);
	return set;
}

/*
 * What somebody linked into an executable is what it uses. What is mapped often comes along unused, as the
 * library of a library (GnuTLS by way of CUPS), so a followed one goes before others.
 */
const char *libraries_why(uint32_t mapped, uint32_t inside)
{
	uint32_t followed, set = inside ? inside : mapped;

	/* No TLS over TCP is of a library of HTTP/3. */
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].calls == LIBRARY_CALLS_STREAMS)
			set &= ~(1u << i);
	followed = inside ? 0 : set & libraries_followed();
	set = followed ? followed : set;
	return set ? rows[__builtin_ctz(set)].unread : NULL;
}

bool libraries_why_followed(const char *why)
{
	return why && strstr(why, IS_FOLLOWED) != NULL;
}
