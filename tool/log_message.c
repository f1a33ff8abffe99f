// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The messages of a kernel log that tell of failures of DMA memory.
 *
 * Messages changed between kernels; those since about 4.4 are understood, and
 * some older ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log_message.h"

/* So many lines after a page allocation failure, its stack has been shown. */
#define LOG_STACK_LINES 60

/* ---- pieces of a line ------------------------------------------------ */

/* The text behind "[   12.345678] ", or the line if there is no time. */
const char *log_skip_time(const char *line)
{
	const char *at = line, *end;

	while ((at = strchr(at, '['))) {
		end = at + 1 + strspn(at + 1, " 0123456789.TC");
		if (*end == ']' && end > at + 2)
			return end + 1 + strspn(end + 1, " ");
		at++;
	}
	at = strstr(line, " kernel: ");
	return at ? at + strlen(" kernel: ") : line;
}

/* The number behind @word in @text, in any base; false if there is none. */
bool log_number(const char *text, const char *word, int base, u64 *val)
{
	const char *at = text ? strstr(text, word) : NULL;
	char *end;

	if (!at)
		return false;
	at += strlen(word);
	at += strspn(at, " :=");
	*val = strtoull(at, &end, base);
	return end != at;
}

/* A part of a line, which is its end if there is no more. */
struct log_part {
	const char *text;
	size_t len;
};

static const char *log_copy(struct log_reader *reader, struct log_part part)
{
	return part.text ? arena_printf(reader->arena, "%.*s", (int)part.len,
					part.text) :
			   NULL;
}

/* "0000:00:1d.2" in "stmmac 0000:00:1d.2 eth0: ", from netdev_printk(). */
static bool log_is_bus_name(struct log_part part)
{
	return part.text && memchr(part.text, ':', part.len);
}

/*
 * dev_printk() puts "DRIVER DEVICE: " before a message, which begins at or before
 * @until; a core may add its own name behind that.
 */
void log_set_device(struct log_reader *reader, struct log_event *event,
		    const char *line, const char *until)
{
	struct log_part driver = { 0 }, before = { 0 }, word = { line, 0 };

	while (word.text < until) {
		word.len = strcspn(word.text, " \t");
		if (word.len > 1 && word.text[word.len - 1] == ':') {
			word.len--;
			if (log_is_bus_name(driver) && before.text) {
				word = driver;
				driver = before;
			}
			event->dev = log_copy(reader, word);
			event->driver = log_copy(reader, driver);
			return;
		}
		before = driver;
		driver = word;
		word.text += word.len + strspn(word.text + word.len, " \t");
	}
}

/* The word at @at, without what ends a sentence. */
static const char *log_word(struct log_reader *reader, const char *at)
{
	size_t len;

	at += strspn(at, " '\"");
	len = strcspn(at, " '\",\n");
	while (len && strchr(".:;", at[len - 1]))
		len--;
	return len ? arena_printf(reader->arena, "%.*s", (int)len, at) : NULL;
}

/* ---- the messages ---------------------------------------------------- */

/* "(sz: 262144 bytes), total 32768 (slots), used 31415 (slots)" */
static void log_read_swiotlb(struct log_reader *reader, struct log_event *event,
			     const char *at)
{
	(void)reader;
	if (!log_number(at, "sz:", 10, &event->size))
		log_number(at, "for ", 10, &event->size);
	event->known = log_number(at, "total", 10, &event->total) &&
		       log_number(at, "used", 10, &event->used);
}

/* "DMA: Out of SW-IOMMU space for 65536 bytes at device 0000:00:1f.2" */
static void log_read_old_swiotlb(struct log_reader *reader,
				 struct log_event *event, const char *at)
{
	const char *dev = strstr(at, "at device ");

	log_number(at, "for ", 10, &event->size);
	if (dev)
		event->dev = log_word(reader, dev + strlen("at device "));
}

/*
 * "overflow 0x12345000+4096 of DMA mask ffffffff bus limit 0", and since 5.10
 * "DMA addr 0x12345000+4096 overflow (mask ffffffff, bus limit 0)."
 */
static void log_read_overflow(struct log_reader *reader,
			      struct log_event *event, const char *at)
{
	const char *plus = strchr(at, '+');

