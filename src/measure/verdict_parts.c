/* measure/verdict_parts.c: what a verdict is made of, from measures.json. */
#include <math.h>
#include <string.h>

#include "measure/verdict.h"
#include "store/file.h"

const char *const peek__verdict_part_names[PEEK__PARTS] = {
    "classes_in_use",         "confidence", "output_directions",      "first_layer", "last_layer",
    "last_layer_information", "components", "components_information", "input"};

const char *const peek__verdict_source_names[PEEK__SOURCES] = {
    "output", "activations", "factorisation", "all", "output and activations", "output and factorisation",
    "input"};

int peek__verdict_uses(peek__verdict_source source, peek__verdict_part part)
{
    int all = source == PEEK__FROM_ALL, layers = all || source == PEEK__FROM_OUTPUT_ACTIVATIONS,
        components = all || source == PEEK__FROM_OUTPUT_FACTORISATION;
    switch (part) {
    case PEEK__PART_USE:
    case PEEK__PART_CONFIDENCE:
    case PEEK__PART_DIRECTIONS:
        return layers || components || source == PEEK__FROM_OUTPUT;
    case PEEK__PART_FIRST_LAYER:
    case PEEK__PART_LAST_LAYER:
    case PEEK__PART_LAST_INFORMATION:
        return layers || source == PEEK__FROM_ACTIVATIONS;
    case PEEK__PART_COMPONENTS:
    case PEEK__PART_COMPONENTS_INFORMATION:
        return components || source == PEEK__FROM_FACTORISATION;
    case PEEK__PART_INPUT:
        return source == PEEK__FROM_INPUT;
    case PEEK__PARTS:
        break;
    }
    return 0;
}

static double agreement_of(const cJSON *owner)
{
    return peek__json_value(peek__json_member(owner, "neighbours"), "agreement");
}

static double information_of(const cJSON *owner)
{
    return peek__json_value(peek__json_member(owner, "neighbours"), "information");
}

/* Mean over the blocks of a list of names. */
static double mean_in(const cJSON *measures, const cJSON *names, int first, int count,
                      double (*of)(const cJSON *owner))
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(names, first + i));
        sum += name ? of(peek__json_member(peek__json_member(measures, "blocks"), name)) : NAN;
    }
    return count ? sum / count : NAN;
}

const cJSON *peek__verdict_model(const cJSON *measures)
{
    const cJSON *model, *best = NULL;
    double least = INFINITY;
    cJSON_ArrayForEach(model, peek__json_member(peek__json_member(measures, "fit"), "ranks"))
    {
        double distance = fabs(log(peek__json_value(model, "rank") / PEEK__VERDICT_RANK));
        if (distance < least) {
            least = distance;
            best = model;
        }
    }
    return best;
}

void peek__layer_columns(const cJSON *measures, cJSON *list)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, peek__json_member(peek__json_member(measures, "predictions"), "layers"))
    {
        const cJSON *block = peek__json_member(peek__json_member(measures, "blocks"), name->valuestring);
        cJSON_AddItemToArray(list, cJSON_CreateNumber(peek__json_value(block, "columns")));
    }
}

void peek__verdict_parts(const cJSON *measures, double parts[PEEK__PARTS])
{
    const cJSON *predictions = peek__json_member(measures, "predictions"),
                *layers = peek__json_member(predictions, "layers"),
                *inputs = peek__json_member(predictions, "inputs");
    double classes = peek__json_value(predictions, "classes"),
           use = (peek__json_value(predictions, "effective_classes") - 1) / (classes - 1);
    int count = cJSON_GetArraySize(layers);
    parts[PEEK__PART_USE] = use;
    parts[PEEK__PART_CONFIDENCE] = (classes * peek__json_value(predictions, "confidence") - 1) / (classes - 1);
    parts[PEEK__PART_DIRECTIONS] = (peek__json_value(predictions, "effective_rank") - 1) / (classes - 1);
    parts[PEEK__PART_FIRST_LAYER] = use * mean_in(measures, layers, 0, count > 0, agreement_of);
    parts[PEEK__PART_LAST_LAYER] = use * mean_in(measures, layers, count - 1, count > 0, agreement_of);
    parts[PEEK__PART_LAST_INFORMATION] =
        mean_in(measures, layers, count - 1, count > 0, information_of) / log(classes);
    parts[PEEK__PART_COMPONENTS] = use * agreement_of(peek__verdict_model(measures));
    parts[PEEK__PART_COMPONENTS_INFORMATION] = information_of(peek__verdict_model(measures)) / log(classes);
    parts[PEEK__PART_INPUT] = use * mean_in(measures, inputs, 0, cJSON_GetArraySize(inputs), agreement_of);
}
