/* study/choose_rank.c: how many components, by bi-cross-validation of the joint model.
 *
 * Samples and, in every block, columns are cut into groups. Fold g holds out the samples I and the columns J of
 * group g:
 *
 *     X_b = [ A  B ]  I         from D:  F_D, W_D   fit of the kept samples and columns, at every rank
 *           [ C  D ]            from B:  F_I        held-out samples, NNLS on the kept columns' loadings W_D
 *             J                 from C:  W_J        held-out columns, NNLS on the kept samples' F_D
 *
 * and the error is sqrt( sum_b ||A_b - F_I W_Jb^T||^2 / sum_b ||A_b||^2 ): nothing of A was seen. Sources: A.
 * Owen, P. Perry, Annals of Applied Statistics 3(2), 2009; with NNLS: B. Kanagal, V. Sindhwani, Rank selection
 * in low-rank matrix approximations, NIPS workshop 2010. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "measure/document.h"
#include "study/examine.h"
#include "study/feature_groups.h"

typedef struct folding {
    peek__examination *of;
    int64_t folds, blocks, fold;
    int64_t *row_group, **column_group;
    peek__choice rows, *columns;                /* the choice of a part: samples, and columns of every block */
    peek__part corner, samples, loadings, kept; /* A, B, C, D */
    peek_model **models;                        /* of each rank */
    double *errors;                             /* folds x ranks: relative errors of the corner */
    double *squares; /* ranks x blocks x 2: of residuals and of the data, over all folds */
} folding;

static peek_status take_part(folding *f, int rows_inside, int columns_inside, peek__part *out)
{
    const peek_problem *problem = f->of->problem;
    peek__choose(f->row_group, problem->rows, f->fold, rows_inside, &f->rows);
    for (int64_t b = 0; b < f->blocks; b++)
        peek__choose(f->column_group[b], problem->blocks[b].columns, f->fold, columns_inside, &f->columns[b]);
    PEEK_TRY(peek__part_take(f->of->context, problem, &f->rows, f->columns, NULL, out));
    if (out->blocks) return PEEK_OK;
    return peek__fail(
        f->of->context, PEEK_E_SHAPE,
        "there are too few columns to hold out some of them in each of %lld folds: take fewer --folds",
        (long long)f->folds);
}

/* The corner from F_I and W_J. */
static peek_status judge(folding *f, int64_t i, const peek_model *samples, const peek_model *loadings)
{
    double error = 0, norm = 0;
    for (int64_t b = 0; b < f->corner.blocks; b++) {
        double squares[2], *sums = f->squares + 2 * (i * f->blocks + f->corner.source[b]);
        PEEK_TRY(peek__part_residual(f->of->context, &f->corner, b, f->of->ranks[i],
                                     peek_model_samples(samples), peek_model_loadings(loadings, b), squares));
        for (int j = 0; j < 2; j++) sums[j] += squares[j];
        error += squares[0];
        norm += squares[1];
    }
    f->errors[f->fold * f->of->rank_count + i] = sqrt(error / norm);
    return PEEK_OK;
}

static peek_status judge_rank(folding *f, int64_t i)
{
    peek_model *samples = NULL, *loadings = NULL;
    peek_context *context = f->of->context;
    const peek_model *model = f->models[i];
    peek_status status = peek_transform(context, f->samples.problem, model, PEEK_FIXED_LOADINGS, &samples);
    if (status == PEEK_OK)
        status = peek_transform(context, f->loadings.problem, model, PEEK_FIXED_SAMPLES, &loadings);
    if (status == PEEK_OK) status = judge(f, i, samples, loadings);
    peek_model_free(&samples);
    peek_model_free(&loadings);
    return status;
}

static peek_status work_fold(folding *f)
{
    peek__examination *of = f->of;
    PEEK_TRY(take_part(f, 1, 1, &f->corner));
    PEEK_TRY(take_part(f, 1, 0, &f->samples));
    PEEK_TRY(take_part(f, 0, 1, &f->loadings));
    PEEK_TRY(take_part(f, 0, 0, &f->kept));
    PEEK_TRY(peek_problem_check_rank(of->context, f->kept.problem, of->ranks[of->rank_count - 1]));
    PEEK_TRY(peek__examine_sweep(of, f->kept.problem, of->options->seed + f->fold, f->models));
    for (int64_t i = 0; i < of->rank_count; i++) PEEK_TRY(judge_rank(f, i));
    return PEEK_OK;
}

static peek_status one_fold(folding *f)
{
    peek_status status = work_fold(f);
    peek__examine_free(f->of, f->models);
    peek__part_clear(&f->corner);
    peek__part_clear(&f->samples);
    peek__part_clear(&f->loadings);
    peek__part_clear(&f->kept);
    return status;
}

