/* factor/sketch.c: a small stand-in for the data. */
#include "factor/sketch.h"

#include <cblas.h>
#undef I /* cblas.h brings complex.h */
#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "linalg/gram.h"
#include "linalg/transpose.h"

enum {
    SAMPLES_LEAST = 1000, /* of the subsample in which the range is sought */
    SAMPLES_PER_WIDTH = 8,
    TILE = 128, /* rows of a product that one task makes */
    RUN = 64    /* samples whose coefficients one task makes */
};

int64_t peek__sketch_width(const peek_problem *problem, int64_t rank)
{
    int64_t width = 2 * rank + 8;
    int64_t least = problem->rows < problem->columns ? problem->rows : problem->columns;
    return 2 * width < least ? width : 0;
}

typedef struct sketch_work {
    peek_context *context;
    const peek_problem *problem;
    const double *multipliers;
    const peek__kernel *kernel;
    peek__sketch *sketch;
    int64_t samples;   /* s, of the subsample */
    int64_t *chosen;   /* their places, ascending */
    float *subsample;  /* S, s x n, scaled */
    float *projected;  /* Y = S V, s x l */
    float *transposed; /* V^T, l x n */
    float *buffers;    /* threads x RUN x widest block */
    int64_t widest;
    int info;
} sketch_work;

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static peek_status choose(sketch_work *work, uint64_t seed)
{
    int64_t rows = work->problem->rows, *all;
    PEEK_TRY(peek__alloc(work->context, &all, rows, "a choice of samples"));
    for (int64_t t = 0; t < rows; t++) all[t] = t;
    peek__stream stream = peek__stream_make(seed, PEEK__SKETCH, 0);
    peek__random_shuffle(&stream, all, rows);
    memcpy(work->chosen, all, (size_t)work->samples * sizeof *all);
    qsort(work->chosen, (size_t)work->samples, sizeof *all, ascending);
    peek__free(&all);
    return PEEK_OK;
}

static peek_status copy_sample(void *argument, int64_t index, int thread)
{
    sketch_work *work = argument;
    float *out = work->subsample + index * work->problem->columns;
    for (int64_t b = 0; b < work->problem->count; b++) {
        const peek__block *block = &work->problem->blocks[b];
        int64_t stride;
        const float *x = peek__block_rows(block, work->chosen[index], 1,
                                          work->buffers + thread * RUN * work->widest, &stride);
        for (int64_t i = 0; i < block->columns; i++) out[i] = (float)work->multipliers[b] * x[i];
        out += block->columns;
    }
    return PEEK_OK;
}

/* V <- normal random numbers, a stream a row. */
static peek_status fill_row(void *argument, int64_t row, int thread)
{
    (void)thread;
    sketch_work *work = argument;
    float *out = work->sketch->basis + row * work->sketch->width;
    peek__stream stream = peek__stream_make(work->sketch->width, PEEK__SKETCH, 1 + (uint64_t)row);
    for (int64_t i = 0; i < work->sketch->width; i++) out[i] = (float)peek__random_normal(&stream);
    return PEEK_OK;
}

/* Y <- S V, a tile of its rows. */
static peek_status project_tile(void *argument, int64_t tile, int thread)
{
    (void)thread;
    sketch_work *work = argument;
    int64_t n = work->problem->columns, l = work->sketch->width, first = tile * TILE;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)least(TILE, work->samples - first), (int)l,
                (int)n, 1.0f, work->subsample + first * n, (int)n, work->sketch->basis, (int)l, 0.0f,
                work->projected + first * l, (int)l);
    return PEEK_OK;
}

/* V <- S^T Y, a tile of its rows. */
static peek_status lift_tile(void *argument, int64_t tile, int thread)
{
    (void)thread;
    sketch_work *work = argument;
    int64_t n = work->problem->columns, l = work->sketch->width, first = tile * TILE;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)least(TILE, n - first), (int)l,
                (int)work->samples, 1.0f, work->subsample + first, (int)n, work->projected, (int)l, 0.0f,
                work->sketch->basis + first * l, (int)l);
    return PEEK_OK;
}

