// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A plan for programs, as JSON.
 *
 * Addresses and window sizes are strings, "0x...": many readers of JSON keep
 * numbers as doubles, which hold 53 bits.  Amounts of memory are numbers, in
 * bytes.  docs/tool.rst documents the fields; they are only ever added to.
 */
#include "json.h"
#include "text.h"
#include "write.h"

void json_string(FILE *out, const char *s)
{
	if (!s) {
		fputs("null", out);
		return;
	}
	putc('"', out);
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

/* A name and its string. */
void json_pair(FILE *out, const char *name, const char *s)
{
	fprintf(out, "\"%s\": ", name);
	json_string(out, s);
}

void json_bool(FILE *out, const char *name, bool val)
{
	fprintf(out, "\"%s\": %s", name, val ? "true" : "false");
}

void json_span(FILE *out, struct span s)
{
	fprintf(out, "{\"start\": \"0x%llx\", \"last\": \"0x%llx\"}", s.start,
		s.last);
}

/* What goes before element @i of a list that is one element a line. */
static void json_item(FILE *out, unsigned int i)
{
	fputs(i ? ",\n    " : "\n    ", out);
}

static void json_memory(FILE *out, const struct board *b)
{
	unsigned int i;

	fputs(",\n  \"memory\": [", out);
	for (i = 0; i < b->nr_banks; i++) {
		json_item(out, i);
		json_span(out, b->banks[i]);
	}
	fputs("],\n  \"reserved\": [", out);
	for (i = 0; i < b->nr_regions; i++) {
		const struct region *r = &b->regions[i];

		json_item(out, i);
		putc('{', out);
		json_pair(out, "name", r->name);
		fputs(", ", out);
		json_pair(out, "kind", region_kind_name(r->kind));
		fprintf(out, ", \"bytes\": %llu", r->size);
		if (r->placed) {
			fputs(", \"span\": ", out);
			json_span(out, r->span);
		}
		putc('}', out);
	}
	putc(']', out);
}

static void json_zones(FILE *out, const struct board *b)
{
	unsigned int i;

	fputs(",\n  \"zones\": [", out);
	for (i = 0; i < b->nr_zones; i++) {
		const struct zone *z = &b->zones[i];

		json_item(out, i);
		putc('{', out);
		json_pair(out, "name", z->name);
		fputs(", \"span\": ", out);
		json_span(out, range_span(&z->range));
		fprintf(out, ", \"bytes\": %llu}", frames_bytes(z->frames));
	}
	putc(']', out);
}

static void json_reach(FILE *out, const struct dmag_reach *r)
{
	unsigned int i;

	fputs("\"reach\": [", out);
	for (i = 0; i < r->nr; i++) {
		fputs(i ? ", " : "", out);
		json_span(out, range_span(&r->seg[i]));
	}
	putc(']', out);
}

static void json_attrs(FILE *out, unsigned int attrs)
{
	fprintf(out, "\"attributes\": [%s%s%s]",
		attrs & DMAG_SHARED ? "\"shared\"" : "",
		attrs == DMAG_ATTRS ? ", " : "",
		attrs & DMAG_UNCACHED ? "\"uncached\"" : "");
}

static void json_group(FILE *out, const struct board *b, const struct group *g)
{
	fprintf(out, "{\"id\": %u, \"devices\": %u, ", g->id, g->core.members);
	json_reach(out, &g->core.reach);
	fputs(", ", out);
	json_attrs(out, g->core.attrs);
	fputs(", ", out);
	json_bool(out, "universal", g->universal);
	fprintf(out, ", \"bytes\": %llu, \"reserved\": %llu, ",
		frames_bytes(g->frames), frames_bytes(g->reserved));
	json_pair(out, "zone", zone_text(b, g->worst->zone));
	fputs(", ", out);
	json_pair(out, "verdict", verdict_name(g->verdict));
	fputs(", ", out);
	json_bool(out, "zone_exists", g->described);
	fprintf(out, ", \"wasted\": %llu, \"outside\": %llu}",
		frames_bytes(g->wasted), frames_bytes(g->outside));
}

static void json_windows(FILE *out, const struct dmag_constraint *c)
{
	unsigned int i;

	fputs("\"windows\": [", out);
	for (i = 0; i < c->nr_windows; i++)
		fprintf(out,
			"%s{\"cpu\": \"0x%llx\", \"bus\": \"0x%llx\", \"size\": \"0x%llx\"}",
			i ? ", " : "", c->windows[i].cpu, c->windows[i].bus,
			c->windows[i].size);
	putc(']', out);
}

static void json_device(FILE *out, const struct board *b,
			const struct device *d)
{
	putc('{', out);
	json_pair(out, "device", d->path);
	fputs(", ", out);
	json_pair(out, "compatible", d->compatible);
	fputs(", ", out);
	json_pair(out, "why", d->why);
	fputs(", ", out);
	json_pair(out, "memory_from", device_kind_name(d->kind));
	fputs(", ", out);
	json_bool(out, "coherent", d->coherent);
	fprintf(out, ", \"mask_bits\": %u, ", d->mask_bits);
	json_pair(out, "mask_from", mask_from_name(d->mask_from));
	fprintf(out, ", \"limit\": \"0x%llx\", ", d->constraint.limit);
	json_windows(out, &d->constraint);
	if (d->group) {
		fprintf(out, ", \"group\": %u, ", d->group->id);
		json_pair(out, "zone", zone_text(b, d->zone));
		fputs(", ", out);
		json_pair(out, "verdict", verdict_name(d->verdict));
		fprintf(out, ", \"wasted\": %llu, \"outside\": %llu",
			frames_bytes(d->wasted), frames_bytes(d->outside));
	}
	putc('}', out);
}

static void json_lists(FILE *out, const struct board *b)
{
	const struct note *n;
	unsigned int i;

	fputs(",\n  \"groups\": [", out);
	for (i = 0; i < b->nr_groups; i++) {
		json_item(out, i);
		json_group(out, b, b->groups[i]);
	}
	fputs("],\n  \"devices\": [", out);
	for (i = 0; i < b->nr_devices; i++) {
		json_item(out, i);
		json_device(out, b, &b->devices[i]);
	}
	fputs("],\n  \"notes\": [", out);
	for (n = b->notes, i = 0; n; n = n->next) {
		json_item(out, i++);
		json_string(out, n->text);
	}
	putc(']', out);
}

/**
 * write_json() - Print a plan as one JSON object.
 * @out: where to
 * @b: the plan
 */
void write_json(FILE *out, const struct board *b)
{
	fputs("{\n  \"format\": 1,\n  ", out);
	json_pair(out, "source", b->source);
	fputs(",\n  ", out);
	json_pair(out, "model", b->model);
	fputs(",\n  ", out);
	json_pair(out, "compatible", b->compatible);
	fputs(",\n  ", out);
	json_pair(out, "arch", arch_name(b->arch));
	fputs(",\n  ", out);
	json_bool(out, "memory_known", b->memory_known);
	json_memory(out, b);
	json_zones(out, b);
	json_lists(out, b);
	fputs("\n}\n", out);
}