	(void)reader;
	if (!log_number(at, "overflow ", 16, &event->addr))
		log_number(at, "addr ", 16, &event->addr);
	if (plus)
		event->size = strtoull(plus + 1, NULL, 10);
	log_number(at, "mask", 16, &event->mask);
	if (!log_number(at, "bus limit", 16, &event->limit))
		log_number(at, "bus mask", 16, &event->limit);
}

/* "nommu_map_sg: overflow 25dcac000+1024 of device mask ffffffff" */
static void log_read_nommu(struct log_reader *reader, struct log_event *event,
			   const char *at)
{
	event->dev = NULL;
	event->driver = NULL;
	log_read_overflow(reader, event, at);
}

/* Bits of a mode without names, which kernels before 4.6 print. */
#define GFP_BIT_DMA 0x01
#define GFP_BIT_DMA32 0x04
#define GFP_BIT_WAIT 0x10 /* before 4.4 */
#define GFP_BIT_RECLAIM 0x400000 /* since 4.4 */
#define GFP_BITS_SINCE_4_4 0x2400000

static const char *log_gfp_names(u64 mode)
{
	bool waits = mode & (mode & GFP_BITS_SINCE_4_4 ? GFP_BIT_RECLAIM :
							 GFP_BIT_WAIT);

	if (mode & GFP_BIT_DMA)
		return waits ? "GFP_DMA" : "GFP_ATOMIC|GFP_DMA";
	if (mode & GFP_BIT_DMA32)
		return waits ? "GFP_DMA32" : "GFP_ATOMIC|GFP_DMA32";
	return waits ? "" : "GFP_ATOMIC";
}

/* "mode:0xcc1(GFP_KERNEL|GFP_DMA)", or the number alone. */
static const char *log_gfp(struct log_reader *reader, const char *at,
			   const char *word)
{
	const char *flags = strchr(at, '(');
	u64 mode;

	if (flags && strchr(flags, ')'))
		return arena_printf(reader->arena, "%.*s",
				    (int)strcspn(flags + 1, ")"), flags + 1);
	return log_number(at, word, 16, &mode) ? log_gfp_names(mode) : "";
}

/* "kworker/0:1: page allocation failure: order:5, mode:0xcc1(GFP_KERNEL|GFP_DMA)" */
static void log_read_pages(struct log_reader *reader, struct log_event *event,
			   const char *at)
{
	u64 order = 0;

	event->driver = event->dev;
	event->dev = NULL;
	log_number(at, "order", 10, &order);
	event->order = order < 64 ? order : 0;
	event->size = 4096ULL << (event->order & 31);
	event->gfp = log_gfp(reader, at, "mode");
	reader->pages = event;
	reader->stack_left = LOG_STACK_LINES;
	reader->slab = false;
}

/*
 * "swapper invoked oom-killer: gfp_mask=0x80d1, order=0": DMA memory only if a DMA
 * zone was asked for.
 */
static void log_read_oom(struct log_reader *reader, struct log_event *event,
			 const char *at)
{
	const char *gfp = log_gfp(reader, at, "gfp_mask");

	if (!strstr(gfp, "GFP_DMA")) {
		event->kind = LOG_KINDS;
		return;
	}
	log_read_pages(reader, event, at);
	event->gfp = gfp;
	event->oom = true;
}

/* "alloc failed, req-size: 512 pages, ret: -12" */
static void log_read_cma(struct log_reader *reader, struct log_event *event,
			 const char *at)
{
	const char *ret = strstr(at, "ret:");
	u64 pages = 0;

	event->dev = NULL;
	event->driver = NULL;
	if (log_number(at, "req-size:", 10, &pages))
		event->size = pages * 4096;
	if (ret)
		event->ret = atoi(ret + strlen("ret:"));
	reader->cma = event;
}

static void log_read_cma_reserve(struct log_reader *reader,
				 struct log_event *event, const char *at)
{
	u64 mib = 0;

	(void)reader;
	event->dev = NULL;
	event->driver = NULL;
	if (log_number(at, "reserve ", 10, &mib))
		event->size = mib << 20;
}

/* "DMA: failed to allocate 1024 KiB GFP_KERNEL|GFP_DMA pool for atomic allocation" */
static void log_read_pool(struct log_reader *reader, struct log_event *event,
			  const char *at)
{
	u64 kib = 0;
	const char *flags = strstr(at, "GFP_");

	event->dev = NULL;
	event->driver = NULL;
	if (log_number(at, "allocate ", 10, &kib))
		event->size = kib << 10;
	event->gfp = flags ? log_word(reader, flags) : NULL;
}

