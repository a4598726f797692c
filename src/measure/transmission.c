/* measure/transmission.c: how well one block tells what the others do, through the components.
 *
 * Loadings are fitted on some samples. For held-out ones the sample matrix is found from block a alone, F_a =
 * argmin_(F >= 0) || X_a - F W_a^T ||, and every block b is predicted as F_a W_b^T:
 *
 *     transmission from a to b = || X_b - F_a W_b^T || / || X_b ||  over the held-out samples.
 *
 * Beside it the same from all blocks together, and with the mean over the fitted samples as the prediction. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "factor/model.h"
#include "measure/document.h"
#include "measure/examine.h"
#include "measure/sweep_models.h"

/* The held-out samples, whole and one block each (which borrow from the whole). */
typedef struct held_out {
    peek__part all;
    peek_problem **alone;
} held_out;

static peek_status take_alone(peek_context *context, const peek_problem *whole, const held_out *held, int64_t b,
                              peek_problem **out)
{
    const char *name = whole->blocks[b].name;
    int64_t n = held->all.columns[b];
    PEEK_TRY(peek_problem_create(context, out));
    PEEK_TRY(peek_problem_add_array(context, *out, name, held->all.values[b], held->all.rows, n, n,
                                    PEEK_SIGNED_REFUSE));
    return peek_problem_set_weight(context, *out, name, whole->weights[b]);
}

static peek_status hold_out(peek_context *context, const peek_problem *whole, const peek__choice *rows,
                            held_out *out)
{
    PEEK_TRY(peek__part_take(context, whole, rows, NULL, NULL, &out->all));
    PEEK_TRY(peek__alloc(context, &out->alone, whole->count, "held-out blocks"));
    for (int64_t b = 0; b < whole->count; b++) PEEK_TRY(take_alone(context, whole, out, b, &out->alone[b]));
    return PEEK_OK;
}

static void clear_held_out(held_out *held)
{
    for (int64_t b = 0; held->alone && b < held->all.blocks; b++) peek_problem_free(&held->alone[b]);
    peek__free(&held->alone);
    peek__part_clear(&held->all);
}

/* The loadings of a block, which the model may have at another place; NULL where it has none. */
static const float *loadings_of(const peek_model *model, const peek__block *block)
{
    for (int64_t b = 0; b < model->blocks; b++)
        if (strcmp(model->block[b].name, block->name) == 0 && model->block[b].columns == block->columns)
            return peek_model_loadings(model, b);
    return NULL;
}

/* One row of errors: from the blocks of `from` to each. */
static peek_status transmit(peek_context *context, const held_out *held, const peek_model *model,
                            const peek_problem *from, double *row)
{
    peek_model *placed = NULL;
    PEEK_TRY(peek_transform(context, from, model, PEEK_FIXED_LOADINGS, &placed));
    peek_status status = PEEK_OK;
    for (int64_t b = 0; status == PEEK_OK && b < held->all.blocks; b++) {
        double squares[2];
        const float *loadings = loadings_of(model, &held->all.problem->blocks[b]);
        if (!loadings)
            status = peek__fail(context, PEEK_E_NOT_FOUND, "block '%s' has no loadings in the model",
                                held->all.problem->blocks[b].name);
        else
            status =
                peek__part_residual(context, &held->all, b, model->rank, placed->samples, loadings, squares);
        if (status == PEEK_OK) row[b] = sqrt(squares[0] / squares[1]);
    }
    peek_model_free(&placed);
    return status;
}

static peek_status transmit_all(peek_context *context, const held_out *held, const peek_model *model,
                                double *errors)
{
    int64_t blocks = held->all.blocks;
    for (int64_t a = 0; a < blocks; a++)
        PEEK_TRY(transmit(context, held, model, held->alone[a], errors + a * blocks));
    return transmit(context, held, model, held->all.problem, errors + blocks * blocks);
}

peek_status peek_transmission(peek_context *context, const peek_problem *problem, const peek_model *model,
                              double *errors)
{
    held_out held = {0};
    peek__choice rows = {0};
    if (!problem || !problem->count || !model || !errors)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "transmission needs held-out samples, a model and a place for errors");
    rows.count = problem->rows;
    peek_status status = peek__alloc(context, &rows.index, rows.count, "held-out samples");
    for (int64_t t = 0; status == PEEK_OK && t < rows.count; t++) rows.index[t] = t;
    if (status == PEEK_OK) status = hold_out(context, problem, &rows, &held);
    if (status == PEEK_OK) status = transmit_all(context, &held, model, errors);
    clear_held_out(&held);
    peek__free(&rows.index);
    return status;
}

typedef struct transmission_work {
    peek__examination *of;
    int64_t blocks;
    peek__part learned; /* the samples that are fitted */
    held_out held;
    double *errors;      /* blocks + 1 from (the last: all) x blocks to */
    peek_model **models; /* of each rank */
} transmission_work;

