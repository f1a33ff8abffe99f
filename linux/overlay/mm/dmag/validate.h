/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The validator.
 */
#ifndef _MM_DMAG_VALIDATE_H
#define _MM_DMAG_VALIDATE_H

const char *dmag_validate(void);

#endif /* _MM_DMAG_VALIDATE_H */
