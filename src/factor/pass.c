/* factor/pass.c: what a model keeps from sweep to sweep. */
#include "factor/pass.h"

#include <cblas.h>
#include <math.h>
#undef I /* cblas.h brings complex.h */
#include <string.h>

#include "base/memory.h"
#include "linalg/gram.h"
#include "linalg/matrix_transpose.h"

enum {
    LANE_ROWS = 1024, /* samples in a lane, so that the lanes' sums stay small beside the data */
    LANES_MOST = 64,
    LANES_LEAST = 4,
    TILES_MOST = 64,
    TILE_ROWS_LEAST = 64
};

/* Samples x columns x rank of an iteration that one thread does sooner than several could begin. */
static const double small_below = 1e6;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t lanes_of(int64_t rows)
{
    int64_t lanes = rows / LANE_ROWS;
    return lanes < LANES_LEAST ? LANES_LEAST : least(lanes, LANES_MOST);
}

/* How the work is cut: by the shapes alone. */
static void cut(peek__pass *pass)
{
    const peek_problem *problem = pass->problem;
    int64_t k = pass->k, widest = 0;
    pass->width = pass->sketch ? pass->sketch->width : problem->columns;
    pass->run_rows = pass->sketch ? peek__run_rows(pass->rows, pass->width) : pass->reader->run_rows;
    pass->runs = (pass->rows + pass->run_rows - 1) / pass->run_rows;
    pass->small = (double)pass->rows * (double)pass->width * (double)k < small_below;
    pass->lanes = least(lanes_of(pass->rows), pass->runs);
    pass->tile_rows = (problem->columns + TILES_MOST - 1) / TILES_MOST;
    if (pass->tile_rows < TILE_ROWS_LEAST) pass->tile_rows = TILE_ROWS_LEAST;
    pass->tiles = (problem->columns + pass->tile_rows - 1) / pass->tile_rows;
    for (int64_t b = 0; b < problem->count; b++)
        if (problem->blocks[b].columns > widest) widest = problem->blocks[b].columns;
    /* A run needs its numerator and either its scaled rows of F or a block's reconstruction; a tile two
     * numerators. */
    int64_t run = pass->run_rows * (2 * k + (pass->sketch ? 0 : widest)), tile = 2 * pass->tile_rows * k;
    pass->rule_scratch = ((run > tile ? run : tile) + 15) / 16 * 16; /* whole cache lines */
    int64_t most = pass->run_rows > pass->tile_rows ? pass->run_rows : pass->tile_rows;
    size_t rule = pass->rule->scratch(most, k);
    size_t gram = (size_t)peek__gram_scratch(k) * sizeof(double);
    int64_t floats = (int64_t)((rule > gram ? rule : gram) / sizeof(float));
    pass->scratch_size = pass->rule_scratch + (floats + 31) / 16 * 16;
}

double peek__pass_bytes(const peek_problem *problem, const peek__rule *rule, int64_t k)
{
    double lanes = (double)lanes_of(problem->rows), extrapolated = rule->extrapolated ? 2 : 0;
    double tiles = fmin(TILES_MOST, ceil((double)problem->columns / TILE_ROWS_LEAST));
    return sizeof(float) * (double)k *
               ((1 + extrapolated) * (double)problem->rows +
                (2 + extrapolated + lanes) * (double)problem->columns) +
           sizeof(double) * (double)k * (double)k * (lanes + 2 * tiles + 4);
}

float *peek__pass_scratch(const peek__pass *pass, int thread)
{
    return pass->scratch + thread * pass->scratch_size;
}

void *peek__pass_rule_scratch(const peek__pass *pass, int thread)
{
    return peek__pass_scratch(pass, thread) + pass->rule_scratch;
}

