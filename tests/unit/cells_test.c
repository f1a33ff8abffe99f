// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* Cells, the order of claims, and what both cost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util.h"

#define MANY 10000
#define SEGS 40

struct group {
	struct dmag_group core;
	struct dmag_member member;
	struct dmag_range seg[SEGS];
	struct dmag_edge edges[2 * SEGS];
};

static struct dmag_registry reg;
static struct dmag_cells cells;

static int setup(void **state)
{
	dmag_registry_init(&reg);
	return 0;
}

static void assert_valid(void)
{
	assert_int_equal(dmag_registry_validate(&reg, 0), 0);
	assert_int_equal(dmag_registry_validate(&reg, 2), 0);
}

static void join(struct group *g, const struct dmag_range *seg, unsigned int nr)
{
	memset(g, 0, sizeof(*g));
	for (unsigned int i = 0; i < nr; i++)
		g->seg[i] = seg[i];
	assert_int_equal(dmag_group_init(&g->core, g->seg, nr, 0), 0);
	g->core.edges = g->edges;
	assert_ptr_equal(dmag_join(&reg, &g->member, &g->core), &g->core);
}

static void leave(struct group *g)
{
	assert_ptr_equal(dmag_leave(&reg, &g->member), &g->core);
	assert_true(dmag_group_retire(&reg, &g->core));
}

static void choose(const struct group *g, unsigned int nr)
{
	assert_valid();
	dmag_cells_choose(&reg, &g->core, &cells);
	assert_int_equal(cells.nr, nr);
}

static void assert_cell(unsigned int i, u64 start, u64 last, int demand)
{
	assert_int_equal(cells.cell[i].range.start, start);
	assert_int_equal(cells.cell[i].range.last, last);
	assert_int_equal(cells.cell[i].demand, demand);
}

static void assert_step(const struct group *g, unsigned int i, u64 start,
			u64 last)
{
	struct dmag_range range;

	assert_true(dmag_cells_at(&cells, &g->core, i, &range));
	assert_int_equal(range.start, start);
	assert_int_equal(range.last, last);
}

static void assert_end(const struct group *g, unsigned int i)
{
	struct dmag_range range;

	assert_false(dmag_cells_at(&cells, &g->core, i, &range));
}

static void least_wanted_first(void **state)
{
	const struct dmag_range a[] = { { 0, 99 } };
	const struct dmag_range b[] = { { 0, 29 }, { 30, 59 }, { 80, 89 } };
	struct group g1, g2;

	join(&g1, a, 1);
	join(&g2, b, 3);
	choose(&g1, 4);
	assert_cell(0, 90, 99, 1);
	assert_cell(1, 60, 79, 1);
	assert_cell(2, 80, 89, 2);
	/* One cell, though the other group's bus cuts it. */
	assert_cell(3, 0, 59, 2);
	assert_false(cells.rest);
	assert_end(&g1, 4);
	choose(&g2, 3);
	assert_cell(0, 80, 89, 2);
	assert_cell(1, 30, 59, 2);
	assert_cell(2, 0, 29, 2);
	assert_end(&g2, 3);
	leave(&g1);
	choose(&g2, 3);
	assert_cell(0, 80, 89, 1);
	leave(&g2);
	assert_null(reg.edges);
}

/* One, two and three groups; equal demand on both sides of a hole. */
static void cells_with_holes(void **state)
{
	const struct dmag_range a[] = { { 0, 9 },   { 20, 29 }, { 40, 49 },
					{ 60, 69 }, { 80, 89 }, { 100, 109 } };
	const unsigned int nr[] = { 6, 3, 2 };
	struct group g[3];

	for (unsigned int i = 0; i < 3; i++)
		join(&g[i], a, nr[i]);
	choose(&g[0], 6);
	assert_cell(0, 100, 109, 1);
	assert_cell(1, 80, 89, 1);
	assert_cell(2, 60, 69, 1);
	assert_cell(3, 40, 49, 2);
	assert_cell(4, 20, 29, 3);
	assert_cell(5, 0, 9, 3);
	choose(&g[2], 2);
	assert_cell(0, 20, 29, 3);
	assert_cell(1, 0, 9, 3);
}

/* Without groups, without edges, without a registry, without memory. */
static void cells_are_optional(void **state)
{
	const struct dmag_range b[] = { { 0, 29 }, { 80, 89 } };
	struct dmag_member m = { 0 };
	struct group g, none;

	memset(&g, 0, sizeof(g));
	assert_int_equal(dmag_group_init(&g.core, b, 2, 0), 0);
	assert_ptr_equal(dmag_join(&reg, &m, &g.core), &g.core);
	choose(&g, 0);
	assert_step(&g, 0, 80, 89);
	assert_step(&g, 1, 0, 29);
	assert_end(&g, 2);
	join(&none, NULL, 0);
	choose(&none, 0);
	assert_end(&none, 0);
	dmag_cells_choose(NULL, &g.core, &cells);
	assert_step(&g, 0, 80, 89);
}

