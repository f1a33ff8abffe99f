/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The DMA masks that Linux's drivers set.
 */
#ifndef DMAG_TOOL_MASKS_H
#define DMAG_TOOL_MASKS_H

/* driver_mask() - Bits of the mask that a driver sets, | DRIVER_DMA; 0: no DMA. */
#define DRIVER_DMA 0x80
unsigned int driver_mask(const char *compatible);

#endif /* DMAG_TOOL_MASKS_H */
