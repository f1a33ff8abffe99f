// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Contracts: what the core does not allow its caller to do.
 *
 * A build with DMAG_DEBUG stops where a precondition is broken; each case breaks
 * one in a child process, which has to die of it.  Other builds must not even
 * evaluate a condition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "frames.h"

#ifdef DMAG_DEBUG

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct dmag_range seg = { 0, 1023 };
static const struct dmag_reach reach = { &seg, 1 };
static struct dmag_registry reg;
static struct dmag_member member;
static struct dmag_group group;
static char memory[2 * sizeof(struct dmag_node)] __aligned(DMAG_MEM_ALIGN);

/* A group that is in the registry and owns 512 frames. */
static int setup(void **state)
{
	dmag_registry_init(&reg);
	return dmag_group_init(&group, &seg, 1, 0) ||
	       dmag_join(&reg, &member, &group) != &group ||
	       dmag_frames_feed(&group.frames, memory, sizeof(memory)) ||
	       dmag_group_add(&group, 0, 511);
}

static pid_t child;

/*
 * True in the child, which dies plainly: cmocka would catch the signal, and a
 * sanitizer tell of it at length.
 */
static bool begin_child(void)
{
	child = fork();
	if (child)
		return false;
	signal(SIGILL, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
	fclose(stderr);
	return true;
}

static bool child_stopped(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) &&
	       (WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGTRAP);
}

