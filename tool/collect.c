// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag collect: the files that --root reads, in one archive, without the names and
 * numbers that tell one machine from its likes.
 *
 * live.c says which files these are.  A PCI device is a link into
 * /sys/devices, where the links "of_node" of all that is above it lead to host
 * bridges.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acpi.h"
#include "collect.h"
#include "redact.h"
#include "sysfile.h"
#include "tar.h"

/* The part of the configuration space that all may read. */
#define COLLECT_CONFIG 64

struct collect {
	struct arena arena;
	FILE *out;
	const char *root;
	char *real; /* the root, resolved */
	const char **linked; /* directories whose of_node is in the archive */
	unsigned int nr_linked;
	unsigned int nr, lost;
};

static const char *collect_path(struct collect *collect, const char *name)
{
	return arena_printf(&collect->arena, "%s/%s", collect->root, name);
}

/* ---- single files ---------------------------------------------------- */

static void collect_put(struct collect *collect, const char *name,
			const void *data, size_t size)
{
	if (tar_file(collect->out, name, data, size))
		collect->nr++;
	else
		collect->lost++;
}

static void collect_put_link(struct collect *collect, const char *name,
			     const char *target)
{
	if (tar_link(collect->out, name, target))
		collect->nr++;
	else
		collect->lost++;
}

/* At most @most bytes of a file, if there is one. */
static void collect_file(struct collect *collect, const char *name, size_t most)
{
	size_t size;
	char *data =
		sys_read(&collect->arena, collect_path(collect, name), &size);

	if (!data)
		return;
	if (!strcmp(name, "sys/firmware/fdt"))
		redact_fdt(data, size);
	else if (!strcmp(name, "proc/cmdline"))
		redact_cmdline(data);
	collect_put(collect, name, data, min(size, most));
}

/* A copy of /proc/cpuinfo would hold serial numbers: one line of it tells x86. */
static void collect_cpuinfo(struct collect *collect)
{
	const char *text = sys_read(
		&collect->arena, collect_path(collect, "proc/cpuinfo"), NULL);
	const char *at = text ? strstr(text, "vendor_id\t:") : NULL;

	if (at)
		collect_put(collect, "proc/cpuinfo", at,
			    strcspn(at, "\n") + (strchr(at, '\n') ? 1 : 0));
}

static void collect_link(struct collect *collect, const char *name)
{
	char target[PATH_MAX];
	ssize_t len = readlink(collect_path(collect, name), target,
			       sizeof(target) - 1);

	if (len < 0)
		return;
	target[len] = 0;
	collect_put_link(collect, name, target);
}

static void collect_dir(struct collect *collect, const char *dir)
{
	char **names;
	unsigned int i, nr;

	nr = sys_list(&collect->arena, collect_path(collect, dir), &names);
	for (i = 0; i < nr; i++)
		collect_file(collect,
			     arena_printf(&collect->arena, "%s/%s", dir,
					  names[i]),
			     SIZE_MAX);
}

static void collect_memmap(struct collect *collect)
{
	static const char dir[] = "sys/firmware/memmap";
	char **names;
	unsigned int i, nr;

	nr = sys_list(&collect->arena, collect_path(collect, dir), &names);
	for (i = 0; i < nr; i++)
		collect_dir(collect, arena_printf(&collect->arena, "%s/%s", dir,
						  names[i]));
}

/* ---- PCI ------------------------------------------------------------- */

/* Each directory above a device has its node once. */
static void collect_of_node(struct collect *collect, const char *dir)
{
	unsigned int i;

	for (i = 0; i < collect->nr_linked; i++)
		if (!strcmp(collect->linked[i], dir))
			return;
	*ARENA_ADD(&collect->arena, collect->linked, collect->nr_linked) = dir;
	collect_link(collect, arena_printf(&collect->arena, "%s/of_node", dir));
}

static void collect_of_nodes(struct collect *collect, const char *dir)
{
	char *above = arena_printf(&collect->arena, "%s", dir), *slash;

	while ((slash = strrchr(above, '/'))) {
		*slash = 0;
		if (strchr(above, '/'))
			collect_of_node(collect, arena_printf(&collect->arena,
							      "%s", above));
	}
}

