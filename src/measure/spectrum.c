/* measure/spectrum.c: singular values from the smaller Gram matrix, in double precision. */
#include <cblas.h>
#undef I /* cblas.h brings complex.h */
#include <lapacke.h>
#include <math.h>

#include "base/memory.h"
#include "nnpeek/measure.h"

enum { TILE = 128, DEPTH = 256 };

typedef struct gram_work {
    const float *x;
    int64_t rows, columns, stride;
    int64_t size, depth; /* the smaller and the larger dimension */
    int by_columns;      /* 1: X^T X, 0: X X^T */
    double *gram;        /* size x size, upper triangle */
    double *scratch;     /* threads x 2 x TILE x DEPTH */
    int64_t across;      /* tiles in a row */
} gram_work;

/* Lines first .. first+count-1 (columns or rows of X), values from .. from+depth-1, as doubles: count x depth.
 */
static void panel(const gram_work *work, int64_t first, int64_t count, int64_t from, int64_t depth, double *out)
{
    if (work->by_columns) {
        for (int64_t t = 0; t < depth; t++)
            for (int64_t i = 0; i < count; i++)
                out[i * depth + t] = work->x[(from + t) * work->stride + first + i];
    } else {
        for (int64_t i = 0; i < count; i++)
            for (int64_t t = 0; t < depth; t++)
                out[i * depth + t] = work->x[(first + i) * work->stride + from + t];
    }
}

static peek_status gram_tile(void *argument, int64_t index, int thread)
{
    gram_work *work = argument;
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
                    i == j ? a : b, (int)depth, from ? 1.0 : 0.0, work->gram + i * work->size + j,
                    (int)work->size);
    }
    return PEEK_OK;
}

typedef struct eigen_work {
    double *matrix, *values;
    int64_t size;
    int info;
} eigen_work;

static peek_status eigen_task(void *argument, int64_t index, int thread)
{
    (void)index, (void)thread;
    eigen_work *work = argument;
    int n = (int)work->size;
    work->info = LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'N', 'U', n, work->matrix, n, work->values);
    return PEEK_OK;
}

static peek_status solve(peek_context *context, gram_work *work, double *eigenvalues, double *values,
                         int64_t count)
{
    PEEK_TRY(peek__parallel(context, work->across * work->across, gram_tile, work));
    eigen_work eigen = {.matrix = work->gram, .values = eigenvalues, .size = work->size};
    PEEK_TRY(peek__parallel(context, 1, eigen_task, &eigen)); /* on one thread: the same bits for any number */
    if (eigen.info == LAPACK_WORK_MEMORY_ERROR)
        return peek__fail(context, PEEK_E_MEMORY,
                          "not enough memory for the eigenvalues of a %lld x %lld matrix",
                          (long long)work->size, (long long)work->size);
    if (eigen.info)
        return peek__fail(context, PEEK_E_NUMERIC,
                          "the eigenvalues of a %lld x %lld matrix did not converge; are all values finite?",
                          (long long)work->size, (long long)work->size);
    for (int64_t i = 0; i < count; i++) {
        double eigenvalue = eigenvalues[work->size - 1 - i];
        values[i] = eigenvalue > 0 ? sqrt(eigenvalue) : 0;
    }
    return PEEK_OK;
}

peek_status peek_singular_values(peek_context *context, const float *x, int64_t rows, int64_t columns,
                                 int64_t stride, double *values, int64_t count)
{
    int64_t size = rows < columns ? rows : columns, depth = rows < columns ? columns : rows;
    if (!x || !values || rows < 1 || columns < 1 || stride < columns || count < 0 || count > size)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "singular values need a matrix and at most %lld places for them", (long long)size);
    gram_work work = {.x = x, .rows = rows, .columns = columns, .stride = stride, .size = size, .depth = depth};
    work.by_columns = columns <= rows;
    work.across = (size + TILE - 1) / TILE;
    double *eigenvalues = NULL;
    peek_status status = peek__alloc(context, &work.gram, peek__product(size, size), "a Gram matrix");
    if (status == PEEK_OK)
        status = peek__alloc(context, &work.scratch,
                             (int64_t)peek__workers(context, work.across * work.across) * 2 * TILE * DEPTH,
                             "a Gram matrix");
    if (status == PEEK_OK) status = peek__alloc(context, &eigenvalues, size, "eigenvalues");
    if (status == PEEK_OK) status = solve(context, &work, eigenvalues, values, count);
    peek__free(&work.gram);
    peek__free(&work.scratch);
    peek__free(&eigenvalues);
    return status;
}

double peek_effective_rank(const double *singular_values, int64_t count)
{
    double sum = 0, entropy = 0;
    for (int64_t i = 0; i < count; i++) sum += singular_values[i];
    if (!(sum > 0)) return 0;
    for (int64_t i = 0; i < count; i++) {
        double p = singular_values[i] / sum;
        if (p > 0) entropy -= p * log(p);
    }
    return exp(entropy);
}
