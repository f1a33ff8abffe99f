// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Memory as Linux's allocator gets it: banks, less regions that are not mapped.
 */
#include <stdlib.h>
#include <string.h>

#include "ram.h"

/* The last byte of unknown RAM: 48 bits are all that most CPUs have. */
#define UNKNOWN_RAM_LAST ((1ULL << 48) - 1)

/* For qsort(): by start. */
int span_cmp(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* How many frames of @range are in @reach. */
u64 span_frames(const struct dmag_reach *reach, const struct dmag_range *range)
{
	u64 frames = 0;
	unsigned int i;

	for (i = 0; i < reach->nr; i++) {
		u64 start = max(reach->seg[i].start, range->start);
		u64 last = min(reach->seg[i].last, range->last);

		if (start <= last)
			frames += last - start + 1;
	}
	return frames;
}

/* Sort banks, merge those that touch or overlap. */
static void bank_merge(struct board *board)
{
	unsigned int i, nr = 0;

	qsort(board->banks, board->nr_banks, sizeof(*board->banks), span_cmp);
	for (i = 0; i < board->nr_banks; i++) {
		struct span *last = nr ? &board->banks[nr - 1] : NULL;

		if (last && (last->last == U64_MAX ||
			     board->banks[i].start <= last->last + 1))
			last->last = max(last->last, board->banks[i].last);
		else
			board->banks[nr++] = board->banks[i];
	}
	board->nr_banks = nr;
}

/**
 * span_cut() - Cut a hole out of spans.
 * @spans: the spans, in any order, none overlapping
 * @nr: how many
 * @hole: what to cut out
 * @out: what is left; has room for @nr + 1
 *
 * Return: how many are left.
 */
unsigned int span_cut(const struct span *spans, unsigned int nr,
		      const struct span *hole, struct span *out)
{
	unsigned int i, kept = 0;

	for (i = 0; i < nr; i++) {
		if (hole->last < spans[i].start ||
		    hole->start > spans[i].last) {
			out[kept++] = spans[i];
			continue;
		}
		if (spans[i].start < hole->start)
			out[kept++] = (struct span){ spans[i].start,
						     hole->start - 1 };
		if (spans[i].last > hole->last)
			out[kept++] =
				(struct span){ hole->last + 1, spans[i].last };
	}
	return kept;
}

/* Whole pages only, as memblock has it; neighbours in a page are one. */
static void ram_set(struct board *board, const struct span *spans,
		    unsigned int nr)
{
	struct dmag_range *seg =
		arena_alloc(&board->arena, nr * sizeof(*seg) + 1);
	const u64 mask = (1ULL << PAGE_SHIFT) - 1;
	unsigned int i, nr_seg = 0;

	for (i = 0; i < nr; i++) {
		u64 start = (spans[i].start >> PAGE_SHIFT) +
			    !!(spans[i].start & mask);
		u64 last = spans[i].last >> PAGE_SHIFT;

		if ((spans[i].last & mask) != mask && !last--)
			continue;
		if (start <= last)
			seg[nr_seg++] = (struct dmag_range){ start, last };
	}
	board->ram = (struct dmag_reach){ seg, nr_seg };
}

/* mem=: so much memory is used, from the lowest address on. */
static void bank_limit(struct board *board)
{
	u64 left = board->cmdline.mem;
	unsigned int i;

	if (!left || board->live)
		return;
	for (i = 0; i < board->nr_banks && left; i++) {
		struct span *bank = &board->banks[i];
		u64 more = bank->last - bank->start;

		if (more >= left)
			bank->last = bank->start + (left - 1);
		left -= min(left, more + 1);
	}
	board->nr_banks = i;
}

/*
 * Nothing known is planned for as if memory were everywhere: reaches are right
 * then, verdicts are not, and a note says so.
 */
static int bank_check(struct board *board)
{
	static const char unknown[] =
		"memory unknown: planned for all addresses of 48 bits (give --memory)";
	u64 top;

	board->memory_known = board->nr_banks;
	if (!board->memory_known) {
		*ARENA_ADD(&board->arena, board->banks, board->nr_banks) =
			(struct span){ 0, UNKNOWN_RAM_LAST };
		board_note(board, unknown);
	}
	bank_merge(board);
	bank_limit(board);
	top = board->banks[board->nr_banks - 1].last;
	if (top >> PAGE_SHIFT > DMAG_PFN_MAX)
		return board_fail(board, "memory: %#llx is beyond any CPU",
				  top);
	return 0;
}

/* Frames that the kernel's allocator never gets; false if there are none. */
static bool ram_hole(const struct board *board, unsigned int i,
		     struct span *hole)
{
	if (i < board->nr_regions) {
		*hole = board->regions[i].span;
		return board->regions[i].nomap && board->regions[i].placed;
	}
	i -= board->nr_regions;
	*hole = range_span(&board->zones[i].range);
	return board->zones[i].unmanaged;
}

/**
 * ram_build() - Find the memory that the kernel's allocator has.
 * @board: its banks, less regions that are no-map and zones without pages,
 *         become board->ram
 *
 * Return: 0, or -1 with board->error set.
 */
int ram_build(struct board *board)
{
	unsigned int i, nr, holes = board->nr_regions + board->nr_zones;
	struct span *spans, *next, *tmp, hole;
	size_t room;

	if (bank_check(board))
		return -1;
	/* From one list into the other; a hole adds one span at the most. */
	room = (board->nr_banks + holes) * sizeof(*spans);
	spans = arena_alloc(&board->arena, room);
	next = arena_alloc(&board->arena, room);
	memcpy(spans, board->banks, board->nr_banks * sizeof(*spans));
	nr = board->nr_banks;
	for (i = 0; i < holes; i++) {
		if (!ram_hole(board, i, &hole))
			continue;
		nr = span_cut(spans, nr, &hole, next);
		tmp = spans;
		spans = next;
		next = tmp;
	}
	ram_set(board, spans, nr);
	return 0;
}

/**
 * ram_free_spans() - List memory without the regions that have a place.
 * @board: the board, with its RAM known
 * @limit: the last byte that counts
 * @out: gets the spans, in the board's arena
 *
 * Return: how many there are.
 */
unsigned int ram_free_spans(struct board *board, u64 limit, struct span **out)
{
	unsigned int i, nr = 0, room = board->ram.nr + board->nr_regions + 1;
	struct span *spans, *next, *tmp;

	spans = arena_alloc(&board->arena, room * sizeof(*spans));
	next = arena_alloc(&board->arena, room * sizeof(*next));
	for (i = 0; i < board->ram.nr; i++) {
		struct span span = range_span(&board->ram.seg[i]);

		span.last = min(span.last, limit);
		if (span.start <= span.last)
			spans[nr++] = span;
	}
	for (i = 0; i < board->nr_regions; i++) {
		if (!board->regions[i].placed)
			continue;
		nr = span_cut(spans, nr, &board->regions[i].span, next);
		tmp = spans;
		spans = next;
		next = tmp;
	}
	*out = spans;
	return nr;
}

static struct ram_node *ram_node_find(struct ram_node *nodes, unsigned int nr,
				      unsigned int node)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (nodes[i].node == node)
			return &nodes[i];
	return NULL;
}

