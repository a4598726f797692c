/* study/statement.c: single statements of the paper. */
#include "study/statement.h"
#include "store/file.h"

#include <math.h>

static const cJSON *run_of(const peek__results *results, int64_t network, int64_t seed)
{
    return results->run[network * results->seeds + seed];
}

static double entry_at(const cJSON *rows, int a, int b)
{
    const cJSON *item = cJSON_GetArrayItem(cJSON_GetArrayItem(rows, a), b);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* Over the pairs a < b. */
static double mean_of_all(const cJSON *rows)
{
    int classes = cJSON_GetArraySize(rows);
    double sum = 0;
    for (int a = 0; a < classes; a++)
        for (int b = a + 1; b < classes; b++) sum += entry_at(rows, a, b);
    return sum / (0.5 * classes * (classes - 1));
}

static double overlap(const cJSON *rows, const cJSON *pairs)
{
    const cJSON *pair;
    double sum = 0;
    if (cJSON_GetArraySize(rows) < 2) return NAN;
    cJSON_ArrayForEach(pair, pairs) sum +=
        entry_at(rows, cJSON_GetArrayItem(pair, 0)->valueint, cJSON_GetArrayItem(pair, 1)->valueint);
    return sum / cJSON_GetArraySize(pairs) - mean_of_all(rows);
}

static double carrying(const peek__results *results, int64_t network, int64_t seed, const char *layer)
{
    const cJSON *share =
        peek__json_member(peek__json_member(run_of(results, network, seed), "carrying"), layer);
    return cJSON_IsNumber(share) ? share->valuedouble : NAN;
}

static double recognised(const cJSON *confusion, int64_t label)
{
    const cJSON *row = cJSON_GetArrayItem(confusion, (int)label), *item;
    double all = 0;
    cJSON_ArrayForEach(item, row) all += item->valuedouble;
    return entry_at(confusion, (int)label, (int)label) / all - 0.5;
}

double peek__statement_value(const peek__results *results, const peek__study_statement *statement,
                             int by_components, int64_t seed)
{
    const cJSON *run = run_of(results, statement->network, seed);
    switch (statement->kind) {
    case PEEK__OVERLAP:
        return overlap(
            peek__json_member(peek__json_member(run, by_components ? "component_overlap" : "overlap"),
                              statement->layer),
            statement->pairs);
    case PEEK__CARRYING:
        return carrying(results, statement->network, seed, statement->layer) -
               carrying(results, statement->against, seed, statement->layer);
    case PEEK__RECOGNISES:
        return recognised(peek__json_member(run, "confusion"), statement->label);
    }
    return NAN;
}

static void put_bound(cJSON *entry, const char *name, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(entry, name, value);
    else
        cJSON_AddNullToObject(entry, name);
}

static void judge(const peek__results *results, const peek__study_statement *statement, int by_components,
                  cJSON *list)
{
    cJSON *entry = cJSON_CreateObject();
    for (int64_t s = 0; s < results->seeds; s++)
        results->values[s] = peek__statement_value(results, statement, by_components, s);
    peek__interval interval = peek__interval_of(results->values, results->seeds);
    int side = interval.count < 2 ? 0 : interval.low > 0 ? 1 : interval.high < 0 ? -1 : 0;
    if (!statement->more) side = -side;
    cJSON_AddStringToObject(entry, "about", statement->about);
    cJSON_AddStringToObject(entry, "network", results->recipe->network[statement->network].name);
    if (statement->kind == PEEK__OVERLAP)
        cJSON_AddStringToObject(entry, "by", by_components ? "components" : "activations");
    cJSON_AddStringToObject(entry, "expects", statement->more ? "more" : "less");
    put_bound(entry, "mean", interval.mean);
    put_bound(entry, "low", interval.count > 1 ? interval.low : NAN);
    put_bound(entry, "high", interval.count > 1 ? interval.high : NAN);
    cJSON_AddStringToObject(entry, "verdict",
                            side > 0   ? "seen"
                            : side < 0 ? "not seen: the opposite"
                                       : "not decided");
    cJSON_AddItemToArray(list, entry);
}

void peek__statements_judge(const peek__results *results, cJSON *summary)
{
    cJSON *list = cJSON_AddArrayToObject(summary, "statements");
    for (int64_t i = 0; i < results->recipe->statements; i++) {
        const peek__study_statement *statement = &results->recipe->statement[i];
        judge(results, statement, 0, list);
        if (statement->kind == PEEK__OVERLAP) judge(results, statement, 1, list);
    }
}
