/* measure/dimension.c: intrinsic dimension by the two nearest neighbours. */
#include "measure/alignment.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nnpeek/measure.h"

static const double identical = 1e-12; /* squared distances below this share of the norms are rounding */
static const double kept = 0.9;        /* of the ratios, the smallest: the largest are noise */

typedef struct neighbour_work {
    const double *inner; /* X X^T, upper triangle */
    int64_t rows;
    double *ratios; /* log(r2 / r1) of every row; NAN where a twin lies on it */
} neighbour_work;

static peek_status neighbours_of(void *argument, int64_t t, int thread)
{
    (void)thread;
    const neighbour_work *work = argument;
    const double *inner = work->inner;
    int64_t rows = work->rows;
    double first = INFINITY, second = INFINITY;
    int twin = 0;
    for (int64_t u = 0; u < rows; u++) {
        if (u == t) continue;
        double norms = inner[t * rows + t] + inner[u * rows + u];
        double square = norms - 2 * (t < u ? inner[t * rows + u] : inner[u * rows + t]);
        if (!(square > identical * norms)) {
            twin = 1;
        } else if (square < first) {
            second = first;
            first = square;
        } else if (square < second) {
            second = square;
        }
    }
    work->ratios[t] = twin || isinf(second) ? NAN : 0.5 * log(second / first);
    return PEEK_OK;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The slope through the origin of -log(1 - i / N) over log mu_i, i = 1 .. 0.9 N. */
static double slope(const double *ratios, int64_t count)
{
    double products = 0, squares = 0;
    for (int64_t i = 0; i < (int64_t)(kept * (double)count); i++) {
        products += ratios[i] * -log1p(-(double)(i + 1) / (double)count);
        squares += ratios[i] * ratios[i];
    }
    return squares > 0 ? products / squares : NAN;
}

peek_status peek__two_nn(peek_context *context, const double *inner, int64_t rows, double *dimension)
{
    neighbour_work work = {.inner = inner, .rows = rows};
    PEEK_TRY(peek__alloc(context, &work.ratios, rows, "nearest neighbours"));
    peek_status status = peek__parallel(context, rows, neighbours_of, &work);
    int64_t count = 0;
    for (int64_t t = 0; t < rows; t++)
        if (!isnan(work.ratios[t])) work.ratios[count++] = work.ratios[t];
    qsort(work.ratios, (size_t)count, sizeof *work.ratios, rising);
    *dimension = count >= PEEK_DIMENSION_LEAST ? slope(work.ratios, count) : NAN;
    peek__free(&work.ratios);
    return status;
}

peek_status peek_intrinsic_dimension(peek_context *context, const float *x, int64_t rows, int64_t columns,
                                     int64_t stride, double *dimension)
{
    double *inner = NULL;
    if (!x || !dimension || rows < 1 || columns < 1 || stride < columns)
        return peek__fail(context, PEEK_E_ARGUMENT, "an intrinsic dimension needs a matrix");
    const peek__rows all = {.x = x, .rows = rows, .columns = columns, .stride = stride};
    PEEK_TRY(peek__alloc(context, &inner, peek__product(rows, rows), "inner products"));
    peek_status status = peek__inner_products(context, &all, 0, inner);
    if (status == PEEK_OK) status = peek__two_nn(context, inner, rows, dimension);
    peek__free(&inner);
    return status;
}