/* What the next sweep needs of some rows of the loadings: their transpose and their part of the Gram matrix. */
peek_status peek__pass_publish_tile(peek__pass *pass, int64_t tile, int thread)
{
    int64_t k = pass->k, columns = pass->problem->columns, first = tile * pass->tile_rows;
    int64_t rows = least(pass->tile_rows, columns - first);
    double *gram = pass->tile_grams + tile * k * k;
    if (!pass->sketch)
        peek__transpose(rows, k, pass->loadings + first * k, k, pass->transposed + first, columns);
    memset(gram, 0, (size_t)(k * k) * sizeof *gram);
    peek__gram(rows, k, pass->loadings + first * k, peek__pass_rule_scratch(pass, thread), gram);
    return PEEK_OK;
}

void peek__pass_add_tiles(const peek__pass *pass, const double *tiles, double *sum)
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
    int64_t first = index * PEEK__PROJECTED, count = least(PEEK__PROJECTED, pass->width - first);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)pass->k, (int)count, (int)pass->problem->columns,
                1.0f, pass->loadings, (int)pass->k, pass->sketch->basis + first, (int)pass->width, 0.0f,
                pass->transposed + first, (int)pass->width);
    return PEEK_OK;
}

peek_status peek__pass_publish_rest(peek__pass *pass)
{
    peek__pass_add_tiles(pass, pass->tile_grams, pass->loading_gram);
    if (!pass->sketch) return PEEK_OK;
    int64_t tasks = (pass->width + PEEK__PROJECTED - 1) / PEEK__PROJECTED;
    return peek__parallel_if(pass->context, pass->small, tasks, project_columns, pass);
}

static peek_status publish_task(void *argument, int64_t tile, int thread)
{
    return peek__pass_publish_tile(argument, tile, thread);
}

static peek_status publish(peek__pass *pass)
{
    PEEK_TRY(peek__parallel_if(pass->context, pass->small, pass->tiles, publish_task, pass));
    return peek__pass_publish_rest(pass);
}

static peek_status prepare_extrapolation(peek__pass *pass)
{
    peek_context *context = pass->context;
    int64_t samples = pass->rows * pass->k, loadings = pass->problem->columns * pass->k;
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
    pass->kernel = peek__kernel_best();
    PEEK_TRY(peek__alloc(context, &pass->gram, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &pass->loading_gram, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &pass->sample_gram, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &pass->pair_gram, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &pass->tile_grams, pass->tiles * square, "Gram matrices"));
    PEEK_TRY(peek__alloc(context, &pass->pair_tiles, pass->tiles * square, "Gram matrices"));
    PEEK_TRY(peek__alloc(context, &pass->transposed, peek__product(pass->width, pass->k), "the loadings"));
    PEEK_TRY(peek__alloc(context, &pass->lane_numerators, peek__product(pass->lanes, pass->width * pass->k),
                         "the sums of a fit"));
    PEEK_TRY(peek__alloc(context, &pass->lane_grams, pass->lanes * square, "the sums of a fit"));
    double **sums[] = {&pass->lane_residuals, &pass->lane_gradients, &pass->lane_sums,
                       &pass->tile_dots,      &pass->tile_gradients, &pass->tile_sums};
    for (int i = 0; i < 6; i++)
        PEEK_TRY(peek__alloc(context, sums[i], i < 3 ? pass->lanes : pass->tiles, "the sums of a fit"));
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
    peek__free(&pass->lane_gradients);
    peek__free(&pass->lane_sums);
    peek__free(&pass->loading_gram);
    peek__free(&pass->sample_gram);
    peek__free(&pass->tile_grams);
    peek__free(&pass->pair_gram);
    peek__free(&pass->pair_tiles);
    peek__free(&pass->tile_dots);
    peek__free(&pass->tile_gradients);
    peek__free(&pass->tile_sums);
    peek__free(&pass->updated_samples);
    peek__free(&pass->updated_loadings);
    peek__free(&pass->kept_samples);
    peek__free(&pass->kept_loadings);
    peek__free(&pass->scratch);
}

peek_status peek__pass_refuse(peek__pass *pass)
{
    if (!pass->rule->extrapolated) return PEEK_OK;
    size_t samples = (size_t)(pass->rows * pass->k) * sizeof(float);
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
