/* factor/start.c: starts: uniform random numbers, or matrices from files. */
#include "factor/start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

enum { ROWS = 256 };

typedef struct fill_work {
    uint64_t seed, index;
    peek__purpose purpose;
    int64_t rows, k;
    float *out;
} fill_work;

static peek_status fill_tile(void *argument, int64_t tile, int thread)
{
    (void)thread;
    fill_work *work = argument;
    for (int64_t row = tile * ROWS; row < (tile + 1) * ROWS && row < work->rows; row++) {
        peek__stream stream = peek__stream_make(work->seed, work->purpose, work->index + (uint64_t)row);
        for (int64_t r = 0; r < work->k; r++) work->out[row * work->k + r] = peek__random_uniform(&stream);
    }
    return PEEK_OK;
}

peek_status peek__start_uniform(peek_context *context, const peek_problem *problem, int64_t k, uint64_t seed,
                                float *samples, float *loadings)
{
    fill_work work = {
        .seed = seed, .purpose = PEEK__START_SAMPLES, .rows = problem->rows, .k = k, .out = samples};
    PEEK_TRY(peek__parallel(context, (work.rows + ROWS - 1) / ROWS, fill_tile, &work));
    work.purpose = PEEK__START_LOADINGS;
    work.out = loadings;
    for (int64_t b = 0; b < problem->count; b++) {
        work.index = (uint64_t)b << 32;
        work.rows = problem->blocks[b].columns;
        PEEK_TRY(peek__parallel(context, (work.rows + ROWS - 1) / ROWS, fill_tile, &work));
        work.out += work.rows * k;
    }
    return PEEK_OK;
}

static peek_status read_matrix(peek_context *context, const char *folder, const char *file, int64_t rows,
                               int64_t k, double scale, float *out)
{
    char *path;
    peek__npy npy = {0};
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, file));
    peek_status status = peek__npy_open(context, path, &npy);
    if (status == PEEK_OK && (npy.rows != rows || npy.columns != k))
        status = peek__fail(context, PEEK_E_SHAPE, "%s is %lld x %lld, but the start needs %lld x %lld here",
                            path, (long long)npy.rows, (long long)npy.columns, (long long)rows, (long long)k);
    if (status == PEEK_OK) peek__npy_floats(&npy, 0, rows * k, out);
    for (int64_t i = 0; status == PEEK_OK && i < rows * k; i++) {
        if (!(out[i] >= 0) || isinf(out[i]))
            status = peek__fail(context, PEEK_E_VALUE,
                                "%s holds %g at row %lld, column %lld, but a start must be finite and not "
                                "negative",
                                path, (double)out[i], (long long)(i / k), (long long)(i % k));
        out[i] = (float)(out[i] * scale);
        if (status == PEEK_OK && isinf(out[i]))
            status = peek__fail(context, PEEK_E_VALUE,
                                "%s is too large beside the data for single precision: multiply it so that its "
                                "product with the other matrices is near the data",
                                path);
    }
    peek__npy_close(&npy);
    peek__free(&path);
    return status;
}

/* The exponent of the largest value: it lies in [2^(e-1), 2^e). 0 where all are zero. */
static int exponent_of(int64_t count, const float *m)
{
    float largest = 0;
    int exponent = 0;
    for (int64_t i = 0; i < count; i++) largest = m[i] > largest ? m[i] : largest;
    frexpf(largest, &exponent);
    return exponent;
}

static void shift(int64_t count, int exponent, float *m)
{
    for (int64_t i = 0; exponent && i < count; i++) m[i] = scalbnf(m[i], exponent);
}

/* Brings matrices of any scale to where single precision holds their Gram matrices. What W loses F gains,
 * exactly; F alone is moved only where it is far from the data: its update does not depend on its scale. */
static void balance(int64_t samples, float *f, int64_t loadings, float *w)
{
    enum { FAR = 20 };
    int exponent = exponent_of(loadings, w), other = exponent_of(samples, f);
    if (abs(exponent) > FAR || abs(other) > FAR) {
        shift(loadings, -exponent, w);
        other += exponent;
        shift(samples, abs(other) > FAR ? exponent - other : exponent, f);
    }
}

int peek__start_is_read(const char *init)
{
    return init && strcmp(init, "uniform") != 0 && strcmp(init, "nndsvd") != 0;
}

peek_status peek__start_read(peek_context *context, const peek_problem *problem, int64_t k, const char *folder,
                             double sample_scale, const double *loading_scales, float *samples, float *loadings)
{
    char *inner = NULL;
    int there;
    PEEK_TRY(peek__find_folder(context, folder, &there));
    if (!there)
        return peek__fail(context, PEEK_E_NOT_FOUND,
                          "--init is '%s', which is neither 'uniform' nor 'nndsvd' nor a folder with "
                          "samples.npy and the blocks' loadings",
                          folder);
    PEEK_TRY(peek__format(context, &inner, "%s/rank-%lld", folder, (long long)k));
    peek_status status = peek__find_folder(context, inner, &there);
    const char *from = there ? inner : folder;
    if (status == PEEK_OK)
        status = read_matrix(context, from, "samples.npy", problem->rows, k, sample_scale, samples);
    for (int64_t b = 0; status == PEEK_OK && b < problem->count; b++) {
        status = read_matrix(context, from, problem->blocks[b].file, problem->blocks[b].columns, k,
                             loading_scales[b], loadings);
        loadings += problem->blocks[b].columns * k;
    }
    if (status == PEEK_OK)
        balance(problem->rows * k, samples, problem->columns * k, loadings - problem->columns * k);
    peek__free(&inner);
    return status;
}

static peek_status add_digest(peek_context *context, const char *folder, const char *name, uint64_t *state)
{
    char *path, text[17];
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, name));
    int there = 0;
    peek_status status = peek__find_file(context, path, &there);
    if (there) status = peek__file_digest(context, path, text);
    if (there && status == PEEK_OK) peek__digest(state, text, sizeof text);
    peek__free(&path);
    return status;
}

peek_status peek__start_digest(peek_context *context, const peek_problem *problem, int64_t k, const char *init,
                               uint64_t *state)
{
    char *inner;
    int there = 0;
    if (peek__start_is_read(init)) PEEK_TRY(peek__find_folder(context, init, &there));
    if (!there) return PEEK_OK;
    PEEK_TRY(peek__format(context, &inner, "%s/rank-%lld", init, (long long)k));
    peek_status status = peek__find_folder(context, inner, &there);
    const char *from = there ? inner : init;
    if (status == PEEK_OK) status = add_digest(context, from, "samples.npy", state);
    for (int64_t b = 0; status == PEEK_OK && b < problem->count; b++)
        status = add_digest(context, from, problem->blocks[b].file, state);
    peek__free(&inner);
    return status;
}
