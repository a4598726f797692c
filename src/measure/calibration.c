/* measure/calibration.c: what is known of networks whose accuracy is known, as JSON. */
#include <math.h>
#include <string.h>

#include "measure/verdict.h"
#include "store/file.h"

extern const char peek__calibration_text[]; /* calibration.json, embedded by calibration.S */

static peek_status read_source(peek_context *context, const char *from, const cJSON *models,
                               peek__verdict_source source, peek__calibration *out)
{
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(models, peek__verdict_source_names[source]);
    const cJSON *constant = cJSON_GetObjectItemCaseSensitive(model, "constant"),
                *weights = cJSON_GetObjectItemCaseSensitive(model, "weights");
    int good = cJSON_IsNumber(constant);
    out->constant[source] = good ? constant->valuedouble : NAN;
    for (int part = 0; good && part < PEEK__PARTS; part++) {
        const cJSON *weight = cJSON_GetObjectItemCaseSensitive(weights, peek__verdict_part_names[part]);
        if (!peek__verdict_uses(source, (peek__verdict_part)part)) continue;
        good = cJSON_IsNumber(weight);
        if (good) out->weight[source][part] = weight->valuedouble;
    }
    if (good) return PEEK_OK;
    return peek__fail(context, PEEK_E_FORMAT,
                      "%s is no calibration: its model '%s' lacks a number; give calibration.json of a study "
                      "of the kind \"quality\"",
                      from, peek__verdict_source_names[source]);
}

/* Whether a member is a list of numbers; count -1: of any length but 0. */
static int is_list(const cJSON *object, const char *name, int count)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name), *item;
    if (!cJSON_IsArray(list) || !list->child || (count >= 0 && cJSON_GetArraySize(list) != count)) return 0;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item)) return 0;
    }
    return 1;
}

static int is_number(const cJSON *object, const char *name)
{
    return cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(object, name));
}

static int is_family(const cJSON *family)
{
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(family, "input");
    int count = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(family, "scores"));
    return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(family, "name")) && is_list(family, "scores", -1) &&
           is_list(family, "accuracies", count) && is_list(family, "picture", 3) &&
           is_list(family, "mean_picture", -1) && is_number(family, "classes") &&
           is_number(family, "samples") && is_list(family, "layer_columns", -1) &&
           is_number(family, "widening") && is_number(input, "effective_rank") &&
           is_number(input, "intrinsic_dimension");
}

static peek_status parse(peek_context *context, const char *from, peek__calibration *out)
{
    const cJSON *models = cJSON_GetObjectItemCaseSensitive(out->json, "models"),
                *families = cJSON_GetObjectItemCaseSensitive(out->json, "families"), *family;
    for (int source = 0; source < PEEK__SOURCES; source++)
        PEEK_TRY(read_source(context, from, models, (peek__verdict_source)source, out));
    cJSON_ArrayForEach(family, families)
    {
        if (!is_family(family))
            return peek__fail(context, PEEK_E_FORMAT,
                              "%s is no calibration: a family lacks a member, or it is not of its kind; give "
                              "calibration.json of a study of the kind \"quality\"",
                              from);
    }
    const cJSON *limits = cJSON_GetObjectItemCaseSensitive(out->json, "contradiction");
    if (!cJSON_GetArraySize(families) || !is_number(limits, "least") || !is_number(limits, "most"))
        return peek__fail(context, PEEK_E_FORMAT, "%s is no calibration: it has no families or no limits",
                          from);
    return PEEK_OK;
}

peek_status peek__calibration_read(peek_context *context, const char *path, peek__calibration *out)
{
    *out = (peek__calibration){0};
    if (path)
        PEEK_TRY(peek__json_read(context, path, &out->json));
    else
        out->json = cJSON_Parse(peek__calibration_text);
    if (!out->json) return peek__fail(context, PEEK_E_MEMORY, "not enough memory for a calibration");
    return parse(context, path ? path : "the built-in calibration", out);
}

void peek__calibration_free(peek__calibration *calibration)
{
    cJSON_Delete(calibration->json);
    calibration->json = NULL;
}

double peek__verdict_score(const peek__calibration *calibration, peek__verdict_source source,
                           const double parts[PEEK__PARTS])
{
    double score = calibration->constant[source]; /* of the angle */
    for (int part = 0; part < PEEK__PARTS; part++)
        if (calibration->weight[source][part] != 0) score += calibration->weight[source][part] * parts[part];
    return isnan(score) ? NAN : pow(sin(fmin(asin(1), fmax(0, score))), 2);
}

double peek__verdict_contradiction(const peek__calibration *calibration, const double parts[PEEK__PARTS])
{
    return peek__verdict_score(calibration, PEEK__FROM_OUTPUT, parts) -
           0.5 * peek__verdict_score(calibration, PEEK__FROM_ACTIVATIONS, parts) -
           0.5 * peek__verdict_score(calibration, PEEK__FROM_FACTORISATION, parts);
}
