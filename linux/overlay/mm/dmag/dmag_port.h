/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The core's vocabulary, in the kernel: the real headers.
 */
#ifndef _MM_DMAG_PORT_H
#define _MM_DMAG_PORT_H

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mmdebug.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/page.h>

#include "dmag_types.h"

#define DMAG_CHECK(cond) VM_WARN_ON_ONCE(!(cond))

#endif /* _MM_DMAG_PORT_H */
