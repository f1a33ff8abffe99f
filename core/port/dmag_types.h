/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * dmag port, freestanding: the types that dmag.h needs.
 *
 * A program may include dmag.h beside any other header, in C or C++; so this
 * file defines no name that one of them might have, apart from Linux's u64 and
 * struct list_head.  The macros that the core's own files use are in
 * dmag_port.h.
 */
#ifndef DMAG_TYPES_H
#define DMAG_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long long u64; /* as in Linux: print with %llu */

struct list_head {
	struct list_head *next, *prev;
};

#ifndef __must_check
#define __must_check __attribute__((__warn_unused_result__))
#endif

#endif /* DMAG_TYPES_H */
