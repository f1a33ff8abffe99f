// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A plan for programs, as JSON.
 *
 * Addresses and window sizes are strings, amounts of memory are numbers in
 * bytes.  docs/tool.rst documents the fields; they are only ever added to.
 */
#include "json_writer.h"
#include "ram.h"
#include "text.h"
#include "write.h"

/* A region without a place has only a size. */
static void json_spans(struct json *json, const char *name,
		       const struct span *spans, unsigned int nr)
{
	unsigned int i;

	json_open(json, name, '[');
	for (i = 0; i < nr; i++)
		json_span(json, NULL, spans[i]);
	json_close(json, ']');
}

static void json_regions(struct json *json, const struct board *board)
{
	unsigned int i;

	json_open(json, "reserved", '[');
	for (i = 0; i < board->nr_regions; i++) {
		const struct region *region = &board->regions[i];

		json_open(json, NULL, '{');
		json_string(json, "name", region->name);
		json_string(json, "kind", region_kind_name(region->kind));
		json_number(json, "bytes", region->size);
		if (region->placed)
			json_span(json, "span", region->span);
		else
			json_spans(json, "within", region->within,
				   region->nr_within);
		json_bool(json, "mapped", !region->nomap);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_memory(struct json *json, const struct board *board)
{
	json_spans(json, "memory", board->banks, board->nr_banks);
	json_regions(json, board);
}

static void json_zones(struct json *json, const struct board *board)
{
	unsigned int i;

	json_open(json, "zones", '[');
	for (i = 0; i < board->nr_zones; i++) {
		const struct zone *zone = &board->zones[i];

		json_open(json, NULL, '{');
		json_string(json, "name", zone->name);
		json_span(json, "span", range_span(&zone->range));
		json_number(json, "bytes", frames_bytes(zone->frames));
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_nodes(struct json *json, const struct board *board)
{
	struct arena arena = { 0 };
	struct ram_node *nodes;
	unsigned int i, nr = ram_nodes(board, &arena, &nodes);

	json_open(json, "nodes", '[');
	for (i = 0; i < nr; i++) {
		json_open(json, NULL, '{');
		json_number(json, "node", nodes[i].node);
		json_span(json, "span", nodes[i].span);
		json_number(json, "bytes", frames_bytes(nodes[i].frames));
		json_close(json, '}');
	}
	json_close(json, ']');
	arena_free(&arena);
}

static void json_reach(struct json *json, const struct dmag_reach *reach)
{
	unsigned int i;

	json_open(json, "reach", '[');
	for (i = 0; i < reach->nr; i++)
		json_span(json, NULL, range_span(&reach->seg[i]));
	json_close(json, ']');
}

static void json_attrs(struct json *json, unsigned int attrs)
{
	json_open(json, "attributes", '[');
	if (attrs & DMAG_SHARED)
		json_string(json, NULL, "shared");
	if (attrs & DMAG_UNCACHED)
		json_string(json, NULL, "uncached");
	json_close(json, ']');
}

static void json_group(struct json *json, const struct board *board,
		       const struct group *group)
{
	json_open(json, NULL, '{');
	json_number(json, "id", group->id);
	json_number(json, "devices", group->core.members);
	json_reach(json, &group->core.reach);
	json_attrs(json, group->core.attrs);
	json_bool(json, "universal", group->universal);
	json_number(json, "bytes", frames_bytes(group->frames));
	json_number(json, "reserved", frames_bytes(group->reserved));
	json_string(json, "zone", zone_text(board, group->worst->zone));
	json_string(json, "verdict", verdict_name(group->verdict));
	json_bool(json, "zone_exists", group->described);
	json_number(json, "wasted", frames_bytes(group->wasted));
	json_number(json, "outside", frames_bytes(group->outside));
	json_number(json, "unreachable", frames_bytes(group->unreachable));
	json_string(json, "streaming", streaming_name(group->streaming));
	json_close(json, '}');
}

static void json_windows(struct json *json, const struct dmag_constraint *dma)
{
	unsigned int i;

	json_open(json, "windows", '[');
	for (i = 0; i < dma->nr_windows; i++) {
		json_open(json, NULL, '{');
		json_hex(json, "cpu", dma->windows[i].cpu);
		json_hex(json, "bus", dma->windows[i].bus);
		json_hex(json, "size", dma->windows[i].size);
		json_close(json, '}');
	}
	json_close(json, ']');
}

/* Only a device whose memory comes from a group is judged. */
static void json_steps(struct json *json, const struct device *dev)
{
	unsigned int i;

	json_open(json, "by_mask", '[');
	for (i = 0; i < dev->nr_steps; i++) {
		json_open(json, NULL, '{');
		json_number(json, "bits", dev->steps[i].bits);
		json_number(json, "bytes", dev->steps[i].bytes);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_judgement(struct json *json, const struct board *board,
			   const struct device *dev)
{
	json_number(json, "group", dev->group->id);
	json_string(json, "zone", zone_text(board, dev->zone));
	json_string(json, "verdict", verdict_name(dev->verdict));
	json_number(json, "wasted", frames_bytes(dev->wasted));
	json_number(json, "outside", frames_bytes(dev->outside));
	json_number(json, "unreachable", frames_bytes(dev->unreachable));
	json_string(json, "streaming", streaming_name(dev->streaming));
}

static void json_device(struct json *json, const struct board *board,
			const struct device *dev)
{
	json_open(json, NULL, '{');
	json_string(json, "device", dev->path);
	json_string(json, "compatible", dev->compatible);
	json_string(json, "why", dev->why);
	json_string(json, "memory_from", device_kind_name(dev->kind));
	json_bool(json, "coherent", dev->coherent);
	json_number(json, "mask_bits", dev->mask_bits);
	json_number(json, "streaming_mask_bits", dev->stream_bits);
	json_string(json, "mask_from", mask_from_name(dev->mask_from));
	json_hex(json, "limit", dev->constraint.limit);
	json_windows(json, &dev->constraint);
	if (dev->nr_steps)
		json_steps(json, dev);
	if (dev->pool)
		json_string(json, "pool", dev->pool->name);
	if (dev->group)
		json_judgement(json, board, dev);
	json_close(json, '}');
}

static void json_lists(struct json *json, const struct board *board)
{
	const struct note *note;
	unsigned int i;

	json_open(json, "groups", '[');
	for (i = 0; i < board->nr_groups; i++)
		json_group(json, board, board->groups[i]);
	json_close(json, ']');
	json_open(json, "devices", '[');
	for (i = 0; i < board->nr_devices; i++)
		json_device(json, board, &board->devices[i]);
	json_close(json, ']');
	json_open(json, "notes", '[');
	for (note = board->notes; note; note = note->next)
		json_string(json, NULL, note->text);
	json_close(json, ']');
}

/**
 * write_json() - Print a plan as one JSON object.
 * @out: where to
 * @board: the plan
 */
void write_json(FILE *out, const struct board *board)
{
	struct json json = { .out = out };

	json_open(&json, NULL, '{');
	json_number(&json, "format", 1);
	json_string(&json, "source", board->source);
	json_string(&json, "model", board->model);
	json_string(&json, "compatible", board->compatible);
	json_string(&json, "arch", arch_name(board->arch));
	json_bool(&json, "memory_known", board->memory_known);
	json_number(&json, "swiotlb", board->swiotlb_bytes);
	json_memory(&json, board);
	json_zones(&json, board);
	json_nodes(&json, board);
	json_lists(&json, board);
	json_close(&json, '}');
}