static void log_read_for(struct log_reader *reader, struct log_event *event,
			 const char *at)
{
	const char *dev = strstr(at, " for ");

	event->driver = NULL;
	event->dev = dev ? log_word(reader, dev + strlen(" for ")) : NULL;
}

/* "failed to allocate memory for node 'linux,cma': size 64 MiB" */
static void log_read_reserved(struct log_reader *reader,
			      struct log_event *event, const char *at)
{
	const char *node = strchr(at, '\'');
	u64 mib = 0;

	event->driver = NULL;
	if (node)
		event->dev = arena_printf(reader->arena, "%.*s",
					  (int)strcspn(node + 1, "'"),
					  node + 1);
	if (log_number(at, "size ", 10, &mib))
		event->size = mib << 20;
}

/* "Failed to allocate 67108864 bytes tlb structure" */
static void log_read_bytes(struct log_reader *reader, struct log_event *event,
			   const char *at)
{
	(void)reader;
	event->dev = NULL;
	event->driver = NULL;
	log_number(at, "allocate ", 10, &event->size);
}

/* "Coherent DMA mask 0x3fffffff (pfn ...) covers a smaller range" */
static void log_read_mask(struct log_reader *reader, struct log_event *event,
			  const char *at)
{
	(void)reader;
	log_number(at, "mask", 16, &event->mask);
}

/* "dmag: no 512 pages (blocking) in group 1: ...; owns A of B frames, C free" */
static void log_read_dmag(struct log_reader *reader, struct log_event *event,
			  const char *at)
{
	u64 pages = 0, owned = 0, free = 0;
	const char *owns = strstr(at, "owns ");

	(void)reader;
	if (log_number(at, "no ", 10, &pages))
		event->size = pages * 4096;
	event->ret = strstr(at, "(atomic)") ? 1 : 0;
	if (!owns || !log_number(at, "owns ", 10, &owned) ||
	    !log_number(owns, " of ", 10, &event->total) ||
	    !log_number(owns, "frames, ", 10, &free))
		return;
	event->known = true;
	event->used = owned - min(free, owned);
}

/* "coherent allocation failed for device udmabuf.0 size=8388608" */
static void log_read_coherent(struct log_reader *reader,
			      struct log_event *event, const char *at)
{
	const char *dev = strstr(at, "device ");

	event->driver = NULL;
	event->dev = dev ? log_word(reader, dev + strlen("device ")) : NULL;
	log_number(at, "size", 10, &event->size);
}

/* "33554432 byte", "7274496 B", "6144 KiB": the first such amount; 0 if none. */
static u64 log_bytes(const char *line)
{
	static const struct {
		const char *unit;
		unsigned int shift;
	} units[] = {
		{ "byte", 0 }, { "B ", 0 },   { "B)", 0 },  { "KiB", 10 },
		{ "kB", 10 },  { "MiB", 20 }, { "MB", 20 },
	};
	char *end;
	u64 val;
	unsigned int i;

	for (line = strpbrk(line, "0123456789"); line;
	     line = strpbrk(end, "0123456789")) {
		val = strtoull(line, &end, 0);
		line = end + (*end == ' ');
		for (i = 0; i < ARRAY_SIZE(units); i++)
			if (!strncasecmp(line, units[i].unit,
					 strlen(units[i].unit)))
				return val << units[i].shift;
	}
	return 0;
}

/* "udmabuf udmabuf@1: swiotlb: coherent allocation failed, size=8388608" */
static void log_read_size(struct log_reader *reader, struct log_event *event,
			  const char *at)
{
	static const char *const words[] = { "size", "length" };
	const char *size = NULL;
	unsigned int i;

	(void)reader;
	(void)at;
	for (i = 0; !size && i < ARRAY_SIZE(words); i++) {
		size = strcasestr(event->line, words[i]);
		if (size)
			size += strlen(words[i]);
	}
	if (size && !strncmp(size, " of ", strlen(" of ")))
		size += strlen(" of");
	if (size)
		event->size = strtoull(size + strspn(size, " :="), NULL, 0);
	if (!event->size)
		event->size = log_bytes(event->line);
}

