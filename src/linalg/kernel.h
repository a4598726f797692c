/* linalg/kernel.h: the two products of a pass over X, in several implementations of which the machine's best is
 * taken.
 *
 *     times:       R  <- R + scale X Wt^T     X: rows x n, Wt: k x n, R: rows x k
 *     transposed:  Nt <- Nt + F^T X           F: rows x k, X: rows x n, Nt: k x n
 *
 * All row-major; x_stride, w_stride and n_stride are the floats from a row of X, Wt and Nt to the next; R and F
 * are dense. No aliasing. soon: the X of as many rows that comes next, or NULL; the first half of its rows is
 * asked for from memory by times, the rest by transposed, while they compute. Both are called from tasks of
 * peek__parallel and keep to one thread. The order of their sums depends on the shapes alone. */
#ifndef LINALG_KERNEL_H
#define LINALG_KERNEL_H

#include <stdint.h>

typedef struct peek__kernel {
    const char *name;
    int (*usable)(void); /* on this machine */
    void (*times)(int64_t rows, int64_t n, int64_t k, float scale, const float *x, int64_t x_stride,
                  const float *soon, const float *wt, int64_t w_stride, float *r);
    void (*transposed)(int64_t rows, int64_t n, int64_t k, const float *f, const float *x, int64_t x_stride,
                       const float *soon, float *nt, int64_t n_stride);
} peek__kernel;

/* The index-th kernel, best first, or NULL past the last: for tests and benchmarks. */
const peek__kernel *peek__kernel_at(int64_t index);

/* The best that is usable here. */
const peek__kernel *peek__kernel_best(void);

#endif
