/* measure/cross_validation.c: bi-cross-validation of the joint model.
 *
 * Samples and, in every block, columns are cut into groups. Fold g holds out the samples I and the columns J of
 * group g:
 *
 *     X_b = [ A  B ]  I         from D:  F_D, W_D   fit of the kept samples and columns, at every rank
 *           [ C  D ]            from B:  F_I        held-out samples, NNLS on the kept columns' loadings W_D
 *             J                 from C:  W_J        held-out columns, NNLS on the kept samples' F_D
 *
 * and the error is that of A, of which nothing was seen. */
#include <math.h>

#include "base/memory.h"
#include "measure/part.h"
#include "measure/sweep_models.h"
#include "nnpeek/measure.h"

typedef struct folding {
    peek_context *context;
    const peek_problem *problem;
    const peek_fit_options *options;
    const int64_t *const *column_group;
    int64_t folds, blocks, fold, count;
    const int64_t *ranks;
    int64_t *row_group;
    peek__choice rows, *columns;                /* the choice of a part: samples, and columns of every block */
    peek__part corner, samples, loadings, kept; /* A, B, C, D */
    peek_model **models;                        /* of each rank */
    double *squares; /* folds x ranks x blocks x 2: of residuals and of the data, unweighted */
} folding;

static peek_status take_part(folding *f, int rows_inside, int columns_inside, peek__part *out)
{
    const peek_problem *problem = f->problem;
    peek__choose(f->row_group, problem->rows, f->fold, rows_inside, &f->rows);
    for (int64_t b = 0; b < f->blocks; b++)
        peek__choose(f->column_group[b], problem->blocks[b].columns, f->fold, columns_inside, &f->columns[b]);
    PEEK_TRY(peek__part_take(f->context, problem, &f->rows, f->columns, NULL, out));
    if (out->blocks) return PEEK_OK;
    return peek__fail(
        f->context, PEEK_E_SHAPE,
        "there are too few columns to hold out some of them in each of %lld folds: take fewer --folds",
        (long long)f->folds);
}

static double *squares_of(const folding *f, int64_t fold, int64_t i, int64_t b)
{
    return f->squares + 2 * ((fold * f->count + i) * f->blocks + b);
}

/* The corner from F_I and W_J. */
static peek_status judge(folding *f, int64_t i, const peek_model *samples, const peek_model *loadings)
{
    for (int64_t b = 0; b < f->corner.blocks; b++)
        PEEK_TRY(peek__part_residual(f->context, &f->corner, b, f->ranks[i], peek_model_samples(samples),
                                     peek_model_loadings(loadings, b),
                                     squares_of(f, f->fold, i, f->corner.source[b])));
    return PEEK_OK;
}

static peek_status judge_rank(folding *f, int64_t i)
{
    peek_model *samples = NULL, *loadings = NULL;
    const peek_model *model = f->models[i];
    peek_status status = peek_transform(f->context, f->samples.problem, model, PEEK_FIXED_LOADINGS, &samples);
    if (status == PEEK_OK)
        status = peek_transform(f->context, f->loadings.problem, model, PEEK_FIXED_SAMPLES, &loadings);
    if (status == PEEK_OK) status = judge(f, i, samples, loadings);
    peek_model_free(&samples);
    peek_model_free(&loadings);
    return status;
}

static peek_status work_fold(folding *f)
{
    peek_fit_options options = *f->options;
    options.seed += f->fold;
    PEEK_TRY(take_part(f, 1, 1, &f->corner));
    PEEK_TRY(take_part(f, 1, 0, &f->samples));
    PEEK_TRY(take_part(f, 0, 1, &f->loadings));
    PEEK_TRY(take_part(f, 0, 0, &f->kept));
    PEEK_TRY(peek_problem_check_rank(f->context, f->kept.problem, f->ranks[f->count - 1]));
    PEEK_TRY(peek__sweep_models(f->context, f->kept.problem, &options, f->count, f->ranks, f->models));
    for (int64_t i = 0; i < f->count; i++) PEEK_TRY(judge_rank(f, i));
    return PEEK_OK;
}

static peek_status one_fold(folding *f)
{
    peek_status status = work_fold(f);
    peek__sweep_free(f->count, f->models);
    peek__part_clear(&f->corner);
    peek__part_clear(&f->samples);
    peek__part_clear(&f->loadings);
    peek__part_clear(&f->kept);
    return status;
}

static peek_status prepare(folding *f)
{
    const peek_problem *problem = f->problem;
    PEEK_TRY(peek__alloc(f->context, &f->row_group, problem->rows, "folds"));
    PEEK_TRY(peek__alloc(f->context, &f->rows.index, problem->rows, "folds"));
    PEEK_TRY(peek__alloc(f->context, &f->columns, f->blocks, "folds"));
    for (int64_t b = 0; b < f->blocks; b++)
        PEEK_TRY(peek__alloc(f->context, &f->columns[b].index, problem->blocks[b].columns, "folds"));
    PEEK_TRY(peek__alloc(f->context, &f->models, f->count, "models"));
    PEEK_TRY(peek__alloc(f->context, &f->squares,
                         peek__product(peek__product(2 * f->folds, f->count), f->blocks), "errors"));
    return peek__split(f->context, f->options->seed, 0, problem->rows, f->folds, f->row_group);
}

static void clear(folding *f)
{
    peek__free(&f->row_group);
    peek__free(&f->rows.index);
    for (int64_t b = 0; f->columns && b < f->blocks; b++) peek__free(&f->columns[b].index);
    peek__free(&f->columns);
    peek__free(&f->models);
    peek__free(&f->squares);
}

/* The error of a fold over all blocks, each with its weight. */
static double error_of(const folding *f, int64_t fold, int64_t i)
{
    double residual = 0, norm = 0;
    for (int64_t b = 0; b < f->blocks; b++) {
        const double *squares = squares_of(f, fold, i, b);
        residual += f->problem->weights[b] * squares[0];
        norm += f->problem->weights[b] * squares[1];
    }
    return sqrt(residual / norm);
}

/* The error of a block over all folds together. */
static double error_of_block(const folding *f, int64_t i, int64_t b)
{
    double residual = 0, norm = 0;
    for (int64_t fold = 0; fold < f->folds; fold++) {
        residual += squares_of(f, fold, i, b)[0];
        norm += squares_of(f, fold, i, b)[1];
    }
    return sqrt(residual / norm);
}

peek_status peek_cross_validate(peek_context *context, const peek_problem *problem,
                                const peek_fit_options *options, int64_t folds,
                                const int64_t *const *column_group, int64_t count, const int64_t *ranks,
                                double *errors, double *block_errors)
{
    if (!problem || !problem->count || !options || folds < 2 || !column_group || count < 1 || !ranks || !errors)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "cross-validation needs blocks, groups of their columns, two folds or more, ranks "
                          "and a place for errors");
    folding f = {.context = context,
                 .problem = problem,
                 .options = options,
                 .folds = folds,
                 .column_group = column_group,
                 .blocks = problem->count,
                 .count = count,
                 .ranks = ranks};
    peek_status status = prepare(&f);
    for (; status == PEEK_OK && f.fold < folds; f.fold++) status = one_fold(&f);
    for (int64_t i = 0; status == PEEK_OK && i < count; i++) {
        for (int64_t g = 0; g < folds; g++) errors[g * count + i] = error_of(&f, g, i);
        for (int64_t b = 0; block_errors && b < f.blocks; b++)
            block_errors[i * f.blocks + b] = error_of_block(&f, i, b);
    }
    clear(&f);
    return status;
}
