/* Gram matrices and transposition against plain loops, at and around all block sizes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/random.h"
#include "linalg/gram.h"
#include "linalg/matrix_transpose.h"

static float *random_values(int64_t count, uint64_t index)
{
    float *values = malloc((size_t)count * sizeof *values);
    peek__stream stream = peek__stream_make(7, PEEK__TEST, index);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++) values[i] = peek__random_uniform(&stream) - 0.5f;
    return values;
}

/* What lies between the rows must stay as it was. */
static void check_transpose(int64_t rows, int64_t columns)
{
    int64_t m_stride = columns + 3, t_stride = rows + 2;
    float *m = random_values(rows * m_stride, 1), *t = random_values(columns * t_stride, 2),
          *before = random_values(columns * t_stride, 2);
    peek__transpose(rows, columns, m, m_stride, t, t_stride);
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < t_stride; i++)
            assert_true(t[j * t_stride + i] == (i < rows ? m[i * m_stride + j] : before[j * t_stride + i]));
    free(m), free(t), free(before);
}

static void test_transpose(void **state)
{
    (void)state;
    for (int64_t rows = 1; rows <= 18; rows++)
        for (int64_t columns = 1; columns <= 18; columns++) check_transpose(rows, columns);
    check_transpose(64, 50);
    check_transpose(1, 100);
}

/* Twice, so that G is added to; symmetric to the bit. */
static void check_gram(int64_t rows, int64_t k)
{
    float *m = random_values(rows * k, 3);
    double *gram = calloc((size_t)(k * k), sizeof *gram);
    double *scratch = malloc((size_t)peek__gram_scratch(k) * sizeof *scratch);
    assert_true(gram && scratch);
    peek__gram(rows, k, m, scratch, gram);
    peek__gram(rows, k, m, scratch, gram);
    for (int64_t r = 0; r < k; r++)
        for (int64_t s = 0; s < k; s++) {
            double sum = 0;
            for (int64_t t = 0; t < rows; t++) sum += (double)m[t * k + r] * m[t * k + s];
            assert_true(fabs(gram[r * k + s] - 2 * sum) <= 1e-15 * (double)(rows + 10));
            assert_true(gram[r * k + s] == gram[s * k + r]);
        }
    free(m), free(gram), free(scratch);
}

static void test_gram(void **state)
{
    (void)state;
    static const int64_t rows[] = {1, 5, 31, 32, 33, 64, 100};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int64_t k = 1; k <= 26; k++) check_gram(rows[i], k);
    check_gram(70, 131);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transpose), cmocka_unit_test(test_gram)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
