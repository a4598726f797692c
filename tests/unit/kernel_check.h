/* unit/kernel_check.h: a kernel against plain loops in double precision, without a test framework, so that
 * check/neon.c can run it where there is none. */
#ifndef UNIT_KERNEL_CHECK_H
#define UNIT_KERNEL_CHECK_H

#include <stddef.h>

#include "linalg/kernel.h"

/* Both products for shapes at and around all block sizes. Returns 1; or 0, with the first that is wrong in
 * `message`. */
int kernel_check(const peek__kernel *kernel, char *message, size_t size);

#endif
