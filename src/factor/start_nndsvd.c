/* factor/start_nndsvd.c: a start from the singular vectors of the data.
 *
 * With sigma_r, u_r, v_r the r-th singular value and vectors of all blocks side by side, and u = u+ - u- the
 * positive and negative part, component r is sqrt(sigma_r |u+| |v+|) times (u+ / |u+|, v+ / |v+|), or the same
 * of the negative parts where their product is larger. Source: C. Boutsidis, E. Gallopoulos, SVD based
 * initialization: A head start for nonnegative matrix factorization, Pattern Recognition 2008.
 *
 * The singular vectors come from a randomised subspace iteration, read run by run. Source: N. Halko, P. G.
 * Martinsson, J. A. Tropp, Finding Structure with Randomness, SIAM Review 2011. */
#include <lapacke.h>
#undef I /* lapacke.h brings complex.h */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "factor/start.h"
#include "linalg/gram.h"
#include "linalg/kernel.h"
#include "linalg/skinny.h"

enum {
    OVERSAMPLED = 10, /* directions beyond the rank */
    ITERATIONS = 4,
    RUN_ROWS = 128,
    LANES_MOST = 16
};

/* The data as one matrix X' (T x n) of blocks times their multipliers. */
typedef struct subspace {
    peek_context *context;
    const peek_problem *problem;
    const double *multipliers;
    const peek__kernel *kernel;
    uint64_t seed;
    int64_t width; /* l: directions that are followed */
    int64_t runs, lanes, widest;
    float *left;         /* T x l */
    float *right;        /* l x n: transposed, as the kernels want it */
    float *lane_rights;  /* lanes x l x n */
    float *buffers;      /* threads x RUN_ROWS x (widest + l) */
    double *gram, *work; /* l x l, peek__gram_scratch(l) */
    double *values;      /* l */
} subspace;

static peek_status random_rows(void *argument, int64_t row, int thread)
{
    subspace *s = argument;
    (void)thread;
    peek__stream stream = peek__stream_make(s->seed, PEEK__START_SVD, (uint64_t)row);
    for (int64_t i = 0; i < s->problem->columns; i++)
        s->right[row * s->problem->columns + i] = (float)peek__random_normal(&stream);
    return PEEK_OK;
}

/* One run of samples: left <- X' right^T. */
static peek_status to_left(void *argument, int64_t run, int thread)
{
    subspace *s = argument;
    int64_t first = run * RUN_ROWS, n = s->problem->columns, offset = 0;
    int64_t rows = s->problem->rows - first < RUN_ROWS ? s->problem->rows - first : RUN_ROWS;
    float *out = s->left + first * s->width, *buffer = s->buffers + thread * RUN_ROWS * (s->widest + s->width);
    memset(out, 0, (size_t)(rows * s->width) * sizeof *out);
    for (int64_t b = 0; b < s->problem->count; b++) {
        const peek__block *block = &s->problem->blocks[b];
        int64_t stride;
        const float *x = peek__block_next(block, first, rows, buffer, &stride);
        s->kernel->times(rows, block->columns, s->width, (float)s->multipliers[b], x, stride, NULL,
                         s->right + offset, n, out);
        peek__block_drop(block, first, rows);
        offset += block->columns;
    }
    return PEEK_OK;
}

/* One lane of runs: its part of right <- left^T X'. */
static peek_status to_right(void *argument, int64_t lane, int thread)
{
    subspace *s = argument;
    int64_t n = s->problem->columns, l = s->width;
    float *out = s->lane_rights + lane * l * n, *buffer = s->buffers + thread * RUN_ROWS * (s->widest + l);
    float *scaled = buffer + RUN_ROWS * s->widest;
    memset(out, 0, (size_t)(l * n) * sizeof *out);
    for (int64_t run = lane * s->runs / s->lanes; run < (lane + 1) * s->runs / s->lanes; run++) {
        int64_t first = run * RUN_ROWS, offset = 0;
        int64_t rows = s->problem->rows - first < RUN_ROWS ? s->problem->rows - first : RUN_ROWS;
        for (int64_t b = 0; b < s->problem->count; b++) {
            const peek__block *block = &s->problem->blocks[b];
            int64_t stride;
            const float *x = peek__block_next(block, first, rows, buffer, &stride);
            for (int64_t i = 0; i < rows * l; i++)
                scaled[i] = (float)s->multipliers[b] * s->left[first * l + i];
            s->kernel->transposed(rows, block->columns, l, scaled, x, stride, NULL, out + offset, n);
            peek__block_drop(block, first, rows);
            offset += block->columns;
        }
        PEEK_TRY(peek__poll(s->context));
    }
    return PEEK_OK;
}

