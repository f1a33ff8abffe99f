/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * A plain binary buddy to measure against: a doubly linked list of free chunks for
 * each order, and an entry for each page, as page allocators have it.  It knows
 * nothing of places: for a run within a window it searches its lists.
 */
#ifndef BENCH_BUDDY_H
#define BENCH_BUDDY_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dmag.h"
#include "dmag_port.h"

#define BUDDY_ORDERS 11
#define BUDDY_NONE UINT32_MAX
#define BUDDY_USED 255

struct buddy_page {
	uint32_t next, prev;
	uint32_t order; /* of the free chunk that begins here, or BUDDY_USED */
};

struct buddy {
	u64 frames;
	struct buddy_page *page;
	uint32_t head[BUDDY_ORDERS];
};

static inline void buddy_link(struct buddy *b, uint32_t at, unsigned int order)
{
	uint32_t next = b->head[order];

	b->page[at].order = order;
	b->page[at].prev = BUDDY_NONE;
	b->page[at].next = next;
	if (next != BUDDY_NONE)
		b->page[next].prev = at;
	b->head[order] = at;
}

static inline void buddy_unlink(struct buddy *b, uint32_t at)
{
	uint32_t next = b->page[at].next, prev = b->page[at].prev;

	if (prev != BUDDY_NONE)
		b->page[prev].next = next;
	else
		b->head[b->page[at].order] = next;
	if (next != BUDDY_NONE)
		b->page[next].prev = prev;
	b->page[at].order = BUDDY_USED;
}

static inline unsigned int buddy_order(u64 count)
{
	return fls64(count - 1);
}

static inline u64 buddy_bytes(const struct buddy *b)
{
	return b->frames * sizeof(*b->page);
}

static inline void *buddy_map(u64 bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		exit(1);
	return mem;
}

static inline void buddy_init(struct buddy *b, u64 frames)
{
	u64 at;

	b->frames = frames;
	b->page = buddy_map(frames * sizeof(*b->page));
	for (at = 0; at < frames; at++)
		b->page[at].order = BUDDY_USED;
	memset(b->head, 0xff, sizeof(b->head));
	for (at = frames; at; at -= 1 << (BUDDY_ORDERS - 1))
		buddy_link(b, at - (1 << (BUDDY_ORDERS - 1)), BUDDY_ORDERS - 1);
}

static inline void buddy_exit(struct buddy *b)
{
	munmap(b->page, buddy_bytes(b));
}

/* Cut the chunk at @at down to the one of @order that has @pfn. */
static inline u64 buddy_cut(struct buddy *b, uint32_t at, unsigned int order,
			    u64 pfn)
{
	unsigned int have = b->page[at].order;

	buddy_unlink(b, at);
	while (have-- > order) {
		uint32_t upper = at + (1U << have);

		if (pfn >= upper) {
			buddy_link(b, at, have);
			at = upper;
		} else {
			buddy_link(b, upper, have);
		}
	}
	return at;
}

static inline int buddy_get(struct buddy *b, unsigned int order, u64 *pfn)
{
	unsigned int have;

	for (have = order; have < BUDDY_ORDERS; have++) {
		uint32_t at = b->head[have];

		if (at != BUDDY_NONE) {
			*pfn = buddy_cut(b, at, order, at);
			return 0;
		}
	}
	return -ENOMEM;
}

static inline int buddy_get_within(struct buddy *b, unsigned int order,
				   const struct dmag_range *within, u64 *pfn)
{
	unsigned int have;

	for (have = order; have < BUDDY_ORDERS; have++) {
		uint32_t at = b->head[have];

		for (; at != BUDDY_NONE; at = b->page[at].next) {
			u64 last = min_t(u64, within->last,
					 at + (1ULL << have) - 1);
			u64 start = max_t(u64, within->start, at);

			start = round_up(start, 1ULL << order);
			if (start + (1ULL << order) - 1 > last)
				continue;
			*pfn = buddy_cut(b, at, order, start);
			return 0;
		}
	}
	return -ENOMEM;
}

static inline void buddy_put(struct buddy *b, u64 pfn, unsigned int order)
{
	uint32_t at = pfn;

	for (; order < BUDDY_ORDERS - 1; order++) {
		uint32_t other = at ^ 1U << order;

		if (b->page[other].order != order)
			break;
		buddy_unlink(b, other);
		at &= ~(1U << order);
	}
	buddy_link(b, at, order);
}

#endif /* BENCH_BUDDY_H */
