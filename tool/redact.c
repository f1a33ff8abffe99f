// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Facts that tell one machine from its likes are taken out of its files: serial
 * numbers, addresses of network devices, seeds, and all of the command line on which
 * no plan depends.
 */
#include <libfdt.h>
#include <stdbool.h>
#include <string.h>

#include "redact.h"

/* Parameters that cmdline.c reads stay; others may hold names and keys. */
static bool redact_keeps(const char *word, size_t len)
{
	static const char *const kept[] = {
		"mem=",		 "cma=",  "swiotlb=",	  "iommu=",
		"iommu.",	 "dmag=", "intel_iommu=", "amd_iommu=",
		"coherent_pool", "dmag.", "crashkernel=", "movablecore=",
	};
	unsigned int i;

	for (i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (len >= strlen(kept[i]) &&
		    !strncmp(word, kept[i], strlen(kept[i])))
			return true;
	return false;
}

/**
 * redact_cmdline() - Blank all parameters but those of memory and IOMMUs.
 * @text: the command line, which keeps its length
 */
void redact_cmdline(char *text)
{
	char *word = text;
	size_t len;

	while (*(word += strspn(word, " \t\n"))) {
		len = strcspn(word, " \t\n");
		if (!redact_keeps(word, len))
			memset(word, ' ', len);
		word += len;
	}
}

static bool redact_is_personal(const char *name)
{
	static const char *const parts[] = { "serial", "mac-address", "seed",
					     "bd-address", "uuid" };
	unsigned int i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

static void redact_property(void *blob, int prop)
{
	const char *name;
	int len;
	char *value;

	value = (char *)fdt_getprop_by_offset(blob, prop, &name, &len);
	if (!value || len <= 0)
		return;
	if (redact_is_personal(name))
		memset(value, 0, len);
	else if (!strcmp(name, "bootargs") && !value[len - 1])
		redact_cmdline(value);
}

static void redact_node(void *blob, int node)
{
	int prop;

	fdt_for_each_property_offset(prop, blob, node)
		redact_property(blob, prop);
}

/**
 * redact_fdt() - Zero what is personal in a device tree.
 * @blob: the tree; what is none stays as it is
 * @size: in bytes
 */
void redact_fdt(void *blob, size_t size)
{
	int node;

	if (size < sizeof(struct fdt_header) || fdt_check_full(blob, size))
		return;
	for (node = 0; node >= 0; node = fdt_next_node(blob, node, NULL))
		redact_node(blob, node);
}
