/* factor/pass.c: one iteration as one sweep over the data. */
#include "factor/pass.h"

#include <cblas.h>
#undef I /* cblas.h brings complex.h */
#include <string.h>

#include "base/memory.h"
#include "factor/extrapolate.h"
#include "factor/stationarity.h"
#include "linalg/skinny.h"

enum {
    RUN_BYTES = 512 << 10, /* of X in a run: stays in a core's cache between the two products */
    RUN_ROWS_LEAST = 16,
    RUN_ROWS_MOST = 1024,
    LANES_MOST = 64,
    LANES_LEAST = 4,
    TILES_MOST = 64,
    TILE_ROWS_LEAST = 64,
    PROJECTED = 32 /* columns of W^T V that one task makes */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How the work is cut: by the shapes alone. */
static void cut(peek__pass *pass)
{
    const peek_problem *problem = pass->problem;
    pass->width = pass->sketch ? pass->sketch->width : problem->columns;
    int64_t rows = RUN_BYTES / (pass->width * (int64_t)sizeof(float));
    rows = rows < RUN_ROWS_LEAST ? RUN_ROWS_LEAST : least(rows, RUN_ROWS_MOST);
    pass->run_rows = least(rows, problem->rows);
    pass->runs = (problem->rows + pass->run_rows - 1) / pass->run_rows;
    /* The lanes' sums may take an eighth of what the data takes. */
    int64_t lanes = problem->rows / (8 * pass->k);
    lanes = lanes < LANES_LEAST ? LANES_LEAST : least(lanes, LANES_MOST);
    pass->lanes = least(lanes, pass->runs);
    pass->tile_rows = (problem->columns + TILES_MOST - 1) / TILES_MOST;
    if (pass->tile_rows < TILE_ROWS_LEAST) pass->tile_rows = TILE_ROWS_LEAST;
    pass->tiles = (problem->columns + pass->tile_rows - 1) / pass->tile_rows;
    for (int64_t b = 0; b < problem->count; b++)
        if (problem->blocks[b].columns > pass->widest) pass->widest = problem->blocks[b].columns;
    int64_t run = 2 * pass->run_rows * (pass->k + pass->widest), tile = 2 * pass->tile_rows * pass->k;
    pass->rule_scratch = ((run > tile ? run : tile) + 15) / 16 * 16; /* whole cache lines */
    int64_t most = pass->run_rows > pass->tile_rows ? pass->run_rows : pass->tile_rows;
    size_t rule = pass->rule->scratch(most, pass->k);
    size_t gram = (size_t)(PEEK__GRAM_ROWS * pass->k) * sizeof(double);
    int64_t floats = (int64_t)((rule > gram ? rule : gram) / sizeof(float));
    pass->scratch_size = pass->rule_scratch + (floats + 31) / 16 * 16;
}

/* A thread's memory for a rule, or between calls of it for a Gram matrix; at a 64-byte boundary. */
static void *rule_scratch(const peek__pass *pass, int thread)
{
    return pass->scratch + thread * pass->scratch_size + pass->rule_scratch;
}

static void to_float(int64_t count, const double *in, float *out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (float)in[i];
}

/* What the next sweep needs of some rows of the loadings: their transpose and their part of the Gram matrix. */
static peek_status publish_tile(void *argument, int64_t tile, int thread)
{
    peek__pass *pass = argument;
    int64_t k = pass->k, columns = pass->problem->columns, first = tile * pass->tile_rows;
    int64_t rows = least(pass->tile_rows, columns - first);
    double *gram = pass->tile_grams + tile * k * k;
    for (int64_t r = 0; !pass->sketch && r < k; r++)
        for (int64_t i = 0; i < rows; i++)
            pass->transposed[r * columns + first + i] = pass->loadings[(first + i) * k + r];
    memset(gram, 0, (size_t)(k * k) * sizeof *gram);
    peek__skinny_gram(rows, k, pass->loadings + first * k, rule_scratch(pass, thread), gram);
    return PEEK_OK;
}

static void add_tile_grams(const peek__pass *pass, const double *tiles, double *sum)
{
    int64_t size = pass->k * pass->k;
    memset(sum, 0, (size_t)size * sizeof *sum);
    for (int64_t tile = 0; tile < pass->tiles; tile++)
        for (int64_t i = 0; i < size; i++) sum[i] += tiles[tile * size + i];
}

/* Some columns of W^T V. */
static peek_status project_columns(void *argument, int64_t index, int thread)
{
    (void)thread;
    peek__pass *pass = argument;
    int64_t first = index * PROJECTED, count = least(PROJECTED, pass->width - first);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)pass->k, (int)count, (int)pass->problem->columns,
                1.0f, pass->loadings, (int)pass->k, pass->sketch->basis + first, (int)pass->width, 0.0f,
                pass->transposed + first, (int)pass->width);
    return PEEK_OK;
}

