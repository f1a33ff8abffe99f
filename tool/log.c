// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A kernel log, as far as it tells of failures of DMA memory.
 *
 * The log is what people have: from dmesg, a journal, a serial console, or pasted
 * into a report.  Anything may stand before the message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log_message.h"

/* ---- the log --------------------------------------------------------- */

static bool log_same_text(const char *one, const char *other)
{
	return one && other ? !strcmp(one, other) : one == other;
}

/* The same failure again: its worst figures count.  NULL if it is new. */
static struct log_event *log_merge(struct log_reader *reader,
				   const struct log_event *event)
{
	struct log_event *old;

	for (old = reader->first; old; old = old->next) {
		if (old->kind != event->kind || old->order != event->order ||
		    old->ret != event->ret ||
		    !log_same_text(old->dev, event->dev) ||
		    !log_same_text(old->gfp, event->gfp) ||
		    old->oom != event->oom)
			continue;
		old->count++;
		old->size = max(old->size, event->size);
		old->used = max(old->used, event->used);
		return old;
	}
	return NULL;
}

/* "ahci 0001:01:00.0: controller can't do 64bit DMA, forcing 32bit" */
static void log_read_hint(struct log_reader *reader, const char *line)
{
	static const char *const pieces[] = {
		"DMA, forcing 32bit",
		"forcing 32-bit DMA",
		"using 32-bit DMA",
		"using 32bit DMA",
	};
	struct log_event event = { 0 };
	struct log_hint *hint;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pieces); i++)
		if (strcasestr(line, pieces[i]))
			break;
	if (i == ARRAY_SIZE(pieces))
		return;
	log_set_device(reader, &event, line, strcasestr(line, pieces[i]));
	if (!event.dev)
		return;
	hint = arena_alloc(reader->arena, sizeof(*hint));
	hint->dev = event.dev;
	hint->mask = 0xffffffff;
	hint->next = reader->hints;
	reader->hints = hint;
}

static void log_take_hint(const struct log_reader *reader,
			  struct log_event *event)
{
	const struct log_hint *hint;

	for (hint = reader->hints; hint; hint = hint->next)
		if (!event->mask && event->dev &&
		    !strcmp(hint->dev, event->dev))
			event->mask = hint->mask;
}

/* A driver that fails after an allocation without a stack made it, as a rule. */
static void log_judge_pages(struct log_reader *reader,
			    const struct log_event *event)
{
	bool failed = event->kind >= LOG_DRIVER || event->kind == LOG_POOL_BOOT;

	if (reader->pages && reader->stack_left && failed &&
	    !reader->pages->stack)
		reader->pages->dma = true;
	if (reader->pages && reader->stack_left && event->kind == LOG_POOL_BOOT)
		reader->pages->dma = true;
}

/* CMA goes on when pages are busy.  It was a failure if one follows. */
static void log_judge_busy(struct log_reader *reader,
			   const struct log_event *event)
{
	if (reader->busy && event->kind != LOG_CMA_BUSY)
		reader->busy->failed = true;
}

static void log_add(struct log_reader *reader,
		    const struct log_message *message, const char *line,
		    const char *at)
{
	struct log_event *event = arena_alloc(reader->arena, sizeof(*event));
	struct log_event *old;

	event->kind = message->kind;
	event->line = arena_printf(reader->arena, "%s", line);
	event->count = 1;
	log_set_device(reader, event, line, at);
	message->read(reader, event, at);
	if (event->kind == LOG_KINDS)
		return;
	log_take_hint(reader, event);
	log_judge_busy(reader, event);
	log_judge_pages(reader, event);
	old = log_merge(reader, event);
	if (!old) {
		*reader->end = event;
		reader->end = &event->next;
		if (event->kind == LOG_CMA_BUSY)
			reader->busy = event;
		return;
	}
	if (reader->pages == event)
		reader->pages = old;
	if (reader->cma == event)
		reader->cma = old;
}

/* Lines that tell more about the failure before them. */
static void log_follow(struct log_reader *reader, const char *line)
{
	static const char *const calls[] = {
		"dma_alloc",	  "dma_direct",	      "atomic_pool",
		"alloc_coherent", "dma_pool_alloc",   "swiotlb",
		"dma_common",	  "alloc_consistent",
	};
	u64 free;
	unsigned int i;

	if (reader->stack_left) {
		reader->stack_left--;
		reader->pages->stack |= !!strstr(line, "+0x");
		reader->slab |= !!strstr(line, "kmalloc");
		for (i = 0; i < ARRAY_SIZE(calls); i++)
			if (strstr(line, calls[i])) {
				reader->pages->list |= reader->slab &&
						       !reader->pages->dma;
				reader->pages->dma = true;
			}
	}
	/* "number of available pages: 3@125+...=> 128 free of 16384 total pages" */
	if (reader->cma && log_number(line, "=> ", 10, &free) &&
	    log_number(strstr(line, "=> "), "of ", 10, &reader->cma->total)) {
		reader->cma->known = true;
		reader->cma->used =
			reader->cma->total - min(free, reader->cma->total);
		reader->cma = NULL;
	}
}

/**
 * log_parse() - Find the failures in a kernel log.
 * @arena: gets all that is returned
 * @text: the log
 *
 * Return: a list, in the order of the log; NULL if there is none.
 */
struct log_event *log_parse(struct arena *arena, const char *text)
{
	struct log_reader reader = { .arena = arena };
	char *copy = arena_printf(arena, "%s", text), *save, *line;

	reader.end = &reader.first;
	for (line = strtok_r(copy, "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save)) {
		const char *said = log_skip_time(line), *at;
		const struct log_message *message = log_find(said, &at);

		if (message) {
			log_add(&reader, message, said, at);
			continue;
		}
		log_read_hint(&reader, said);
		log_follow(&reader, said);
	}
	return reader.first;
}
