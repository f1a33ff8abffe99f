// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Words for what a plan contains, shared by all writers.
 */
#include <stdio.h>

#include "text.h"

/* At most one decimal, rounded as people would. */
const char *size_text(char *buf, size_t len, u64 bytes)
{
	static const char *const units[] = { "B",   "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	unsigned int unit = 0;
	u64 whole = bytes, rest = 0, tenths;

	while (whole >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		rest = whole % 1024;
		whole /= 1024;
		unit++;
	}
	tenths = (rest * 10 + 512) / 1024;
	whole += tenths / 10;
	tenths %= 10;
	if (tenths)
		snprintf(buf, len, "%llu.%llu %s", whole, tenths, units[unit]);
	else
		snprintf(buf, len, "%llu %s", whole, units[unit]);
	return buf;
}

const char *device_kind_name(enum device_kind kind)
{
	static const char *const names[] = {
		[DEVICE_DIRECT] = "group",
		[DEVICE_IOMMU] = "iommu",
		[DEVICE_POOL] = "own pool",
		[DEVICE_RESTRICTED] = "restricted pool",
		[DEVICE_DEFAULT_POOL] = "default pool",
	};

	return names[kind];
}

const char *mask_from_name(enum mask_from from)
{
	static const char *const names[] = {
		[MASK_DEFAULT] = "default", [MASK_UNKNOWN] = "unknown",
		[MASK_TABLE] = "driver",    [MASK_OPTION] = "option",
		[MASK_SYSFS] = "sysfs",	    [MASK_LOG] = "log",
	};

	return names[from];
}

const char *region_kind_name(enum region_kind kind)
{
	static const char *const names[] = {
		[REGION_RESERVED] = "reserved",
		[REGION_NOMAP] = "no-map",
		[REGION_CMA] = "shared-dma-pool, reusable",
		[REGION_COHERENT] = "shared-dma-pool",
		[REGION_RESTRICTED] = "restricted-dma-pool",
	};

	return names[kind];
}

const char *arch_name(enum arch arch)
{
	static const char *const names[] = {
		[ARCH_UNKNOWN] = "unknown", [ARCH_ARM64] = "arm64",
		[ARCH_RISCV] = "riscv",	    [ARCH_X86] = "x86",
		[ARCH_ARM] = "arm",
	};

	return names[arch];
}

const char *verdict_name(unsigned int verdict)
{
	static const char *const names[] = {
		[VERDICT_EXACT] = "exact",
		[VERDICT_SMALL] = "too small",
		[VERDICT_LARGE] = "too large",
		[VERDICT_SMALL | VERDICT_LARGE] = "misplaced",
	};

	if (verdict & VERDICT_UNUSABLE)
		return "unusable";
	return verdict & VERDICT_UNKNOWN ? "unknown" : names[verdict];
}

/* Unknown zones are neither a good nor a bad answer. */
bool verdict_bad(unsigned int verdict)
{
	return verdict & ~VERDICT_UNKNOWN;
}

const char *streaming_name(enum streaming streaming)
{
	static const char *const names[] = {
		[STREAM_DIRECT] = "direct",
		[STREAM_BOUNCES] = "bounces",
		[STREAM_FAILS] = "fails",
		[STREAM_UNKNOWN] = "unknown",
	};

	return names[streaming];
}

const char *attrs_text(unsigned int attrs)
{
	static const char *const names[] = {
		[0] = "-",
		[DMAG_SHARED] = "shared",
		[DMAG_UNCACHED] = "uncached",
		[DMAG_ATTRS] = "shared,uncached",
	};

	return names[attrs & DMAG_ATTRS];
}

/* A zone of -1: every zone that Linux would try is empty. */
const char *zone_text(const struct board *board, int zone)
{
	return zone < 0 ? "none" : board->zones[zone].name;
}
