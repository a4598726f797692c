/* factor/iteration.c: one iteration of one or several models in one sweep over the data. */
#include <cblas.h>
#undef I /* cblas.h brings complex.h */
#include <string.h>

#include "base/memory.h"
#include "factor/extrapolate.h"
#include "factor/pass.h"
#include "factor/stationarity.h"
#include "linalg/gram.h"
#include "linalg/skinny.h"
#include "linalg/matrix_transpose.h"

/* The models that share a sweep. */
typedef struct sweep {
    peek__pass *const *passes;
    int64_t count;
} sweep;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What the rule sees of a Gram matrix: rounded, with the L2 penalty on its diagonal. */
static void show_gram(peek__pass *pass, const double *gram, double l2)
{
    for (int64_t i = 0; i < pass->k * pass->k; i++) pass->gram[i] = (float)gram[i];
    for (int64_t r = 0; r < pass->k; r++) pass->gram[r * pass->k + r] = (float)(gram[r * pass->k + r] + l2);
}

/* The rule on some rows of F or of the loadings. rest: rows x k floats. Returns the squared norm of the
 * projected gradient before it, where that is wanted. */
static double update_rows(const peek__pass *pass, const peek__penalty *penalty, int64_t rows,
                          const float *numerator, float *m, float *rest, int thread)
{
    peek__update update = {.rows = rows,
                           .k = pass->k,
                           .gram = pass->gram,
                           .numerator = numerator,
                           .l1 = (float)penalty->l1,
                           .m = m,
                           .effort = pass->thorough ? INT16_MAX : pass->width / pass->k,
                           .scratch = peek__pass_rule_scratch(pass, thread)};
    double gradient = pass->stationarity ? peek__projected_gradient(&update, rest) : 0;
    pass->rule->update(&update);
    return gradient;
}

static double sum_of(int64_t count, const float *values)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += values[i];
    return sum;
}

/* sum_b || m_b X_b - F W_b^T ||^2 over a run, with F as it is. */
static double run_residual(const peek__pass *pass, const peek__run *run, float *product)
{
    const peek_problem *problem = pass->problem;
    const float *w = pass->loadings;
    double sum = 0;
    for (int64_t b = 0; b < problem->count; b++) {
        int64_t columns = problem->blocks[b].columns;
        peek__skinny_reconstruct(run->rows, columns, pass->k, pass->samples + run->first * pass->k, w, product);
        for (int64_t t = 0; t < run->rows; t++)
            sum += peek__skinny_distance(columns, (float)pass->multipliers[b], run->x[b] + t * run->strides[b],
                                         product + t * columns);
        w += columns * pass->k;
    }
    return sum;
}

/* R <- X' W for a run. */
static void run_times(const peek__pass *pass, const peek__run *run, float *numerator)
{
    const peek_problem *problem = pass->problem;
    int64_t k = pass->k, width = pass->width, offset = 0;
    memset(numerator, 0, (size_t)(run->rows * k) * sizeof *numerator);
    if (pass->sketch) {
        pass->kernel->times(run->rows, width, k, 1, pass->sketch->coefficients + run->first * width, width,
                            NULL, pass->transposed, width, numerator);
        return;
    }
    for (int64_t b = 0; b < problem->count; b++) {
        int64_t columns = problem->blocks[b].columns;
        pass->kernel->times(run->rows, columns, k, (float)pass->multipliers[b], run->x[b], run->strides[b],
                            run->soon[b], pass->transposed + offset, width, numerator);
        offset += columns;
    }
}

/* sums <- sums + F^T X' for a run. scaled: rows x k. */
static void run_transposed(const peek__pass *pass, const peek__run *run, float *scaled, float *sums)
{
    const peek_problem *problem = pass->problem;
    const float *f = pass->samples + run->first * pass->k;
    int64_t k = pass->k, width = pass->width, offset = 0;
    if (pass->sketch) {
        pass->kernel->transposed(run->rows, width, k, f, pass->sketch->coefficients + run->first * width, width,
                                 NULL, sums, width);
        return;
    }
    for (int64_t b = 0; b < problem->count; b++) {
        int64_t columns = problem->blocks[b].columns;
        for (int64_t i = 0; i < run->rows * k; i++) scaled[i] = (float)pass->multipliers[b] * f[i];
        pass->kernel->transposed(run->rows, columns, k, scaled, run->x[b], run->strides[b], run->soon[b],
                                 sums + offset, width);
        offset += columns;
    }
}

