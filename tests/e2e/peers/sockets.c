/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange a connection, moved by every call that can move bytes on a
 * stream socket: sockets WAY FAMILY COUNT. The parent is the client, a child
 * the server; both know the sizes, so nothing here parses HTTP. Prints
 * "client PID" and "server PID" for each process that moves bytes, and exits
 * with 0 only when every byte arrived as sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_BODY  3000
#define RESPONSE_BODY 5000
#define MESSAGE_MAX   16384

struct message {
	char *bytes; /* below 4 GiB, for the 32-bit calls */
	size_t head, size;
};

/* Moves up to size bytes, as the call does: its return value. */
typedef ssize_t move_fn(int fd, char *bytes, size_t size);

struct way {
	const char *name;
	move_fn *send, *receive;
	/* Answers with the whole response; NULL: by send. */
	void (*answer)(int fd, const struct message *response);
};

static void die(const char *what)
{
	perror(what);
	_exit(1);
}

static void check(int true_enough, const char *what)
{
	if (!true_enough)
		die(what);
}

static struct message message_new(const char *start_line, size_t body)
{
	struct message message;

	message.bytes = mmap(NULL, MESSAGE_MAX, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_32BIT, -1, 0);
	check(message.bytes != MAP_FAILED, "mmap");
	message.head =
		(size_t)snprintf(message.bytes, MESSAGE_MAX,
				 "%s\r\nHost: sockets\r\nX-Mark: %zu bytes\r\nContent-Length: %zu\r\n\r\n",
				 start_line, body, body);
	message.size = message.head + body;
	for (size_t i = 0; i < body; i++)
		message.bytes[message.head + i] = (char)('a' + i % 26);
	return message;
}

/* --- calls ------------------------------------------------------------------ */

static ssize_t move_write(int fd, char *bytes, size_t size)
{
	return write(fd, bytes, size);
}

static ssize_t move_read(int fd, char *bytes, size_t size)
{
	return read(fd, bytes, size);
}

static ssize_t move_sendto(int fd, char *bytes, size_t size)
{
	return sendto(fd, bytes, size, MSG_NOSIGNAL, NULL, 0);
}

static ssize_t move_recvfrom(int fd, char *bytes, size_t size)
{
	return recvfrom(fd, bytes, size, 0, NULL, NULL);
}

/* Cuts the bytes into vectors of step bytes (the last one takes the rest), with empty ones between. */
static int cut(struct iovec *vectors, int max, char *bytes, size_t size, size_t step)
{
	int count = 0;

	for (size_t at = 0; at < size; at += step) {
		size_t length = size - at < step || count == max - 1 ? size - at : step;

		vectors[count++] = (struct iovec){ bytes + at, length };
		if (count == max)
			break;
	}
	return count;
}

static ssize_t move_writev(int fd, char *bytes, size_t size)
{
	struct iovec vectors[3];

	return writev(fd, vectors, cut(vectors, 3, bytes, size, size / 3 + 1));
}

static ssize_t move_readv(int fd, char *bytes, size_t size)
{
	struct iovec vectors[3];

	return readv(fd, vectors, cut(vectors, 3, bytes, size, 100));
}

static ssize_t move_pwritev2(int fd, char *bytes, size_t size)
{
	struct iovec vectors[5];

	return pwritev2(fd, vectors, cut(vectors, 5, bytes, size, 33), -1, 0);
}

static ssize_t move_preadv2(int fd, char *bytes, size_t size)
{
	struct iovec vectors[2];

	return preadv2(fd, vectors, cut(vectors, 2, bytes, size, 10), -1, 0);
}

static ssize_t move_sendmsg(int fd, char *bytes, size_t size)
{
	struct iovec vectors[4];
	struct msghdr header = { .msg_iov = vectors,
				 .msg_iovlen = (size_t)cut(vectors, 4, bytes, size, size / 4 + 1) };

	return sendmsg(fd, &header, MSG_NOSIGNAL);
}

static ssize_t move_recvmsg(int fd, char *bytes, size_t size)
{
	struct iovec vectors[4];
	struct msghdr header = { .msg_iov = vectors,
				 .msg_iovlen = (size_t)cut(vectors, 4, bytes, size, 1000) };

	return recvmsg(fd, &header, 0);
}

/* 1,024 vectors of seven bytes: what the system takes at most. */
static ssize_t move_sendmsg_many(int fd, char *bytes, size_t size)
{
	static struct iovec vectors[1024];
	struct msghdr header = { .msg_iov = vectors,
				 .msg_iovlen = (size_t)cut(vectors, 1024, bytes, size, 7) };

	return sendmsg(fd, &header, MSG_NOSIGNAL);
}

static ssize_t move_readv_many(int fd, char *bytes, size_t size)
{
	static struct iovec vectors[1024];

	return readv(fd, vectors, cut(vectors, 1024, bytes, size, 11));
}

