/* study/results.c: the results of all runs of a study, as numbers by network and seed. */
#include "study/results.h"
#include "store/file.h"

#include <math.h>
#include <string.h>

/* A sweep hands its models over as they are done, not by rank. */
static const cJSON *find_model(const cJSON *fit, int64_t rank)
{
    const cJSON *model;
    cJSON_ArrayForEach(model, peek__json_member(fit, "models"))
    {
        const cJSON *mine = peek__json_member(model, "rank");
        if (cJSON_IsNumber(mine) && mine->valuedouble == (double)rank) return model;
    }
    return NULL;
}

static const cJSON *find_owner(const peek__recipe *recipe, const cJSON *run, const peek__metric *metric)
{
    if (metric->fit < 0)
        return metric->block ? peek__json_member(peek__json_member(run, "blocks"), metric->block) : run;
    const cJSON *fit = cJSON_GetArrayItem(peek__json_member(run, "fits"), (int)metric->fit);
    const cJSON *model = find_model(fit, recipe->ranks[metric->rank]);
    return metric->block ? peek__json_member(peek__json_member(model, "blocks"), metric->block) : model;
}

void peek__results_row(const peek__results *results, const peek__metric *metric, int64_t network, double *out)
{
    for (int64_t s = 0; s < results->seeds; s++) {
        const cJSON *item = peek__json_member(
            find_owner(results->recipe, results->run[network * results->seeds + s], metric), metric->name);
        out[s] = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    }
}

const char *peek__results_block(const peek__results *results, int64_t index)
{
    for (int64_t i = 0; i < results->recipe->networks * results->seeds; i++) {
        const cJSON *fit = cJSON_GetArrayItem(peek__json_member(results->run[i], "fits"), 0);
        const cJSON *blocks =
            peek__json_member(cJSON_GetArrayItem(peek__json_member(fit, "models"), 0), "blocks");
        if (!blocks) continue;
        const cJSON *block = cJSON_GetArrayItem(blocks, (int)index);
        return block ? block->string : NULL;
    }
    return NULL;
}

int peek__results_rises(const peek__results *results, const peek__metric *metric, int *pairs)
{
    int64_t seeds = results->seeds, networks = results->recipe->networks;
    double *poorer = results->values, *better = results->values + seeds;
    int all = networks > 1, any_below = 0;
    for (int64_t n = 0; n + 1 < networks; n++) {
        peek__results_row(results, metric, n, poorer);
        peek__results_row(results, metric, n + 1, better);
        peek__interval difference = peek__interval_paired(better, poorer, seeds);
        pairs[n] = difference.low > 0 ? 1 : difference.high < 0 ? -1 : 0;
        all &= pairs[n] > 0;
        any_below |= pairs[n] < 0;
    }
    return all ? 1 : any_below ? -1 : 0;
}