static peek_status prepare(folding *f)
{
    peek__examination *of = f->of;
    peek_context *context = of->context;
    const peek_problem *problem = of->problem;
    PEEK_TRY(peek__alloc(context, &f->row_group, problem->rows, "folds"));
    PEEK_TRY(peek__alloc(context, &f->rows.index, problem->rows, "folds"));
    PEEK_TRY(peek__alloc(context, &f->column_group, f->blocks, "folds"));
    PEEK_TRY(peek__alloc(context, &f->columns, f->blocks, "folds"));
    for (int64_t b = 0; b < f->blocks; b++) {
        PEEK_TRY(peek__alloc(context, &f->column_group[b], problem->blocks[b].columns, "folds"));
        PEEK_TRY(peek__alloc(context, &f->columns[b].index, problem->blocks[b].columns, "folds"));
    }
    PEEK_TRY(peek__alloc(context, &f->models, of->rank_count, "models"));
    PEEK_TRY(peek__alloc(context, &f->errors, peek__product(f->folds, of->rank_count), "errors"));
    PEEK_TRY(peek__alloc(context, &f->squares, peek__product(2 * f->blocks, of->rank_count), "errors"));
    PEEK_TRY(peek__split(context, of->options->seed, 0, problem->rows, f->folds, f->row_group));
    return peek__feature_groups(context, problem, of->manifest, of->options->seed, f->folds, f->column_group);
}

static void clear(folding *f)
{
    peek__free(&f->row_group);
    peek__free(&f->rows.index);
    for (int64_t b = 0; f->column_group && b < f->blocks; b++) peek__free(&f->column_group[b]);
    for (int64_t b = 0; f->columns && b < f->blocks; b++) peek__free(&f->columns[b].index);
    peek__free(&f->column_group);
    peek__free(&f->columns);
    peek__free(&f->models);
    peek__free(&f->errors);
    peek__free(&f->squares);
}

/* Mean over folds and its standard error. */
static void summarise(const folding *f, int64_t i, double *mean, double *standard_error)
{
    double squares = 0, folds = (double)f->folds;
    *mean = 0;
    for (int64_t g = 0; g < f->folds; g++) *mean += f->errors[g * f->of->rank_count + i] / folds;
    for (int64_t g = 0; g < f->folds; g++) {
        double difference = f->errors[g * f->of->rank_count + i] - *mean;
        squares += difference * difference;
    }
    *standard_error = sqrt(squares / (folds - 1) / folds);
}

static void recommend(const folding *f, const double *means, const double *standard_errors, cJSON *out)
{
    int64_t count = f->of->rank_count, best = 0;
    int64_t chosen = peek_one_standard_error(means, standard_errors, count);
    const int64_t *ranks = f->of->ranks;
    char reason[256];
    for (int64_t i = 1; i < count; i++)
        if (means[i] < means[best]) best = i;
    if (chosen >= 0)
        snprintf(reason, sizeof reason,
                 "the smallest rank whose held-out error is within one standard error of the least, that of "
                 "rank %lld",
                 (long long)ranks[best]);
    else if (count < 3)
        snprintf(reason, sizeof reason, "none: a recommendation needs three ranks or more");
    else if (best == count - 1)
        snprintf(
            reason, sizeof reason,
            "none: the held-out error still falls at rank %lld, the largest tried: there is no optimum among "
            "these ranks",
            (long long)ranks[best]);
    else
        snprintf(reason, sizeof reason,
                 "none: rank %lld, the smallest tried, is within one standard error of the least held-out "
                 "error: try "
                 "smaller ones",
                 (long long)ranks[0]);
    peek__put_number(out, "recommended", chosen < 0 ? NAN : (double)ranks[chosen]);
    cJSON_AddStringToObject(out, "reason", reason);
}

static void put_rank(const folding *f, int64_t i, double mean, double standard_error, cJSON *list)
{
    cJSON *entry = cJSON_CreateObject(), *own = peek__examined_rank(f->of, f->of->ranks[i]);
    cJSON_AddItemToArray(list, entry);
    cJSON_AddNumberToObject(entry, "rank", (double)f->of->ranks[i]);
    peek__put_number(entry, "held_out_error", mean);
    peek__put_number(entry, "standard_error", standard_error);
    cJSON *blocks = cJSON_AddObjectToObject(entry, "blocks");
    for (int64_t b = 0; b < f->blocks; b++) {
        const double *squares = f->squares + 2 * (i * f->blocks + b);
        peek__put_number(blocks, f->of->problem->blocks[b].name, sqrt(squares[0] / squares[1]));
    }
    if (!own) return;
    peek__put_number(own, "held_out_error", mean);
    peek__put_number(own, "held_out_standard_error", standard_error);
}

static peek_status put_all(const folding *f, cJSON *out)
{
    int64_t count = f->of->rank_count;
    double *means = NULL, *standard_errors;
    PEEK_TRY(peek__alloc(f->of->context, &means, 2 * count, "errors"));
    standard_errors = means + count;
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; i < count; i++) {
        summarise(f, i, &means[i], &standard_errors[i]);
        put_rank(f, i, means[i], standard_errors[i], list);
    }
    recommend(f, means, standard_errors, out);
    cJSON_AddNumberToObject(out, "folds", (double)f->folds);
    cJSON_AddNumberToObject(out, "seed", (double)f->of->options->seed);
    cJSON_AddItemToObject(out, "ranks", list);
    peek__free(&means);
    return PEEK_OK;
}

peek_status peek__examine_ranks(peek__examination *of)
{
    folding f = {.of = of, .folds = of->options->folds, .blocks = of->problem->count};
    peek_status status = prepare(&f);
    for (; status == PEEK_OK && f.fold < f.folds; f.fold++) status = one_fold(&f);
    if (status == PEEK_OK) status = put_all(&f, cJSON_AddObjectToObject(of->measures, "rank"));
    clear(&f);
    return status;
}