static ssize_t sum_messages(const struct mmsghdr *messages, int count)
{
	ssize_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += messages[i].msg_len;
	return count < 0 ? -1 : sum;
}

/* Four messages of two vectors each. */
static ssize_t move_mmsg(int fd, char *bytes, size_t size, int sending)
{
	struct iovec vectors[8];
	struct mmsghdr messages[4] = { 0 };
	size_t quarter = size / 4;

	for (size_t i = 0; i < 4; i++) {
		size_t part = i == 3 ? size - 3 * quarter : quarter;
		int count = cut(&vectors[i * 2], 2, bytes + i * quarter, part, part / 2 + 1);

		messages[i].msg_hdr.msg_iov = &vectors[i * 2];
		messages[i].msg_hdr.msg_iovlen = (size_t)count;
	}
	return sum_messages(messages, sending ? sendmmsg(fd, messages, 4, MSG_NOSIGNAL)
					      : recvmmsg(fd, messages, 4, MSG_WAITFORONE, NULL));
}

static ssize_t move_sendmmsg(int fd, char *bytes, size_t size)
{
	return move_mmsg(fd, bytes, size, 1);
}

/* Short datagram-like reads leave gaps between the messages' buffers: one message is enough for a stream. */
static ssize_t move_recvmmsg(int fd, char *bytes, size_t size)
{
	struct iovec vectors[2];
	struct mmsghdr message = { .msg_hdr = { .msg_iov = vectors } };

	message.msg_hdr.msg_iovlen = (size_t)cut(vectors, 2, bytes, size, 50);
	return sum_messages(&message, recvmmsg(fd, &message, 1, 0, NULL));
}

static ssize_t move_send_byte(int fd, char *bytes, size_t size)
{
	return send(fd, bytes, size > 2600 ? 1 : size, MSG_NOSIGNAL);
}

static ssize_t move_recv_three(int fd, char *bytes, size_t size)
{
	return recv(fd, bytes, size < 3 ? size : 3, 0);
}

static ssize_t move_recv_peeked(int fd, char *bytes, size_t size)
{
	char seen[512];

	check(recv(fd, seen, sizeof(seen), MSG_PEEK) > 0, "peek");
	check(recv(fd, seen, sizeof(seen), MSG_PEEK | MSG_DONTWAIT) > 0, "peek again");
	return recv(fd, bytes, size < 100 ? size : 100, 0);
}

static ssize_t move_send_after_failures(int fd, char *bytes, size_t size)
{
	char scrap[64];

	check(send(fd, (void *)8, 100, MSG_NOSIGNAL) < 0 && errno == EFAULT, "send from nowhere");
	check(recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT) < 0 && errno == EAGAIN, "recv of nothing");
	check(write(-1, bytes, size) < 0 && errno == EBADF, "write to nothing");
	return send(fd, bytes, size, MSG_NOSIGNAL);
}

static ssize_t move_dup_write(int fd, char *bytes, size_t size)
{
	int other = dup(fd);
	ssize_t moved = write(other, bytes, size / 2 + 1);

	close(other);
	return moved;
}

#ifdef __x86_64__
/* write(2) of the 32-bit interface, from a 64-bit program: number 4 by int 0x80. */
static ssize_t move_compat_write(int fd, char *bytes, size_t size)
{
	int moved;

	__asm__ volatile("int $0x80"
			 : "=a"(moved)
			 : "a"(4), "b"(fd), "c"((uint32_t)(uintptr_t)bytes), "d"((uint32_t)size)
			 : "memory", "r8", "r9", "r10", "r11");
	return moved;
}
#else
static ssize_t move_compat_write(int fd, char *bytes, size_t size)
{
	return write(fd, bytes, size);
}
#endif

/* Only the head is read; the body goes through a pipe. */
static ssize_t move_splice_in(int fd, char *bytes, size_t size)
{
	size_t body = size > RESPONSE_BODY ? RESPONSE_BODY : REQUEST_BODY, done = 0;
	ssize_t moved;
	int pipes[2];

	if (size > body && size < body + 200)
		return recv(fd, bytes, size - body, 0);
	check(pipe(pipes) == 0, "pipe");
	moved = splice(fd, NULL, pipes[1], NULL, size, 0);
	while (moved > 0 && done < (size_t)moved) {
		ssize_t n = read(pipes[0], bytes + done, (size_t)moved - done);

		check(n > 0, "read the pipe");
		done += (size_t)n;
	}
	close(pipes[0]);
	close(pipes[1]);
	return moved;
}

/* --- moving all ------------------------------------------------------------- */

