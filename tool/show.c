// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The groups of a running kernel, as text and as JSON.
 */
#include <stdio.h>
#include <string.h>

#include "json_writer.h"
#include "show.h"
#include "text.h"

/* The reserve from nothing to high, with a mark at min: "###|##...". */
#define GAUGE 10

static const char *show_gauge(const struct kgroup *group, char *buf)
{
	unsigned int i;

	if (!group->high)
		return "-";
	for (i = 0; i < GAUGE; i++) {
		buf[i] = group->free * GAUGE > i * group->high ? '#' : '.';
		if (i && i == group->min * GAUGE / group->high)
			buf[i] = group->free >= group->min ? '+' : '|';
	}
	buf[GAUGE] = 0;
	return buf;
}

static const char *kgroup_state(const struct kgroup *group)
{
	if (kgroup_universal(group))
		return "universal";
	if (kgroup_broken(group))
		return "broken";
	if (group->free < group->min)
		return "below min";
	if (group->free < group->low)
		return "below low";
	return "ok";
}

/* A size in at most seven characters, "1023.9M", so that a row has 79. */
void show_size(u64 frames)
{
	char size[32], *unit;

	size_text(size, sizeof(size), frames_bytes(frames));
	unit = strchr(size, ' ');
	if (unit) {
		unit[0] = unit[1];
		unit[1] = 0;
	}
	printf(" %7s", size);
}

void show_head(const struct style *style)
{
	printf("%s%5s %4s %7s %7s %7s %7s %7s %7s %-10s %s%s\n",
	       style->color ? "\033[1m" : "", "GROUP", "DEVS", "REACH",
	       "PROTECT", "OWNED", "USED", "FREE", "HIGH", "RESERVE", "STATE",
	       style->color ? "\033[0m" : "");
}

void show_row(const struct kgroup *group, const struct style *style)
{
	bool short_of = !kgroup_universal(group) && group->free < group->min;
	bool bad = style->color && (short_of || kgroup_broken(group));
	const u64 sizes[] = {
		group->frames, group->protected, group->owned,
		group->used,   group->free,	 group->high,
	};
	char buf[GAUGE + 1];
	unsigned int i;

	printf("%5llu %4llu", group->id, group->members);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		show_size(sizes[i]);
	printf(" %-10s %s%s%s\n", show_gauge(group, buf), bad ? "\033[31m" : "",
	       kgroup_state(group), bad ? "\033[0m" : "");
}

/* Since boot; the counters below each group tell more. */
void show_counts(const struct snapshot *snap)
{
	unsigned int i;

	printf("\n%5s %10s %10s %10s %10s\n", "GROUP", "ALLOCS", "CLAIMS",
	       "NOCLAIM", "FAILED");
	for (i = 0; i < snap->nr; i++) {
		const struct kgroup *group = &snap->group[i];

		printf("%5llu %10llu %10llu %10llu %10llu\n", group->id,
		       kgroup_allocations(group),
		       kgroup_counter(group, "claim"),
		       kgroup_counter(group, "claim_fail"),
		       kgroup_failures(group));
	}
}

static void show_member(const struct member *member)
{
	char size[32];

	printf("  member   %s%s%s, mask 0x%llx, windows %llu, ", member->name,
	       member->driver ? " " : "", member->driver ?: "", member->mask,
	       member->windows);
	if (member->streaming)
		puts("bounces only");
	else
		printf("holds %s\n", size_text(size, sizeof(size),
					       frames_bytes(member->used)));
}

static void show_capacity(const struct kgroup *group)
{
	char protected[32], goal[32];

	if (!group->goal && !group->protected)
		return;
	printf("  capacity %s protected, goal %s\n",
	       size_text(protected, sizeof(protected),
			 frames_bytes(group->protected)),
	       size_text(goal, sizeof(goal), frames_bytes(group->goal)));
}

