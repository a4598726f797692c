/* Every kernel that runs here against plain loops in double precision, for shapes at and around all block
 * sizes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"
#include "linalg/kernel.h"

static float *random_values(int64_t count, uint64_t index)
{
    float *values = malloc((size_t)count * sizeof *values);
    peek__stream stream = peek__stream_make(5, PEEK__TEST, index);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++) values[i] = peek__random_uniform(&stream);
    return values;
}

static void check(float found, double expected, double terms, const char *name)
{
    if (fabs(found - expected) > 1e-6 * sqrt(terms) * (fabs(expected) + 1))
        fail_msg("%s: %.9g instead of %.9g", name, (double)found, expected);
}

/* Strides are larger than the widths, and what lies beyond must stay as it was. */
static void check_shape(const peek__kernel *kernel, int64_t rows, int64_t n, int64_t k)
{
    int64_t x_stride = n + 3, w_stride = n + 5;
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
            check(r[t * k + c], sum, (double)n, kernel->name);
        }
    for (int64_t c = 0; c < k; c++)
        for (int64_t i = 0; i < w_stride; i++) {
            double sum = nt_before[c * w_stride + i];
            for (int64_t t = 0; i < n && t < rows; t++) sum += (double)f[t * k + c] * x[t * x_stride + i];
            if (i < n)
                check(nt[c * w_stride + i], sum, (double)rows, kernel->name);
            else
                assert_true(nt[c * w_stride + i] == nt_before[c * w_stride + i]);
        }
    free(x), free(wt), free(f), free(r), free(nt), free(r_before), free(nt_before);
}

static void test_kernels(void **state)
{
    (void)state;
    static const int64_t rows[] = {1, 2, 3, 5, 64, 67, 130}, columns[] = {1, 7, 8, 16, 17, 65, 511, 513, 1030};
    int used = 0;
    for (int64_t id = 0; peek__kernel_at(id); id++) {
        const peek__kernel *kernel = peek__kernel_at(id);
        if (!kernel->usable()) continue;
        used++;
        for (size_t a = 0; a < sizeof rows / sizeof *rows; a++)
            for (size_t b = 0; b < sizeof columns / sizeof *columns; b++)
                check_shape(kernel, rows[a], columns[b], 1 + (int64_t)(a * 5 + b) % 14);
        for (int64_t k = 1; k <= 40; k++) check_shape(kernel, 6, 35, k);
        check_shape(kernel, 20, 50, 131);
    }
    assert_true(used >= 1);
    assert_true(peek__kernel_best()->usable());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
