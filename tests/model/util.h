/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * What tests need besides the core: sizes and ranges as one writes them down,
 * and the loop over a list whose body may remove the entry.
 */
#ifndef TEST_UTIL_H
#define TEST_UTIL_H

#include "dmag.h"
#include "dmag_port.h"

#define KB BIT_ULL(10)
#define MB BIT_ULL(20)
#define GB BIT_ULL(30)
#define PFN(address) ((address) >> PAGE_SHIFT)

/* The frames of [first, end), addresses in bytes. */
#define RANGE(first, end)                \
	{                                \
		PFN(first), PFN(end) - 1 \
	}

#define list_for_each_entry_safe(pos, n, head, member)           \
	for (pos = list_first_entry(head, typeof(*pos), member), \
	    n = list_next_entry(pos, member);                    \
	     !list_entry_is_head(pos, head, member);             \
	     pos = n, n = list_next_entry(n, member))

#endif /* TEST_UTIL_H */
