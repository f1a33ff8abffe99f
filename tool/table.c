// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A plan for people: the machine, its groups, the devices of each.
 */
#include <string.h>

#include "text.h"
#include "write.h"

struct colors {
	const char *head, *good, *bad, *dim, *off;
};

static const struct colors plain = { "", "", "", "", "" };
static const struct colors ansi = { "\033[1m", "\033[32m", "\033[31m",
				    "\033[2m", "\033[0m" };

/* Device trees come from anywhere: nothing in one may steer a terminal. */
static void put_text(FILE *out, const char *s)
{
	for (; *s; s++)
		putc(*s >= ' ' && *s <= '~' ? *s : '?', out);
}

static void put_span(FILE *out, u64 start, u64 last)
{
	char size[32];

	fprintf(out, "[0x%llx, 0x%llx]", start, last);
	if (last - start != U64_MAX)
		fprintf(out, " %s",
			size_text(size, sizeof(size), last - start + 1));
}

static const char *range_text(char *buf, size_t len, const struct dmag_range *r)
{
	struct span s = range_span(r);

	snprintf(buf, len, "[0x%llx, 0x%llx]", s.start, s.last);
	return buf;
}

static void put_board(FILE *out, const struct board *b, const struct colors *c)
{
	char size[32], range[64];
	unsigned int i;

	fprintf(out, "%sboard%s     ", c->head, c->off);
	put_text(out, b->model ? b->model : b->source);
	if (b->compatible) {
		fputs(" (", out);
		put_text(out, b->compatible);
		putc(')', out);
	}
	fprintf(out, ", %s\n", arch_name(b->arch));
	for (i = 0; i < b->nr_banks; i++) {
		fprintf(out, "%s%s%s    ", c->head, i ? "      " : "memory",
			c->off);
		put_span(out, b->banks[i].start, b->banks[i].last);
		fputs(b->memory_known ? "\n" : ", assumed\n", out);
	}
	for (i = 0; i < b->nr_zones; i++) {
		fprintf(out, "%s%s%s     %-8s ", c->head, i ? "     " : "zones",
			c->off, b->zones[i].name);
		fprintf(out, "%s %s\n",
			range_text(range, sizeof(range), &b->zones[i].range),
			size_text(size, sizeof(size),
				  frames_bytes(b->zones[i].frames)));
	}
}

static void put_regions(FILE *out, const struct board *b,
			const struct colors *c)
{
	char size[32];
	unsigned int i;

	for (i = 0; i < b->nr_regions; i++) {
		const struct region *r = &b->regions[i];

		fprintf(out, "%s%s%s  ", c->head, i ? "        " : "reserved",
			c->off);
		if (r->placed)
			put_span(out, r->span.start, r->span.last);
		else
			fprintf(out, "anywhere %s",
				size_text(size, sizeof(size), r->size));
		fprintf(out, " %s, ", region_kind_name(r->kind));
		put_text(out, r->name);
		putc('\n', out);
	}
}

static unsigned int reach_width(const struct board *b)
{
	size_t width = strlen("REACH");
	unsigned int i, j;
	char buf[64];

	for (i = 0; i < b->nr_groups; i++) {
		const struct dmag_reach *r = &b->groups[i]->core.reach;

		for (j = 0; j < r->nr; j++) {
			range_text(buf, sizeof(buf), &r->seg[j]);
			width = max(width, strlen(buf));
		}
	}
	return width;
}

static void put_reach(FILE *out, const struct dmag_reach *r, unsigned int i,
		      unsigned int width)
{
	char buf[64] = "nothing";

	if (i < r->nr)
		range_text(buf, sizeof(buf), &r->seg[i]);
	fprintf(out, "%-*s", width, buf);
}

static void put_group(FILE *out, const struct board *b, const struct group *g,
		      unsigned int width, const struct colors *c)
{
	char size[32], wasted[32], outside[32];
	unsigned int i;

	fprintf(out, "%5u %7u  ", g->id, g->core.members);
	put_reach(out, &g->core.reach, 0, width);
	fprintf(out, "  %10s  %-9s %-7s %s%-9s%s %10s %10s%s\n",
		size_text(size, sizeof(size), frames_bytes(g->frames)),
		attrs_text(g->core.attrs), zone_text(b, g->worst->zone),
		g->verdict ? c->bad : c->good, verdict_name(g->verdict), c->off,
		size_text(wasted, sizeof(wasted), frames_bytes(g->wasted)),
		size_text(outside, sizeof(outside), frames_bytes(g->outside)),
		g->universal ? "  universal" : "");
	for (i = 1; i < g->core.reach.nr; i++) {
		fprintf(out, "%15s", "");
		put_reach(out, &g->core.reach, i, 0);
		putc('\n', out);
	}
}

static void put_groups(FILE *out, const struct board *b, const struct colors *c)
{
	unsigned int i, width = reach_width(b);

	if (!b->nr_groups) {
		fputs("\nno device allocates from a group\n", out);
		return;
	}
	fprintf(out,
		"\n%sGROUP DEVICES  %-*s  %10s  %-9s %-7s %-9s %10s %10s%s\n",
		c->head, width, "REACH", "SIZE", "ATTRS", "ZONE", "VERDICT",
		"WASTED", "OUTSIDE", c->off);
	for (i = 0; i < b->nr_groups; i++)
		put_group(out, b, b->groups[i], width, c);
}

static void put_device(FILE *out, const struct device *d,
		       const struct colors *c)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "%#llx", d->constraint.limit);
	if (d->group)
		fprintf(out, "%5u", d->group->id);
	else
		fprintf(out, "%5s", "-");
	fprintf(out, "  %4u %-7s  %-18s %7u  %-8s", d->mask_bits,
		mask_from_name(d->mask_from), limit, d->constraint.nr_windows,
		d->coherent ? "yes" : "no");
	fprintf(out, "  %s%-16s%s  ", c->dim, d->why, c->off);
	put_text(out, d->path);
	if (d->kind != DEVICE_DIRECT)
		fprintf(out, " (%s)", device_kind_name(d->kind));
	putc('\n', out);
}

static void put_devices(FILE *out, const struct board *b,
			const struct colors *c)
{
	unsigned int i, j;

	if (!b->nr_devices)
		return;
	fprintf(out, "\n%s%5s  %4s %-7s  %-18s %7s  %-8s  %-16s  %s%s\n",
		c->head, "GROUP", "MASK", "FROM", "LIMIT", "WINDOWS",
		"COHERENT", "WHY", "DEVICE", c->off);
	for (i = 0; i <= b->nr_groups; i++)
		for (j = 0; j < b->nr_devices; j++)
			if (b->devices[j].group ==
			    (i < b->nr_groups ? b->groups[i] : NULL))
				put_device(out, &b->devices[j], c);
}

/**
 * write_table() - Print a plan for people.
 * @out: where to
 * @b: the plan
 * @style: how
 */
void write_table(FILE *out, const struct board *b, const struct style *style)
{
	const struct colors *c = style->color ? &ansi : &plain;

	put_board(out, b, c);
	put_regions(out, b, c);
	put_groups(out, b, c);
	put_devices(out, b, c);
}
