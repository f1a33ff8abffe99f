// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A plan for people: the machine, its groups, the devices of each.
 */
#include <string.h>

#include "bridge.h"
#include "ram.h"
#include "text.h"
#include "write.h"

struct colors {
	const char *head, *good, *bad, *dim, *off;
};

static const struct colors table_plain = { "", "", "", "", "" };
static const struct colors table_ansi = { "\033[1m", "\033[32m", "\033[31m",
					  "\033[2m", "\033[0m" };

/* Device trees come from anywhere: nothing in one may steer a terminal. */
static void table_text(FILE *out, const char *s)
{
	for (; *s; s++)
		putc(*s >= ' ' && *s <= '~' ? *s : '?', out);
}

static void table_span(FILE *out, u64 start, u64 last)
{
	char size[32];

	fprintf(out, "[0x%llx, 0x%llx]", start, last);
	if (last - start != U64_MAX)
		fprintf(out, " %s",
			size_text(size, sizeof(size), last - start + 1));
}

static const char *table_range(char *buf, size_t len,
			       const struct dmag_range *range)
{
	struct span s = range_span(range);

	snprintf(buf, len, "[0x%llx, 0x%llx]", s.start, s.last);
	return buf;
}

/* Continuation lines leave the heading out, so that grep finds each line once. */
static void table_board(FILE *out, const struct board *board,
			const struct colors *colors)
{
	char size[32], range[64];
	unsigned int i;

	fprintf(out, "%sboard%s     ", colors->head, colors->off);
	table_text(out, board->model ? board->model : board->source);
	if (board->compatible) {
		fputs(" (", out);
		table_text(out, board->compatible);
		putc(')', out);
	}
	fprintf(out, ", %s\n",
		board->arch ? arch_name(board->arch) : "architecture unknown");
	for (i = 0; i < board->nr_banks; i++) {
		fprintf(out, "%s%s%s    ", colors->head,
			i ? "      " : "memory", colors->off);
		table_span(out, board->banks[i].start, board->banks[i].last);
		fputs(board->memory_known ? "\n" : ", assumed\n", out);
	}
	for (i = 0; i < board->nr_zones; i++) {
		fprintf(out, "%s%s%s     %-8s ", colors->head,
			i ? "     " : "zones", colors->off,
			board->zones[i].name);
		fprintf(out, "%s %s\n",
			table_range(range, sizeof(range),
				    &board->zones[i].range),
			size_text(size, sizeof(size),
				  frames_bytes(board->zones[i].frames)));
	}
}

static void table_nodes(FILE *out, const struct board *board,
			const struct colors *colors)
{
	struct arena arena = { 0 };
	struct ram_node *nodes;
	unsigned int i, nr = ram_nodes(board, &arena, &nodes);
	char size[32];

	for (i = 0; i < nr; i++)
		fprintf(out, "%s%s%s     %-8u [0x%llx, 0x%llx] %s\n",
			colors->head, i ? "     " : "nodes", colors->off,
			nodes[i].node, nodes[i].span.start, nodes[i].span.last,
			size_text(size, sizeof(size),
				  frames_bytes(nodes[i].frames)));
	arena_free(&arena);
}

static void table_unplaced(FILE *out, const struct region *region)
{
	char size[32];
	unsigned int i;

	size_text(size, sizeof(size), region->size);
	fputs(region->nr_within ? "within " : "anywhere ", out);
	for (i = 0; i < region->nr_within; i++)
		fprintf(out, "[0x%llx, 0x%llx] ", region->within[i].start,
			region->within[i].last);
	fputs(size, out);
}

static void table_regions(FILE *out, const struct board *board,
			  const struct colors *colors)
{
	unsigned int i;

	for (i = 0; i < board->nr_regions; i++) {
		const struct region *region = &board->regions[i];

		fprintf(out, "%s%s%s  ", colors->head,
			i ? "        " : "reserved", colors->off);
		if (region->placed)
			table_span(out, region->span.start, region->span.last);
		else
			table_unplaced(out, region);
		fprintf(out, " %s, ", region_kind_name(region->kind));
		if (region->nomap && region->kind != REGION_NOMAP)
			fputs("no-map, ", out);
		table_text(out, region->name);
		putc('\n', out);
	}
}

