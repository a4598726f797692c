/* study/quality_table.c: everything that can be seen of a network without labels, beside its accuracy. */
#include "study/quality_table.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/file.h"

/* Whose member of the result a number is. */
typedef enum owner {
    OUTPUT,
    FIRST_LAYER,
    LAST_LAYER,
    FIRST_CENTRED,
    LAST_CENTRED,
    NEAR_INPUT,
    NEAR_FIRST,
    NEAR_LAST,
    NEAR_COMPONENTS,
    MODEL,
    MODEL_FIRST,
    MODEL_LAST,
    SHIFT_1,
    SHIFT_3,
    PREDICTIONS
} owner;

static const struct row {
    peek__quality_measure public;
    owner owner;
    const char *member;
} rows[] = {
    {{"mutual information of the output", PEEK__VIEW_OUTPUT, "Bridle 1991"}, OUTPUT, "mutual_information"},
    {{"mean confidence", PEEK__VIEW_OUTPUT, "Guillory 2021"}, OUTPUT, "mean_confidence"},
    {{"nuclear norm of the output", PEEK__VIEW_OUTPUT, "Deng 2023"}, OUTPUT, "nuclear_norm"},
    {{"MaNo", PEEK__VIEW_OUTPUT, "Xie 2024"}, OUTPUT, "mano"},
    {{"effective rank of the output", PEEK__VIEW_OUTPUT, "Roy 2007"}, OUTPUT, "effective_rank"},
    {{"effective number of classes predicted", PEEK__VIEW_OUTPUT, NULL}, PREDICTIONS, "effective_classes"},
    {{"effective invariance, 1 pixel", PEEK__VIEW_OUTPUT, "Deng 2022"}, SHIFT_1, "effective_invariance"},
    {{"effective invariance, 3 pixels", PEEK__VIEW_OUTPUT, "Deng 2022"}, SHIFT_3, "effective_invariance"},
    {{"agreement, shifted by 1 pixel", PEEK__VIEW_OUTPUT, "Deng 2022"}, SHIFT_1, "agreement"},
    {{"dispersion of the last layer", PEEK__VIEW_ACTIVATIONS, "Xie 2023"}, OUTPUT, "dispersion"},
    {{"RankMe of the first layer", PEEK__VIEW_ACTIVATIONS, "Garrido 2023"}, FIRST_LAYER, "effective_rank"},
    {{"RankMe of the last layer", PEEK__VIEW_ACTIVATIONS, "Garrido 2023"}, LAST_LAYER, "effective_rank"},
    {{"RankMe of the last layer, centred", PEEK__VIEW_ACTIVATIONS, "Garrido 2023"},
     LAST_CENTRED,
     "effective_rank"},
    {{"alpha-ReQ of the first layer", PEEK__VIEW_ACTIVATIONS, "Agrawal 2022"},
     FIRST_CENTRED,
     "spectrum_exponent"},
    {{"alpha-ReQ of the last layer", PEEK__VIEW_ACTIVATIONS, "Agrawal 2022"},
     LAST_CENTRED,
     "spectrum_exponent"},
    {{"stable rank of the last layer", PEEK__VIEW_ACTIVATIONS, "Rudelson 2007"}, LAST_LAYER, "stable_rank"},
    {{"participation ratio of the last layer, centred", PEEK__VIEW_ACTIVATIONS, "Gao 2017"},
     LAST_CENTRED,
     "participation_ratio"},
    {{"intrinsic dimension of the last layer", PEEK__VIEW_ACTIVATIONS, "Ansuini 2019"},
     LAST_LAYER,
     "intrinsic_dimension"},
    {{"zeros in the last layer", PEEK__VIEW_ACTIVATIONS, NULL}, LAST_LAYER, "zeros"},
    {{"norm of the first layer", PEEK__VIEW_ACTIVATIONS, NULL}, FIRST_LAYER, "norm"},
    {{"norm of the last layer", PEEK__VIEW_ACTIVATIONS, NULL}, LAST_LAYER, "norm"},
    {{"RMSE of the joint factorisation", PEEK__VIEW_FACTORISATION, "Saini 2018"}, MODEL, "rmse"},
    {{"relative error of the joint factorisation", PEEK__VIEW_FACTORISATION, NULL}, MODEL, "relative_error"},
    {{"relative error of the last layer", PEEK__VIEW_FACTORISATION, NULL}, MODEL_LAST, "relative_error"},
    {{"coherence of the first layer's loadings", PEEK__VIEW_FACTORISATION, NULL}, MODEL_FIRST, "coherence"},
    {{"coherence of the last layer's loadings", PEEK__VIEW_FACTORISATION, NULL}, MODEL_LAST, "coherence"},
    {{"neighbours in the first layer", PEEK__VIEW_ACTIVATIONS, NULL}, NEAR_FIRST, "information"},
    {{"neighbours in the last layer", PEEK__VIEW_ACTIVATIONS, NULL}, NEAR_LAST, "information"},
    {{"neighbours by components", PEEK__VIEW_FACTORISATION, NULL}, NEAR_COMPONENTS, "information"},
    {{"neighbours in the first channel of the input", PEEK__VIEW_INPUT, NULL}, NEAR_INPUT, "information"},
};
enum { ROWS = sizeof rows / sizeof *rows };

const peek__quality_measure *peek__quality_measure_at(int64_t index)
{
    return index >= 0 && index < ROWS ? &rows[index].public : NULL;
}