/* "coherent allocation too big (requested 0x400000 mask 0xffffffff)" */
static void log_read_too_big(struct log_reader *reader, struct log_event *event,
			     const char *at)
{
	(void)reader;
	log_number(at, "requested", 16, &event->size);
}

/* Linux 2.4: "__alloc_pages: 0-order allocation failed (gfp=0x20/0)" */
static void log_read_old_pages(struct log_reader *reader,
			       struct log_event *event, const char *at)
{
	u64 order = 0, mode = 0;

	log_number(event->line, "__alloc_pages:", 10, &order);
	log_number(at, "gfp", 16, &mode);
	log_read_pages(reader, event, at);
	event->driver = NULL;
	event->order = order < 64 ? order : 0;
	event->size = 4096ULL << (event->order & 31);
	event->gfp = log_gfp_names(mode);
}

static void log_read_nothing(struct log_reader *reader, struct log_event *event,
			     const char *at)
{
	(void)reader;
	(void)event;
	(void)at;
}

/* "PCI-DMA: Out of IOMMU space for 65536 bytes at device 0000:00:1f.2" */
static void log_read_iommu(struct log_reader *reader, struct log_event *event,
			   const char *at)
{
	static const char *const words[] = { "device ", "iova for ", " for " };
	unsigned int i;

	event->size = log_bytes(at);
	if (event->dev && strchr(event->dev, ':'))
		return;
	event->driver = NULL;
	event->dev = NULL;
	for (i = 0; !event->dev && i < ARRAY_SIZE(words); i++)
		if (strstr(at, words[i]))
			event->dev = log_word(reader, strstr(at, words[i]) +
							      strlen(words[i]));
}

/* "alloc_contig_range: [2ef00, 2f00a) PFNs busy" */
static void log_read_busy(struct log_reader *reader, struct log_event *event,
			  const char *at)
{
	(void)reader;
	(void)at;
	event->dev = NULL;
	event->driver = NULL;
}

/* "WARNING: CPU: 3 PID: 19257 at mm/page_alloc.c:4724 __alloc_pages_nodemask" */
static void log_read_too_large(struct log_reader *reader,
			       struct log_event *event, const char *at)
{
	(void)at;
	event->dev = NULL;
	event->driver = NULL;
	reader->pages = event;
	reader->stack_left = LOG_STACK_LINES;
	reader->slab = false;
}

static void log_read_ret(struct log_reader *reader, struct log_event *event,
			 const char *at)
{
	const char *ret = strrchr(at, '-');
	const char *dev = strstr(event->line, "probe of ");

	if (ret)
		event->ret = atoi(ret);
	if (!dev)
		return;
	/* Before 6.10: "bcm2835-dma: probe of fe007000.dma failed" */
	event->driver = event->dev;
	event->dev = log_word(reader, dev + strlen("probe of "));
}

/* Any words for -ENOMEM; "-121" and its likes are something else. */
static void log_read_setup(struct log_reader *reader, struct log_event *event,
			   const char *at)
{
	log_read_ret(reader, event, at);
	if (event->ret != -12)
		event->kind = LOG_KINDS;
}

/*
 * Each message has a piece of text that no other has; @also has to follow it on
 * the line, if there is such.  Pieces are compared without regard to case.
 */
