/* measure/spectrum.c: singular values from the smaller matrix of inner products, in double precision. */
#include "measure/spectrum.h"

#include <lapacke.h>
#undef I /* lapacke.h brings complex.h */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nnpeek/measure.h"

/* The two problems of one matrix of inner products: as it is, and centred. */
typedef struct spectra_work {
    const peek__rows *x;
    int64_t size;
    double *inner[2];  /* size x size, upper triangle */
    double *values[2]; /* size: eigenvalues, rising */
    int info[2];
} spectra_work;

/* sums <- the sum of every line of a symmetric matrix of which the upper triangle is there. */
static void line_sums(const double *matrix, int64_t size, double *sums)
{
    for (int64_t i = 0; i < size; i++) {
        sums[i] += matrix[i * size + i];
        for (int64_t j = i + 1; j < size; j++) {
            sums[i] += matrix[i * size + j];
            sums[j] += matrix[i * size + j];
        }
    }
}

/* X^T X - s s^T / T, s the sums of the columns. */
static void centre_columns(const peek__rows *x, double *matrix, double *sums)
{
    int64_t n = x->columns;
    for (int64_t t = 0; t < x->rows; t++)
        for (int64_t i = 0; i < n; i++) sums[i] += x->x[t * x->stride + i];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) matrix[i * n + j] -= sums[i] * (sums[j] / (double)x->rows);
}

/* H X X^T H with H = 1 - 1 1^T / T. */
static void centre_rows(double *matrix, int64_t rows, double *sums)
{
    double all = 0;
    line_sums(matrix, rows, sums);
    for (int64_t t = 0; t < rows; t++) all += sums[t] / (double)rows;
    for (int64_t t = 0; t < rows; t++)
        for (int64_t u = t; u < rows; u++) matrix[t * rows + u] -= (sums[t] + sums[u] - all) / (double)rows;
}

/* values[1] is scratch for the sums before it takes the eigenvalues. */
static void centre(const spectra_work *work, int by_columns)
{
    double *sums = work->values[1];
    memset(sums, 0, (size_t)work->size * sizeof *sums);
    memcpy(work->inner[1], work->inner[0], (size_t)(work->size * work->size) * sizeof **work->inner);
    if (by_columns)
        centre_columns(work->x, work->inner[1], sums);
    else
        centre_rows(work->inner[1], work->size, sums);
}

/* One problem on one thread: the same bits for any number. */
static peek_status eigen_task(void *argument, int64_t index, int thread)
{
    (void)thread;
    spectra_work *work = argument;
    int n = (int)work->size;
    work->info[index] =
        LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'N', 'U', n, work->inner[index], n, work->values[index]);
    return PEEK_OK;
}

static peek_status solve(peek_context *context, spectra_work *work, int problems)
{
    PEEK_TRY(peek__parallel(context, problems, eigen_task, work));
    for (int i = 0; i < problems; i++) {
        if (work->info[i] == LAPACK_WORK_MEMORY_ERROR)
            return peek__fail(context, PEEK_E_MEMORY,
                              "not enough memory for the eigenvalues of a %lld x %lld matrix",
                              (long long)work->size, (long long)work->size);
        if (work->info[i])
            return peek__fail(
                context, PEEK_E_NUMERIC,
                "the eigenvalues of a %lld x %lld matrix did not converge; are all values finite?",
                (long long)work->size, (long long)work->size);
    }
    return PEEK_OK;
}

/* Square roots of the `count` largest, falling. */
static void take_roots(const spectra_work *work, int problem, double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double eigenvalue = work->values[problem][work->size - 1 - i];
        values[i] = eigenvalue > 0 ? sqrt(eigenvalue) : 0;
    }
}

static peek_status spectra(peek_context *context, spectra_work *work, int problems)
{
    int by_columns = work->x->columns <= work->x->rows;
    for (int i = 0; i < problems; i++) {
        PEEK_TRY(peek__alloc(context, &work->inner[i], peek__product(work->size, work->size), "a Gram matrix"));
        PEEK_TRY(peek__alloc(context, &work->values[i], work->size, "eigenvalues"));
    }
    PEEK_TRY(peek__inner_products(context, work->x, by_columns, work->inner[0]));
    if (problems > 1) centre(work, by_columns);
    return solve(context, work, problems);
}

peek_status peek__spectra(peek_context *context, const peek__rows *x, double *raw, double *centred,
                          int64_t count)
{
    spectra_work work = {.x = x, .size = x->rows < x->columns ? x->rows : x->columns};
    peek_status status = spectra(context, &work, centred ? 2 : 1);
    if (status == PEEK_OK && raw) take_roots(&work, 0, raw, count);
    if (status == PEEK_OK && centred) take_roots(&work, 1, centred, count);
    for (int i = 0; i < 2; i++) {
        peek__free(&work.inner[i]);
        peek__free(&work.values[i]);
    }
    return status;
}

static peek_status check(peek_context *context, const peek__rows *x, const double *values, int64_t count)
{
    int64_t size = x->rows < x->columns ? x->rows : x->columns;
    if (x->x && values && size > 0 && x->stride >= x->columns && count >= 0 && count <= size) return PEEK_OK;
    return peek__fail(context, PEEK_E_ARGUMENT,
                      "singular values need a matrix and at most %lld places for them", (long long)size);
}

peek_status peek_singular_values(peek_context *context, const float *x, int64_t rows, int64_t columns,
                                 int64_t stride, double *values, int64_t count)
{
    const peek__rows all = {.x = x, .rows = rows, .columns = columns, .stride = stride};
    PEEK_TRY(check(context, &all, values, count));
    return peek__spectra(context, &all, values, NULL, count);
}

peek_status peek_centred_singular_values(peek_context *context, const float *x, int64_t rows, int64_t columns,
                                         int64_t stride, double *values, int64_t count)
{
    const peek__rows all = {.x = x, .rows = rows, .columns = columns, .stride = stride};
    PEEK_TRY(check(context, &all, values, count));
    return peek__spectra(context, &all, NULL, values, count);
}
