// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A machine for the example kernel: RAM with two holes.  Devices are plugged in
 * and out, often, and more than there is room for.  Then there are four; a hog
 * takes every page that it can get, and they still do their work.
 */
#include <stdio.h>

#include "kernel.h"

#define PFN(address) ((address) >> PAGE_SHIFT)
#define KB BIT_ULL(10)
#define MB BIT_ULL(20)
#define GB BIT_ULL(30)

static const struct dmag_range map[] = {
	{ PFN(4 * KB), PFN(640 * KB) - 1 },
	{ PFN(32 * MB), PFN(1 * GB) - 1 }, /* the kernel lies below */
	{ PFN(4 * GB), PFN(5 * GB) - 1 },
};

static const struct dmag_reach ram = { map, ARRAY_SIZE(map) };

/* Memory appears to the network card 2 GiB higher than to the CPU. */
static const struct dmag_window bridge = { .bus = 2 * GB, .size = 2 * GB };

static struct {
	const char *name;
	u64 pages;
	struct device dev;
} devices[] = {
	{ .name = "floppy, 20 bits",
	  .pages = 8,
	  .dev.member.constraint.limit = 1 * MB - 1 },
	{ .name = "sound, 28 bits",
	  .pages = 64,
	  .dev.member.constraint.limit = 256 * MB - 1 },
	{ .name = "video, 28 bits",
	  .pages = 64,
	  .dev.member.constraint.limit = 256 * MB - 1 },
	{ .name = "network, bridge",
	  .pages = 16,
	  .dev.member.constraint = { &bridge, 1, 0, 4 * GB - 1 } },
};

static int failures;

static void expect(bool good, const char *what)
{
	if (good)
		return;
	printf("FAILED: %s\n", what);
	failures++;
}

static u64 hog(void)
{
	u64 pfn, pages = 0;

	while (!page_alloc(&pfn))
		pages++;
	return pages;
}

static struct device plugged[GROUPS + 1];

static void plug(struct device *dev, u64 limit)
{
	dev->member.constraint = (struct dmag_constraint){ .limit = limit };
	expect(!device_add(dev), "a device is plugged in");
}

/* The device that brought a group leaves it to another, and comes back. */
static void replug(void)
{
	struct dmag_group *group;
	u64 pfn;

	plug(&plugged[0], 256 * MB - 1);
	plug(&plugged[1], 256 * MB - 1);
	group = plugged[0].member.group;
	expect(!dma_alloc(&plugged[1], 16, true, &pfn), "64 KiB");
	device_remove(&plugged[0]);
	plug(&plugged[0], 256 * MB - 1);
	expect(plugged[0].member.group == group && group->members == 2,
	       "it finds its group again");
	expect(!dma_free(group, pfn, 16), "the buffer is still the group's");
	device_remove(&plugged[0]);
	expect(!dma_alloc(&plugged[1], 16, true, &pfn), "64 KiB");
	device_remove(&plugged[1]);
	expect(group->frames.used == 16, "a buffer outlives its device");
	expect(!dma_free(group, pfn, 16), "and keeps its group");
}

/* Metadata that was fed is used again. */
static void plug_often(void)
{
	for (unsigned int i = 0; i < 10000; i++) {
		plug(&plugged[0], (64 + i % 64 * 4) * MB - 1);
		device_remove(&plugged[0]);
	}
}

/* One group more than there is room for is refused, and harms none. */
static void plug_many(void)
{
	struct device *last = &plugged[GROUPS];

	for (unsigned int i = 0; i < GROUPS; i++)
		plug(&plugged[i], (64 + i * 4) * MB - 1);
	last->member.constraint.limit = 32 * MB;
	expect(device_add(last) == -ENOMEM, "no room for its group");
	for (unsigned int i = 0; i < GROUPS; i++)
		device_remove(&plugged[i]);
}

int main(void)
{
	u64 pfn, large, taken;

	expect(!memory_boot(&ram), "boot");
	replug();
	plug_often();
	plug_many();
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		expect(!device_add(&devices[i].dev), devices[i].name);
	expect(devices[1].dev.member.group == devices[2].dev.member.group,
	       "sound and video share a group");
	expect(!dma_alloc(&devices[3].dev, 16384, true, &large), "64 MiB");
	printf("64 MiB for the network card at %#llx\n",
	       (unsigned long long)large << PAGE_SHIFT);
	taken = hog();
	printf("the hog got %llu MiB\n",
	       (unsigned long long)taken >> (20 - PAGE_SHIFT));
	expect(taken > PFN(1 * GB) && taken < dmag_reach_frames(&ram),
	       "the hog leaves the reserves alone");
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		const struct dmag_group *g = devices[i].dev.member.group;

		expect(!dma_alloc(&devices[i].dev, devices[i].pages, false,
				  &pfn),
		       devices[i].name);
		expect(dmag_reach_contains(&g->reach, pfn,
					   pfn + devices[i].pages - 1),
		       "the buffer is in reach");
		printf("%-16s %2llu pages at %#011llx, %4llu left\n",
		       devices[i].name, (unsigned long long)devices[i].pages,
		       (unsigned long long)pfn << PAGE_SHIFT,
		       (unsigned long long)g->frames.free);
		expect(!dma_free(devices[i].dev.member.group, pfn,
				 devices[i].pages),
		       "put");
	}
	expect(!dma_free(devices[3].dev.member.group, large, 16384),
	       "put 64 MiB");
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		device_remove(&devices[i].dev);
	taken += hog();
	expect(taken == dmag_reach_frames(&ram), "every page came back");
	printf("devices gone, the hog has all %llu MiB\n",
	       (unsigned long long)taken >> (20 - PAGE_SHIFT));
	return failures != 0;
}
