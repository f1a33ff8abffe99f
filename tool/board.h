/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * A machine: the facts that a source found, and the plan that is made of them.
 *
 * Addresses are bytes in u64, frames are struct dmag_range as in the core; the
 * two never share a variable.  Everything hangs in the board's arena.
 */
#ifndef DMAG_TOOL_BOARD_H
#define DMAG_TOOL_BOARD_H

#include "arena.h"

/**
 * DOC: How a plan is made
 *
 * A *source* fills a &struct board with facts: memory, reserved regions and
 * devices with their constraints.  There are two, a flattened device tree
 * (fdt.c reads it, of.c has Linux's address rules, memory.c and devices.c decide
 * what is memory and what is a device) and the running machine (live.c).  plan.c
 * turns facts into zones and groups with the core that the kernel uses, and
 * judges every device against the zones.  The writers (table.c, json.c, csv.c,
 * svg.c, html.c) only read.
 */

/** enum arch - Whose rules for zones apply. */
enum arch {
	ARCH_UNKNOWN, /* no rules: reaches are right, zones are not known */
	ARCH_ARM64,
	ARCH_RISCV,
	ARCH_X86,
	ARCH_ARM, /* 32 bits, with lowmem and HighMem */
};

/** struct span - Bytes @start to @last, both included. */
struct span {
	u64 start;
	u64 last;
};

/** enum region_kind - The use of a reserved region; the last three are pools. */
enum region_kind {
	REGION_RESERVED,
	REGION_NOMAP,
	REGION_CMA, /* reusable: lent out as movable memory */
	REGION_COHERENT,
	REGION_RESTRICTED,
};

/**
 * struct region - Memory that is set aside.
 * @name: path of its node
 * @span: its place, if @placed
 * @size: in bytes
 * @within: one of these has to hold a region without a place (alloc-ranges)
 * @placed: the source says where it is; otherwise Linux finds a place at boot
 * @nomap: not part of the kernel's memory at all
 * @cma_default: CMA for all devices that have no area of their own
 * @pool_default: coherent memory of all devices that see no caches
 */
struct region {
	const char *name;
	struct span span;
	u64 size;
	struct span *within;
	unsigned int nr_within;
	bool placed;
	bool nomap;
	bool cma_default;
	bool pool_default;
	enum region_kind kind;
};

/** enum mask_from - Why a device is taken to have its mask. */
enum mask_from {
	MASK_DEFAULT, /* 32 bits: Linux's own, which its driver leaves alone */
	MASK_UNKNOWN, /* no driver is known, or it computes; 32 bits or more */
	MASK_TABLE, /* its driver sets it, says the kernel's source */
	MASK_OPTION,
	MASK_SYSFS,
	MASK_LOG, /* a failure in a log shows it */
};

/** enum device_kind - Where a device's memory comes from. */
enum device_kind {
	DEVICE_DIRECT, /* from memory within its constraint: a group's business */
	DEVICE_IOMMU,
	DEVICE_POOL, /* from a region of its own */
	DEVICE_RESTRICTED, /* bounced through a restricted pool */
	DEVICE_DEFAULT_POOL, /* from the pool of all that see no caches */
};

/** struct mask_step - From @bits on, a mask reaches @bytes of memory. */
struct mask_step {
	unsigned int bits;
	u64 bytes;
};

/** enum streaming - How buffers get to a device that were not made for it. */
enum streaming {
	STREAM_DIRECT, /* it reaches all memory */
	STREAM_BOUNCES, /* what it does not reach is copied by swiotlb */
	STREAM_FAILS, /* it does not reach swiotlb, or there is none */
	STREAM_UNKNOWN,
};

/**
 * struct device - A device that does DMA.
 * @path: of its node, or its name on its bus
 * @compatible: what it is, NULL if unknown
 * @why: the rule that says it does DMA
 * @mask_bits: its coherent mask
 * @stream_bits: its mask for streaming DMA
 * @constraint: as the core wants it; .limit covers mask and bus
 * @bus_limit: the highest address its bus carries, 0 if nothing is known
 * @bridge: a PCI host bridge or a bus, which stands for the devices behind it
 * @platform: ... and these are platform devices, no PCI functions
 * @steps: the masks with which its bus reaches more memory, if it is one
 * @pool: the region that its memory comes from, NULL if that is none
 * @zone: the zone that Linux tries first, an index; -1 if none has memory
 * @sure: the highest zone up to that with nothing outside its reach, or -1
 * @verdict: how this zone and those below suit its reach
 * @wasted: frames of its reach that Linux finds by luck or not at all
 * @outside: frames of those zones that it cannot use
 * @unreachable: frames of memory that streaming DMA does not reach
 */
struct device {
	const char *path;
	const char *compatible;
	const char *why;
	enum device_kind kind;
	bool coherent;
	bool bridge;
	bool platform;
	struct mask_step *steps;
	unsigned int nr_steps;
	unsigned int mask_bits;
	unsigned int stream_bits;
	enum mask_from mask_from;
	struct dmag_constraint constraint;
	u64 bus_limit;
	const struct region *pool;
	struct group *group;
	int zone;
	int sure;
	unsigned int verdict;
	u64 wasted;
	u64 outside;
	u64 unreachable;
	enum streaming streaming;
	struct dmag_member member;
};

