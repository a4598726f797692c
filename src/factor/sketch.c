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
#include "linalg/matrix_transpose.h"

enum {
    SAMPLES_LEAST = 1000, /* of the subsample in which the range is sought */
    SAMPLES_PER_WIDTH = 8,
    TILE = 128, /* rows of a product that one task makes */
    RUN = 64,   /* samples whose coefficients one task makes */
    LANES = 4   /* parts of the subsample */
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
    float *gathered;   /* threads x RUN x (n + l): rows of S, and of S V */
    float *lane_sums;  /* LANES x l x n: parts of S^T S V, transposed */
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

peek_status peek__sketch_choose(peek_context *context, int64_t rows, int64_t count, uint64_t seed,
                                int64_t *chosen)
{
    int64_t *all;
    PEEK_TRY(peek__alloc(context, &all, rows, "a choice of samples"));
    for (int64_t t = 0; t < rows; t++) all[t] = t;
    peek__stream stream = peek__stream_make(seed, PEEK__SKETCH, 0);
    peek__random_shuffle(&stream, all, rows);
    memcpy(chosen, all, (size_t)count * sizeof *all);
    qsort(chosen, (size_t)count, sizeof *all, ascending);
    peek__free(&all);
    return PEEK_OK;
}

/* Some of the chosen samples, scaled, one after the other: count x n. */
static void gather(const sketch_work *work, int64_t first, int64_t count, float *out, float *buffer)
{
    for (int64_t t = 0; t < count; t++)
        for (int64_t b = 0; b < work->problem->count; b++) {
            const peek__block *block = &work->problem->blocks[b];
            int64_t stride;
            const float *x = peek__block_rows(block, work->chosen[first + t], 1, buffer, &stride);
            for (int64_t i = 0; i < block->columns; i++) out[i] = (float)work->multipliers[b] * x[i];
            peek__block_drop(block, work->chosen[first + t], 1);
            out += block->columns;
        }
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

/* A lane's part of S^T (S V), transposed: l x n. */
static peek_status power_lane(void *argument, int64_t lane, int thread)
{
    sketch_work *work = argument;
    int64_t n = work->problem->columns, l = work->sketch->width, runs = (work->samples + RUN - 1) / RUN;
    float *sum = work->lane_sums + lane * l * n, *buffer = work->buffers + thread * RUN * work->widest;
    float *rows = work->gathered + thread * RUN * (n + l), *product = rows + RUN * n;
    memset(sum, 0, (size_t)(l * n) * sizeof *sum);
    for (int64_t run = lane * runs / LANES; run < (lane + 1) * runs / LANES; run++) {
        int64_t count = least(RUN, work->samples - run * RUN);
        gather(work, run * RUN, count, rows, buffer);
        memset(product, 0, (size_t)(count * l) * sizeof *product);
        work->kernel->times(count, n, l, 1, rows, n, NULL, work->transposed, n, product);
        work->kernel->transposed(count, n, l, product, rows, n, NULL, sum, n);
    }
    return PEEK_OK;
}

/* Some rows of V <- the lanes' sum. */
static peek_status add_rows(void *argument, int64_t tile, int thread)
{
    (void)thread;
    sketch_work *work = argument;
    int64_t n = work->problem->columns, l = work->sketch->width, first = tile * TILE;
    for (int64_t i = first; i < first + least(TILE, n - first); i++)
        for (int64_t j = 0; j < l; j++) {
            float sum = 0;
            for (int64_t lane = 0; lane < LANES; lane++) sum += work->lane_sums[(lane * l + j) * n + i];
            work->sketch->basis[i * l + j] = sum;
        }
    return PEEK_OK;
}

static peek_status transpose_rows(void *argument, int64_t tile, int thread)
{
    (void)thread;
    sketch_work *work = argument;
    int64_t n = work->problem->columns, l = work->sketch->width, first = tile * TILE;
    peek__transpose(least(TILE, n - first), l, work->sketch->basis + first * l, l, work->transposed + first, n);
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

/* Two rounds of V <- S^T (S V), the second being the power step. */
static peek_status find_range(sketch_work *work)
{
    int64_t n = work->problem->columns, tiles = (n + TILE - 1) / TILE;
    PEEK_TRY(peek__parallel(work->context, n, fill_row, work));
    for (int round = 0; round < 2; round++) {
        PEEK_TRY(peek__parallel(work->context, tiles, transpose_rows, work));
        PEEK_TRY(peek__parallel(work->context, LANES, power_lane, work));
        PEEK_TRY(peek__parallel(work->context, tiles, add_rows, work));
        PEEK_TRY(peek__parallel(work->context, 1, orthonormalise, work));
        if (work->info)
            return peek__fail(work->context, work->info < -1000 ? PEEK_E_MEMORY : PEEK_E_NUMERIC,
                              "the range of the data could not be found (LAPACK: %d): use --accuracy exact",
                              work->info);
    }
    return peek__parallel(work->context, tiles, transpose_rows, work);
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
            peek__block_next(block, first, rows, work->buffers + thread * RUN * work->widest, &stride);
        work->kernel->times(rows, block->columns, l, (float)work->multipliers[b], x, stride, NULL,
                            work->transposed + offset, n, work->sketch->coefficients + first * l);
        peek__block_drop(block, first, rows);
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
    int64_t threads = peek_threads(context);
    PEEK_TRY(peek__alloc(context, &work->sketch->basis, peek__product(n, l), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->chosen, work->samples, "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->transposed, peek__product(n, l), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->buffers, peek__product(threads * RUN, work->widest), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->gathered, peek__product(threads * RUN, n + l), "a sketch"));
    PEEK_TRY(peek__alloc(context, &work->lane_sums, peek__product(LANES, n * l), "a sketch"));
    PEEK_TRY(peek__sketch_choose(context, problem->rows, work->samples, seed, work->chosen));
    PEEK_TRY(find_range(work));
    peek__free(&work->gathered);
    peek__free(&work->lane_sums);
    PEEK_TRY(peek__alloc(context, &work->sketch->coefficients, peek__product(problem->rows, l), "a sketch"));
    return peek__parallel(context, (problem->rows + RUN - 1) / RUN, coefficients_of_run, work);
}

peek_status peek__sketch_make(peek_context *context, const peek_problem *problem, const double *multipliers,
                              int64_t width, uint64_t seed, peek__sketch *sketch)
{
    *sketch = (peek__sketch){.rows = problem->rows, .width = width};
    sketch_work work = {.context = context, .problem = problem, .multipliers = multipliers, .sketch = sketch};
    peek_status status = make(&work, seed);
    peek__free(&work.chosen);
    peek__free(&work.gathered);
    peek__free(&work.lane_sums);
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

peek_status peek__sketch_part(peek_context *context, const peek_problem *problem, const peek__sketch *sketch,
                              int64_t width, int64_t rows, const int64_t *chosen, peek__sketch *out)
{
    size_t size = (size_t)width * sizeof(float);
    int64_t stride = sketch->width;
    *out = (peek__sketch){.rows = rows, .width = width};
    PEEK_TRY(peek__alloc(context, &out->basis, peek__product(problem->columns, width), "a sketch"));
    PEEK_TRY(peek__alloc(context, &out->coefficients, peek__product(rows, width), "a sketch"));
    for (int64_t i = 0; i < problem->columns; i++)
        memcpy(out->basis + i * width, sketch->basis + i * stride, size);
    for (int64_t i = 0; i < rows; i++)
        memcpy(out->coefficients + i * width, sketch->coefficients + (chosen ? chosen[i] : i) * stride, size);
    return PEEK_OK;
}

void peek__sketch_clear(peek__sketch *sketch)
{
    peek__free(&sketch->basis);
    peek__free(&sketch->coefficients);
}