static const struct log_message log_messages[] = {
	{ LOG_DMAG, "dmag: no ", "pages (", log_read_dmag },
	{ LOG_SWIOTLB_FULL, "swiotlb buffer is full", NULL, log_read_swiotlb },
	{ LOG_SWIOTLB_FULL, "DMA: Out of SW-IOMMU space", NULL,
	  log_read_old_swiotlb },
	{ LOG_OVERFLOW, "swiotlb addr ", "overflow (", log_read_overflow },
	{ LOG_OVERFLOW, "DMA addr ", "overflow (", log_read_overflow },
	{ LOG_OVERFLOW, "overflow 0x", " mask ", log_read_overflow },
	{ LOG_MASK_ZONE, "coherent DMA mask 0x", "covers a smaller range",
	  log_read_mask },
	{ LOG_MASK_ZONE, "coherent DMA mask 0x", "is smaller than",
	  log_read_mask },
	{ LOG_POOL_REACH, "Failed to get suitable pool", " for ",
	  log_read_for },
	{ LOG_POOL_EMPTY, "atomic DMA coherent pool is too small", NULL,
	  log_read_pool },
	{ LOG_POOL_EMPTY, "DMA coherent pool depleted", NULL, log_read_pool },
	{ LOG_POOL_BOOT, "DMA: failed to allocate", "pool for atomic",
	  log_read_pool },
	{ LOG_OVERFLOW, ": overflow ", "of device mask", log_read_nommu },
	{ LOG_COHERENT, "coherent allocation failed for device", NULL,
	  log_read_coherent },
	{ LOG_COHERENT, "swiotlb: coherent allocation failed",
	  "size=", log_read_size },
	{ LOG_COHERENT, "coherent allocation too big", NULL, log_read_too_big },
	{ LOG_TOO_LARGE, "at mm/page_alloc.c:", "__alloc_pages",
	  log_read_too_large },
	{ LOG_CMA_BUSY, "alloc_contig_range: [", "PFNs busy", log_read_busy },
	{ LOG_CMA_BUSY, "alloc_contig_range test_pages_isolated", "failed",
	  log_read_busy },
	{ LOG_CMA_ALLOC, "alloc failed, req-size", NULL, log_read_cma },
	{ LOG_CMA_RESERVE, "cma: Failed to reserve", NULL,
	  log_read_cma_reserve },
	{ LOG_SWIOTLB_BOOT, "Failed to allocate", "tlb structure",
	  log_read_bytes },
	{ LOG_SWIOTLB_BOOT, "Cannot allocate SWIOTLB buffer", NULL,
	  log_read_bytes },
	{ LOG_SWIOTLB_BOOT, "Can not allocate SWIOTLB buffer", NULL,
	  log_read_bytes },
	{ LOG_SWIOTLB_BOOT, "Failed to get contiguous memory for DMA from Xen",
	  NULL, log_read_bytes },
	{ LOG_SWIOTLB_BOOT, "dmabounce: could not allocate", NULL,
	  log_read_bytes },
	{ LOG_SWIOTLB_BOOT, "Cannot allocate buffer", "TLB", log_read_bytes },
	{ LOG_RESERVED, "failed to allocate memory for node", NULL,
	  log_read_reserved },
	{ LOG_RESERVED, "failed to reserve memory for node", NULL,
	  log_read_reserved },
	{ LOG_PAGES, "page allocation failure", NULL, log_read_pages },
	{ LOG_PAGES, "-order allocation failed", "gfp=", log_read_old_pages },
	{ LOG_PAGES, "invoked oom-killer", "gfp_mask=", log_read_oom },
	{ LOG_MASK_REFUSED, "No suitable DMA available", NULL, log_read_ret },
	{ LOG_MASK_REFUSED, "No usable DMA", NULL, log_read_ret },
	{ LOG_MASK_REFUSED, "no usable DMA", NULL, log_read_ret },
	{ LOG_MASK_REFUSED, "set DMA mask", "fail", log_read_ret },
	{ LOG_MASK_REFUSED, "fail", "set DMA mask", log_read_ret },
	{ LOG_MASK_REFUSED, "fail", "setting DMA mask", log_read_ret },
	{ LOG_MASK_UNSET, "coherent DMA mask is unset", NULL, log_read_ret },
	{ LOG_MASK_UNSET, "at kernel/dma/mapping.c:", "dma_map_",
	  log_read_busy },
	{ LOG_MASK_UNSET, "at kernel/dma/mapping.c:", "dma_alloc_",
	  log_read_busy },
	{ LOG_MASK_REFUSED, "unable to set", "DMA", log_read_ret },
	{ LOG_MASK_REFUSED, "can't set", "DMA mask", log_read_ret },
	{ LOG_MASK_REFUSED, "could not set", "DMA mask", log_read_ret },
	{ LOG_MASK_REFUSED, "DMA mask not supported", NULL, log_read_ret },
	{ LOG_MASK_REFUSED, "32-bit DMA unavailable", NULL, log_read_ret },
	{ LOG_MASK_REFUSED, "DMA", "not supported, aborting", log_read_ret },
	{ LOG_MASK_REFUSED, "DMA configuration failed", NULL, log_read_ret },
	{ LOG_MASK_REFUSED, "no suitable DMA mask", NULL, log_read_ret },
	{ LOG_MASK_REFUSED, "DMA not supported", NULL, log_read_ret },
	{ LOG_REGION, "of_reserved_mem_device_init", "fail", log_read_ret },
	{ LOG_HOST_BUFFER, "fail", "host memory buffer", log_read_size },
	{ LOG_IOMMU, "Out of IOMMU space", NULL, log_read_iommu },
	{ LOG_IOMMU, "iommu_alloc failed", NULL, log_read_iommu },
	{ LOG_IOMMU, "Allocating", "iova for", log_read_iommu },
	{ LOG_RING, "ring expansion failed", NULL, log_read_nothing },
	{ LOG_FAR, "memory larger than 4G", NULL, log_read_nothing },
	{ LOG_FAR, "memory above 4G", NULL, log_read_nothing },
	{ LOG_FAR, "address above 4G", NULL, log_read_nothing },
	{ LOG_FAR, "not support", "over 4G", log_read_nothing },
	{ LOG_FAR, "exceed", "32-bit DMA", log_read_nothing },
	{ LOG_MAP, "DMA map", "fail", log_read_size },
	{ LOG_MAP, "DMA map", "error", log_read_size },
	{ LOG_MAP, "dma_map", "fail", log_read_size },
	{ LOG_MAP, "dma_map_sg returned zero", NULL, log_read_size },
	{ LOG_MAP, "failed to", "map DMA", log_read_size },
	{ LOG_MAP, "failed to map", "DMA", log_read_size },
	{ LOG_MAP, "can't map", "DMA", log_read_size },
	{ LOG_MAP, "failed to DMA", "map", log_read_size },
	{ LOG_MAP, "unable to", "DMA map", log_read_size },
};