/* A run's part of an iteration of one model. */
static void work_run(const peek__pass *pass, int64_t lane, const peek__run *run, int thread)
{
    int64_t k = pass->k, size = run->rows * k;
    float *numerator = peek__pass_scratch(pass, thread), *rest = numerator + size;
    float *f = pass->samples + run->first * k;
    if (pass->direct) pass->lane_residuals[lane] += run_residual(pass, run, rest);
    if (pass->fixed != PEEK__FIXED_SAMPLES) {
        run_times(pass, run, numerator);
        if (pass->rule->extrapolated) memcpy(pass->kept_samples + run->first * k, f, (size_t)size * sizeof *f);
        pass->lane_gradients[lane] +=
            update_rows(pass, &pass->sample_penalty, run->rows, numerator, f, rest, thread);
        if (pass->rule->extrapolated)
            peek__extrapolate(size, pass->momentum, f, pass->updated_samples + run->first * k);
    }
    if (pass->fixed == PEEK__FIXED_LOADINGS) return;
    run_transposed(pass, run, rest, pass->lane_numerators + lane * pass->width * k);
    peek__gram(run->rows, k, f, peek__pass_rule_scratch(pass, thread), pass->lane_grams + lane * k * k);
    if (pass->sample_penalty.l1 > 0) pass->lane_sums[lane] += sum_of(size, f);
}

static void clear_lane(const peek__pass *pass, int64_t lane)
{
    int64_t size = pass->width * pass->k, square = pass->k * pass->k;
    memset(pass->lane_numerators + lane * size, 0, (size_t)size * sizeof(float));
    memset(pass->lane_grams + lane * square, 0, (size_t)square * sizeof(double));
    pass->lane_residuals[lane] = pass->lane_gradients[lane] = pass->lane_sums[lane] = 0;
}