/* What is left to do when all tiles of the loadings are published. */
static peek_status publish_rest(peek__pass *pass)
{
    add_tile_grams(pass, pass->tile_grams, pass->loading_gram);
    if (!pass->sketch) return PEEK_OK;
    return peek__parallel(pass->context, (pass->width + PROJECTED - 1) / PROJECTED, project_columns, pass);
}

static peek_status publish(peek__pass *pass)
{
    PEEK_TRY(peek__parallel(pass->context, pass->tiles, publish_tile, pass));
    return publish_rest(pass);
}

static peek_status prepare_extrapolation(peek__pass *pass)
{
    peek_context *context = pass->context;
    int64_t samples = pass->problem->rows * pass->k, loadings = pass->problem->columns * pass->k;
    int64_t square = pass->k * pass->k;
    PEEK_TRY(peek__alloc(context, &pass->pair_gram, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &pass->pair_tiles, pass->tiles * square, "Gram matrices"));
    PEEK_TRY(peek__alloc(context, &pass->updated_samples, samples, "the extrapolation"));
    PEEK_TRY(peek__alloc(context, &pass->updated_loadings, loadings, "the extrapolation"));
    PEEK_TRY(peek__alloc(context, &pass->kept_samples, samples, "the extrapolation"));
    PEEK_TRY(peek__alloc(context, &pass->kept_loadings, loadings, "the extrapolation"));
    memcpy(pass->updated_samples, pass->samples, (size_t)samples * sizeof(float));
    memcpy(pass->updated_loadings, pass->loadings, (size_t)loadings * sizeof(float));
    return PEEK_OK;
}

peek_status peek__pass_prepare(peek__pass *pass)
{
    peek_context *context = pass->context;
    int64_t square = pass->k * pass->k;
    cut(pass);
    PEEK_TRY(peek__alloc(context, &pass->gram, square, "a Gram matrix"));
    pass->kernel = peek__kernel_best();
    PEEK_TRY(peek__alloc(context, &pass->transposed, peek__product(pass->width, pass->k), "the loadings"));
    PEEK_TRY(peek__alloc(context, &pass->lane_numerators, peek__product(pass->lanes, pass->width * pass->k),
                         "the sums of a fit"));
    PEEK_TRY(peek__alloc(context, &pass->lane_grams, pass->lanes * square, "the sums of a fit"));
    PEEK_TRY(peek__alloc(context, &pass->lane_residuals, pass->lanes, "the sums of a fit"));
    PEEK_TRY(peek__alloc(context, &pass->loading_gram, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &pass->sample_gram, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &pass->tile_grams, pass->tiles * square, "Gram matrices"));
    PEEK_TRY(peek__alloc(context, &pass->tile_dots, pass->tiles, "the sums of a fit"));
    PEEK_TRY(peek__alloc(context, &pass->tile_gradients, pass->tiles, "the sums of a fit"));
    PEEK_TRY(peek__alloc(context, &pass->lane_gradients, pass->lanes, "the sums of a fit"));
    PEEK_TRY(peek__alloc(context, &pass->scratch, peek__product(peek_threads(context), pass->scratch_size),
                         "the scratch of a fit"));
    if (pass->rule->extrapolated) PEEK_TRY(prepare_extrapolation(pass));
    return publish(pass);
}