static void move_all(move_fn *move, int fd, char *bytes, size_t size, const char *what)
{
	for (size_t done = 0; done < size;) {
		ssize_t moved = move(fd, bytes + done, size - done);

		if (moved < 0 && errno == EINTR)
			continue;
		check(moved > 0, what);
		done += (size_t)moved;
	}
}

static void receive_message(move_fn *receive, int fd, const struct message *expected)
{
	struct message got = message_new("", 0);

	memset(got.bytes, 0, MESSAGE_MAX);
	move_all(receive, fd, got.bytes, expected->size, "receive");
	errno = EBADMSG;
	check(memcmp(got.bytes, expected->bytes, expected->size) == 0, "what arrived differs");
	munmap(got.bytes, MESSAGE_MAX);
}

/* --- answers without a user buffer, or from other processes ------------------- */

static int body_file(const struct message *response)
{
	int file = memfd_create("body", MFD_CLOEXEC);

	check(file >= 0, "memfd_create");
	move_all(move_write, file, response->bytes + response->head, response->size - response->head, "fill");
	return file;
}

static void answer_sendfile(int fd, const struct message *response)
{
	int file = body_file(response);
	off_t at = 0;

	move_all(move_write, fd, response->bytes, response->head, "head");
	while ((size_t)at < response->size - response->head)
		check(sendfile(fd, file, &at, response->size - response->head - (size_t)at) > 0, "sendfile");
	close(file);
}

static void answer_splice(int fd, const struct message *response)
{
	size_t left = response->size - response->head;
	int pipes[2];

	move_all(move_write, fd, response->bytes, response->head, "head");
	check(pipe(pipes) == 0, "pipe");
	move_all(move_write, pipes[1], response->bytes + response->head, left, "fill");
	while (left) {
		ssize_t moved = splice(pipes[0], NULL, fd, NULL, left, 0);

		check(moved > 0, "splice");
		left -= (size_t)moved;
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* One IORING_OP_SEND through a ring of one entry, by the raw calls. */
static void uring_send(int fd, const char *bytes, size_t size)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &params);

	check(ring >= 0, "io_uring_setup");
	char *sq = mmap(NULL, params.sq_off.array + 4 * params.sq_entries, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	char *cq = mmap(NULL, params.cq_off.cqes + sizeof(struct io_uring_cqe) * params.cq_entries,
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_CQ_RING);
	struct io_uring_sqe *sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
					ring, IORING_OFF_SQES);

	check(sq != MAP_FAILED && cq != MAP_FAILED && sqe != MAP_FAILED, "map the ring");
	*sqe = (struct io_uring_sqe){ .opcode = IORING_OP_SEND,
				      .fd = fd,
				      .addr = (uintptr_t)bytes,
				      .len = (uint32_t)size,
				      .msg_flags = MSG_NOSIGNAL | MSG_WAITALL };
	*(uint32_t *)(sq + params.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	check(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1,
	      "io_uring_enter");
	struct io_uring_cqe *cqe = (struct io_uring_cqe *)(cq + params.cq_off.cqes);

	errno = cqe->res < 0 ? -cqe->res : EIO;
	check(cqe->res == (int32_t)size, "io_uring send");
	close(ring);
}

static void answer_uring(int fd, const struct message *response)
{
	move_all(move_write, fd, response->bytes, response->head, "head");
	uring_send(fd, response->bytes + response->head, response->size - response->head);
}

static void wait_child(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0) == pid, "waitpid");
	errno = ECHILD;
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child failed");
}

static void name_self(const char *role)
{
	printf("%s %d\n", role, getpid());
	fflush(stdout);
}

/* The child that fork made answers; the parent took the request. */
static void answer_forked(int fd, const struct message *response)
{
	pid_t pid = fork();

	if (pid == 0) {
		name_self("server");
		move_all(move_write, fd, response->bytes, response->size, "answer");
		_exit(0);
	}
	wait_child(pid);
}

static void send_fd(int channel, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec vector = { "x", 1 };
	struct msghdr header = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *part = CMSG_FIRSTHDR(&header);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(part), &fd, sizeof(fd));
	check(sendmsg(channel, &header, 0) == 1, "send the fd");
}

static int receive_fd(int channel)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec vector = { &byte, 1 };
	struct msghdr header = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	int fd;

	check(recvmsg(channel, &header, 0) == 1 && CMSG_FIRSTHDR(&header), "receive the fd");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(fd));
	return fd;
}

/* A process that never saw the connection before gets its fd over a Unix socket and answers. */
static void answer_passed(int fd, const struct message *response)
{
	int channel[2];

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, channel) == 0, "socketpair");
	pid_t pid = fork();

	if (pid == 0) {
		close(fd);
		for (int i = 0; i < 20; i++) /* so that the number differs */
			check(open("/dev/null", O_RDONLY) >= 0, "open");
		int passed = receive_fd(channel[1]);

		name_self("server");
		move_all(move_write, passed, response->bytes, response->size, "answer");
		_exit(0);
	}
	send_fd(channel[0], fd);
	wait_child(pid);
	close(channel[0]);
	close(channel[1]);
}

