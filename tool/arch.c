// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Architectures, as their device trees show them.
 *
 * The CPUs tell: Documentation/devicetree/bindings/arm/cpus.yaml and its like
 * have the names.  An ARM core of 64 bits may run a kernel of 32, which a tree
 * does not show.  Zones are Linux's and differ by architecture; where the tool
 * has no rules for them it says so instead of showing those of another one.
 */
#include <string.h>

#include "arch.h"

/* Whole names; the longer ones of the same beginning have 64 bits. */
static const char *const arch_arm_cpus[] = {
	"arm,cortex-a5",  "arm,cortex-a7",     "arm,cortex-a8",
	"arm,cortex-a9",  "arm,cortex-a12",    "arm,cortex-a15",
	"arm,cortex-a17", "arm,cortex-a32",    "arm,cortex-r4",
	"arm,cortex-r5",  "arm,cortex-r7",     "brcm,brahma-b15",
	"qcom,krait",	  "qcom,scorpion",     "intel,xscale",
	"ti,omap3630",	  "marvell,feroceon",  "marvell,mohawk",
	"marvell,pj4a",	  "marvell,pj4b",      "marvell,pj4b-mp",
	"marvell,xscale", "marvell,sheeva-v5", "marvell,sheeva-v7",
};

/* Beginnings, after the names above; the first that fits decides. */
static const struct {
	const char *prefix;
	enum arch arch;
} arch_cpus[] = {
	{ "arm,armv8", ARCH_ARM64 },	   { "arm,cortex-m", ARCH_ARM },
	{ "arm,cortex-", ARCH_ARM64 },	   { "arm,neoverse-", ARCH_ARM64 },
	{ "arm,arm", ARCH_ARM },	   { "ARM,", ARCH_ARM64 },
	{ "faraday,fa", ARCH_ARM },	   { "intel,sa1", ARCH_ARM },
	{ "apple,", ARCH_ARM64 },	   { "apm,", ARCH_ARM64 },
	{ "brcm,brahma-b53", ARCH_ARM64 }, { "brcm,vulcan", ARCH_ARM64 },
	{ "cavium,thunder", ARCH_ARM64 },  { "nvidia,tegra", ARCH_ARM64 },
	{ "nvidia,denver", ARCH_ARM64 },   { "qcom,kryo", ARCH_ARM64 },
	{ "qcom,oryon", ARCH_ARM64 },	   { "samsung,mongoose", ARCH_ARM64 },
	{ "phytium,", ARCH_ARM64 },	   { "ampere,", ARCH_ARM64 },
	{ "hisilicon,tsv", ARCH_ARM64 },   { "riscv", ARCH_RISCV },
};

static enum arch arch_of_name(const char *cpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(arch_arm_cpus); i++)
		if (!strcmp(cpu, arch_arm_cpus[i]))
			return ARCH_ARM;
	for (i = 0; i < ARRAY_SIZE(arch_cpus); i++)
		if (!strncmp(cpu, arch_cpus[i].prefix,
			     strlen(arch_cpus[i].prefix)))
			return arch_cpus[i].arch;
	return ARCH_UNKNOWN;
}

/* Any name of a CPU's compatible will do; riscv has a property besides. */
static enum arch arch_of_cpu(const struct of_node *cpu)
{
	const char *name = NULL;
	enum arch arch;

	if (of_has(cpu, "riscv,isa") || of_has(cpu, "riscv,isa-base"))
		return ARCH_RISCV;
	while ((name = of_next_string(cpu, "compatible", name))) {
		arch = arch_of_name(name);
		if (arch)
			return arch;
	}
	return ARCH_UNKNOWN;
}

/**
 * arch_of_tree() - Tell whose device tree this is.
 * @board: gets a note if the tree does not say
 * @tree: the tree
 *
 * CPUs that are disabled count too: a boot loader enables them.
 *
 * Return: the architecture, or %ARCH_UNKNOWN.
 */
enum arch arch_of_tree(struct board *board, const struct of_tree *tree)
{
	const struct of_node *cpus = of_child(tree->root, "cpus"), *cpu;
	enum arch arch = ARCH_UNKNOWN;

	for (cpu = cpus ? cpus->child : NULL; cpu && !arch; cpu = cpu->sibling)
		arch = arch_of_cpu(cpu);
	if (!arch && !board->live)
		board_note(board,
			   "%s: no zones are shown, only reaches (give --arch)",
			   cpus ? "no rules for the zones of these CPUs" :
				  "no CPU tells the architecture");
	return arch;
}
