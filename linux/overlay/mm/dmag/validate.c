// SPDX-License-Identifier: GPL-2.0
/*
 * The validator: that of the core, and checks of struct pages and of the map.
 */

#include <linux/dmag.h>
#include <linux/kasan-tags.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>

#include "kgroup.h"
#include "map.h"
#include "pcp.h"
#include "validate.h"

/* The core's deepest level, which looks at every frame. */
#define DMAG_VALIDATE_LEVEL 4

/* Each frame that a group owns is under its name, and referenced. */
static const char *validate_run(const struct dmag_kgroup *group,
				const struct dmag_run *run)
{
	u64 pfn = run->range.start;

	for (; pfn <= run->range.last; pfn++) {
		if (dmag_owner(pfn) != group)
			return "I2: a block is not under its owner's name";
		if (!pfn_to_online_page(pfn))
			return "I2: a frame is offline";
		if (!page_ref_count(pfn_to_page(pfn)))
			return "I2: an owned page has no reference";
		if (page_kasan_tag(pfn_to_page(pfn)) != KASAN_TAG_KERNEL)
			return "an owned page has a tag of KASAN";
	}
	return NULL;
}

static const char *validate_frames(struct dmag_kgroup *group)
{
	const char *wrong = NULL;
	struct dmag_run run;
	u64 pfn = 0;

	lockdep_assert_held(&group->lock);
	if (dmag_group_validate(&group->core, DMAG_VALIDATE_LEVEL))
		return "a group is not valid";
	for (; !wrong && dmag_frames_walk(&group->core.frames, pfn, &run);
	     pfn = run.range.last + 1)
		wrong = validate_run(group, &run);
	return wrong;
}

static void validate_group(struct dmag_kgroup *group, void *data)
{
	const char **wrong = data;

	lockdep_assert_held(&dmag_mutex);
	if (*wrong)
		return;
	spin_lock_irq(&group->lock);
	*wrong = validate_frames(group);
	spin_unlock_irq(&group->lock);
	*wrong = *wrong ?: dmag_pcp_validate(group);
	if (!*wrong && group->protected != dmag_protected_frames(group))
		*wrong =
			"protected pageblocks are miscounted, or of another type";
	cond_resched();
}

/**
 * dmag_validate() - Check all groups, their frames and their pages.
 *
 * Context: Process; takes both mutexes.
 * Return: NULL, or what is wrong.
 */
const char *dmag_validate(void)
{
	const char *wrong = NULL;

	might_sleep();
	lockdep_assert_not_held(&dmag_mutex);
	/* Pageblocks have another type while a claim isolates them. */
	dmag_claim_lock();
	if (dmag_registry_validate(&dmag_registry, 0))
		wrong = "the registry is not valid";
	dmag_kgroup_visit_all(validate_group, &wrong);
	dmag_claim_unlock();
	return wrong;
}