static peek_status work_lane(void *argument, int64_t lane, int thread)
{
    const sweep *work = argument;
    const peek__pass *one = work->passes[0];
    for (int64_t i = 0; i < work->count; i++) clear_lane(work->passes[i], lane);
    int64_t from = lane * one->runs / one->lanes, to = (lane + 1) * one->runs / one->lanes;
    for (int64_t index = from; index < to; index++) {
        int64_t first = index * one->run_rows;
        peek__run run = {.first = first, .rows = least(one->run_rows, one->rows - first)};
        if (!one->sketch) run = peek__reader_run(one->reader, index, thread);
        for (int64_t i = 0; i < work->count; i++) work_run(work->passes[i], lane, &run, thread);
        PEEK_TRY(peek__poll(one->context));
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
    add_lanes(pass, index * PEEK__PROJECTED, least(PEEK__PROJECTED, pass->width - index * PEEK__PROJECTED));
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
    peek__transpose(k, rows, pass->lane_numerators + first, width, numerator, k);
}

/* Updates some rows of the loadings. */
static peek_status update_tile(void *argument, int64_t tile, int thread)
{
    peek__pass *pass = argument;
    int64_t k = pass->k, columns = pass->problem->columns, first = tile * pass->tile_rows;
    int64_t rows = least(pass->tile_rows, columns - first);
    float *numerator = peek__pass_scratch(pass, thread), *w = pass->loadings + first * k;
    loading_numerator(pass, first, rows, numerator);
    pass->tile_gradients[tile] =
        update_rows(pass, &pass->loading_penalty, rows, numerator, w, numerator + rows * k, thread);
    pass->tile_dots[tile] = peek__skinny_dot(rows * k, numerator, w);
    pass->tile_sums[tile] = pass->loading_penalty.l1 > 0 ? sum_of(rows * k, w) : 0;
    if (pass->rule->extrapolated) {
        float *updated = pass->updated_loadings + first * k;
        double *gram = pass->pair_tiles + tile * k * k;
        memset(gram, 0, (size_t)(k * k) * sizeof *gram);
        peek__gram(rows, k, w, peek__pass_rule_scratch(pass, thread), gram);
        memcpy(pass->kept_loadings + first * k, updated, (size_t)(rows * k) * sizeof *w);
        peek__extrapolate(rows * k, pass->momentum, w, updated);
    }
    return peek__pass_publish_tile(pass, tile, thread);
}

/* What one model does with the lanes' sums: their total, the loadings, the parts of the objective. */
static peek_status finish(peek__pass *pass)
{
    int64_t k = pass->k, square = k * k;
    double sums[2] = {0, 0}, squares[2] = {0, 0};
    memset(pass->sample_gram, 0, (size_t)square * sizeof(double));
    pass->explained = pass->model = pass->residual = pass->gradient = 0;
    for (int64_t lane = 0; lane < pass->lanes; lane++) {
        for (int64_t i = 0; i < square; i++) pass->sample_gram[i] += pass->lane_grams[lane * square + i];
        pass->residual += pass->lane_residuals[lane];
        pass->gradient += pass->lane_gradients[lane];
        sums[0] += pass->lane_sums[lane];
    }
    show_gram(pass, pass->sample_gram, pass->loading_penalty.l2);
    if (pass->sketch) {
        int64_t tasks = (pass->width + PEEK__PROJECTED - 1) / PEEK__PROJECTED;
        PEEK_TRY(peek__parallel_if(pass->context, pass->small, tasks, add_lanes_task, pass));
    }
    PEEK_TRY(peek__parallel_if(pass->context, pass->small, pass->tiles, update_tile, pass));
    PEEK_TRY(peek__pass_publish_rest(pass));
    const double *gram = pass->loading_gram;
    if (pass->rule->extrapolated) {
        peek__pass_add_tiles(pass, pass->pair_tiles, pass->pair_gram);
        gram = pass->pair_gram;
    }
    for (int64_t tile = 0; tile < pass->tiles; tile++) {
        pass->explained += pass->tile_dots[tile];
        pass->gradient += pass->tile_gradients[tile];
        sums[1] += pass->tile_sums[tile];
    }
    for (int64_t i = 0; i < square; i++) pass->model += pass->sample_gram[i] * gram[i];
    for (int64_t r = 0; r < k; r++) {
        squares[0] += pass->sample_gram[r * k + r];
        squares[1] += gram[r * k + r];
    }
    pass->penalty = 2 * pass->sample_penalty.l1 * sums[0] + pass->sample_penalty.l2 * squares[0] +
                    2 * pass->loading_penalty.l1 * sums[1] + pass->loading_penalty.l2 * squares[1];
    return PEEK_OK;
}

peek_status peek__pass_run(peek__pass *const *passes, int64_t count)
{
    sweep work = {passes, count};
    for (int64_t i = 0; i < count; i++)
        show_gram(passes[i], passes[i]->loading_gram, passes[i]->sample_penalty.l2);
    PEEK_TRY(peek__parallel_if(passes[0]->context, passes[0]->small && count == 1, passes[0]->lanes, work_lane,
                               &work));
    for (int64_t i = 0; i < count; i++)
        if (passes[i]->fixed != PEEK__FIXED_LOADINGS) PEEK_TRY(finish(passes[i]));
    return PEEK_OK;
}

/* A look at some runs, one after the other. */
typedef struct look {
    peek__pass *pass;
    int64_t runs;
    double seconds;
} look;

static peek_status look_at_runs(void *argument, int64_t index, int thread)
{
    (void)index;
    look *work = argument;
    peek__pass *pass = work->pass;
    int64_t rows = least(work->runs * pass->run_rows, pass->rows);
    float *kept;
    PEEK_TRY(peek__alloc(pass->context, &kept, rows * pass->k, "the sample matrix"));
    memcpy(kept, pass->samples, (size_t)(rows * pass->k) * sizeof *kept);
    clear_lane(pass, 0);
    double begin = peek__seconds();
    for (int64_t i = 0; i < work->runs; i++) {
        peek__run run = peek__reader_run(pass->reader, i, thread);
        work_run(pass, 0, &run, thread);
    }
    work->seconds = peek__seconds() - begin;
    memcpy(pass->samples, kept, (size_t)(rows * pass->k) * sizeof *kept);
    peek__free(&kept);
    return PEEK_OK;
}

peek_status peek__pass_look(peek__pass *pass, double *seconds)
{
    enum { RUNS = 16 };
    look work = {.pass = pass, .runs = least(RUNS, pass->runs)};
    show_gram(pass, pass->loading_gram, pass->sample_penalty.l2);
    PEEK_TRY(peek__parallel(pass->context, 1, look_at_runs, &work));
    double workers = pass->small ? 1 : peek__workers(pass->context, pass->lanes);
    *seconds = work.seconds / (double)work.runs * (double)pass->runs / workers;
    return PEEK_OK;
}
