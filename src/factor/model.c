/* factor/model.c: models: making, reading and judging them. */
#include "factor/model.h"

#include <cblas.h>
#undef I /* cblas.h brings complex.h */
#include <math.h>
#include <string.h>

#include "base/memory.h"

peek_status peek__model_create(peek_context *context, const peek_problem *problem, const double *alphas,
                               int64_t rank, int64_t iterations, peek_model **out)
{
    peek_model *model;
    PEEK_TRY(peek__alloc(context, out, 1, "a model"));
    model = *out;
    model->rows = problem->rows;
    model->rank = rank;
    model->columns = problem->columns;
    memcpy(model->capture_digest, problem->capture_digest, sizeof model->capture_digest);
    PEEK_TRY(peek__alloc(context, &model->objective, iterations, "a model"));
    PEEK_TRY(peek__alloc(context, &model->times, iterations, "a model"));
    PEEK_TRY(peek__alloc(context, &model->samples, peek__product(model->rows, rank), "the sample matrix"));
    PEEK_TRY(peek__alloc(context, &model->loadings, peek__product(model->columns, rank), "the loadings"));
    PEEK_TRY(peek__alloc(context, &model->errors, peek__product(model->rows, problem->count), "the errors"));
    PEEK_TRY(peek__alloc(context, &model->alphas, problem->count, "a model"));
    PEEK_TRY(peek__alloc(context, &model->block, problem->count, "a model"));
    model->blocks = problem->count;
    for (int64_t b = 0; b < problem->count; b++) {
        char *name = NULL, *file = NULL;
        PEEK_TRY(peek__copy_text(context, &name, problem->blocks[b].name));
        model->block[b].name = name;
        PEEK_TRY(peek__copy_text(context, &file, problem->blocks[b].file));
        model->block[b].file = file;
        model->block[b].columns = problem->blocks[b].columns;
        model->block[b].norm = sqrt(problem->blocks[b].square);
        model->block[b].weight = problem->weights[b];
        model->alphas[b] = alphas[b];
    }
    return PEEK_OK;
}

void peek_model_free(peek_model **out)
{
    if (!out || !*out) return;
    peek_model *model = *out;
    for (int64_t b = 0; b < model->blocks; b++) {
        peek__release((void *)(uintptr_t)model->block[b].name);
        peek__release((void *)(uintptr_t)model->block[b].file);
    }
    peek__free(&model->objective);
    peek__free(&model->times);
    peek__free(&model->samples);
    peek__free(&model->loadings);
    peek__free(&model->errors);
    peek__free(&model->alphas);
    peek__free(&model->block);
    peek__free(&model->starts);
    cJSON_Delete(model->options);
    peek__free(out);
}

/* Judging: tiles of samples, each in double. */

enum { JUDGE_VALUES = 1 << 17 };

typedef struct judge_work {
    peek_context *context;
    peek_model *model;
    const peek_problem *problem;
    const peek__block *block;
    int64_t index, tile;
    double *loadings; /* n x k, of one block */
    float *buffers;   /* threads x tile x n */
    double *scratch;  /* threads x tile x (n + k) */
    double *squares;  /* T */
} judge_work;

static peek_status judge_tile(void *argument, int64_t tile, int thread)
{
    judge_work *work = argument;
    int64_t first = tile * work->tile, n = work->block->columns, k = work->model->rank, stride;
    int64_t rows = work->model->rows - first < work->tile ? work->model->rows - first : work->tile;
    double *product = work->scratch + thread * work->tile * (n + k), *f = product + rows * n;
    const float *x =
        peek__block_next(work->block, first, rows, work->buffers + thread * work->tile * n, &stride);
    for (int64_t i = 0; i < rows * k; i++) f[i] = work->model->samples[first * k + i];
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)n, (int)k, 1.0, f, (int)k,
                work->loadings, (int)k, 0.0, product, (int)n);
    for (int64_t t = 0; t < rows; t++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) {
            double e = x[t * stride + i] - product[t * n + i];
            sum += e * e;
        }
        work->squares[first + t] = sum;
        work->model->errors[(first + t) * work->model->blocks + work->index] = (float)sqrt(sum);
    }
    peek__block_drop(work->block, first, rows);
    return PEEK_OK;
}