static peek_status transmit_rank(transmission_work *work, const peek_model *model, cJSON *list)
{
    int64_t blocks = work->blocks;
    PEEK_TRY(transmit_all(work->of->context, &work->held, model, work->errors));
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddNumberToObject(entry, "rank", (double)model->rank);
    cJSON_AddItemToObject(entry, "relative_error", peek__number_rows(work->errors, blocks, blocks));
    cJSON_AddItemToObject(entry, "from_all", peek__number_list(work->errors + blocks * blocks, blocks));
    return PEEK_OK;
}

static void column_means(const peek__part *part, int64_t b, float *means)
{
    int64_t n = part->columns[b];
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t t = 0; t < part->rows; t++) sum += part->values[b][t * n + i];
        means[i] = (float)(sum / (double)part->rows);
    }
}

/* What a prediction comes to that does not look at the sample. */
static peek_status predict_mean(transmission_work *work, int64_t b, double *error)
{
    peek_context *context = work->of->context;
    float *ones = NULL, *means = NULL;
    double squares[2] = {NAN, NAN};
    peek_status status = peek__alloc(context, &ones, work->held.all.rows, "means");
    if (status == PEEK_OK) status = peek__alloc(context, &means, work->learned.columns[b], "means");
    if (status == PEEK_OK) {
        for (int64_t t = 0; t < work->held.all.rows; t++) ones[t] = 1;
        column_means(&work->learned, b, means);
        status = peek__part_residual(context, &work->held.all, b, 1, ones, means, squares);
    }
    *error = sqrt(squares[0] / squares[1]);
    peek__free(&ones);
    peek__free(&means);
    return status;
}

/* Which samples of the capture are held out. */
static void put_choice(const peek__examination *of, const peek__choice *choice, cJSON *out)
{
    cJSON *list = cJSON_AddArrayToObject(out, "held_out");
    for (int64_t i = 0; i < choice->count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)(choice->index[i] * of->step)));
}

static peek_status take_parts(transmission_work *work, int64_t *group, peek__choice *choice, cJSON *out)
{
    const peek__examination *of = work->of;
    const peek_problem *problem = of->problem;
    PEEK_TRY(peek__split(of->context, of->options->seed, 0, problem->rows, of->options->folds, group));
    peek__choose(group, problem->rows, 0, 0, choice);
    PEEK_TRY(peek__part_take(of->context, problem, choice, NULL, NULL, &work->learned));
    peek__choose(group, problem->rows, 0, 1, choice);
    put_choice(of, choice, out);
    return hold_out(of->context, problem, choice, &work->held);
}

static peek_status split(transmission_work *work, cJSON *out)
{
    peek_context *context = work->of->context;
    int64_t *group = NULL, rows = work->of->problem->rows;
    peek__choice choice = {0};
    peek_status status = peek__alloc(context, &group, rows, "a split");
    if (status == PEEK_OK) status = peek__alloc(context, &choice.index, rows, "a split");
    if (status == PEEK_OK) status = take_parts(work, group, &choice, out);
    peek__free(&group);
    peek__free(&choice.index);
    return status;
}

static peek_status put_references(transmission_work *work, cJSON *out)
{
    cJSON_AddNumberToObject(out, "seed", (double)work->of->options->seed);
    cJSON *names = cJSON_AddArrayToObject(out, "blocks");
    for (int64_t b = 0; b < work->blocks; b++) {
        PEEK_TRY(predict_mean(work, b, &work->errors[b]));
        cJSON_AddItemToArray(names, cJSON_CreateString(work->of->problem->blocks[b].name));
    }
    cJSON_AddItemToObject(out, "mean_error", peek__number_list(work->errors, work->blocks));
    return PEEK_OK;
}

static peek_status run(transmission_work *work, cJSON *out)
{
    peek__examination *of = work->of;
    peek_fit_options options;
    peek__examine_fit_options(of->options->seed, &options);
    PEEK_TRY(split(work, out));
    PEEK_TRY(peek_problem_check_rank(of->context, work->learned.problem, of->ranks[of->rank_count - 1]));
    PEEK_TRY(peek__alloc(of->context, &work->errors, peek__product(work->blocks + 1, work->blocks), "errors"));
    PEEK_TRY(put_references(work, out));
    PEEK_TRY(peek__alloc(of->context, &work->models, of->rank_count, "models"));
    PEEK_TRY(peek__sweep_models(of->context, work->learned.problem, &options, of->rank_count, of->ranks,
                                work->models));
    cJSON *list = cJSON_AddArrayToObject(out, "ranks");
    for (int64_t i = 0; i < of->rank_count; i++) PEEK_TRY(transmit_rank(work, work->models[i], list));
    return PEEK_OK;
}

peek_status peek__examine_transmission(peek__examination *of)
{
    transmission_work work = {.of = of, .blocks = of->problem->count};
    peek_status status = run(&work, cJSON_AddObjectToObject(of->measures, "transmission"));
    peek__sweep_free(of->rank_count, work.models);
    peek__free(&work.models);
    peek__part_clear(&work.learned);
    clear_held_out(&work.held);
    peek__free(&work.errors);
    return status;
}