void peek__pass_clear(peek__pass *pass)
{
    peek__free(&pass->gram);
    peek__free(&pass->transposed);
    peek__free(&pass->lane_numerators);
    peek__free(&pass->lane_grams);
    peek__free(&pass->lane_residuals);
    peek__free(&pass->loading_gram);
    peek__free(&pass->sample_gram);
    peek__free(&pass->tile_grams);
    peek__free(&pass->pair_gram);
    peek__free(&pass->pair_tiles);
    peek__free(&pass->tile_dots);
    peek__free(&pass->tile_gradients);
    peek__free(&pass->lane_gradients);
    peek__free(&pass->updated_samples);
    peek__free(&pass->updated_loadings);
    peek__free(&pass->kept_samples);
    peek__free(&pass->kept_loadings);
    peek__free(&pass->scratch);
}

/* The rule on some rows of F or of the loadings. rest: rows x k floats. Returns the squared norm of the
 * projected gradient before it, where that is wanted. */
static double update_rows(const peek__pass *pass, int64_t rows, const float *numerator, float *m, float *rest,
                          int thread)
{
    peek__update update = {.rows = rows,
                           .k = pass->k,
                           .gram = pass->gram,
                           .numerator = numerator,
                           .m = m,
                           .effort = pass->width / pass->k,
                           .scratch = rule_scratch(pass, thread)};
    double gradient =
        pass->stationarity ? peek__projected_gradient(rows, pass->k, pass->gram, numerator, m, rest) : 0;
    pass->rule->update(&update);
    return gradient;
}

/* sum_b || m_b X_b - F W_b^T ||^2 over a run, with F as it is. */
static double run_residual(const peek__pass *pass, int64_t first, int64_t rows, float *buffer, float *product)
{
    const peek_problem *problem = pass->problem;
    const float *w = pass->loadings;
    double sum = 0;
    for (int64_t b = 0; b < problem->count; b++) {
        const peek__block *block = &problem->blocks[b];
        int64_t stride;
        const float *x = peek__block_rows(block, first, rows, buffer, &stride);
        peek__skinny_reconstruct(rows, block->columns, pass->k, pass->samples + first * pass->k, w, product);
        for (int64_t t = 0; t < rows; t++)
            sum += peek__skinny_distance(block->columns, (float)pass->multipliers[b], x + t * stride,
                                         product + t * block->columns);
        w += block->columns * pass->k;
    }
    return sum;
}

/* R <- X' W for a run. */
static void run_times(const peek__pass *pass, int64_t first, int64_t rows, float *numerator, float *buffer)
{
    const peek_problem *problem = pass->problem;
    int64_t k = pass->k, width = pass->width, offset = 0;
    memset(numerator, 0, (size_t)(rows * k) * sizeof *numerator);
    if (pass->sketch) {
        pass->kernel->times(rows, width, k, 1, pass->sketch->coefficients + first * width, width,
                            pass->transposed, width, numerator);
        return;
    }
    for (int64_t b = 0; b < problem->count; b++) {
        const peek__block *block = &problem->blocks[b];
        int64_t stride;
        const float *x = peek__block_rows(block, first, rows, buffer, &stride);
        pass->kernel->times(rows, block->columns, k, (float)pass->multipliers[b], x, stride,
                            pass->transposed + offset, width, numerator);
        offset += block->columns;
    }
}

