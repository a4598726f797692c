/* measure/sweep_models.c: a sweep whose models are kept, by rank. */
#include "measure/sweep_models.h"

#include "base/context.h"

typedef struct places {
    const int64_t *ranks;
    peek_model **models;
} places;

static peek_status place_model(peek_model *model, void *user)
{
    const places *to = user;
    int64_t i = 0;
    while (to->ranks[i] != peek_model_describe(model).rank) i++;
    to->models[i] = model;
    return PEEK_OK;
}

peek_status peek__sweep_models(peek_context *context, const peek_problem *problem,
                               const peek_fit_options *options, int64_t count, const int64_t *ranks,
                               peek_model **models)
{
    places to = {ranks, models};
    peek__hush(context, 1);
    peek_status status = peek_sweep(context, problem, options, count, ranks, place_model, &to);
    peek__hush(context, 0);
    return status;
}

void peek__sweep_free(int64_t count, peek_model **models)
{
    for (int64_t i = 0; models && i < count; i++) peek_model_free(&models[i]);
}