/* Orthonormal columns of left by two rounds of Cholesky factors of its Gram matrix in double; directions that
 * are not there become 0. In a task, so that LAPACK keeps to one thread. */
static peek_status orthonormalise(void *argument, int64_t task, int thread)
{
    subspace *s = argument;
    int64_t l = s->width;
    (void)task, (void)thread;
    for (int round = 0; round < 2; round++) {
        double largest = 0;
        memset(s->gram, 0, (size_t)(l * l) * sizeof *s->gram);
        peek__gram(s->problem->rows, l, s->left, s->work, s->gram);
        for (int64_t r = 0; r < l; r++) largest = fmax(largest, s->gram[r * l + r]);
        for (int64_t r = 0; r < l; r++) /* lower factor, row by row; a vanishing pivot ends a direction */
            for (int64_t c = 0; c <= r; c++) {
                double sum = s->gram[r * l + c];
                for (int64_t i = 0; i < c; i++) sum -= s->gram[r * l + i] * s->gram[c * l + i];
                if (c < r)
                    s->gram[r * l + c] = s->gram[c * l + c] > 0 ? sum / s->gram[c * l + c] : 0;
                else
                    s->gram[r * l + r] = sum > 1e-12 * largest ? sqrt(sum) : 0;
            }
        for (int64_t t = 0; t < s->problem->rows; t++) {
            float *row = s->left + t * l;
            for (int64_t r = 0; r < l; r++) {
                double sum = row[r];
                for (int64_t i = 0; i < r; i++) sum -= s->gram[r * l + i] * s->values[i];
                s->values[r] = s->gram[r * l + r] > 0 ? sum / s->gram[r * l + r] : 0;
            }
            for (int64_t r = 0; r < l; r++) row[r] = (float)s->values[r];
        }
    }
    return PEEK_OK;
}

/* The singular values of left^T X' and the rotation to its singular vectors, which stays in gram (columns). */
static peek_status rotate(void *argument, int64_t task, int thread)
{
    subspace *s = argument;
    int64_t l = s->width, n = s->problem->columns;
    (void)task, (void)thread;
    for (int64_t r = 0; r < l; r++)
        for (int64_t c = 0; c <= r; c++)
            s->gram[r * l + c] = s->gram[c * l + r] = peek__skinny_dot(n, s->right + r * n, s->right + c * n);
    if (LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'U', (lapack_int)l, s->gram, (lapack_int)l, s->values) != 0)
        return peek__fail(s->context, PEEK_E_NUMERIC,
                          "the singular vectors for the start were not found: use --init uniform");
    return PEEK_OK;
}

/* One entry of a singular vector; rotation: its column in gram. */
typedef float (*element)(const subspace *s, int64_t index, const double *rotation);

static float left_at(const subspace *s, int64_t row, const double *rotation)
{
    double sum = 0;
    for (int64_t i = 0; i < s->width; i++) sum += s->left[row * s->width + i] * rotation[i * s->width];
    return (float)sum;
}

static float right_at(const subspace *s, int64_t column, const double *rotation)
{
    double sum = 0;
    for (int64_t i = 0; i < s->width; i++)
        sum += s->right[i * s->problem->columns + column] * rotation[i * s->width];
    return (float)sum;
}

/* Puts a singular vector into column r of out (count x k) and gives the norms of its two parts. */
static void place(const subspace *s, element at, int64_t count, const double *rotation, int64_t k, int64_t r,
                  float *out, double *positive, double *negative)
{
    double sums[2] = {0, 0};
    for (int64_t i = 0; i < count; i++) {
        double x = out[i * k + r] = at(s, i, rotation);
        sums[x < 0] += x * x;
    }
    *positive = sqrt(sums[0]);
    *negative = sqrt(sums[1]);
}

/* Keeps one part, scaled. fill: zeros become the mean of the column (mu never leaves a zero). */
static void keep(int64_t count, int64_t k, int64_t r, double factor, int fill, float *out)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double x = factor * out[i * k + r];
        out[i * k + r] = (float)(x > 0 ? x : 0);
        sum += out[i * k + r];
    }
    for (int64_t i = 0; fill && i < count; i++)
        if (out[i * k + r] == 0) out[i * k + r] = (float)(sum / (double)count);
}

