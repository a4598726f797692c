/* What test_kernel and check/neon ask of a kernel: the same as plain loops in double precision, for shapes at
 * and around all block sizes. */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "linalg/kernel.h"

static float *random_values(int64_t count, uint64_t index)
{
    float *values = malloc((size_t)count * sizeof *values);
    peek__stream stream = peek__stream_make(5, PEEK__TEST, index);
    if (!values) abort();
    for (int64_t i = 0; i < count; i++) values[i] = peek__random_uniform(&stream);
    return values;
}

static int64_t wrong(float found, double expected, double terms, const char *name)
{
    if (fabs(found - expected) <= 1e-6 * sqrt(terms) * (fabs(expected) + 1)) return 0;
    printf("%s: %.9g instead of %.9g\n", name, (double)found, expected);
    return 1;
}

/* Strides are larger than the widths, and what lies beyond must stay as it was. */
static int64_t check_shape(const peek__kernel *kernel, int64_t rows, int64_t n, int64_t k)
{
    int64_t x_stride = n + 3, w_stride = n + 5, found = 0;
    float *x = random_values(rows * x_stride, 1), *wt = random_values(k * w_stride, 2);
    float *f = random_values(rows * k, 3), *r = random_values(rows * k, 4),
          *nt = random_values(k * w_stride, 6);
    float *r_before = random_values(rows * k, 4), *nt_before = random_values(k * w_stride, 6);
    kernel->times(rows, n, k, 0.5f, x, x_stride, x, wt, w_stride, r);
    kernel->transposed(rows, n, k, f, x, x_stride, NULL, nt, w_stride);
    for (int64_t t = 0; t < rows; t++)
        for (int64_t c = 0; c < k; c++) {
            double sum = r_before[t * k + c];
            for (int64_t i = 0; i < n; i++) sum += 0.5 * x[t * x_stride + i] * wt[c * w_stride + i];
            found += wrong(r[t * k + c], sum, (double)n, kernel->name);
        }
    for (int64_t c = 0; c < k; c++)
        for (int64_t i = 0; i < w_stride; i++) {
            double sum = nt_before[c * w_stride + i];
            for (int64_t t = 0; i < n && t < rows; t++) sum += (double)f[t * k + c] * x[t * x_stride + i];
            if (i < n)
                found += wrong(nt[c * w_stride + i], sum, (double)rows, kernel->name);
            else
                found += nt[c * w_stride + i] != nt_before[c * w_stride + i];
        }
    free(x), free(wt), free(f), free(r), free(nt), free(r_before), free(nt_before);
    return found;
}

/* How many values are wrong over all shapes. */
static int64_t check_kernel(const peek__kernel *kernel)
{
    static const int64_t rows[] = {1, 2, 3, 5, 64, 67, 130};
    static const int64_t columns[] = {1, 7, 8, 16, 17, 65, 511, 513, 801, 1030, 1601};
    int64_t found = 0;
    for (size_t a = 0; a < sizeof rows / sizeof *rows; a++)
        for (size_t b = 0; b < sizeof columns / sizeof *columns; b++)
            found += check_shape(kernel, rows[a], columns[b], 1 + (int64_t)(a * 5 + b) % 14);
    for (int64_t k = 1; k <= 40; k++) found += check_shape(kernel, 6, 35, k);
    return found + check_shape(kernel, 20, 50, 131);
}

#endif
