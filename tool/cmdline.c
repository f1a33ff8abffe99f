// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The kernel's command line, as far as it changes DMA memory.
 *
 * Parameters that make no sense are ignored, as Linux does; the last of equal
 * ones counts.  Documentation/admin-guide/kernel-parameters.txt has them all.
 */
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "options.h"

#define SWIOTLB_SLOT 2048ULL
#define SWIOTLB_SLOTS_MIN 128ULL /* IO_TLB_SEGSIZE */

/* mem=SIZE: no more than so much memory, from the lowest address on. */
static void cmdline_mem(struct cmdline *cmd, const char *val)
{
	char *end;
	u64 size;

	if (parse_size(val, &end, &size) && size)
		cmd->mem = size;
}

/* cma=SIZE[@BASE[-LIMIT]]; the limit is the byte after the last one. */
static void cmdline_cma(struct cmdline *cmd, const char *val)
{
	char *end;
	u64 size, base = 0, limit = 0;

	if (!parse_size(val, &end, &size))
		return;
	if (*end == '@' && !parse_size(end + 1, &end, &base))
		return;
	if (*end == '-' && !parse_size(end + 1, &end, &limit))
		return;
	cmd->has_cma = true;
	cmd->cma = size;
	cmd->cma_base = base;
	if (limit)
		cmd->cma_limit = limit - 1;
	else if (base)
		cmd->cma_limit = base + (size - 1);
}

/* swiotlb=SLOTS[,AREAS][,force]: Linux rounds up to a power of two. */
static void cmdline_swiotlb(struct cmdline *cmd, const char *val)
{
	char *end;
	u64 slots = strtoull(val, &end, 0);

	if (end == val || !slots || slots > U64_MAX / SWIOTLB_SLOT / 2)
		return;
	slots = max(slots, SWIOTLB_SLOTS_MIN);
	if (slots & (slots - 1))
		slots = BIT_ULL(fls64(slots));
	cmd->swiotlb = slots * SWIOTLB_SLOT;
}

/* With any of these, an IOMMU passes addresses through, or is not used. */
static void cmdline_iommu(struct cmdline *cmd, const char *word)
{
	static const char *const words[] = {
		"iommu.passthrough=1", "iommu.passthrough=on", "iommu=pt",
		"iommu=off",	       "intel_iommu=off",      "amd_iommu=off",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i]))
			cmd->no_iommu = true;
}

static void cmdline_word(struct cmdline *cmd, const char *word)
{
	static const struct {
		const char *name;
		void (*read)(struct cmdline *cmd, const char *val);
	} params[] = {
		{ "mem=", cmdline_mem },
		{ "cma=", cmdline_cma },
		{ "swiotlb=", cmdline_swiotlb },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(params); i++)
		if (!strncmp(word, params[i].name, strlen(params[i].name)))
			params[i].read(cmd, word + strlen(params[i].name));
	cmdline_iommu(cmd, word);
}

/**
 * cmdline_read() - Take what matters from a command line.
 * @board: the board, which keeps what earlier ones said
 * @text: the command line; words in quotes are of no interest here
 */
void cmdline_read(struct board *board, const char *text)
{
	char *copy = arena_printf(&board->arena, "%s", text);
	char *save, *word;

	for (word = strtok_r(copy, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save))
		cmdline_word(&board->cmdline, word);
}
