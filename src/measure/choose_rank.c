/* measure/choose_rank.c: how many components, by bi-cross-validation and the one-standard-error rule. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "measure/document.h"
#include "measure/examine.h"
#include "measure/feature_groups.h"

typedef struct choice {
    peek__examination *of;
    int64_t folds, blocks, count;
    int64_t **column_group;
    double *errors;        /* folds x ranks */
    double *block_errors;  /* ranks x blocks */
    double *means, *spans; /* ranks: over the folds, and the standard errors */
} choice;

static peek_status prepare(choice *c)
{
    const peek__examination *of = c->of;
    peek_context *context = of->context;
    PEEK_TRY(peek__alloc(context, &c->column_group, c->blocks, "folds"));
    for (int64_t b = 0; b < c->blocks; b++)
        PEEK_TRY(peek__alloc(context, &c->column_group[b], of->problem->blocks[b].columns, "folds"));
    PEEK_TRY(peek__alloc(context, &c->errors, peek__product(c->folds, c->count), "errors"));
    PEEK_TRY(peek__alloc(context, &c->block_errors, peek__product(c->blocks, c->count), "errors"));
    PEEK_TRY(peek__alloc(context, &c->means, c->count, "errors"));
    PEEK_TRY(peek__alloc(context, &c->spans, c->count, "errors"));
    return peek__feature_groups(context, of->problem, of->manifest, of->options->seed, c->folds,
                                c->column_group);
}

static void clear(choice *c)
{
    for (int64_t b = 0; c->column_group && b < c->blocks; b++) peek__free(&c->column_group[b]);
    peek__free(&c->column_group);
    peek__free(&c->errors);
    peek__free(&c->block_errors);
    peek__free(&c->means);
    peek__free(&c->spans);
}

/* Mean over folds and its standard error. */
static void summarise(choice *c, int64_t i)
{
    double squares = 0, folds = (double)c->folds, mean = 0;
    for (int64_t g = 0; g < c->folds; g++) mean += c->errors[g * c->count + i] / folds;
    for (int64_t g = 0; g < c->folds; g++) {
        double difference = c->errors[g * c->count + i] - mean;
        squares += difference * difference;
    }
    c->means[i] = mean;
    c->spans[i] = sqrt(squares / (folds - 1) / folds);
}

static void recommend(const choice *c, cJSON *out)
{
    int64_t count = c->count, best = 0, chosen = peek_one_standard_error(c->means, c->spans, count);
    const int64_t *ranks = c->of->ranks;
    char reason[256];
    for (int64_t i = 1; i < count; i++)
        if (c->means[i] < c->means[best]) best = i;
    if (chosen == best)
        snprintf(reason, sizeof reason, "the rank of the least held-out error");
    else if (chosen >= 0)
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

static void put_rank(const choice *c, int64_t i, cJSON *list)
{
    cJSON *entry = cJSON_CreateObject(), *own = peek__examined_rank(c->of, c->of->ranks[i]);
    cJSON_AddItemToArray(list, entry);
    cJSON_AddNumberToObject(entry, "rank", (double)c->of->ranks[i]);
    peek__put_number(entry, "held_out_error", c->means[i]);
    peek__put_number(entry, "standard_error", c->spans[i]);
    cJSON *blocks = cJSON_AddObjectToObject(entry, "blocks");
    for (int64_t b = 0; b < c->blocks; b++)
        peek__put_number(blocks, c->of->problem->blocks[b].name, c->block_errors[i * c->blocks + b]);
    if (!own) return;
    peek__put_number(own, "held_out_error", c->means[i]);
    peek__put_number(own, "held_out_standard_error", c->spans[i]);
}

static void put_all(choice *c, cJSON *out)
{
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; i < c->count; i++) {
        summarise(c, i);
        put_rank(c, i, list);
    }
    recommend(c, out);
    cJSON_AddNumberToObject(out, "folds", (double)c->folds);
    cJSON_AddNumberToObject(out, "seed", (double)c->of->options->seed);
    cJSON_AddNumberToObject(out, "samples", (double)c->of->problem->rows);
    cJSON_AddItemToObject(out, "ranks", list);
}

peek_status peek__examine_ranks(peek__examination *of)
{
    choice c = {.of = of, .folds = of->options->folds, .blocks = of->problem->count, .count = of->rank_count};
    peek_fit_options options;
    peek__examine_fit_options(of->options->seed, &options);
    peek_status status = prepare(&c);
    if (status == PEEK_OK)
        status = peek_cross_validate(of->context, of->problem, &options, c.folds,
                                     (const int64_t *const *)c.column_group, c.count, of->ranks, c.errors,
                                     c.block_errors);
    if (status == PEEK_OK) put_all(&c, cJSON_AddObjectToObject(of->measures, "rank"));
    clear(&c);
    return status;
}
