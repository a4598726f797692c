/* measure/neighbours.c: whether samples that are alike get the same class. */
#include "measure/neighbours.h"

#include <math.h>

#include "base/memory.h"
#include "measure/inner.h"
#include "nnpeek/measure.h"

typedef struct neighbour_work {
    const double *inner; /* X X^T, upper triangle */
    int64_t rows;
    int32_t *out;
} neighbour_work;

/* The nearest so far stand sorted; a new one is put in its place. */
static peek_status find_of(void *argument, int64_t t, int thread)
{
    (void)thread;
    const neighbour_work *work = argument;
    const double *inner = work->inner;
    int64_t rows = work->rows, found = 0;
    double cosine[PEEK_NEIGHBOURS];
    int32_t *near = work->out + t * PEEK_NEIGHBOURS;
    for (int64_t u = 0; u < rows; u++) {
        if (u == t) continue;
        double value = (t < u ? inner[t * rows + u] : inner[u * rows + t]) /
                       sqrt(inner[t * rows + t] * inner[u * rows + u]);
        if (!isfinite(value)) value = 0; /* rows that are zero, or not finite, are like no other */
        if (found == PEEK_NEIGHBOURS && !(value > cosine[found - 1])) continue;
        int64_t place = found < PEEK_NEIGHBOURS ? found++ : found - 1;
        for (; place > 0 && value > cosine[place - 1]; place--) {
            cosine[place] = cosine[place - 1];
            near[place] = near[place - 1];
        }
        cosine[place] = value;
        near[place] = (int32_t)u;
    }
    return PEEK_OK;
}

peek_status peek__neighbours_find(peek_context *context, const double *inner, int64_t m, int32_t *out)
{
    neighbour_work work = {inner, m, out};
    return peek__parallel(context, m, find_of, &work);
}

/* I of a joint distribution given by counts, K x K, with their sums by row and by column. */
static double information_of(const double *joint, const double *rows, const double *columns, int64_t classes,
                             double total)
{
    double sum = 0;
    for (int64_t a = 0; a < classes; a++)
        for (int64_t b = 0; b < classes; b++) {
            double count = joint[a * classes + b];
            if (count > 0) sum += count / total * log(count * total / (rows[a] * columns[b]));
        }
    return sum;
}

peek_status peek__neighbours_agree(peek_context *context, const int32_t *neighbours, int64_t m,
                                   const int32_t *label, int64_t classes, double *agreement,
                                   double *information)
{
    double *joint, same = 0, total = (double)m * PEEK_NEIGHBOURS;
    *agreement = *information = NAN;
    if (classes > PEEK__NEIGHBOURS_CLASSES) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &joint, classes * (classes + 2), "pairs of classes"));
    double *rows = joint + classes * classes, *columns = rows + classes;
    for (int64_t i = 0; i < m * PEEK_NEIGHBOURS; i++) {
        int32_t a = label[i / PEEK_NEIGHBOURS], b = label[neighbours[i]];
        joint[a * classes + b]++;
        rows[a]++;
        columns[b]++;
        same += a == b;
    }
    *agreement = same / total;
    *information = information_of(joint, rows, columns, classes, total);
    peek__free(&joint);
    return PEEK_OK;
}

peek_status peek_neighbour_agreement(peek_context *context, const float *x, int64_t rows, int64_t columns,
                                     int64_t stride, const int32_t *label, int64_t classes, double *agreement,
                                     double *information)
{
    double *inner = NULL;
    int32_t *neighbours = NULL;
    if (!x || !label || !agreement || !information || rows <= PEEK_NEIGHBOURS || columns < 1 ||
        stride < columns || classes < 1)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "an agreement of neighbours needs a matrix of more than %d rows and their classes",
                          PEEK_NEIGHBOURS);
    for (int64_t t = 0; t < rows; t++)
        if (label[t] < 0 || label[t] >= classes)
            return peek__fail(context, PEEK_E_VALUE, "the class of row %lld is %d, but must be 0 to %lld",
                              (long long)t, (int)label[t], (long long)classes - 1);
    const peek__rows all = {.x = x, .rows = rows, .columns = columns, .stride = stride};
    PEEK_TRY(peek__alloc_raw(context, &inner, peek__product(rows, rows), "inner products"));
    peek_status status = peek__alloc_raw(context, &neighbours, rows * PEEK_NEIGHBOURS, "nearest neighbours");
    if (status == PEEK_OK) status = peek__inner_products(context, &all, 0, inner);
    if (status == PEEK_OK) status = peek__neighbours_find(context, inner, rows, neighbours);
    if (status == PEEK_OK)
        status = peek__neighbours_agree(context, neighbours, rows, label, classes, agreement, information);
    peek__free(&neighbours);
    peek__free(&inner);
    return status;
}
