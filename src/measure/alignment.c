/* measure/alignment.c: linear CKA with the unbiased estimator of HSIC. */
#include "measure/alignment.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "linalg/skinny.h"
#include "nnpeek/measure.h"

void peek__u_centre(const double *inner, int64_t m, double *sums, float *out)
{
    double all = 0;
    memset(sums, 0, (size_t)m * sizeof *sums);
    for (int64_t t = 0; t < m; t++)
        for (int64_t u = t + 1; u < m; u++) {
            sums[t] += inner[t * m + u];
            sums[u] += inner[t * m + u];
        }
    for (int64_t t = 0; t < m; t++) all += sums[t];
    all /= (double)(m - 1) * (double)(m - 2);
    for (int64_t t = 0; t < m; t++)
        for (int64_t u = t + 1; u < m; u++)
            *out++ = (float)(inner[t * m + u] - (sums[t] + sums[u]) / (double)(m - 2) + all);
}

double peek__u_alignment(const float *a, const float *b, int64_t m)
{
    int64_t count = m * (m - 1) / 2;
    double norms = peek__skinny_dot(count, a, a) * peek__skinny_dot(count, b, b);
    return norms > 0 ? peek__skinny_dot(count, a, b) / sqrt(norms) : NAN;
}

static peek_status kernel_of(peek_context *context, const peek__rows *x, double *inner, double *sums,
                             float *out)
{
    PEEK_TRY(peek__inner_products(context, x, 0, inner));
    peek__u_centre(inner, x->rows, sums, out);
    return PEEK_OK;
}

typedef struct kernels {
    double *inner, *sums;
    float *a, *b;
} kernels;

static peek_status align(peek_context *context, const peek__rows *x, const peek__rows *y, kernels *work,
                         double *cka)
{
    int64_t m = x->rows;
    PEEK_TRY(peek__alloc(context, &work->inner, peek__product(m, m), "inner products"));
    PEEK_TRY(peek__alloc(context, &work->sums, m, "inner products"));
    PEEK_TRY(peek__alloc(context, &work->a, peek__product(m, m - 1) / 2, "inner products"));
    PEEK_TRY(peek__alloc(context, &work->b, peek__product(m, m - 1) / 2, "inner products"));
    PEEK_TRY(kernel_of(context, x, work->inner, work->sums, work->a));
    PEEK_TRY(kernel_of(context, y, work->inner, work->sums, work->b));
    *cka = peek__u_alignment(work->a, work->b, m);
    return PEEK_OK;
}

peek_status peek_linear_cka(peek_context *context, int64_t rows, const float *x, int64_t x_columns,
                            const float *y, int64_t y_columns, double *cka)
{
    if (!x || !y || !cka || rows < 4 || x_columns < 1 || y_columns < 1)
        return peek__fail(context, PEEK_E_ARGUMENT, "CKA needs two matrices of the same four or more samples");
    const peek__rows a = {x, rows, x_columns, x_columns}, b = {y, rows, y_columns, y_columns};
    kernels work = {0};
    peek_status status = align(context, &a, &b, &work, cka);
    peek__free(&work.inner);
    peek__free(&work.sums);
    peek__free(&work.a);
    peek__free(&work.b);
    return status;
}
