// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The DMA masks that Linux's drivers set; the facts are in masks.inc.
 */
#include <string.h>

#include "dmag_port.h"
#include "masks.h"

#define COMPUTED (-1)

static const struct {
	const char *compatible;
	int bits;
} masks[] = {
#include "masks.inc"
};

/**
 * driver_mask() - Look up the coherent mask that a driver sets.
 * @compatible: one string of the device's compatible
 * @bits: the constant; changed for %DRIVER_CONSTANT only
 *
 * Return: how the mask comes about.
 */
enum driver_dma driver_mask(const char *compatible, unsigned int *bits)
{
	unsigned int lo = 0, hi = ARRAY_SIZE(masks);

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;
		int cmp = strcmp(masks[mid].compatible, compatible);

		if (!cmp) {
			if (masks[mid].bits == COMPUTED)
				return DRIVER_COMPUTED;
			if (!masks[mid].bits)
				return DRIVER_DEFAULT;
			*bits = masks[mid].bits;
			return DRIVER_CONSTANT;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return DRIVER_UNKNOWN;
}