/* The column is as wide as the widest range, so that all fit on a line. */
static unsigned int table_reach_width(const struct board *board)
{
	size_t width = strlen("REACH");
	unsigned int i, j;
	char buf[64];

	for (i = 0; i < board->nr_groups; i++) {
		const struct dmag_reach *reach = &board->groups[i]->core.reach;

		for (j = 0; j < reach->nr; j++) {
			table_range(buf, sizeof(buf), &reach->seg[j]);
			width = max(width, strlen(buf));
		}
	}
	return width;
}

/* Further segments stand alone on lines below their group. */
static void table_reach(FILE *out, const struct dmag_reach *reach,
			unsigned int i, unsigned int width)
{
	char buf[64] = "nothing";

	if (i < reach->nr)
		table_range(buf, sizeof(buf), &reach->seg[i]);
	fprintf(out, "%-*s", width, buf);
}

static const char *table_verdict_color(unsigned int verdict,
				       const struct colors *colors)
{
	if (verdict == VERDICT_UNKNOWN)
		return colors->dim;
	return verdict_bad(verdict) ? colors->bad : colors->good;
}

static void table_group(FILE *out, const struct board *board,
			const struct group *group, unsigned int width,
			const struct colors *colors)
{
	const u64 amounts[] = { group->wasted, group->outside,
				group->unreachable };
	char size[32];
	unsigned int i;

	fprintf(out, "%5u %7u  ", group->id, group->core.members);
	table_reach(out, &group->core.reach, 0, width);
	fprintf(out, "  %10s  %-9s %-7s %s%-9s%s",
		size_text(size, sizeof(size), frames_bytes(group->frames)),
		attrs_text(group->core.attrs),
		zone_text(board, group->worst->zone),
		table_verdict_color(group->verdict, colors),
		verdict_name(group->verdict), colors->off);
	for (i = 0; i < ARRAY_SIZE(amounts); i++)
		fprintf(out, " %10s",
			size_text(size, sizeof(size),
				  frames_bytes(amounts[i])));
	fputs(group->universal ? "  universal\n" : "\n", out);
	for (i = 1; i < group->core.reach.nr; i++) {
		fprintf(out, "%15s", "");
		table_reach(out, &group->core.reach, i, 0);
		putc('\n', out);
	}
}

static void table_groups(FILE *out, const struct board *board,
			 const struct colors *colors)
{
	unsigned int i, width = table_reach_width(board);

	if (!board->nr_groups) {
		fputs("\nno device allocates from a group\n", out);
		return;
	}
	fprintf(out,
		"\n%sGROUP DEVICES  %-*s  %10s  %-9s %-7s %-9s %10s %10s %10s%s\n",
		colors->head, width, "REACH", "SIZE", "ATTRS", "ZONE",
		"VERDICT", "WASTED", "OUTSIDE", "UNREACHED", colors->off);
	for (i = 0; i < board->nr_groups; i++)
		table_group(out, board, board->groups[i], width, colors);
}

/* Buffers out of reach: nothing to say of groups that reach all. */
static void table_stream(FILE *out, const struct board *board,
			 const struct group *group)
{
	char far[32], size[32];

	size_text(far, sizeof(far), frames_bytes(group->unreachable));
	size_text(size, sizeof(size), board->swiotlb_bytes);
	if (group->streaming == STREAM_BOUNCES)
		fprintf(out, "group %u bounces: %s through a swiotlb of %s\n",
			group->id, far, size);
	else if (!group->frames)
		fprintf(out, "group %u fails: it reaches no memory\n",
			group->id);
	else if (!board->swiotlb_bytes)
		fprintf(out,
			"group %u fails: %s are out of reach, there is no swiotlb\n",
			group->id, far);
	else
		fprintf(out,
			"group %u fails: %s are out of reach, and so is swiotlb [0x%llx, 0x%llx]\n",
			group->id, far, board->swiotlb.start,
			board->swiotlb.last);
}