/* A group that has not joined wants what others do not. */
static void strangers_choose_too(void **state)
{
	const struct dmag_range a[] = { { 0, 99 } }, b[] = { { 0, 199 } };
	struct group g, stranger = { .core.members = 0 };

	join(&g, a, 1);
	assert_int_equal(dmag_group_init(&stranger.core, b, 1, 0), 0);
	choose(&stranger, 2);
	assert_cell(0, 100, 199, 0);
	assert_cell(1, 0, 99, 1);
}

/* @nr groups of one frame each, @apart frames from each other. */
static struct group *join_many(unsigned int nr, u64 apart)
{
	struct group *g = calloc(nr, sizeof(*g));

	for (unsigned int i = 0; i < nr; i++) {
		struct dmag_range seg = { i * apart, i * apart };

		join(&g[i], &seg, 1);
	}
	return g;
}

/* The ones left out are reached through the segments. */
static void only_so_many_cells(void **state)
{
	struct group wide, *g = join_many(DMAG_CELLS_MAX, 2);
	const struct dmag_range seg[] = { { 0, 2 * DMAG_CELLS_MAX - 2 } };

	join(&wide, seg, 1);
	choose(&wide, DMAG_CELLS_MAX);
	assert_cell(0, 2 * DMAG_CELLS_MAX - 3, 2 * DMAG_CELLS_MAX - 3, 1);
	assert_cell(DMAG_CELLS_MAX - 2, 1, 1, 1);
	assert_cell(DMAG_CELLS_MAX - 1, 2 * DMAG_CELLS_MAX - 2,
		    2 * DMAG_CELLS_MAX - 2, 2);
	assert_true(cells.rest);
	assert_step(&wide, DMAG_CELLS_MAX, seg[0].start, seg[0].last);
	assert_end(&wide, DMAG_CELLS_MAX + 1);
	free(g);
}

/* Of many segments, too, the least wanted come first. */
static void only_so_many_segments(void **state)
{
	struct dmag_range seg[SEGS], low = { 0, 9 };
	struct group wide, g;

	for (unsigned int i = 0; i < SEGS; i++)
		seg[i] = (struct dmag_range){ 10 * i, 10 * i + 4 };
	join(&wide, seg, SEGS);
	join(&g, &seg[SEGS - DMAG_CELLS_MAX], DMAG_CELLS_MAX);
	choose(&wide, DMAG_CELLS_MAX);
	for (unsigned int i = 0; i < DMAG_CELLS_MAX; i++)
		assert_int_equal(cells.cell[i].range.start,
				 10 * (SEGS - DMAG_CELLS_MAX - 1 - i));
	assert_true(cells.rest);
	assert_step(&wide, DMAG_CELLS_MAX, seg[SEGS - 1].start,
		    seg[SEGS - 1].last);
	assert_end(&wide, DMAG_CELLS_MAX + SEGS);
	leave(&g);
	join(&g, &low, 1);
	choose(&wide, DMAG_CELLS_MAX);
	assert_cell(0, 10 * SEGS - 10, 10 * SEGS - 6, 1);
}

/* Groups that touch make one cell; looking for its end has a bound. */
static void touching_groups(void **state)
{
	struct group wide, *g = join_many(100, 1);
	struct dmag_range seg = { 100 - 2 * DMAG_CELLS_MAX, 99 };

	join(&wide, &seg, 1);
	choose(&wide, 1);
	assert_cell(0, seg.start, seg.last, 2);
	assert_false(cells.rest);
	leave(&wide);
	seg.start--;
	join(&wide, &seg, 1);
	choose(&wide, 1);
	assert_cell(0, seg.start + 1, seg.last, 2);
	assert_true(cells.rest);
	assert_step(&wide, 1, seg.start, seg.last);
	free(g);
}

/* ---- cost ------------------------------------------------------------ */

static unsigned int height(const struct dmag_edge *edge)
{
	unsigned int left, right;

	if (!edge)
		return 0;
	left = height(edge->child[0]);
	right = height(edge->child[1]);
	return 1 + (left > right ? left : right);
}

/*
 * Each walk down the tree visits as many nodes as it is high at most, so joins,
 * leaves and choices of all groups cost this much.  A tree of @nr edges that is
 * perfectly balanced has log2(nr) levels.
 */
static void assert_height(unsigned int nr)
{
	assert_true(height(reg.edges) <= 3 * (unsigned int)fls64(nr));
}

/* In an order that repeats: a prime is coprime to MANY. */
static unsigned int order(unsigned int i, unsigned int how)
{
	return how == 2 ? i * 7919U % MANY : how ? MANY - 1 - i : i;
}

