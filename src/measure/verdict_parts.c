/* measure/verdict_parts.c: what a verdict is made of, from measures.json. */
#include <math.h>
#include <string.h>

#include "measure/verdict.h"

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

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static double agreement_of(const cJSON *owner)
{
    return number(member(owner, "neighbours"), "agreement");
}

static double information_of(const cJSON *owner)
{
    return number(member(owner, "neighbours"), "information");
}

/* Mean over the blocks of a list of names. */
static double mean_in(const cJSON *measures, const cJSON *names, int first, int count,
                      double (*of)(const cJSON *owner))
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(names, first + i));
        sum += name ? of(member(member(measures, "blocks"), name)) : NAN;
    }
    return count ? sum / count : NAN;
}

const cJSON *peek__verdict_model(const cJSON *measures)
{
    const cJSON *model, *best = NULL;
    double least = INFINITY;
    cJSON_ArrayForEach(model, member(member(measures, "fit"), "ranks"))
    {
        double distance = fabs(log(number(model, "rank") / PEEK__VERDICT_RANK));
        if (distance < least) {
            least = distance;
            best = model;
        }
    }
    return best;
}

void peek__verdict_parts(const cJSON *measures, double parts[PEEK__PARTS])
{
    const cJSON *predictions = member(measures, "predictions"), *layers = member(predictions, "layers"),
                *inputs = member(predictions, "inputs");
    double classes = number(predictions, "classes"),
           use = (number(predictions, "effective_classes") - 1) / (classes - 1);
    int count = cJSON_GetArraySize(layers);
    parts[PEEK__PART_USE] = use;
    parts[PEEK__PART_CONFIDENCE] = (classes * number(predictions, "confidence") - 1) / (classes - 1);
    parts[PEEK__PART_DIRECTIONS] = (number(predictions, "effective_rank") - 1) / (classes - 1);
    parts[PEEK__PART_FIRST_LAYER] = use * mean_in(measures, layers, 0, count > 0, agreement_of);
    parts[PEEK__PART_LAST_LAYER] = use * mean_in(measures, layers, count - 1, count > 0, agreement_of);
    parts[PEEK__PART_LAST_INFORMATION] =
        mean_in(measures, layers, count - 1, count > 0, information_of) / log(classes);
    parts[PEEK__PART_COMPONENTS] = use * agreement_of(peek__verdict_model(measures));
    parts[PEEK__PART_COMPONENTS_INFORMATION] = information_of(peek__verdict_model(measures)) / log(classes);
    parts[PEEK__PART_INPUT] = use * mean_in(measures, inputs, 0, cJSON_GetArraySize(inputs), agreement_of);
}
