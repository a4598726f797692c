/* measure/inner.c: inner products tile by tile. */
#include "measure/inner.h"

#include <cblas.h>

#include "base/memory.h"

enum { TILE = 128, DEPTH = 256 };

typedef struct inner_work {
    const peek__rows *x;
    int by_columns;
    int64_t size, depth; /* of the result; what is summed over */
    double *out;
    double *scratch; /* threads x 2 x TILE x DEPTH */
    int64_t across;  /* tiles in a row */
} inner_work;

/* Lines first .. first+count-1 (columns or rows of X), values from .. from+depth-1, as doubles: count x depth.
 */
static void panel(const inner_work *work, int64_t first, int64_t count, int64_t from, int64_t depth,
                  double *out)
{
    const peek__rows *x = work->x;
    if (work->by_columns) {
        for (int64_t t = 0; t < depth; t++)
            for (int64_t i = 0; i < count; i++) out[i * depth + t] = x->x[(from + t) * x->stride + first + i];
    } else {
        for (int64_t i = 0; i < count; i++)
            for (int64_t t = 0; t < depth; t++) out[i * depth + t] = x->x[(first + i) * x->stride + from + t];
    }
}

static peek_status inner_tile(void *argument, int64_t index, int thread)
{
    inner_work *work = argument;
    int64_t row = index / work->across, column = index % work->across;
    if (row > column) return PEEK_OK;
    int64_t i = row * TILE, j = column * TILE;
    int64_t m = work->size - i < TILE ? work->size - i : TILE,
            n = work->size - j < TILE ? work->size - j : TILE;
    double *a = work->scratch + thread * 2 * TILE * DEPTH, *b = a + TILE * DEPTH;
    for (int64_t from = 0; from < work->depth; from += DEPTH) {
        int64_t depth = work->depth - from < DEPTH ? work->depth - from : DEPTH;
        panel(work, i, m, from, depth, a);
        if (i != j) panel(work, j, n, from, depth, b);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)depth, 1.0, a, (int)depth,
                    i == j ? a : b, (int)depth, from ? 1.0 : 0.0, work->out + i * work->size + j,
                    (int)work->size);
    }
    return PEEK_OK;
}

peek_status peek__inner_products(peek_context *context, const peek__rows *x, int by_columns, double *out)
{
    inner_work work = {.x = x, .by_columns = by_columns, .out = out};
    work.size = by_columns ? x->columns : x->rows;
    work.depth = by_columns ? x->rows : x->columns;
    work.across = (work.size + TILE - 1) / TILE;
    int64_t tiles = work.across * work.across;
    PEEK_TRY(peek__alloc(context, &work.scratch, (int64_t)peek__workers(context, tiles) * 2 * TILE * DEPTH,
                         "inner products"));
    peek_status status = peek__parallel(context, tiles, inner_tile, &work);
    peek__free(&work.scratch);
    return status;
}
