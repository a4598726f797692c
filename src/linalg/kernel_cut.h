/* linalg/kernel_cut.h: how the kernels cut what does not fit at once. */
#ifndef LINALG_KERNEL_CUT_H
#define LINALG_KERNEL_CUT_H

#include <stdint.h>

/* How many of those left come next, where `most` fit: as few parts as there can be, and none of them thin. */
static inline int64_t peek__kernel_cut(int64_t left, int64_t most)
{
    int64_t parts = (left + most - 1) / most;
    return (left + parts - 1) / parts;
}

#endif