/* The place of a device below the root; its own name if that is no link. */
static const char *collect_real(struct collect *collect, const char *name)
{
	char *path = realpath(collect_path(collect, name), NULL);
	size_t len = strlen(collect->real);
	const char *real = name;

	if (path && !strncmp(path, collect->real, len))
		real = arena_printf(&collect->arena, "%s",
				    path + len + (path[len] == '/'));
	free(path);
	return real;
}

static void collect_pci_device(struct collect *collect, const char *name)
{
	static const char *const files[] = { "class", "dma_mask_bits",
					     "consistent_dma_mask_bits",
					     "iommu_group/type", "numa_node" };
	struct arena *arena = &collect->arena;
	const char *dir = arena_printf(arena, "sys/bus/pci/devices/%s", name);
	const char *real = collect_real(collect, dir);
	unsigned int i;

	if (strcmp(real, dir))
		collect_link(collect, dir);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		collect_file(collect,
			     arena_printf(arena, "%s/%s", real, files[i]),
			     SIZE_MAX);
	collect_file(collect, arena_printf(arena, "%s/config", real),
		     COLLECT_CONFIG);
	collect_link(collect, arena_printf(arena, "%s/driver", real));
	collect_of_nodes(collect, real);
}

static void collect_pci(struct collect *collect)
{
	char **names;
	unsigned int i, nr;

	nr = sys_list(&collect->arena,
		      collect_path(collect, "sys/bus/pci/devices"), &names);
	for (i = 0; i < nr; i++)
		collect_pci_device(collect, names[i]);
}

/* ---- all of it ------------------------------------------------------- */

/*
 * Byte code may have serial numbers and addresses anywhere: what a plan needs of it is
 * written anew.
 */
static void collect_code(struct collect *collect)
{
	static const char dir[] = "sys/firmware/acpi/tables";
	struct acpi acpi = { 0 };
	const struct note *note;
	struct board board;
	const void *code;
	size_t size;

	board_init(&board, dir);
	acpi.board = &board;
	acpi_read(&acpi, collect_path(collect, dir));
	code = acpi_write_code(&acpi, &size);
	if (size)
		collect_put(collect, "sys/firmware/acpi/tables/DSDT", code,
			    size);
	for (note = board.notes; note; note = note->next)
		if (strstr(note->text, "_DMA"))
			complain("%s", note->text);
	board_free(&board);
}

/* The running kernel tells its architecture in a file only since 6.1. */
static void collect_files(struct collect *collect)
{
	static const char *const files[] = {
		"proc/cmdline",
		"proc/iomem",
		"proc/meminfo",
		"proc/sys/kernel/arch",
		"proc/sys/kernel/osrelease",
		"proc/zoneinfo",
		"sys/class/dmi/id/product_name",
		"sys/firmware/acpi/tables/DMAR",
		"sys/firmware/acpi/tables/IORT",
		"sys/firmware/acpi/tables/IVRS",
		"sys/firmware/acpi/tables/SRAT",
		"sys/firmware/fdt",
		"sys/kernel/debug/dmag/counters",
		"sys/kernel/debug/dmag/groups",
		"sys/kernel/debug/swiotlb/io_tlb_nslabs",
		"sys/kernel/debug/swiotlb/io_tlb_used",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		collect_file(collect, files[i], SIZE_MAX);
}

/**
 * collect_write() - Write the archive.
 * @out: where to
 * @root: what goes before /proc and /sys
 *
 * Return: 0, or -1 after a complaint.
 */
int collect_write(FILE *out, const char *root)
{
	struct collect collect = { .out = out, .root = root };
	unsigned int nr, lost;

	collect.real = realpath(*root ? root : "/", NULL);
	if (!collect.real)
		return complain("%s: %s", root, strerror(errno));
	if (!collect.real[1])
		*collect.real = 0;
	collect_files(&collect);
	collect_code(&collect);
	collect_cpuinfo(&collect);
	collect_memmap(&collect);
	collect_pci(&collect);
	tar_end(out);
	nr = collect.nr;
	lost = collect.lost;
	free(collect.real);
	arena_free(&collect.arena);
	if (lost)
		complain("%u names are too long for the archive", lost);
	return nr ? 0 : complain("%s/proc: nothing to collect", root);
}