/**
 * struct zone - One of Linux's zones.
 * @range: its frames
 * @frames: how many of them are RAM
 * @managed: a running kernel's count of frames that its allocator has
 * @unmanaged: there are none, as in the low zones of a crash kernel
 */
struct zone {
	const char *name;
	struct dmag_range range;
	u64 frames;
	u64 managed;
	bool unmanaged;
};

/** enum verdict - How the zone that Linux tries suits a reach (bits). */
enum verdict {
	VERDICT_EXACT = 0,
	VERDICT_SMALL = 1 << 0, /* usable memory is not tried */
	VERDICT_LARGE = 1 << 1, /* allocate, check, free */
	VERDICT_UNUSABLE = 1 << 2, /* it reaches no memory: there is no DMA */
	VERDICT_UNKNOWN = 1 << 3, /* the zones are not known */
};

/**
 * struct group - A group of the plan, with what is known besides its key.
 * @id: its number in the plan, 1 and up, smallest reach first
 * @worst: the member whom the zones suit least
 * @described: some zone and those below it hold just the reach
 * @unreachable: frames that the worst member does not reach
 * @reserved: frames of its reach that are reserved for something else
 */
struct group {
	struct dmag_group core;
	unsigned int id;
	bool universal;
	bool described;
	unsigned int verdict;
	const struct device *worst;
	u64 frames;
	u64 wasted;
	u64 outside;
	u64 unreachable;
	enum streaming streaming;
	u64 reserved;
};

#define MAX_ZONES 5

/* A slot of swiotlb: IO_TLB_SHIFT of Linux. */
#define SWIOTLB_SLOT_SHIFT 11

/** enum note_kind - How much a note matters. */
enum note_kind {
	NOTE_INFO, /* what was assumed or left out */
	NOTE_WARNING, /* most likely not what was meant */
	NOTE_ERROR, /* something cannot work */
};

struct note {
	struct note *next;
	enum note_kind kind;
	const char *text;
};

/**
 * struct cmdline - The kernel parameters that change DMA memory.
 * @mem: mem=, the amount of memory to use in bytes; 0: all
 * @cma: cma=, the size of the default area in bytes; @has_cma: if there is one
 * @cma_base: the first byte that the default area may have
 * @cma_limit: the last byte that the default area may have; 0: any
 * @swiotlb: swiotlb=, in bytes; 0: the default
 */
struct cmdline {
	u64 mem;
	u64 cma;
	u64 cma_base;
	u64 cma_limit;
	u64 swiotlb;
	bool has_cma;
	bool no_iommu; /* iommu.passthrough=1 and its likes */
};

/** struct node_span - Memory of one NUMA node. */
struct node_span {
	unsigned int node;
	struct span span;
};

/** struct board - A machine: the facts, then the plan. */
struct board {
	struct arena arena;
	const char *source; /* file name, or "this machine" */
	const char *model;
	const char *compatible;
	enum arch arch;
	const char *error; /* why it could not be read */
	struct note *notes; /* what was odd about it */
	struct note **notes_end;

	struct span *banks;
	unsigned int nr_banks;
	struct node_span *nodes; /* by address */
	unsigned int nr_nodes;
	bool memory_known;
	bool live; /* memory and zones are a running kernel's */
	bool swiotlb_known; /* ... and so is the size of its swiotlb */
	u64 swiotlb_live;
	struct cmdline cmdline;
	struct region *regions;
	unsigned int nr_regions;
	u64 zone_dma_limit; /* what the device tree makes of ZONE_DMA */
	struct device *devices;
	unsigned int nr_devices;

	struct dmag_reach ram;
	u64 swiotlb_bytes;
	struct span swiotlb; /* its likely place; last is 0 if that is unknown */
	struct zone zones[MAX_ZONES];
	unsigned int nr_zones;
	bool zones_given; /* the source had them: no rule to apply */
	bool zone_dma,
		zone_dma32; /* the kernel has such zones, if empty ones */
	struct dmag_registry registry;
	struct group **groups;
	unsigned int nr_groups;
};

void board_init(struct board *board, const char *source);
void board_free(struct board *board);
void board_add_node(struct board *board, unsigned int node, struct span span);
void board_vnote(struct board *board, enum note_kind kind, const char *fmt,
		 va_list args);
void board_note(struct board *board, const char *fmt, ...) __printf(2, 3);
void board_warn(struct board *board, const char *fmt, ...) __printf(2, 3);
void board_wrong(struct board *board, const char *fmt, ...) __printf(2, 3);
int board_fail(struct board *board, const char *fmt, ...) __printf(2, 3);

static inline u64 frames_bytes(u64 frames)
{
	return frames << PAGE_SHIFT;
}

/* A range of frames in bytes, both ends included. */
static inline struct span range_span(const struct dmag_range *range)
{
	return (struct span){ frames_bytes(range->start),
			      frames_bytes(range->last + 1) - 1 };
}

#endif /* DMAG_TOOL_BOARD_H */
