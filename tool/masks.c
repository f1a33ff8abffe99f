// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The DMA masks that Linux's drivers set; the facts are in masks.inc.
 */
#include <string.h>

#include "dmag_port.h"
#include "masks.h"

static const struct {
	const char *compatible;
	unsigned int bits;
} masks[] = {
#include "masks.inc"
};

unsigned int driver_mask(const char *compatible)
{
	unsigned int lo = 0, hi = ARRAY_SIZE(masks);

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;
		int cmp = strcmp(masks[mid].compatible, compatible);

		if (!cmp)
			return masks[mid].bits | DRIVER_DMA;
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}
