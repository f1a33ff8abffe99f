/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The DMA masks that Linux's drivers set.
 */
#ifndef DMAG_TOOL_MASKS_H
#define DMAG_TOOL_MASKS_H

/**
 * enum driver_dma - What a driver's source says about DMA.
 * @DRIVER_UNKNOWN: no driver for this device, or none that does DMA
 * @DRIVER_DEFAULT: it never sets a mask, so that the device keeps 32 bits
 * @DRIVER_CONSTANT: it sets a constant
 * @DRIVER_COMPUTED: it computes a mask, from the hardware or from other data
 */
enum driver_dma {
	DRIVER_UNKNOWN,
	DRIVER_DEFAULT,
	DRIVER_CONSTANT,
	DRIVER_COMPUTED,
};

enum driver_dma driver_mask(const char *compatible, unsigned int *bits);

#endif /* DMAG_TOOL_MASKS_H */
