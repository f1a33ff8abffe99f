// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Fuzzing of everything that reads a device tree, with libFuzzer.
 *
 * The input is a flattened device tree.  It may be refused, with a reason; if
 * it is read, the plan has to hold together and be printable.
 */
#include <stdlib.h>

#include "plan.h"
#include "source.h"
#include "writers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plan(struct board *b)
{
	unsigned int i, members = 0;

	if (dmag_registry_validate(&b->registry, 4))
		abort();
	for (i = 0; i < b->nr_groups; i++) {
		struct group *g = b->groups[i];

		members += g->core.members;
		if (g->frames > dmag_reach_frames(&b->ram) || !g->worst)
			abort();
	}
	for (i = 0; i < b->nr_devices; i++)
		members -= b->devices[i].kind == DEVICE_DIRECT;
	if (members)
		abort();
	write_all(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan_options opt = { .assume = 1ULL << 32 };
	struct board b;

	board_init(&b, "fuzz");
	if (board_from_fdt(&b, data, size, &opt) || board_plan(&b)) {
		if (!b.error)
			abort();
	} else {
		check_plan(&b);
	}
	board_free(&b);
	return 0;
}