/* sums <- sums + F^T X' for a run. scaled: rows x k. */
static void run_transposed(const peek__pass *pass, int64_t first, int64_t rows, float *scaled, float *buffer,
                           float *sums)
{
    const peek_problem *problem = pass->problem;
    const float *f = pass->samples + first * pass->k;
    int64_t k = pass->k, width = pass->width, offset = 0;
    if (pass->sketch) {
        pass->kernel->transposed(rows, width, k, f, pass->sketch->coefficients + first * width, width, sums,
                                 width);
        return;
    }
    for (int64_t b = 0; b < problem->count; b++) {
        const peek__block *block = &problem->blocks[b];
        int64_t stride;
        const float *x = peek__block_rows(block, first, rows, buffer, &stride);
        for (int64_t i = 0; i < rows * k; i++) scaled[i] = (float)pass->multipliers[b] * f[i];
        pass->kernel->transposed(rows, block->columns, k, scaled, x, stride, sums + offset, width);
        offset += block->columns;
    }
}

static void work_run(const peek__pass *pass, int64_t lane, int64_t first, int64_t rows, int thread)
{
    int64_t k = pass->k;
    float *numerator = pass->scratch + thread * pass->scratch_size, *scaled = numerator + rows * k,
          *buffer = scaled + rows * k, *f = pass->samples + first * k;
    if (pass->direct)
        pass->lane_residuals[lane] += run_residual(pass, first, rows, buffer, buffer + rows * pass->widest);
    run_times(pass, first, rows, numerator, buffer);
    if (pass->rule->extrapolated) memcpy(pass->kept_samples + first * k, f, (size_t)(rows * k) * sizeof *f);
    pass->lane_gradients[lane] += update_rows(pass, rows, numerator, f, scaled, thread);
    if (pass->rule->extrapolated)
        peek__extrapolate(rows * k, pass->momentum, f, pass->updated_samples + first * k);
    run_transposed(pass, first, rows, scaled, buffer, pass->lane_numerators + lane * pass->width * k);
    peek__skinny_gram(rows, k, f, rule_scratch(pass, thread), pass->lane_grams + lane * k * k);
}

static peek_status work_lane(void *argument, int64_t lane, int thread)
{
    peek__pass *pass = argument;
    int64_t size = pass->width * pass->k, square = pass->k * pass->k;
    memset(pass->lane_numerators + lane * size, 0, (size_t)size * sizeof(float));
    memset(pass->lane_grams + lane * square, 0, (size_t)square * sizeof(double));
    pass->lane_residuals[lane] = pass->lane_gradients[lane] = 0;
    int64_t from = lane * pass->runs / pass->lanes, to = (lane + 1) * pass->runs / pass->lanes;
    for (int64_t run = from; run < to; run++) {
        int64_t first = run * pass->run_rows, rows = least(pass->run_rows, pass->problem->rows - first);
        work_run(pass, lane, first, rows, thread);
        PEEK_TRY(peek__poll(pass->context));
    }
    return PEEK_OK;
}

/* Adds some columns of the lanes' sums into the first lane's. */
static void add_lanes(const peek__pass *pass, int64_t first, int64_t count)
{
    for (int64_t r = 0; r < pass->k; r++) {
        float *sum = pass->lane_numerators + r * pass->width + first;
        for (int64_t lane = 1; lane < pass->lanes; lane++) {
            const float *other = sum + lane * pass->width * pass->k;
            for (int64_t i = 0; i < count; i++) sum[i] += other[i];
        }
    }
}

static peek_status add_lanes_task(void *argument, int64_t index, int thread)
{
    (void)thread;
    peek__pass *pass = argument;
    add_lanes(pass, index * PROJECTED, least(PROJECTED, pass->width - index * PROJECTED));
    return PEEK_OK;
}

/* The numerator of some rows of the loadings: rows x k. */
static void loading_numerator(const peek__pass *pass, int64_t first, int64_t rows, float *numerator)
{
    int64_t k = pass->k, width = pass->width;
    if (pass->sketch) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)k, (int)width, 1.0f,
                    pass->sketch->basis + first * width, (int)width, pass->lane_numerators, (int)width, 0.0f,
                    numerator, (int)k);
        return;
    }
    add_lanes(pass, first, rows);
    for (int64_t r = 0; r < k; r++)
        for (int64_t i = 0; i < rows; i++) numerator[i * k + r] = pass->lane_numerators[r * width + first + i];
}