#define assert_stops(call)                              \
	do {                                            \
		if (begin_child()) {                    \
			(void)!(call);                  \
			_exit(0);                       \
		}                                       \
		if (!child_stopped())                   \
			fail_msg("goes on: %s", #call); \
	} while (0)

#define VOID(call) ((call), 0)

static void reaches_are_valid(void **state)
{
	const struct dmag_constraint constraint = { .limit = U64_MAX };
	const struct dmag_range turned[] = { { 2, 1 } };
	const struct dmag_range overlap[] = { { 1, 5 }, { 5, 6 } };
	const struct dmag_reach bad = { turned, 1 }, worse = { overlap, 2 };

	assert_stops(dmag_reach_build(NULL, &reach, NULL, 0));
	assert_stops(dmag_reach_build(&constraint, NULL, NULL, 0));
	assert_stops(dmag_reach_build(&constraint, &reach, NULL, 1));
	assert_stops(dmag_reach_valid(NULL));
	assert_stops(dmag_reach_normalise(NULL, 1));
	assert_stops(dmag_reach_equal(&reach, &bad));
	assert_stops(dmag_reach_equal(&worse, &reach));
	assert_stops(dmag_reach_includes(&reach, &bad));
	assert_stops(dmag_reach_covers(&bad, &reach));
	assert_stops(dmag_reach_contains(&worse, 1, 1));
	assert_stops(dmag_reach_frames(&bad));
}

static void frames_are_given(void **state)
{
	struct dmag_frames *frames = &group.frames;
	struct dmag_request req = DMAG_REQUEST(1);
	struct dmag_frames_stats stats;
	struct dmag_run run;
	u64 pfn;

	assert_stops(VOID(dmag_frames_init(NULL)));
	assert_stops(dmag_frames_feed(NULL, memory, sizeof(memory)));
	assert_stops(VOID(dmag_frames_drain(frames, frames)));
	assert_stops(dmag_frames_need(NULL, 0, 1));
	assert_stops(dmag_frames_size(NULL, 1));
	assert_stops(dmag_frames_add(NULL, 0, 1));
	assert_stops(dmag_frames_remove(NULL, 0, 1));
	assert_stops(dmag_frames_take(NULL, 0, 1));
	assert_stops(dmag_frames_quarantine(NULL, 0, 1));
	assert_stops(dmag_frames_put(NULL, 0, 1));
	assert_stops(dmag_frames_get(NULL, &req, &pfn));
	assert_stops(dmag_frames_get(frames, NULL, &pfn));
	assert_stops(dmag_frames_get(frames, &req, NULL));
	assert_stops(dmag_frames_walk(NULL, 0, &run));
	assert_stops(dmag_frames_walk(frames, 0, NULL));
	assert_stops(VOID(dmag_frames_stats(NULL, &stats)));
	assert_stops(VOID(dmag_frames_stats(frames, NULL)));
	assert_stops(dmag_frames_validate(NULL, 1));
}

/* Counters that lie are found by the change that they do not allow for. */
static void frames_are_counted(void **state)
{
	struct dmag_request req = DMAG_REQUEST(512);
	u64 pfn;

	group.frames.free = 0;
	assert_stops(dmag_frames_get(&group.frames, &req, &pfn));
	assert_stops(dmag_frames_take(&group.frames, 0, 7));
	group.frames.free = 512;
	group.frames.nr_spare_block = 0;
	group.frames.nr_spare_node = 2;
	assert_stops(dmag_frames_add(&group.frames, 512, 1023));
}

static void groups_are_given(void **state)
{
	struct dmag_request req = DMAG_REQUEST(1);
	struct dmag_range range;
	u64 pfn;

	assert_stops(dmag_group_init(NULL, &seg, 1, 0));
	assert_stops(dmag_group_get(NULL, &req, true, &pfn));
	assert_stops(dmag_group_get(&group, NULL, true, &pfn));
	assert_stops(dmag_group_get(&group, &req, true, NULL));
	assert_stops(dmag_group_put(NULL, 0, 1));
	assert_stops(dmag_group_own(NULL, 0, 1));
	assert_stops(dmag_group_low(NULL));
	assert_stops(dmag_group_shortage(NULL));
	assert_stops(dmag_group_surplus(NULL));
	assert_stops(dmag_group_pick(NULL, 1, &range));
	assert_stops(dmag_group_pick(&group, 1, NULL));
	assert_stops(dmag_group_drop(NULL, &range));
	assert_stops(dmag_group_drop(&group, NULL));
	assert_stops(dmag_group_tighter(NULL, &group));
	assert_stops(dmag_group_tighter(&group, NULL));
	assert_stops(dmag_group_cede(NULL, &group, &req, &range));
	assert_stops(dmag_group_cede(&group, NULL, &req, &range));
	assert_stops(dmag_group_cede(&group, &group, NULL, &range));
	assert_stops(dmag_group_cede(&group, &group, &req, NULL));
	assert_stops(dmag_group_adapt(NULL, 0));
	assert_stops(dmag_group_goal(NULL, 1024));
	assert_stops(dmag_group_validate(NULL, 1));
}

/* I1 and I3 are looked at where a frame is handed out. */
static void groups_keep_their_promises(void **state)
{
	static const struct dmag_range elsewhere = { 512, 1023 };
	struct dmag_request req = DMAG_REQUEST(1);
	u64 pfn;

	group.reach.seg = &elsewhere;
	assert_stops(dmag_group_get(&group, &req, true, &pfn));
	group.reach.seg = &seg;
	group.marks.low = group.marks.high + 1;
	assert_stops(dmag_group_adapt(&group, 0));
}

static void registries_are_given(void **state)
{
	struct dmag_cells cells = { .nr = 0 };
	struct dmag_range range;
	struct dmag_member other = { 0 };
	struct dmag_group fresh;

	assert_int_equal(dmag_group_init(&fresh, &seg, 1, DMAG_SHARED), 0);
	assert_stops(VOID(dmag_registry_init(NULL)));
	assert_stops(!dmag_find(NULL, &fresh));
	assert_stops(!dmag_find(&reg, NULL));
	assert_stops(!dmag_join(NULL, &other, &fresh));
	assert_stops(!dmag_join(&reg, NULL, &fresh));
	assert_stops(!dmag_join(&reg, &other, NULL));
	assert_stops(!dmag_leave(NULL, &member));
	assert_stops(!dmag_leave(&reg, NULL));
	assert_stops(dmag_group_retire(NULL, &group));
	assert_stops(dmag_group_retire(&reg, NULL));
	assert_stops(dmag_registry_validate(NULL, 1));
	assert_stops(VOID(dmag_cells_choose(&reg, NULL, &cells)));
	assert_stops(VOID(dmag_cells_choose(&reg, &group, NULL)));
	assert_stops(dmag_cells_at(NULL, &group, 0, &range));
	assert_stops(dmag_cells_at(&cells, NULL, 0, &range));
	assert_stops(dmag_cells_at(&cells, &group, 0, NULL));
}

/* A group's member cannot leave twice. */
static void registries_add_up(void **state)
{
	group.members = 0;
	assert_stops(!dmag_leave(&reg, &member));
}

static int claim(struct dmag_group *g, const struct dmag_request *req,
		 enum dmag_rung rung, struct dmag_range *got)
{
	return -EAGAIN;
}

static void release(struct dmag_group *g, const struct dmag_range *range)
{
}

static void backends_are_whole(void **state)
{
	const struct dmag_backend whole = { claim, release, NULL, NULL };
	const struct dmag_backend mute = { NULL, release, NULL, NULL };
	const struct dmag_backend leaky = { claim, NULL, NULL, NULL };
	const struct dmag_range upside_down = { 1, 0 };
	const struct dmag_range beyond = { seg.start, seg.last + 1 };
	struct dmag_request req = DMAG_REQUEST(1);
	u64 pfn;

	assert_stops(dmag_group_alloc(&reg, NULL, &whole, &req, &pfn));
	assert_stops(dmag_group_alloc(&reg, &group, NULL, &req, &pfn));
	assert_stops(dmag_group_alloc(&reg, &group, &whole, NULL, &pfn));
	assert_stops(dmag_group_alloc(&reg, &group, &whole, &req, NULL));
	assert_stops(dmag_group_alloc(&reg, &group, &mute, &req, &pfn));
	assert_stops(dmag_group_balance(&reg, NULL, &whole));
	assert_stops(dmag_group_balance(&reg, &group, &leaky));
	assert_stops(dmag_group_shrink(&group, NULL, 0, 1));
	assert_stops(dmag_group_vacate(NULL, &whole, &seg));
	assert_stops(dmag_group_vacate(&group, NULL, &seg));
	assert_stops(dmag_group_vacate(&group, &whole, NULL));
	assert_stops(dmag_group_vacate(&group, &whole, &upside_down));
	assert_stops(dmag_group_refill(NULL, &whole, &seg));
	assert_stops(dmag_group_refill(&group, NULL, &seg));
	assert_stops(dmag_group_refill(&group, &whole, NULL));
	assert_stops(dmag_group_refill(&group, &whole, &beyond));
	group.attrs = DMAG_SHARED;
	assert_stops(dmag_group_alloc(&reg, &group, &whole, &req, &pfn));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

static const struct CMUnitTest tests[] = {
	TEST(reaches_are_valid),	  TEST(frames_are_given),
	TEST(frames_are_counted),	  TEST(groups_are_given),
	TEST(groups_keep_their_promises), TEST(registries_are_given),
	TEST(registries_add_up),	  TEST(backends_are_whole),
};

#else

static void conditions_are_not_evaluated(void **state)
{
	unsigned int evaluated = 0;

	DMAG_CHECK(evaluated++);
	assert_int_equal(evaluated, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(conditions_are_not_evaluated),
};

#endif

int main(void)
{
	return cmocka_run_group_tests_name("contracts", tests, NULL, NULL);
}
