/* linalg/kernel_avx2.h: the kernel for x86-64 with AVX2 and FMA. */
#ifndef LINALG_KERNEL_AVX2_H
#define LINALG_KERNEL_AVX2_H

#include <stdint.h>

#ifdef __x86_64__
#define PEEK__KERNEL_AVX2

int peek__avx2_usable(void);
void peek__avx2_times(int64_t rows, int64_t n, int64_t k, float scale, const float *x, int64_t x_stride,
                      const float *soon, const float *wt, int64_t w_stride, float *r);
void peek__avx2_transposed(int64_t rows, int64_t n, int64_t k, const float *f, const float *x, int64_t x_stride,
                           const float *soon, float *nt, int64_t n_stride);
#endif

#endif
