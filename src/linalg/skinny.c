/* linalg/skinny.c: products with thin matrices, on BLAS. */
#include "linalg/skinny.h"

#include <cblas.h>
#undef I /* cblas.h brings complex.h */

void peek__skinny_square(int64_t rows, int64_t k, const float *m, const float *gram, float *d)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)k, (int)k, 1.0f, m, (int)k, gram,
                (int)k, 0.0f, d, (int)k);
}

void peek__skinny_reconstruct(int64_t rows, int64_t n, int64_t k, const float *f, const float *w,
                              float *product)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)n, (int)k, 1.0f, f, (int)k, w, (int)k,
                0.0f, product, (int)n);
}

double peek__skinny_dot(int64_t count, const float *a, const float *b)
{
    double sums[4] = {0, 0, 0, 0};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int j = 0; j < 4; j++) sums[j] += (double)a[i + j] * b[i + j];
    for (; i < count; i++) sums[0] += (double)a[i] * b[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double peek__skinny_distance(int64_t count, float scale, const float *x, const float *y)
{
    double sums[4] = {0, 0, 0, 0};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int j = 0; j < 4; j++) {
            double e = (double)scale * x[i + j] - y[i + j];
            sums[j] += e * e;
        }
    for (; i < count; i++) {
        double e = (double)scale * x[i] - y[i];
        sums[0] += e * e;
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
