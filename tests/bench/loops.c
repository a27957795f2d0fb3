/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that have nothing to do with sockets, in a loop: loops getppid|pipe SECONDS.
 * Prints nanoseconds a round: the median of many short stretches, so that a burst of
 * other work on the machine does not count.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STRETCH	      20000
#define STRETCHES_MAX 65536

static int pipes[2];

static void round_getppid(void)
{
	syscall(SYS_getppid);
}

static void round_pipe(void)
{
	char byte = 'x';

	if (write(pipes[1], &byte, 1) != 1 || read(pipes[0], &byte, 1) != 1)
		abort();
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double stretches[STRETCHES_MAX];
	int count = 0;

	if (argc != 3 || (strcmp(argv[1], "getppid") && strcmp(argv[1], "pipe")) || pipe(pipes)) {
		fprintf(stderr, "usage: loops getppid|pipe SECONDS\n");
		return 2;
	}
	void (*round)(void) = strcmp(argv[1], "pipe") ? round_getppid : round_pipe;
	uint64_t end = now_ns() + (uint64_t)(atof(argv[2]) * 1e9);

	while (now_ns() < end && count < STRETCHES_MAX) {
		uint64_t begin = now_ns();

		for (int i = 0; i < STRETCH; i++)
			round();
		stretches[count++] = (double)(now_ns() - begin) / STRETCH;
	}
	qsort(stretches, (size_t)count, sizeof(*stretches), compare);
	printf("%.2f\n", stretches[count / 2]);
	return 0;
}
