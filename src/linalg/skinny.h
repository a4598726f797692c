/* linalg/skinny.h: small products with thin matrices (k columns); the two over X are in linalg/kernel.h, Gram
 * matrices in linalg/gram.h.
 * Row-major; no aliasing; call them from a task of peek__parallel, where BLAS keeps to one thread. */
#ifndef LINALG_SKINNY_H
#define LINALG_SKINNY_H

#include <stdint.h>

/* D <- M G.   M: rows x k, G: k x k symmetric, D: rows x k. */
void peek__skinny_square(int64_t rows, int64_t k, const float *m, const float *gram, float *d);

/* P <- F W^T.   F: rows x k, W: n x k, P: rows x n. */
void peek__skinny_reconstruct(int64_t rows, int64_t n, int64_t k, const float *f, const float *w,
                              float *product);

/* sum of a_i b_i, in double. */
double peek__skinny_dot(int64_t count, const float *a, const float *b);

/* sum over i of (scale x_i - y_i)^2, in double. */
double peek__skinny_distance(int64_t count, float scale, const float *x, const float *y);

#endif
