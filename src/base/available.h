/* base/available.h: how much memory may be taken before the kernel ends processes for it. */
#ifndef BASE_AVAILABLE_H
#define BASE_AVAILABLE_H

#include <stdint.h>

/* Bytes that the machine, and the control groups this process is in, still have; a part is kept back. INT64_MAX
 * where neither says. */
int64_t peek__memory_available(void);

#endif