/* V <- an orthonormal basis of its range; one task, so that the bits do not depend on threads. */
static peek_status orthonormalise(void *argument, int64_t index, int thread)
{
    (void)index, (void)thread;
    sketch_work *work = argument;
    int n = (int)work->problem->columns, l = (int)work->sketch->width;
    float *factors;
    PEEK_TRY(peek__alloc(work->context, &factors, l, "a sketch"));
    work->info = LAPACKE_sgeqrf(LAPACK_ROW_MAJOR, n, l, work->sketch->basis, l, factors);
    if (!work->info) work->info = LAPACKE_sorgqr(LAPACK_ROW_MAJOR, n, l, l, work->sketch->basis, l, factors);
    peek__free(&factors);
    return PEEK_OK;
}

static peek_status find_range(sketch_work *work)
{
    int64_t n = work->problem->columns, l = work->sketch->width;
    PEEK_TRY(peek__parallel(work->context, work->samples, copy_sample, work));
    PEEK_TRY(peek__parallel(work->context, n, fill_row, work));
    for (int round = 0; round < 2; round++) {
        PEEK_TRY(peek__parallel(work->context, (work->samples + TILE - 1) / TILE, project_tile, work));
        PEEK_TRY(peek__parallel(work->context, (n + TILE - 1) / TILE, lift_tile, work));
        PEEK_TRY(peek__parallel(work->context, 1, orthonormalise, work));
        if (work->info)
            return peek__fail(work->context, work->info < -1000 ? PEEK_E_MEMORY : PEEK_E_NUMERIC,
                              "the range of the data could not be found (LAPACK: %d): use --accuracy exact",
                              work->info);
    }
    peek__transpose(n, l, work->sketch->basis, l, work->transposed, n);
    return PEEK_OK;
}

/* C <- X' V for a run of samples. */
static peek_status coefficients_of_run(void *argument, int64_t run, int thread)
{
    sketch_work *work = argument;
    int64_t n = work->problem->columns, l = work->sketch->width, first = run * RUN, offset = 0;
    int64_t rows = least(RUN, work->problem->rows - first);
    for (int64_t b = 0; b < work->problem->count; b++) {
        const peek__block *block = &work->problem->blocks[b];
        int64_t stride;
        const float *x =
            peek__block_rows(block, first, rows, work->buffers + thread * RUN * work->widest, &stride);
        work->kernel->times(rows, block->columns, l, (float)work->multipliers[b], x, stride, NULL,
                            work->transposed + offset, n, work->sketch->coefficients + first * l);
        offset += block->columns;
    }
    return PEEK_OK;
}

static peek_status make(sketch_work *work, uint64_t seed)
{
    peek_context *context = work->context;
    const peek_problem *problem = work->problem;
    int64_t l = work->sketch->width, n = problem->columns;
    work->kernel = peek__kernel_best();
    work->samples = SAMPLES_PER_WIDTH * l > SAMPLES_LEAST ? SAMPLES_PER_WIDTH * l : SAMPLES_LEAST;
    if (work->samples > problem->rows) work->samples = problem->rows;
    for (int64_t b = 0; b < problem->count; b++)
        if (problem->blocks[b].columns > work->widest) work->widest = problem->blocks[b].columns;
    PEEK_TRY(peek__alloc(context, &work->sketch->basis, peek__product(n, l), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->sketch->coefficients, peek__product(problem->rows, l), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->chosen, work->samples, "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->subsample, peek__product(work->samples, n), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->projected, peek__product(work->samples, l), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->transposed, peek__product(n, l), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->buffers,
                         peek__product((int64_t)peek_threads(context) * RUN, work->widest), "a sketch"));
    PEEK_TRY(choose(work, seed));
    PEEK_TRY(find_range(work));
    return peek__parallel(context, (problem->rows + RUN - 1) / RUN, coefficients_of_run, work);
}

peek_status peek__sketch_make(peek_context *context, const peek_problem *problem, const double *multipliers,
                              int64_t width, uint64_t seed, peek__sketch *sketch)
{
    *sketch = (peek__sketch){.width = width};
    sketch_work work = {.context = context, .problem = problem, .multipliers = multipliers, .sketch = sketch};
    peek_status status = make(&work, seed);
    peek__free(&work.chosen);
    peek__free(&work.subsample);
    peek__free(&work.projected);
    peek__free(&work.transposed);
    peek__free(&work.buffers);
    return status;
}

/* Products of a sorting: tiles of rows. */
typedef struct sort_work {
    int64_t rows, width;
    const float *rotation; /* Q, l x l */
    float *matrix;         /* rows x l, becomes matrix Q */
    float *buffers;        /* threads x TILE x l */
} sort_work;