/* The memory that the hypervisor can read, if memory is encrypted at all. */
void show_open(const struct snapshot *snap)
{
	char groups[32], swiotlb[32];
	bool encrypted = false;
	u64 owned = 0;
	unsigned int i;

	for (i = 0; i < snap->nr; i++)
		if (snap->group[i].shared) {
			encrypted = true;
			owned += snap->group[i].owned;
		}
	if (encrypted)
		printf("\nopen to the host: %s of groups, %s of swiotlb\n",
		       size_text(groups, sizeof(groups), frames_bytes(owned)),
		       size_text(swiotlb, sizeof(swiotlb), snap->swiotlb));
}

static void show_decrypted(const struct kgroup *group)
{
	char owned[32], lost[32];

	if (!group->shared)
		return;
	printf("  memory   decrypted, %s",
	       size_text(owned, sizeof(owned), frames_bytes(group->owned)));
	if (group->quarantined)
		printf(", of which %s out of use",
		       size_text(lost, sizeof(lost),
				 frames_bytes(group->quarantined)));
	putchar('\n');
}

static void show_details(const struct kgroup *group)
{
	unsigned int i;

	printf("\ngroup %llu\n", group->id);
	for (i = 0; i < group->nr_seg; i++)
		printf("  reach    [0x%llx, 0x%llx]\n", group->seg[i].start,
		       group->seg[i].last);
	show_capacity(group);
	show_decrypted(group);
	for (i = 0; i < group->nr_member; i++)
		show_member(&group->member[i]);
	for (i = 0; i < group->nr_counter; i++)
		if (group->counter[i].value)
			printf("  %-24s %llu\n", group->counter[i].name,
			       group->counter[i].value);
}

void show_table(const struct snapshot *snap, const struct style *style)
{
	unsigned int i;

	if (!snap->nr) {
		puts("no groups: no device has set a DMA mask yet");
		return;
	}
	show_head(style);
	for (i = 0; i < snap->nr; i++)
		show_row(&snap->group[i], style);
	show_counts(snap);
	show_open(snap);
	for (i = 0; i < snap->nr; i++)
		show_details(&snap->group[i]);
}

static void show_json_lists(struct json *json, const struct kgroup *group)
{
	unsigned int i;

	json_open(json, "reach", '[');
	for (i = 0; i < group->nr_seg; i++)
		json_span(json, NULL, group->seg[i]);
	json_close(json, ']');
	json_open(json, "members", '[');
	for (i = 0; i < group->nr_member; i++) {
		json_open(json, NULL, '{');
		json_string(json, "device", group->member[i].name);
		json_string(json, "driver", group->member[i].driver);
		json_hex(json, "mask", group->member[i].mask);
		json_number(json, "windows", group->member[i].windows);
		json_number(json, "used", frames_bytes(group->member[i].used));
		json_bool(json, "streaming", group->member[i].streaming);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "counters", '{');
	for (i = 0; i < group->nr_counter; i++)
		json_number(json, group->counter[i].name,
			    group->counter[i].value);
	json_close(json, '}');
}

static void show_json_group(struct json *json, const struct kgroup *group)
{
	const struct counter amounts[] = {
		{ "bytes", group->frames },
		{ "owned", group->owned },
		{ "free", group->free },
		{ "used", group->used },
		{ "quarantined", group->quarantined },
		{ "min", group->min },
		{ "low", group->low },
		{ "high", group->high },
		{ "goal", group->goal },
		{ "protected", group->protected },
	};
	unsigned int i;

	json_open(json, NULL, '{');
	json_number(json, "id", group->id);
	json_bool(json, "universal", kgroup_universal(group));
	json_bool(json, "broken", kgroup_broken(group));
	json_bool(json, "shared", group->shared);
	for (i = 0; i < ARRAY_SIZE(amounts); i++)
		json_number(json, amounts[i].name,
			    frames_bytes(amounts[i].value));
	show_json_lists(json, group);
	json_close(json, '}');
}

void show_json(const struct snapshot *snap)
{
	struct json json = { .out = stdout };
	unsigned int i;

	json_open(&json, NULL, '{');
	json_number(&json, "format", 1);
	json_number(&json, "swiotlb", snap->swiotlb);
	json_open(&json, "groups", '[');
	for (i = 0; i < snap->nr; i++)
		show_json_group(&json, &snap->group[i]);
	json_close(&json, ']');
	json_close(&json, '}');
}