typedef struct component_work {
    const subspace *s;
    int64_t k;
    int fill;
    float *samples, *loadings;
} component_work;

static peek_status make_component(void *argument, int64_t r, int thread)
{
    component_work *work = argument;
    const subspace *s = work->s;
    int64_t from = s->width - 1 - r, rows = s->problem->rows, n = s->problem->columns; /* values ascend */
    double f[2], w[2], value = sqrt(fmax(s->values[from], 0));
    (void)thread;
    place(s, left_at, rows, s->gram + from, work->k, r, work->samples, &f[0], &f[1]);
    place(s, right_at, n, s->gram + from, work->k, r, work->loadings, &w[0], &w[1]);
    /* The loadings' vector comes with its singular value in it, the samples' is of norm 1. */
    int negative = f[1] * w[1] > f[0] * w[0];
    double product = f[negative] * w[negative], sign = negative ? -1 : 1, root = sqrt(product);
    int there = product > 0 && value > 0;
    keep(rows, work->k, r, there ? sign * root / f[negative] : 0, work->fill, work->samples);
    keep(n, work->k, r, there ? sign * root / w[negative] : 0, work->fill, work->loadings);
    return PEEK_OK;
}

static peek_status add_lanes(void *argument, int64_t row, int thread)
{
    subspace *s = argument;
    int64_t n = s->problem->columns;
    float *out = s->right + row * n;
    (void)thread;
    memset(out, 0, (size_t)n * sizeof *out);
    for (int64_t lane = 0; lane < s->lanes; lane++) {
        const float *part = s->lane_rights + (lane * s->width + row) * n;
        for (int64_t i = 0; i < n; i++) out[i] += part[i];
    }
    return PEEK_OK;
}

static peek_status find(subspace *s)
{
    peek_context *context = s->context;
    int64_t l = s->width, n = s->problem->columns;
    PEEK_TRY(peek__alloc(context, &s->left, peek__product(s->problem->rows, l), "a start"));
    PEEK_TRY(peek__alloc(context, &s->right, peek__product(l, n), "a start"));
    PEEK_TRY(peek__alloc(context, &s->lane_rights, peek__product(s->lanes, l * n), "a start"));
    PEEK_TRY(peek__alloc(context, &s->buffers, peek_threads(context) * RUN_ROWS * (s->widest + l), "a start"));
    PEEK_TRY(peek__alloc(context, &s->gram, l * l, "a start"));
    PEEK_TRY(peek__alloc(context, &s->work, peek__gram_scratch(l), "a start"));
    PEEK_TRY(peek__alloc(context, &s->values, l, "a start"));
    PEEK_TRY(peek__parallel(context, l, random_rows, s));
    for (int i = 0; i < ITERATIONS; i++) {
        PEEK_TRY(peek__parallel(context, s->runs, to_left, s));
        PEEK_TRY(peek__parallel(context, 1, orthonormalise, s));
        PEEK_TRY(peek__parallel(context, s->lanes, to_right, s));
        PEEK_TRY(peek__parallel(context, l, add_lanes, s));
    }
    return peek__parallel(context, 1, rotate, s);
}

peek_status peek__start_nndsvd(peek_context *context, const peek_problem *problem, const double *multipliers,
                               int64_t k, uint64_t seed, int fill, float *samples, float *loadings)
{
    int64_t most = problem->rows < problem->columns ? problem->rows : problem->columns;
    subspace s = {.context = context,
                  .problem = problem,
                  .multipliers = multipliers,
                  .kernel = peek__kernel_best(),
                  .seed = seed,
                  .width = k + OVERSAMPLED < most ? k + OVERSAMPLED : most,
                  .runs = (problem->rows + RUN_ROWS - 1) / RUN_ROWS};
    s.lanes = s.runs < LANES_MOST ? s.runs : LANES_MOST;
    for (int64_t b = 0; b < problem->count; b++)
        if (problem->blocks[b].columns > s.widest) s.widest = problem->blocks[b].columns;
    peek_status status = find(&s);
    component_work work = {&s, k, fill, samples, loadings};
    if (status == PEEK_OK) status = peek__parallel(context, k, make_component, &work);
    peek__free(&s.left);
    peek__free(&s.right);
    peek__free(&s.lane_rights);
    peek__free(&s.buffers);
    peek__free(&s.gram);
    peek__free(&s.work);
    peek__free(&s.values);
    return status;
}
