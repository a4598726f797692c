/* unit/kernel_check.c: the slow twin of every kernel. */
#include "kernel_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

typedef struct check {
    const peek__kernel *kernel;
    int64_t rows, n, k; /* at hand */
    char *message;
    size_t size;
} check;

static float *random_values(int64_t count, uint64_t index)
{
    float *values = malloc((size_t)count * sizeof *values);
    peek__stream stream = peek__stream_make(5, PEEK__TEST, index);
    if (!values) abort();
    for (int64_t i = 0; i < count; i++) values[i] = peek__random_uniform(&stream);
    return values;
}

static int close_enough(const check *at, const char *product, float found, double expected, double terms)
{
    if (fabs(found - expected) <= 1e-6 * sqrt(terms) * (fabs(expected) + 1)) return 1;
    snprintf(at->message, at->size, "%s, %s of %lld rows, %lld columns, rank %lld: %.9g instead of %.9g",
             at->kernel->name, product, (long long)at->rows, (long long)at->n, (long long)at->k, (double)found,
             expected);
    return 0;
}

/* Strides are larger than the widths, and what lies beyond must stay as it was. */
static int check_shape(check *at, int64_t rows, int64_t n, int64_t k)
{
    int64_t x_stride = n + 3, w_stride = n + 5;
    float *x = random_values(rows * x_stride, 1), *wt = random_values(k * w_stride, 2);
    float *f = random_values(rows * k, 3), *r = random_values(rows * k, 4),
          *nt = random_values(k * w_stride, 6);
    float *r_before = random_values(rows * k, 4), *nt_before = random_values(k * w_stride, 6);
    const float *soon = (rows + n + k) % 2 ? x : NULL; /* changes nothing */
    int right = 1;
    at->rows = rows, at->n = n, at->k = k;
    at->kernel->times(rows, n, k, 0.5f, x, x_stride, soon, wt, w_stride, r);
    at->kernel->transposed(rows, n, k, f, x, x_stride, soon, nt, w_stride);
    for (int64_t t = 0; right && t < rows; t++)
        for (int64_t c = 0; right && c < k; c++) {
            double sum = r_before[t * k + c];
            for (int64_t i = 0; i < n; i++) sum += 0.5 * x[t * x_stride + i] * wt[c * w_stride + i];
            right = close_enough(at, "X W", r[t * k + c], sum, (double)n);
        }
    for (int64_t c = 0; right && c < k; c++)
        for (int64_t i = 0; right && i < w_stride; i++) {
            double sum = nt_before[c * w_stride + i];
            for (int64_t t = 0; i < n && t < rows; t++) sum += (double)f[t * k + c] * x[t * x_stride + i];
            right = close_enough(at, "X^T F", nt[c * w_stride + i], sum, i < n ? (double)rows : 0);
        }
    free(x), free(wt), free(f), free(r), free(nt), free(r_before), free(nt_before);
    return right;
}

int kernel_check(const peek__kernel *kernel, char *message, size_t size)
{
    static const int64_t rows[] = {1, 2, 3, 5, 64, 67, 130},
                         columns[] = {1, 7, 8, 16, 17, 65, 511, 513, 1030, 1630};
    check at = {.kernel = kernel, .message = message, .size = size};
    for (size_t a = 0; a < sizeof rows / sizeof *rows; a++)
        for (size_t b = 0; b < sizeof columns / sizeof *columns; b++)
            if (!check_shape(&at, rows[a], columns[b], 1 + (int64_t)(a * 5 + b) % 14)) return 0;
    for (int64_t n = 1; n <= 34; n++)
        for (int64_t k = 1; k <= 7; k++)
            if (!check_shape(&at, 5, n, k)) return 0;
    for (int64_t k = 1; k <= 40; k++)
        if (!check_shape(&at, 6, 35, k)) return 0;
    return check_shape(&at, 20, 50, 131);
}