static peek_status judge_block(peek_context *context, judge_work *work, const float *loadings, double *square)
{
    int64_t n = work->block->columns, k = work->model->rank, threads = peek_threads(context);
    work->tile = JUDGE_VALUES / n < 1 ? 1 : JUDGE_VALUES / n;
    if (work->tile > work->model->rows) work->tile = work->model->rows;
    int64_t tiles = (work->model->rows + work->tile - 1) / work->tile;
    PEEK_TRY(peek__alloc(context, &work->loadings, peek__product(n, k), "judging a model"));
    PEEK_TRY(peek__alloc(context, &work->buffers, peek__product(threads, work->tile * n), "judging a model"));
    PEEK_TRY(
        peek__alloc(context, &work->scratch, peek__product(threads, work->tile * (n + k)), "judging a model"));
    for (int64_t i = 0; i < n * k; i++) work->loadings[i] = loadings[i];
    PEEK_TRY(peek__parallel(context, tiles, judge_tile, work));
    *square = 0;
    for (int64_t t = 0; t < work->model->rows; t++) *square += work->squares[t];
    return PEEK_OK;
}

static void clear_block(judge_work *work)
{
    peek__free(&work->loadings);
    peek__free(&work->buffers);
    peek__free(&work->scratch);
}

static double ratio_root(double part, double whole)
{
    return whole > 0 ? sqrt(part / whole) : 0;
}

peek_status peek__model_judge(peek_context *context, peek_model *model, const peek_problem *problem)
{
    judge_work work = {.context = context, .model = model, .problem = problem};
    double residual = 0, norm = 0, objective = 0;
    const float *loadings = model->loadings;
    peek_status status = peek__alloc(context, &work.squares, model->rows, "judging a model");
    for (int64_t b = 0; status == PEEK_OK && b < model->blocks; b++) {
        double square = 0;
        work.block = &problem->blocks[b];
        work.index = b;
        status = judge_block(context, &work, loadings, &square);
        clear_block(&work);
        loadings += work.block->columns * model->rank;
        model->block[b].rmse = ratio_root(square, (double)model->rows * (double)work.block->columns);
        model->block[b].relative_error = ratio_root(square, work.block->square);
        residual += square;
        norm += work.block->square;
        objective += model->alphas[b] * square;
    }
    peek__free(&work.squares);
    PEEK_TRY(status);
    model->rmse = ratio_root(residual, (double)model->rows * (double)model->columns);
    model->relative_error = ratio_root(residual, norm);
    model->objective[model->iterations - 1] = objective;
    return PEEK_OK;
}

peek_model_info peek_model_describe(const peek_model *model)
{
    return (peek_model_info){.samples = model->rows,
                             .rank = model->rank,
                             .blocks = model->blocks,
                             .rule = model->rule,
                             .stop = model->stop,
                             .seed = model->seed,
                             .iterations = model->iterations,
                             .sketch_iterations = model->sketch_iterations,
                             .seconds = model->seconds,
                             .objective = model->objective,
                             .rmse = model->rmse,
                             .relative_error = model->relative_error};
}

peek_status peek_model_block_info(peek_context *context, const peek_model *model, int64_t block,
                                  peek_model_block *out)
{
    if (!model || block < 0 || block >= model->blocks)
        return peek__fail(context, PEEK_E_ARGUMENT, "there is no block %lld", (long long)block);
    *out = model->block[block];
    return PEEK_OK;
}

const float *peek_model_samples(const peek_model *model)
{
    return model->samples;
}

const float *peek_model_loadings(const peek_model *model, int64_t block)
{
    if (block < 0 || block >= model->blocks) return NULL;
    const float *loadings = model->loadings;
    for (int64_t b = 0; b < block; b++) loadings += model->block[b].columns * model->rank;
    return loadings;
}

const float *peek_model_errors(const peek_model *model)
{
    return model->errors;
}