/* Updates some rows of the loadings. */
static peek_status update_tile(void *argument, int64_t tile, int thread)
{
    peek__pass *pass = argument;
    int64_t k = pass->k, columns = pass->problem->columns, first = tile * pass->tile_rows;
    int64_t rows = least(pass->tile_rows, columns - first);
    float *numerator = pass->scratch + thread * pass->scratch_size, *w = pass->loadings + first * k;
    loading_numerator(pass, first, rows, numerator);
    float *rest = numerator + rows * k;
    pass->tile_gradients[tile] = update_rows(pass, rows, numerator, w, rest, thread);
    pass->tile_dots[tile] = peek__skinny_dot(rows * k, numerator, w);
    if (pass->rule->extrapolated) {
        float *updated = pass->updated_loadings + first * k;
        double *gram = pass->pair_tiles + tile * k * k;
        memset(gram, 0, (size_t)(k * k) * sizeof *gram);
        peek__skinny_gram(rows, k, w, rule_scratch(pass, thread), gram);
        memcpy(pass->kept_loadings + first * k, updated, (size_t)(rows * k) * sizeof *w);
        peek__extrapolate(rows * k, pass->momentum, w, updated);
    }
    return publish_tile(pass, tile, thread);
}

peek_status peek__pass_run(peek__pass *pass)
{
    int64_t square = pass->k * pass->k;
    to_float(square, pass->loading_gram, pass->gram);
    PEEK_TRY(peek__parallel(pass->context, pass->lanes, work_lane, pass));
    memset(pass->sample_gram, 0, (size_t)square * sizeof(double));
    pass->residual = pass->gradient = 0;
    for (int64_t lane = 0; lane < pass->lanes; lane++) {
        for (int64_t i = 0; i < square; i++) pass->sample_gram[i] += pass->lane_grams[lane * square + i];
        pass->residual += pass->lane_residuals[lane];
        pass->gradient += pass->lane_gradients[lane];
    }
    to_float(square, pass->sample_gram, pass->gram);
    if (pass->sketch)
        PEEK_TRY(
            peek__parallel(pass->context, (pass->width + PROJECTED - 1) / PROJECTED, add_lanes_task, pass));
    PEEK_TRY(peek__parallel(pass->context, pass->tiles, update_tile, pass));
    PEEK_TRY(publish_rest(pass));
    const double *gram = pass->loading_gram;
    if (pass->rule->extrapolated) {
        add_tile_grams(pass, pass->pair_tiles, pass->pair_gram);
        gram = pass->pair_gram;
    }
    pass->explained = pass->model = 0;
    for (int64_t tile = 0; tile < pass->tiles; tile++) {
        pass->explained += pass->tile_dots[tile];
        pass->gradient += pass->tile_gradients[tile];
    }
    for (int64_t i = 0; i < square; i++) pass->model += pass->sample_gram[i] * gram[i];
    return PEEK_OK;
}

peek_status peek__pass_refuse(peek__pass *pass)
{
    if (!pass->rule->extrapolated) return PEEK_OK;
    size_t samples = (size_t)(pass->problem->rows * pass->k) * sizeof(float);
    size_t loadings = (size_t)(pass->problem->columns * pass->k) * sizeof(float);
    memcpy(pass->samples, pass->kept_samples, samples);
    memcpy(pass->updated_samples, pass->kept_samples, samples);
    memcpy(pass->updated_loadings, pass->kept_loadings, loadings);
    return peek__pass_settle(pass);
}

peek_status peek__pass_settle(peek__pass *pass)
{
    if (!pass->rule->extrapolated) return PEEK_OK;
    memcpy(pass->loadings, pass->updated_loadings, (size_t)(pass->problem->columns * pass->k) * sizeof(float));
    return publish(pass);
}
