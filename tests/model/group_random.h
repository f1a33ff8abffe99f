/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * What the randomised programs for reach, groups and ladder share: a seed that
 * is always printed, numbers from it, and a check that names the seed.
 */
#ifndef GROUP_RANDOM_H
#define GROUP_RANDOM_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dmag.h"
#include "dmag_port.h"

static u64 rnd_seed;
static u64 rnd_state;

/* From the first argument, else from SEED in the environment, else the clock. */
static inline void rnd_init(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : getenv("SEED");
	struct timespec now;

	if (text) {
		rnd_seed = strtoull(text, NULL, 0);
	} else {
		timespec_get(&now, TIME_UTC);
		rnd_seed = (u64)now.tv_sec * 1000000007 + (u64)now.tv_nsec;
	}
	printf("seed %llu\n", (unsigned long long)rnd_seed);
	rnd_state = rnd_seed;
}

/* splitmix64 */
static inline u64 rnd(void)
{
	u64 z = rnd_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 to n - 1 */
static inline u64 rnd_below(u64 n)
{
	return rnd() % n;
}

/* Emulated machines are slow, and look for what depends on the machine. */
#ifdef MODEL_ROUNDS
#define ROUNDS(n) ((n) / 10)
#else
#define ROUNDS(n) (n)
#endif

#define REQUIRE(cond)                                                          \
	do {                                                                   \
		if (!(cond)) {                                                 \
			printf("%s:%d: %s: false with seed %llu\n", __FILE__,  \
			       __LINE__, #cond, (unsigned long long)rnd_seed); \
			exit(1);                                               \
		}                                                              \
	} while (0)

#endif /* GROUP_RANDOM_H */
