/* linalg/kernel_neon.h: the kernel for AArch64, where NEON is always there. */
#ifndef LINALG_KERNEL_NEON_H
#define LINALG_KERNEL_NEON_H

#include <stdint.h>

#if defined(__aarch64__) && defined(__ARM_NEON)
#define PEEK__KERNEL_NEON

void peek__neon_times(int64_t rows, int64_t n, int64_t k, float scale, const float *x, int64_t x_stride,
                      const float *soon, const float *wt, int64_t w_stride, float *r);
void peek__neon_transposed(int64_t rows, int64_t n, int64_t k, const float *f, const float *x, int64_t x_stride,
                           const float *soon, float *nt, int64_t n_stride);
#endif

#endif