static void table_streams(FILE *out, const struct board *board,
			  const struct colors *colors)
{
	unsigned int i, nr = 0;

	for (i = 0; i < board->nr_groups; i++) {
		const struct group *group = board->groups[i];

		if (group->streaming != STREAM_BOUNCES &&
		    group->streaming != STREAM_FAILS)
			continue;
		fprintf(out, "%s%s%s ", colors->head,
			nr++ ? "         " : "\nstreaming", colors->off);
		table_stream(out, board, group);
	}
}

/* A host bridge is judged for 32 bits above; cards with more may do better. */
static void table_bridges(FILE *out, const struct board *board,
			  const struct colors *colors)
{
	char text[160];
	unsigned int i, nr = 0;

	for (i = 0; i < board->nr_devices; i++) {
		const struct device *dev = &board->devices[i];

		if (!dev->nr_steps)
			continue;
		bridge_text(text, sizeof(text), board, dev);
		fprintf(out, "%s%s%s   ", colors->head,
			nr++ ? "       " : "\nbridges", colors->off);
		table_text(out, dev->path);
		fprintf(out, ": %s\n", text);
	}
}

static void table_device(FILE *out, const struct device *dev,
			 const struct colors *colors)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "%#llx", dev->constraint.limit);
	if (dev->group)
		fprintf(out, "%5u", dev->group->id);
	else
		fprintf(out, "%5s", "-");
	fprintf(out, "  %4u %-7s  %-18s %7u  %-8s", dev->mask_bits,
		mask_from_name(dev->mask_from), limit,
		dev->constraint.nr_windows, dev->coherent ? "yes" : "no");
	fprintf(out, "  %s%-16s%s  ", colors->dim, dev->why, colors->off);
	table_text(out, dev->path);
	if (dev->mask_from == MASK_SYSFS && dev->compatible) {
		fputs(", ", out);
		table_text(out, dev->compatible);
	}
	if (dev->kind != DEVICE_DIRECT)
		fprintf(out, " (%s)", device_kind_name(dev->kind));
	if (dev->stream_bits != dev->mask_bits)
		fprintf(out, " (streaming: %u bits)", dev->stream_bits);
	if (!dev->group && dev->verdict)
		fprintf(out, " %s%s%s", colors->bad, verdict_name(dev->verdict),
			colors->off);
	putc('\n', out);
}

/* Group by group, and those that are in none last. */
static void table_devices(FILE *out, const struct board *board,
			  const struct colors *colors)
{
	unsigned int i, j;

	if (!board->nr_devices)
		return;
	fprintf(out, "\n%s%5s  %4s %-7s  %-18s %7s  %-8s  %-16s  %s%s\n",
		colors->head, "GROUP", "MASK", "FROM", "LIMIT", "WINDOWS",
		"COHERENT", "WHY", "DEVICE", colors->off);
	for (i = 0; i <= board->nr_groups; i++)
		for (j = 0; j < board->nr_devices; j++)
			if (board->devices[j].group ==
			    (i < board->nr_groups ? board->groups[i] : NULL))
				table_device(out, &board->devices[j], colors);
}

/**
 * write_table() - Print a plan for people.
 * @out: where to
 * @board: the plan
 * @style: how
 */
void write_table(FILE *out, const struct board *board,
		 const struct style *style)
{
	const struct colors *colors = style->color ? &table_ansi : &table_plain;

	table_board(out, board, colors);
	table_nodes(out, board, colors);
	table_regions(out, board, colors);
	table_groups(out, board, colors);
	table_streams(out, board, colors);
	table_devices(out, board, colors);
	table_bridges(out, board, colors);
}
