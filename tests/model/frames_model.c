// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The frame allocator against an oracle that is too simple to be wrong.
 *
 * The oracle keeps a byte a frame for a few small spans, far apart: at 0, at the
 * top of the PFN space, and between.  Every operation goes to both; the answers
 * and, from time to time, all states have to agree, and the validator's every
 * level has to hold after each step.  An operation is data (struct op), so
 * that a failing list can be shrunk: operations are dropped as long as what
 * remains still fails.
 *
 * frames_model [SEED [ROUNDS]]; SEED in the environment does as well.
 */
#include "frames_oracle.h"

#include <time.h>
#include <unistd.h>

#define OPS 600

static u64 rng_state;

static u64 rng(void)
{
	rng_state += 0x9e3779b97f4a7c15ULL;
	u64 z = rng_state;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static void random_op(struct op *op)
{
	u64 r = rng();

	op->kind = r % OP_KINDS;
	op->span = (r >> 8) % ORACLE_SPANS;
	op->at = rng();
	op->count = rng();
	op->shape = (uint32_t)rng();
}

/* Does this list fail?  The text says how. */
static const char *run_ops(const struct op *ops, unsigned int nr, bool feeding)
{
	struct oracle *o = oracle_new(feeding);
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < nr && !why; i++)
		why = oracle_step(o, &ops[i]);
	if (!why)
		why = oracle_compare(o);
	oracle_free(o);
	return why;
}

static unsigned int shrink(struct op *ops, unsigned int nr, bool feeding)
{
	struct op *trial = malloc(nr * sizeof(*ops));
	unsigned int chunk, at;

	for (chunk = nr / 2; chunk; chunk /= 2)
		for (at = 0; at + chunk <= nr;) {
			memcpy(trial, ops, at * sizeof(*ops));
			memcpy(trial + at, ops + at + chunk,
			       (nr - at - chunk) * sizeof(*ops));
			if (run_ops(trial, nr - chunk, feeding)) {
				nr -= chunk;
				memcpy(ops, trial, nr * sizeof(*ops));
			} else {
				at += chunk;
			}
		}
	free(trial);
	return nr;
}

static int fail(struct op *ops, u64 seed, bool feeding)
{
	unsigned int i, nr = shrink(ops, OPS, feeding);

	printf("FAILED seed %llu: %s\n", seed, run_ops(ops, nr, feeding));
	for (i = 0; i < nr; i++)
		op_print(&ops[i]);
	return 1;
}

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : getenv("SEED");
	u64 seed = text ? strtoull(text, NULL, 0) :
			  (u64)time(NULL) << 20 ^ (u64)getpid();
	unsigned int rounds = argc > 2 ? atoi(argv[2]) : MODEL_ROUNDS;
	unsigned int i, round;
	static struct op ops[OPS];

	for (round = 0; round < rounds; round++) {
		rng_state = seed + round;
		for (i = 0; i < OPS; i++)
			random_op(&ops[i]);
		if (run_ops(ops, OPS, round & 1))
			return fail(ops, seed + round, round & 1);
	}
	printf("frames_model: seed %llu, %u rounds of %d operations\n", seed,
	       rounds, OPS);
	return 0;
}