/* Nested reaches, that come and go upwards, downwards and scrambled. */
static void ten_thousand_reaches(void **state)
{
	struct group *g = calloc(MANY, sizeof(*g));
	unsigned int how, i;

	for (how = 0; how < 3; how++) {
		for (i = 0; i < MANY; i++) {
			unsigned int k = order(i, how);
			struct dmag_range seg = { k % 7, 1000 + k };

			join(&g[k], &seg, 1);
			if (!(i & (i + 1)))
				assert_height(2 * i + 2);
		}
		assert_height(2 * MANY);
		/* 6 cells below frame 6, one less wanted each frame above. */
		choose(&g[MANY - 1], DMAG_CELLS_MAX);
		for (i = 0; i < DMAG_CELLS_MAX; i++)
			assert_cell(i, 1000 + MANY - 1 - i, 1000 + MANY - 1 - i,
				    i + 1);
		choose(&g[0], 7);
		assert_cell(0, 0, 0, (MANY + 6) / 7);
		assert_cell(6, 6, 1000, MANY);
		for (i = 0; i < MANY; i++)
			leave(&g[order(i, 2 - how)]);
		assert_null(reg.edges);
		assert_valid();
	}
	free(g);
}

static unsigned int calls;

static int claim_nothing(struct dmag_group *group,
			 const struct dmag_request *req, enum dmag_rung rung,
			 struct dmag_range *got)
{
	calls++;
	return -EAGAIN;
}

static void release(struct dmag_group *group, const struct dmag_range *range)
{
	fail();
}

/* What a request that fails asks of the host, beside ever more groups. */
static void claims_among_many_groups(void **state)
{
	const struct dmag_backend host = { .claim = claim_nothing,
					   .release = release };
	struct group *g = calloc(MANY, sizeof(*g));
	struct dmag_request req = DMAG_REQUEST(16);
	unsigned int i, most = 0;
	u64 pfn;

	for (i = 0; i < MANY; i++) {
		struct dmag_range seg = { 0, 512 * (i + 100) - 1 };

		join(&g[i], &seg, 1);
		if (i != 9 && i != 99 && i != 999 && i != 9999)
			continue;
		calls = 0;
		assert_int_equal(dmag_group_alloc(&reg, &g[i].core, &host, &req,
						  &pfn),
				 -ENOMEM);
		assert_true(calls <= 8 * (DMAG_CELLS_MAX + 1) + 6);
		assert_true(i == 9 || i == 99 || calls == most);
		most = calls;
		/* A group at the bottom does not see the others. */
		calls = 0;
		assert_int_equal(dmag_group_alloc(&reg, &g[0].core, &host, &req,
						  &pfn),
				 -ENOMEM);
		assert_int_equal(calls, 14);
	}
	free(g);
}

/* ---- validation ------------------------------------------------------ */

static void damage(void *field, const void *wrong, size_t bytes)
{
	char right[sizeof(u64)];

	memcpy(right, field, bytes);
	memcpy(field, wrong, bytes);
	assert_int_equal(dmag_registry_validate(&reg, 0), -EUCLEAN);
	memcpy(field, right, bytes);
	assert_valid();
}

#define assert_seen(field, wrong) \
	damage(&(field), &(typeof(field)){ wrong }, sizeof(field))

static void validator_edges(void **state)
{
	struct group *g = join_many(3, 10);
	struct dmag_edge *root = reg.edges, *leaf = root, *stray;

	assert_valid();
	while (leaf->child[0] || leaf->child[1])
		leaf = leaf->child[!leaf->child[0]];
	stray = root->child[!root->child[0]];
	assert_seen(leaf->place, leaf->place + 1);
	assert_seen(g[1].edges[0].place, g[1].edges[0].place + 2);
	assert_seen(g[1].edges[1].place, g[1].edges[1].place + 2);
	assert_seen(leaf->sum, 7);
	assert_seen(leaf->least, 7);
	assert_seen(leaf->priority, root->priority + 1);
	assert_seen(stray->parent, leaf);
	assert_seen(reg.edges, stray);
	assert_seen(g[2].core.edges, NULL);
	assert_seen(reg.edges, NULL);
	free(g);
}

/* Edges in the wrong order, though each is where its group's segment is. */
static void validator_order(void **state)
{
	struct group *g = join_many(1, 10);
	struct dmag_edge *rise = &g->edges[0], *fall = &g->edges[1];

	if (reg.edges == rise) {
		assert_ptr_equal(rise->child[1], fall);
		rise->child[0] = fall;
		rise->child[1] = NULL;
		rise->least = -1;
	} else {
		assert_ptr_equal(fall->child[0], rise);
		fall->child[1] = rise;
		fall->child[0] = NULL;
		fall->least = -1;
	}
	assert_int_equal(dmag_registry_validate(&reg, 0), -EUCLEAN);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(least_wanted_first, setup),
		cmocka_unit_test_setup(cells_with_holes, setup),
		cmocka_unit_test_setup(cells_are_optional, setup),
		cmocka_unit_test_setup(strangers_choose_too, setup),
		cmocka_unit_test_setup(only_so_many_cells, setup),
		cmocka_unit_test_setup(only_so_many_segments, setup),
		cmocka_unit_test_setup(touching_groups, setup),
		cmocka_unit_test_setup(ten_thousand_reaches, setup),
		cmocka_unit_test_setup(claims_among_many_groups, setup),
		cmocka_unit_test_setup(validator_edges, setup),
		cmocka_unit_test_setup(validator_order, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