/* Looked for when no other message fits, and no driver's words. */
static const struct log_message log_last[] = {
	{ LOG_SETUP, "failed to allocate memory", NULL, log_read_nothing },
	{ LOG_SETUP, "can't setup", "-12", log_read_setup },
	{ LOG_SETUP, "could not", "(-12)", log_read_setup },
	{ LOG_SETUP, "cannot", "(-12)", log_read_setup },
	{ LOG_SETUP, "unable to", "(-12)", log_read_setup },
	{ LOG_SETUP, "fail", "-12", log_read_setup },
	{ LOG_SETUP, "error", "-12", log_read_setup },
	{ LOG_PROBE, "failed with error -5", NULL, log_read_ret },
};

/* ---- a driver's own words -------------------------------------------- */

static const char *log_any(const char *line, const char *const *words,
			   unsigned int nr)
{
	const char *at;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		at = strcasestr(line, words[i]);
		if (at)
			return at;
	}
	return NULL;
}

/* Drivers have no common words, but all say what failed, and for what. */
static const char *log_find_words(const char *line)
{
	static const char *const failed[] = {
		"fail",	     "unable",	 "cannot", "can't",
		"could not", "couldn't", "error",  "no memory",
	};
	static const char *const wanted[] = { "alloc", "memory", "buffer",
					      "pci_alloc_consistent" };
	static const char *const dma[] = {
		"dma",
		"coherent",
		"contiguous",
		"from CMA",
		"preallocate",
		"alloc_consistent",
		"descriptor ring",
		"buffer with size",
		"physical memory",
		"aligned buffer",
	};
	/* About controllers, and what is called DMA besides memory. */
	static const char *const other[] = { "channel", "DMAR", "dmaengine",
					     "dma engine", "remap" };

	if (!log_any(line, wanted, ARRAY_SIZE(wanted)) ||
	    !log_any(line, dma, ARRAY_SIZE(dma)) ||
	    log_any(line, other, ARRAY_SIZE(other)))
		return NULL;
	return log_any(line, failed, ARRAY_SIZE(failed));
}

static const struct log_message *log_find_in(const struct log_message *list,
					     unsigned int nr, const char *line,
					     const char **at)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		*at = strcasestr(line, list[i].piece);
		if (*at &&
		    (!list[i].also ||
		     strcasestr(*at + strlen(list[i].piece), list[i].also)))
			return &list[i];
	}
	return NULL;
}

/* The message that a line is, and where its piece is; NULL if it is none. */
const struct log_message *log_find(const char *line, const char **at)
{
	static const struct log_message words = { LOG_DRIVER, NULL, NULL,
						  log_read_size };
	const struct log_message *found;

	found = log_find_in(log_messages, ARRAY_SIZE(log_messages), line, at);
	if (found)
		return found;
	*at = log_find_words(line);
	if (*at)
		return &words;
	return log_find_in(log_last, ARRAY_SIZE(log_last), line, at);
}
