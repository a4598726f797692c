/* linalg/kernel.c: the table of kernels, and the one on BLAS that runs everywhere. */
#include "linalg/kernel.h"

#include <cblas.h>
#undef I /* cblas.h brings complex.h */
#include <stddef.h>

#include "linalg/kernel_avx2.h"
#include "linalg/kernel_avx512.h"
#include "linalg/kernel_neon.h"

static int always(void)
{
    return 1;
}

static void times(int64_t rows, int64_t n, int64_t k, float scale, const float *x, int64_t x_stride,
                  const float *soon, const float *wt, int64_t w_stride, float *r)
{
    (void)soon;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)k, (int)n, scale, x, (int)x_stride, wt,
                (int)w_stride, 1.0f, r, (int)k);
}

static void transposed(int64_t rows, int64_t n, int64_t k, const float *f, const float *x, int64_t x_stride,
                       const float *soon, float *nt, int64_t n_stride)
{
    (void)soon;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)k, (int)n, (int)rows, 1.0f, f, (int)k, x,
                (int)x_stride, 1.0f, nt, (int)n_stride);
}

static const peek__kernel kernels[] = {
#ifdef PEEK__KERNEL_AVX512
    {"avx512", peek__avx512_usable, peek__avx512_times, peek__avx512_transposed},
#endif
#ifdef PEEK__KERNEL_AVX2
    {"avx2", peek__avx2_usable, peek__avx2_times, peek__avx2_transposed},
#endif
#ifdef PEEK__KERNEL_NEON
    {"neon", always, peek__neon_times, peek__neon_transposed},
#endif
    {"blas", always, times, transposed},
};

const peek__kernel *peek__kernel_at(int64_t index)
{
    return index >= 0 && index < (int64_t)(sizeof kernels / sizeof *kernels) ? &kernels[index] : NULL;
}

const peek__kernel *peek__kernel_best(void)
{
    int64_t i = 0;
    while (!kernels[i].usable()) i++;
    return &kernels[i];
}
