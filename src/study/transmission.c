/* study/transmission.c: how well one block tells what the others do, through the components.
 *
 * Loadings are fitted on some samples. For held-out ones the sample matrix is found from block a alone, F_a =
 * argmin_(F >= 0) || X_a - F W_a^T ||, and every block b is predicted as F_a W_b^T:
 *
 *     transmission from a to b = || X_b - F_a W_b^T || / || X_b ||  over the held-out samples.
 *
 * Beside it the same from all blocks together, and with the mean over the fitted samples as the prediction. */
#include <math.h>

#include "base/memory.h"
#include "measure/document.h"
#include "study/examine.h"

typedef struct transmission_work {
    peek__examination *of;
    int64_t blocks;
    peek__part learned, all; /* the samples that are fitted; the held-out ones */
    peek__part *alone;       /* held out, one block each */
    double *errors;          /* blocks + 1 from (the last: all) x blocks to */
    peek_model **models;     /* of each rank */
} transmission_work;

/* One row of errors: from the blocks of `from` to each. */
static peek_status transmit(transmission_work *work, const peek_model *model, const peek__part *from,
                            double *row)
{
    peek_model *placed = NULL;
    peek_context *context = work->of->context;
    int64_t k = peek_model_describe(model).rank;
    PEEK_TRY(peek_transform(context, from->problem, model, PEEK_FIXED_LOADINGS, &placed));
    peek_status status = PEEK_OK;
    for (int64_t b = 0; status == PEEK_OK && b < work->blocks; b++) {
        double squares[2];
        status = peek__part_residual(context, &work->all, b, k, peek_model_samples(placed),
                                     peek_model_loadings(model, b), squares);
        row[b] = sqrt(squares[0] / squares[1]);
    }
    peek_model_free(&placed);
    return status;
}

static peek_status transmit_rank(transmission_work *work, const peek_model *model, cJSON *list)
{
    int64_t blocks = work->blocks;
    for (int64_t a = 0; a <= blocks; a++)
        PEEK_TRY(transmit(work, model, a < blocks ? &work->alone[a] : &work->all, work->errors + a * blocks));
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddNumberToObject(entry, "rank", (double)peek_model_describe(model).rank);
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
    peek_status status = peek__alloc(context, &ones, work->all.rows, "means");
    if (status == PEEK_OK) status = peek__alloc(context, &means, work->learned.columns[b], "means");
    if (status == PEEK_OK) {
        for (int64_t t = 0; t < work->all.rows; t++) ones[t] = 1;
        column_means(&work->learned, b, means);
        status = peek__part_residual(context, &work->all, b, 1, ones, means, squares);
    }
    *error = sqrt(squares[0] / squares[1]);
    peek__free(&ones);
    peek__free(&means);
    return status;
}

static void put_choice(const peek__choice *choice, cJSON *out)
{
    cJSON *list = cJSON_AddArrayToObject(out, "held_out");
    for (int64_t i = 0; i < choice->count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)choice->index[i]));
}

static peek_status take_parts(transmission_work *work, int64_t *group, char *use, peek__choice *choice,
                              cJSON *out)
{
    const peek__examination *of = work->of;
    const peek_problem *problem = of->problem;
    PEEK_TRY(peek__split(of->context, of->options->seed, 0, problem->rows, of->options->folds, group));
    peek__choose(group, problem->rows, 0, 0, choice);
    PEEK_TRY(peek__part_take(of->context, problem, choice, NULL, NULL, &work->learned));
    peek__choose(group, problem->rows, 0, 1, choice);
    put_choice(choice, out);
    PEEK_TRY(peek__part_take(of->context, problem, choice, NULL, NULL, &work->all));
    for (int64_t b = 0; b < work->blocks; b++) {
        use[b] = 1;
        PEEK_TRY(peek__part_take(of->context, problem, choice, NULL, use, &work->alone[b]));
        use[b] = 0;
    }
    return PEEK_OK;
}

static peek_status split(transmission_work *work, cJSON *out)
{
    peek_context *context = work->of->context;
    int64_t *group = NULL, rows = work->of->problem->rows;
    char *use = NULL;
    peek__choice choice = {0};
    peek_status status = peek__alloc(context, &group, rows, "a split");
    if (status == PEEK_OK) status = peek__alloc(context, &choice.index, rows, "a split");
    if (status == PEEK_OK) status = peek__alloc(context, &use, work->blocks, "a split");
    if (status == PEEK_OK) status = peek__alloc(context, &work->alone, work->blocks, "a split");
    if (status == PEEK_OK) status = take_parts(work, group, use, &choice, out);
    peek__free(&group);
    peek__free(&choice.index);
    peek__free(&use);
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
    PEEK_TRY(split(work, out));
    PEEK_TRY(peek_problem_check_rank(of->context, work->learned.problem, of->ranks[of->rank_count - 1]));
    PEEK_TRY(peek__alloc(of->context, &work->errors, peek__product(work->blocks + 1, work->blocks), "errors"));
    PEEK_TRY(put_references(work, out));
    PEEK_TRY(peek__alloc(of->context, &work->models, of->rank_count, "models"));
    PEEK_TRY(peek__examine_sweep(of, work->learned.problem, of->options->seed, work->models));
    cJSON *list = cJSON_AddArrayToObject(out, "ranks");
    for (int64_t i = 0; i < of->rank_count; i++) PEEK_TRY(transmit_rank(work, work->models[i], list));
    return PEEK_OK;
}

peek_status peek__examine_transmission(peek__examination *of)
{
    transmission_work work = {.of = of, .blocks = of->problem->count};
    peek_status status = run(&work, cJSON_AddObjectToObject(of->measures, "transmission"));
    peek__examine_free(of, work.models);
    peek__free(&work.models);
    peek__part_clear(&work.learned);
    peek__part_clear(&work.all);
    for (int64_t b = 0; work.alone && b < work.blocks; b++) peek__part_clear(&work.alone[b]);
    peek__free(&work.alone);
    peek__free(&work.errors);
    return status;
}
