/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of one HTTP/3 connection in one program, by nghttp3, without QUIC between them:
 *	http3 TAKE SCRIPT…
 * Of what is offered TAKE bytes are taken at most (0: all; less than 0: all, in two steps). Between two
 *scripts it says so and waits for a line. In the end it prints how many bytes each stream carried there and
 *back.
 */
#include "../../unit/http3_pair.h"

#include <unistd.h>

static size_t bodies[2];

static void moved(void *ctx, bool by_client, int64_t stream, const uint8_t *bytes, size_t len, bool fin)
{
	(void)ctx, (void)bytes, (void)fin;
	if (stream % 4 == 0)
		bodies[by_client] += len;
}

int main(int argc, char **argv)
{
	long take = argc > 1 ? atol(argv[1]) : 0;
	struct http3_pair pair = { .take = take > 0 ? (size_t)take : 0, .halves = take < 0, .moved = moved };
	char line[16];

	http3_pair_open(&pair);
	for (int i = 2; i < argc; i++) {
		if (i > 2) {
			puts("ready");
			fflush(stdout);
			if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
				return 1;
		}
		http3_pair_run(&pair, argv[i]);
	}
	http3_pair_close(&pair);
	printf("%zu %zu\n", bodies[1], bodies[0]);
	return 0;
}