/* The name at a place of a list of predictions, -1: the last. */
static const char *name_at(const cJSON *result, const char *list, int place)
{
    const cJSON *names = peek__json_member(peek__json_member(result, "predictions"), list);
    const char *name =
        cJSON_GetStringValue(cJSON_GetArrayItem(names, place < 0 ? cJSON_GetArraySize(names) - 1 : place));
    return name ? name : "";
}

static const cJSON *model_of(const cJSON *result, int64_t rank)
{
    const cJSON *model;
    cJSON_ArrayForEach(model, peek__json_member(peek__json_member(result, "fit"), "ranks"))
    {
        if (cJSON_GetNumberValue(peek__json_member(model, "rank")) == (double)rank) return model;
    }
    return NULL;
}

static const cJSON *shift_of(const cJSON *result, double pixels)
{
    const cJSON *shift;
    cJSON_ArrayForEach(shift, peek__json_member(result, "shifts"))
    {
        if (cJSON_GetNumberValue(peek__json_member(shift, "pixels")) == pixels) return shift;
    }
    return NULL;
}

static const cJSON *find_owner(owner of, const cJSON *result, int64_t rank)
{
    const cJSON *blocks = peek__json_member(result, "blocks"), *model = model_of(result, rank);
    switch (of) {
    case OUTPUT:
        return peek__json_member(result, "output");
    case PREDICTIONS:
        return peek__json_member(result, "predictions");
    case FIRST_LAYER:
        return peek__json_member(blocks, name_at(result, "layers", 0));
    case LAST_LAYER:
        return peek__json_member(blocks, name_at(result, "layers", -1));
    case FIRST_CENTRED:
        return peek__json_member(peek__json_member(blocks, name_at(result, "layers", 0)), "centred");
    case LAST_CENTRED:
        return peek__json_member(peek__json_member(blocks, name_at(result, "layers", -1)), "centred");
    case NEAR_INPUT:
        return peek__json_member(peek__json_member(blocks, name_at(result, "inputs", 0)), "neighbours");
    case NEAR_FIRST:
        return peek__json_member(peek__json_member(blocks, name_at(result, "layers", 0)), "neighbours");
    case NEAR_LAST:
        return peek__json_member(peek__json_member(blocks, name_at(result, "layers", -1)), "neighbours");
    case NEAR_COMPONENTS:
        return peek__json_member(model, "neighbours");
    case MODEL:
        return model;
    case MODEL_FIRST:
        return peek__json_member(peek__json_member(model, "blocks"), name_at(result, "layers", 0));
    case MODEL_LAST:
        return peek__json_member(peek__json_member(model, "blocks"), name_at(result, "layers", -1));
    case SHIFT_1:
        return shift_of(result, 1);
    case SHIFT_3:
        return shift_of(result, 3);
    }
    return NULL;
}

static double value_of(owner of, const char *name, const cJSON *result, int64_t rank)
{
    const cJSON *item = peek__json_member(find_owner(of, result, rank), name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

double peek__quality_value(int64_t index, const cJSON *result, int64_t rank)
{
    return value_of(rows[index].owner, rows[index].member, result, rank);
}

const peek__study_group *peek__quality_group(const peek__quality_table *table, int64_t row)
{
    int64_t group = table->recipe->network[table->network[row]].group;
    return group < 0 ? NULL : &table->recipe->group[group];
}

static void fill_row(const peek__results *results, int64_t network, int64_t seed, peek__quality_table *out)
{
    const cJSON *result = results->run[network * results->seeds + seed];
    const cJSON *accuracy = peek__json_member(result, "accuracy");
    int64_t row = out->rows, most = results->recipe->networks * results->seeds,
            rank = results->recipe->ranks[0];
    if (!cJSON_IsNumber(accuracy)) return;
    out->network[row] = network;
    out->seed[row] = results->first_seed + seed;
    out->accuracy[row] = accuracy->valuedouble;
    /* As floats, so that numbers that differ by rounding alone are equal. */
    for (int64_t m = 0; m < ROWS; m++) out->value[m * most + row] = (float)peek__quality_value(m, result, rank);
    peek__verdict_parts(result, out->part + row * PEEK__PARTS);
    out->first[row] = log(value_of(FIRST_LAYER, "norm", result, rank));
    out->last[row] = log(value_of(LAST_LAYER, "norm", result, rank));
    out->rows++;
}

peek_status peek__quality_table_make(peek_context *context, const peek__results *results,
                                     peek__quality_table *out)
{
    int64_t most = results->recipe->networks * results->seeds;
    *out = (peek__quality_table){.recipe = results->recipe, .measures = ROWS};
    PEEK_TRY(peek__alloc(context, &out->network, 2 * most, "a table of networks"));
    PEEK_TRY(peek__alloc(context, &out->accuracy, (3 + ROWS + PEEK__PARTS) * most, "a table of networks"));
    out->seed = out->network + most;
    out->first = out->accuracy + most;
    out->last = out->first + most;
    out->part = out->last + most;
    out->value = out->part + PEEK__PARTS * most;
    for (int64_t n = 0; n < results->recipe->networks; n++)
        for (int64_t s = 0; s < results->seeds; s++) fill_row(results, n, s, out);
    /* Rows of measures close up, where runs failed. */
    for (int64_t m = 1; m < ROWS; m++)
        memmove(out->value + m * out->rows, out->value + m * most, (size_t)out->rows * sizeof *out->value);
    return PEEK_OK;
}

void peek__quality_table_clear(peek__quality_table *table)
{
    peek__free(&table->network);
    peek__free(&table->accuracy);
}
