// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A plan for spreadsheets: a line per device, or a line per board.
 *
 * Fields are quoted as in RFC 4180; there is always a line of names first.
 */
#include "text.h"
#include "write.h"

/* Bytes that a spreadsheet or a terminal could act on become "?". */
static void csv_string(FILE *out, const char *s)
{
	putc('"', out);
	for (; s && *s; s++) {
		if (*s == '"')
			putc('"', out);
		putc(*s >= ' ' && *s <= '~' ? *s : '?', out);
	}
	putc('"', out);
}

void write_csv_head(FILE *out)
{
	fputs("board,device,compatible,why,memory_from,coherent,mask_bits,",
	      out);
	fputs("mask_from,limit,windows,group,reach_bytes,attributes,zone,",
	      out);
	fputs("verdict,wasted,outside,unreachable,streaming,streaming_mask_bits\n",
	      out);
}

/* Devices outside groups have nothing in the columns about groups. */
static void csv_device(FILE *out, const struct board *board,
		       const struct device *dev)
{
	const struct group *group = dev->group;

	csv_string(out, board->source);
	putc(',', out);
	csv_string(out, dev->path);
	putc(',', out);
	csv_string(out, dev->compatible);
	fprintf(out, ",%s,%s,%s,%u,%s,0x%llx,%u,", dev->why,
		device_kind_name(dev->kind), dev->coherent ? "yes" : "no",
		dev->mask_bits, mask_from_name(dev->mask_from),
		dev->constraint.limit, dev->constraint.nr_windows);
	if (!group) {
		fprintf(out, ",,,,,,,,,%u\n", dev->stream_bits);
		return;
	}
	fprintf(out, "%u,%llu,", group->id, frames_bytes(group->frames));
	csv_string(out, attrs_text(group->core.attrs));
	fprintf(out, ",%s,%s,%llu,%llu,%llu,%s,%u\n",
		zone_text(board, dev->zone), verdict_name(dev->verdict),
		frames_bytes(dev->wasted), frames_bytes(dev->outside),
		frames_bytes(dev->unreachable), streaming_name(dev->streaming),
		dev->stream_bits);
}

void write_csv(FILE *out, const struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->nr_devices; i++)
		csv_device(out, board, &board->devices[i]);
}

void write_summary_head(FILE *out)
{
	fputs("board,model,arch,memory_known,memory,devices,in_groups,groups,",
	      out);
	fputs("without_zone,too_small,too_large,reach_nothing,unreachable,wasted,outside,",
	      out);
	fputs("worst_device,unknown_mask,unreachable_unknown\n", out);
}

/* The group that the zones suit least. */
static const struct group *summary_worst(const struct board *board)
{
	const struct group *worst = NULL;
	unsigned int i;

	for (i = 0; i < board->nr_groups; i++) {
		const struct group *group = board->groups[i];

		if (group->verdict && group->frames &&
		    (!worst || group->wasted + group->outside >
				       worst->wasted + worst->outside))
			worst = group;
	}
	return worst;
}

struct sums {
	unsigned int in_groups, without_zone, small, large, nothing;
	unsigned int unknown_mask;
	u64 unreachable, unreachable_unknown, wasted, outside;
};

/* A mask that is a guess says nothing certain about what is out of reach. */
static void sums_add_device(struct sums *sums, const struct device *dev)
{
	if (dev->mask_from == MASK_UNKNOWN) {
		sums->unknown_mask++;
		sums->unreachable_unknown =
			max(sums->unreachable_unknown, dev->unreachable);
		return;
	}
	sums->nothing += !dev->group->frames;
	sums->unreachable = max(sums->unreachable, dev->unreachable);
}

/*
 * Counts of groups, and the worst device of each kind: amounts of different
 * groups overlap in memory, so that their sum would say nothing.
 */
static struct sums summary_sums(const struct board *board)
{
	struct sums sums = { 0 };
	unsigned int i;

	for (i = 0; i < board->nr_groups; i++) {
		const struct group *group = board->groups[i];

		sums.in_groups += group->core.members;
		sums.without_zone += group->frames && !group->described;
		sums.small += !!(group->verdict & VERDICT_SMALL);
		sums.large += !!(group->verdict & VERDICT_LARGE);
		sums.wasted = max(sums.wasted, group->wasted);
		sums.outside = max(sums.outside, group->outside);
	}
	for (i = 0; i < board->nr_devices; i++)
		if (board->devices[i].group)
			sums_add_device(&sums, &board->devices[i]);
	return sums;
}

void write_summary(FILE *out, const struct board *board)
{
	const struct group *worst = summary_worst(board);
	struct sums sums = summary_sums(board);

	csv_string(out, board->source);
	putc(',', out);
	csv_string(out, board->model);
	fprintf(out, ",%s,%s,%llu,%u,%u,%u,%u,%u,%u,%u,%llu,%llu,%llu,",
		arch_name(board->arch), board->memory_known ? "yes" : "no",
		frames_bytes(dmag_reach_frames(&board->ram)), board->nr_devices,
		sums.in_groups, board->nr_groups, sums.without_zone, sums.small,
		sums.large, sums.nothing, frames_bytes(sums.unreachable),
		frames_bytes(sums.wasted), frames_bytes(sums.outside));
	csv_string(out, worst ? worst->worst->path : "");
	fprintf(out, ",%u,%llu\n", sums.unknown_mask,
		frames_bytes(sums.unreachable_unknown));
}
