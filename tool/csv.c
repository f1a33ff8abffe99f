// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A plan for spreadsheets: a line per device, or a line per board.
 *
 * Fields are quoted as in RFC 4180; there is always a line of names first.
 */
#include "text.h"
#include "write.h"

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
	fputs("verdict,wasted,outside\n", out);
}

static void csv_device(FILE *out, const struct board *b, const struct device *d)
{
	const struct group *g = d->group;

	csv_string(out, b->source);
	putc(',', out);
	csv_string(out, d->path);
	putc(',', out);
	csv_string(out, d->compatible);
	fprintf(out, ",%s,%s,%s,%u,%s,0x%llx,%u,", d->why,
		device_kind_name(d->kind), d->coherent ? "yes" : "no",
		d->mask_bits, mask_from_name(d->mask_from), d->constraint.limit,
		d->constraint.nr_windows);
	if (!g) {
		fputs(",,,,,,\n", out);
		return;
	}
	fprintf(out, "%u,%llu,", g->id, frames_bytes(g->frames));
	csv_string(out, attrs_text(g->core.attrs));
	fprintf(out, ",%s,%s,%llu,%llu\n", zone_text(b, d->zone),
		verdict_name(d->verdict), frames_bytes(d->wasted),
		frames_bytes(d->outside));
}

void write_csv(FILE *out, const struct board *b)
{
	unsigned int i;

	for (i = 0; i < b->nr_devices; i++)
		csv_device(out, b, &b->devices[i]);
}

void write_summary_head(FILE *out)
{
	fputs("board,model,arch,memory_known,memory,devices,in_groups,groups,",
	      out);
	fputs("without_zone,too_small,too_large,reach_nothing,unreachable,wasted,outside,",
	      out);
	fputs("worst_device\n", out);
}

/* The group that the zones suit least. */
static const struct group *worst_group(const struct board *b)
{
	const struct group *worst = NULL;
	unsigned int i;

	for (i = 0; i < b->nr_groups; i++) {
		const struct group *g = b->groups[i];

		if (g->verdict && g->frames &&
		    (!worst ||
		     g->wasted + g->outside > worst->wasted + worst->outside))
			worst = g;
	}
	return worst;
}

struct sums {
	unsigned int in_groups, without_zone, small, large, nothing;
	u64 unreachable, wasted, outside;
};

static struct sums sum_groups(const struct board *b)
{
	u64 ram = dmag_reach_frames(&b->ram);
	struct sums s = { 0 };
	unsigned int i;

	for (i = 0; i < b->nr_groups; i++) {
		const struct group *g = b->groups[i];

		s.in_groups += g->core.members;
		s.without_zone += !g->described;
		s.nothing += !g->frames;
		s.unreachable = max(s.unreachable, ram - g->frames);
		if (!g->frames)
			continue;
		s.small += !!(g->verdict & VERDICT_SMALL);
		s.large += !!(g->verdict & VERDICT_LARGE);
		s.wasted = max(s.wasted, g->wasted);
		s.outside = max(s.outside, g->outside);
	}
	return s;
}

void write_summary(FILE *out, const struct board *b)
{
	const struct group *worst = worst_group(b);
	struct sums s = sum_groups(b);

	csv_string(out, b->source);
	putc(',', out);
	csv_string(out, b->model);
	fprintf(out, ",%s,%s,%llu,%u,%u,%u,%u,%u,%u,%u,%llu,%llu,%llu,",
		arch_name(b->arch), b->memory_known ? "yes" : "no",
		frames_bytes(dmag_reach_frames(&b->ram)), b->nr_devices,
		s.in_groups, b->nr_groups, s.without_zone, s.small, s.large,
		s.nothing, frames_bytes(s.unreachable), frames_bytes(s.wasted),
		frames_bytes(s.outside));
	csv_string(out, worst ? worst->worst->path : "");
	putc('\n', out);
}