static peek_status rotate_tile(void *argument, int64_t tile, int thread)
{
    sort_work *work = argument;
    int64_t l = work->width, first = tile * TILE, rows = least(TILE, work->rows - first);
    float *out = work->buffers + thread * TILE * l, *in = work->matrix + first * l;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)l, (int)l, 1.0f, in, (int)l,
                work->rotation, (int)l, 0.0f, out, (int)l);
    memcpy(in, out, (size_t)(rows * l) * sizeof *in);
    return PEEK_OK;
}

/* Eigenvectors of the symmetric l x l matrix G, those of the largest eigenvalue first, as columns of Q. One
 * task, so that LAPACK keeps to one thread. */
typedef struct eigen_work {
    peek_context *context;
    int64_t width;
    double *gram;
    float *rotation;
    int info;
} eigen_work;

static peek_status find_rotation(void *argument, int64_t index, int thread)
{
    (void)index, (void)thread;
    eigen_work *work = argument;
    int64_t l = work->width;
    double *values;
    PEEK_TRY(peek__alloc(work->context, &values, l, "a sketch"));
    work->info = LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'U', (int)l, work->gram, (int)l, values);
    for (int64_t i = 0; i < l; i++)
        for (int64_t j = 0; j < l; j++) work->rotation[i * l + j] = (float)work->gram[i * l + (l - 1 - j)];
    peek__free(&values);
    return PEEK_OK;
}

static peek_status rotate(peek_context *context, int64_t rows, int64_t width, const float *rotation,
                          float *matrix)
{
    sort_work work = {.rows = rows, .width = width, .rotation = rotation, .matrix = matrix};
    PEEK_TRY(peek__alloc(context, &work.buffers, peek__product((int64_t)peek_threads(context) * TILE, width),
                         "a sketch"));
    peek_status status = peek__parallel(context, (rows + TILE - 1) / TILE, rotate_tile, &work);
    peek__free(&work.buffers);
    return status;
}

peek_status peek__sketch_sort(peek_context *context, const peek_problem *problem, peek__sketch *sketch)
{
    int64_t l = sketch->width;
    eigen_work work = {.context = context, .width = l};
    double *scratch = NULL;
    peek_status status = peek__alloc(context, &work.gram, l * l, "a sketch");
    if (status == PEEK_OK) status = peek__alloc(context, &work.rotation, l * l, "a sketch");
    if (status == PEEK_OK) status = peek__alloc(context, &scratch, peek__gram_scratch(l), "a sketch");
    if (status == PEEK_OK) {
        peek__gram(problem->rows, l, sketch->coefficients, scratch, work.gram);
        status = peek__parallel(context, 1, find_rotation, &work);
    }
    if (status == PEEK_OK && work.info)
        status = peek__fail(context, PEEK_E_NUMERIC,
                            "the sketch could not be sorted (LAPACK: %d): use --accuracy exact", work.info);
    if (status == PEEK_OK) status = rotate(context, problem->rows, l, work.rotation, sketch->coefficients);
    if (status == PEEK_OK) status = rotate(context, problem->columns, l, work.rotation, sketch->basis);
    peek__free(&work.gram);
    peek__free(&work.rotation);
    peek__free(&scratch);
    return status;
}

static void copy_columns(int64_t rows, int64_t from, int64_t width, const float *in, float *out)
{
    for (int64_t i = 0; i < rows; i++) memcpy(out + i * width, in + i * from, (size_t)width * sizeof *out);
}

peek_status peek__sketch_part(peek_context *context, const peek_problem *problem, const peek__sketch *sketch,
                              int64_t width, peek__sketch *out)
{
    *out = (peek__sketch){.width = width};
    PEEK_TRY(peek__alloc(context, &out->basis, peek__product(problem->columns, width), "a sketch"));
    PEEK_TRY(peek__alloc(context, &out->coefficients, peek__product(problem->rows, width), "a sketch"));
    copy_columns(problem->columns, sketch->width, width, sketch->basis, out->basis);
    copy_columns(problem->rows, sketch->width, width, sketch->coefficients, out->coefficients);
    return PEEK_OK;
}

void peek__sketch_clear(peek__sketch *sketch)
{
    peek__free(&sketch->basis);
    peek__free(&sketch->coefficients);
}