static int ram_node_cmp(const void *a, const void *b)
{
	const struct ram_node *x = a, *y = b;

	return x->node < y->node ? -1 : x->node > y->node;
}

/**
 * ram_nodes() - List the NUMA nodes that have memory.
 * @board: the board, with its RAM known
 * @arena: holds the list
 * @out: gets it, in the order of their numbers
 *
 * Return: how many there are; 0 for a machine with a single one.
 */
unsigned int ram_nodes(const struct board *board, struct arena *arena,
		       struct ram_node **out)
{
	struct ram_node *nodes = NULL, *found;
	unsigned int i, nr = 0;

	for (i = 0; i < board->nr_nodes; i++) {
		const struct node_span *part = &board->nodes[i];
		const struct dmag_range range = {
			part->span.start >> PAGE_SHIFT,
			part->span.last >> PAGE_SHIFT,
		};
		u64 frames = span_frames(&board->ram, &range);

		if (!frames)
			continue;
		found = ram_node_find(nodes, nr, part->node);
		if (!found) {
			found = ARENA_ADD(arena, nodes, nr);
			*found = (struct ram_node){ part->node, part->span, 0 };
		}
		found->span.last = max(found->span.last, part->span.last);
		found->frames += frames;
	}
	if (nr > 1)
		qsort(nodes, nr, sizeof(*nodes), ram_node_cmp);
	*out = nodes;
	return nr > 1 ? nr : 0;
}
