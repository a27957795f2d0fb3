/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A perf event that counts nothing, on each processor, asked to report
 * executable mappings: the kernel writes one record when a file is mapped with
 * PROT_EXEC and does nothing anywhere else, so no system call of anybody gets slower but
 * exec and dlopen, by part of a microsecond a mapping.
 *
 * Each ring is a page of positions and 64 KiB of records that may wrap. The
 * kernel owns data_head, this side data_tail; a record is copied out before it
 * is looked at. 64 KiB hold about 500 records; when they overflow the kernel
 * says how many were lost, and the handler looks through all processes again.
 */
#include "map_watch.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define RING_BYTES   (64u << 10)
#define RECORD_BYTES 8192u /* a path of PATH_MAX and the rest */

struct cpu_ring {
	int fd;
	struct perf_event_mmap_page *page; /* NULL: not mapped */
};

struct map_watch {
	struct map_watch_handler handler;
	int epoll_fd;
	size_t page_bytes;
	struct cpu_ring *rings;
	size_t ring_count;
	union { /* records start with a header and are aligned to 8 bytes */
		struct perf_event_header header;
		uint8_t bytes[RECORD_BYTES];
	} record;
};

/* The fixed part of PERF_RECORD_MMAP2 (perf_event_open(2)), then the path. */
struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t address, len, page_offset;
	uint32_t major, minor;
	uint64_t inode, inode_generation;
	uint32_t protection, flags;
	char path[];
};

static int ring_open(struct map_watch *watch, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.mmap = 1,
		.mmap2 = 1,
		.exclude_kernel = 1,
		.watermark = 1,
		.wakeup_watermark = 1, /* a client may live 50 ms: be told at once */
	};
	struct cpu_ring *ring = &watch->rings[watch->ring_count];
	struct epoll_event event = { .events = EPOLLIN };
	void *page;

	ring->fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (ring->fd < 0)
		return -errno;
	watch->ring_count++;
	page = mmap(NULL, watch->page_bytes + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	ring->page = page;
	return epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, ring->fd, &event) ? -errno : 0;
}

static int rings_open(struct map_watch *watch, long cpus)
{
	watch->rings = calloc((size_t)cpus, sizeof(*watch->rings));
	if (!watch->rings)
		return -ENOMEM;
	for (long cpu = 0; cpu < cpus; cpu++) {
		int err = ring_open(watch, (int)cpu);

		if (err && err != -ENODEV) /* -ENODEV: offline */
			return err;
	}
	return watch->ring_count ? 0 : -ENODEV;
}

struct map_watch *map_watch_new(const struct map_watch_handler *handler)
{
	struct map_watch *watch = calloc(1, sizeof(*watch));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err;

	if (!watch)
		return NULL;
	watch->handler = *handler;
	watch->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = watch->epoll_fd < 0 ? -errno : rings_open(watch, cpus > 0 ? cpus : 1);
	if (!err)
		return watch;
	map_watch_free(watch);
	errno = -err;
	return NULL;
}

void map_watch_free(struct map_watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->ring_count; i++) {
		if (watch->rings[i].page)
			munmap(watch->rings[i].page, watch->page_bytes + RING_BYTES);
		close(watch->rings[i].fd);
	}
	if (watch->epoll_fd >= 0)
		close(watch->epoll_fd);
	free(watch->rings);
	free(watch);
}

int map_watch_fd(const struct map_watch *watch)
{
	return watch->epoll_fd;
}

static void ring_copy(const struct map_watch *watch, const struct cpu_ring *ring, uint64_t at, void *out,
		      size_t len)
{
	const uint8_t *data = (const uint8_t *)ring->page + watch->page_bytes;
	size_t start = at % RING_BYTES;
	size_t first = len < RING_BYTES - start ? len : RING_BYTES - start;

	memcpy(out, data + start, first);
	memcpy((uint8_t *)out + first, data, len - first);
}

static void mmap2_handle(struct map_watch *watch, size_t size)
{
	const struct mmap2_record *record = (const void *)watch->record.bytes;
	struct mapping mapping;

	if (size <= sizeof(*record) || !memchr(record->path, '\0', size - sizeof(*record)))
		return;
	if (!(record->protection & PROT_EXEC) || record->path[0] != '/' || record->path[1] == '/')
		return; /* "//anon" is no file */
	mapping = (struct mapping){
		.start = record->address,
		.end = record->address + record->len,
		.device = makedev(record->major, record->minor),
		.inode = record->inode,
		.path = record->path,
	};
	watch->handler.mapped(watch->handler.ctx, record->pid, &mapping);
}

/*
 * Returns whether records were lost: the kernel says so in its next record, which may be long in coming, so a
 * ring without room for one counts too.
 */
static bool ring_read(struct map_watch *watch, struct cpu_ring *ring)
{
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	bool lost = head - tail > RING_BYTES - RECORD_BYTES;

	while (head - tail >= sizeof(watch->record.header)) {
		struct perf_event_header header;

		ring_copy(watch, ring, tail, &header, sizeof(header));
		if (header.size < sizeof(header) || header.size > head - tail) {
			tail = head; /* cannot be; never loop on it */
			lost = true;
			break;
		}
		if (header.type == PERF_RECORD_LOST || header.size > RECORD_BYTES)
			lost = true;
		if (header.type == PERF_RECORD_MMAP2 && header.size <= RECORD_BYTES) {
			ring_copy(watch, ring, tail, watch->record.bytes, header.size);
			mmap2_handle(watch, header.size);
		}
		tail += header.size;
		__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
	return lost;
}

void map_watch_read(struct map_watch *watch)
{
	struct epoll_event events[16];
	bool lost = false;

	/* The rings are read whatever epoll says; asking it clears its readiness. */
	(void)epoll_wait(watch->epoll_fd, events, 16, 0);
	for (size_t i = 0; i < watch->ring_count; i++)
		lost |= ring_read(watch, &watch->rings[i]);
	if (lost)
		watch->handler.lost(watch->handler.ctx);
}
