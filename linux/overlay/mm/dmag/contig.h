/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Taking a range of frames by migration, in bounded time.
 */
#ifndef _MM_DMAG_CONTIG_H
#define _MM_DMAG_CONTIG_H

#include "core/dmag.h"

int dmag_contig_take(const struct dmag_range *range, int migratetype,
		     unsigned long patience);
void dmag_drain_lru(void);

#endif /* _MM_DMAG_CONTIG_H */
