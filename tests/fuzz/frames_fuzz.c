// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The frame allocator under libFuzzer: the input is a list of operations, the
 * oracle of the randomised test judges.
 */
#include "frames_oracle.h"

#define OP_BYTES 12
#define MOST_OPS 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(struct op *op, const uint8_t *p)
{
	op->kind = p[0] % OP_KINDS;
	op->span = p[1] % ORACLE_SPANS;
	op->at = p[2] | p[3] << 8;
	op->count = p[4] | p[5] << 8 | p[6] << 16 | (u64)p[7] << 24;
	op->shape = p[8] | p[9] << 8 | p[10] << 16 | (uint32_t)p[11] << 24;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oracle *o = oracle_new(size & 1);
	unsigned int i, nr = min_t(size_t, size / OP_BYTES, MOST_OPS);
	const char *why = NULL;
	struct op op;

	for (i = 0; i < nr && !why; i++) {
		decode(&op, data + i * OP_BYTES);
		why = oracle_step(o, &op);
	}
	if (why) {
		printf("%s, after:\n", why);
		for (nr = i, i = 0; i < nr; i++) {
			decode(&op, data + i * OP_BYTES);
			op_print(&op);
		}
		abort();
	}
	oracle_free(o);
	return 0;
}