/* --- both ends -------------------------------------------------------------- */

static const struct way WAYS[] = {
	{ "write", move_write, move_read, NULL },
	{ "sendto", move_sendto, move_recvfrom, NULL },
	{ "writev", move_writev, move_readv, NULL },
	{ "pwritev2", move_pwritev2, move_preadv2, NULL },
	{ "sendmsg", move_sendmsg, move_recvmsg, NULL },
	{ "many", move_sendmsg_many, move_readv_many, NULL },
	{ "sendmmsg", move_sendmmsg, move_recvmmsg, NULL },
	{ "partial", move_send_byte, move_recv_three, NULL },
	{ "peek", move_sendto, move_recv_peeked, NULL },
	{ "failed", move_send_after_failures, move_recvfrom, NULL },
	{ "dup", move_dup_write, move_read, NULL },
	{ "compat", move_compat_write, move_read, NULL },
	{ "sendfile", move_write, move_read, answer_sendfile },
	{ "splice", move_write, move_read, answer_splice },
	{ "splice-in", move_write, move_splice_in, NULL },
	{ "io_uring", move_write, move_read, answer_uring },
	{ "fork", move_write, move_read, answer_forked },
	{ "passed", move_write, move_read, answer_passed },
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

/* port: of IPv4 and IPv6; 0 is any. */
static socklen_t address_make(union address *address, const char *family, int port)
{
	memset(address, 0, sizeof(*address));
	if (!strcmp(family, "4")) {
		address->v4 = (struct sockaddr_in){ .sin_family = AF_INET,
						    .sin_port = htons(port),
						    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		return sizeof(address->v4);
	}
	if (!strcmp(family, "6")) {
		address->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						     .sin6_port = htons(port),
						     .sin6_addr = in6addr_loopback };
		return sizeof(address->v6);
	}
	address->local.sun_family = AF_UNIX; /* abstract: no file is left behind */
	snprintf(address->local.sun_path + 1, sizeof(address->local.sun_path) - 1, "hark-%d", getpid());
	return sizeof(address->local);
}

static void serve(int listener, const struct way *way, int count, const struct message *request,
		  const struct message *response)
{
	name_self("server");
	for (int i = 0; i < count; i++) {
		int fd = accept(listener, NULL, NULL);

		check(fd >= 0, "accept");
		receive_message(way->receive, fd, request);
		if (way->answer)
			way->answer(fd, response);
		else
			move_all(way->send, fd, response->bytes, response->size, "send");
		close(fd);
	}
	_exit(0);
}

/* Each connection gets the number of the one before it: fd reuse. */
static void ask(const union address *address, socklen_t length, const struct way *way, int count,
		const struct message *request, const struct message *response)
{
	name_self("client");
	for (int i = 0; i < count; i++) {
		int fd = socket(address->any.sa_family, SOCK_STREAM, 0);
		char end;

		check(fd >= 0 && connect(fd, &address->any, length) == 0, "connect");
		move_all(way->send, fd, request->bytes, request->size, "send");
		receive_message(way->receive, fd, response);
		check(recv(fd, &end, 1, 0) == 0, "end");
		close(fd);
	}
}

static const struct way *way_find(const char *name)
{
	for (size_t i = 0; i < sizeof(WAYS) / sizeof(WAYS[0]); i++)
		if (!strcmp(WAYS[i].name, name))
			return &WAYS[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct way *way = argc == 4 || argc == 5 ? way_find(argv[1]) : NULL;
	union address address;
	char line[64];

	if (!way) {
		fprintf(stderr, "usage: sockets WAY 4|6|unix COUNT [PORT]\n");
		return 2;
	}
	socklen_t length = address_make(&address, argv[2], argc == 5 ? atoi(argv[4]) : 0);
	int listener = socket(address.any.sa_family, SOCK_STREAM, 0), count = atoi(argv[3]);

	check(listener >= 0 && bind(listener, &address.any, length) == 0 && listen(listener, 64) == 0,
	      "listen");
	check(getsockname(listener, &address.any, &length) == 0, "getsockname");
	snprintf(line, sizeof(line), "POST /%s?by=%s HTTP/1.1", argv[1], argv[2]);
	struct message request = message_new(line, REQUEST_BODY);
	struct message response = message_new("HTTP/1.1 200 OK", RESPONSE_BODY);
	pid_t server = fork();

	check(server >= 0, "fork");
	if (server == 0)
		serve(listener, way, count, &request, &response);
	close(listener);
	ask(&address, length, way, count, &request, &response);
	wait_child(server);
	return 0;
}
