/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The types that the core's header needs, in the kernel: the real headers.
 */
#ifndef _MM_DMAG_TYPES_H
#define _MM_DMAG_TYPES_H

#include <linux/compiler.h>
#include <linux/types.h>

#endif /* _MM_DMAG_TYPES_H */
