/* measure/nulls.c: the measures of a run where there is nothing to find, for each number to stand against. */
#include "base/memory.h"
#include "store/file.h"
#include "measure/scramble.h"
#include "measure/sweep_models.h"
#include "store/partial.h"

static const struct null_row {
    const char *name;
    int untrained;
    peek_status (*scramble)(peek_context *context, peek__pictures *pictures, int64_t seed);
} nulls[] = {
    {"trained network", 0, NULL}, /* where fewer samples are taken, so that equals are compared */
    {"untrained network", 1, NULL},
    {"shuffled pixels", 0, peek__scramble_shuffle},
    {"scrambled phases", 0, peek__scramble_phases},
};

static peek_status save_models(peek__examination *of, peek_model *const *models, const char *folder)
{
    for (int64_t i = 0; i < of->rank_count; i++) {
        char *place = NULL;
        PEEK_TRY(peek__format(of->context, &place, "%s/rank-%lld", folder, (long long)of->ranks[i]));
        peek_status status = peek_model_save(of->context, models[i], place);
        peek__free(&place);
        PEEK_TRY(status);
    }
    return PEEK_OK;
}

/* Models of a capture at the ranks of the run, into a folder. */
static peek_status fit_null(peek__examination *of, const char *capture, const char *fit)
{
    peek_problem *problem = NULL;
    peek_model **models = NULL;
    peek_fit_options options;
    if (!of->rank_count) return PEEK_OK;
    peek__examine_fit_options(of->options->seed, &options);
    peek_status status = peek_problem_create(of->context, &problem);
    if (status == PEEK_OK) status = peek_problem_add_capture(of->context, problem, capture, PEEK_SIGNED_SPLIT);
    if (status == PEEK_OK) status = peek__alloc(of->context, &models, of->rank_count, "models");
    if (status == PEEK_OK)
        status = peek__sweep_models(of->context, problem, &options, of->rank_count, of->ranks, models);
    if (status == PEEK_OK) status = peek__folder_make(of->context, fit);
    if (status == PEEK_OK) status = save_models(of, models, fit);
    peek__sweep_free(of->rank_count, models);
    peek__free(&models);
    peek_problem_free(&problem);
    return status;
}

/* What measures.json of the folder holds, but for what names its files. */
static peek_status take_measures(peek__examination *of, const char *path, const char *name, cJSON *out)
{
    cJSON *json = NULL;
    PEEK_TRY(peek__json_read(of->context, path, &json));
    cJSON_DeleteItemFromObjectCaseSensitive(json, "manifest_digest");
    cJSON_DeleteItemFromObjectCaseSensitive(json, "version");
    cJSON_AddItemToObject(out, name, json);
    return PEEK_OK;
}

static peek_status fill_null(peek__examination *of, const peek_network *network, const peek__pictures *pictures,
                             const char *folder, const char *name, cJSON *out)
{
    char *capture = NULL, *fit = NULL, *measures = NULL;
    peek_status status = peek__format(of->context, &capture, "%s/capture", folder);
    if (status == PEEK_OK) status = peek__format(of->context, &fit, "%s/fit", folder);
    if (status == PEEK_OK) status = peek__format(of->context, &measures, "%s/measures.json", folder);
    if (status == PEEK_OK) status = peek__run_capture(of, network, pictures, NULL, folder);
    if (status == PEEK_OK) status = fit_null(of, capture, fit);
    if (status == PEEK_OK) status = peek_measure_run(of->context, folder);
    if (status == PEEK_OK) status = take_measures(of, measures, name, out);
    peek__free(&capture);
    peek__free(&fit);
    peek__free(&measures);
    return status;
}

/* In a folder beside the run's own files that goes again. */
static peek_status measure_null(peek__examination *of, const peek_network *network,
                                const peek__pictures *pictures, const char *name, cJSON *out)
{
    char *place = NULL;
    peek__partial folder = {0};
    PEEK_TRY(peek__format(of->context, &place, "%s/null", of->run));
    peek_status status = peek__partial_open(of->context, place, NULL, &folder);
    if (status == PEEK_OK) peek__partial_clear(&folder, NULL);
    if (status == PEEK_OK) status = fill_null(of, network, pictures, folder.path, name, out);
    peek__partial_remove(&folder);
    peek__free(&place);
    return status;
}

static peek_status one_null(peek__examination *of, const struct null_row *null, cJSON *out)
{
    peek_network *network = NULL;
    peek__pictures pictures = {0};
    peek_status status = peek__run_network(of, &network);
    if (status == PEEK_OK) status = peek__run_pictures(of, &pictures);
    int same = !null->untrained && !null->scramble;
    if (status == PEEK_OK && null->untrained) status = peek__untrain(of->context, network, of->options->seed);
    if (status == PEEK_OK && null->scramble) status = null->scramble(of->context, &pictures, of->options->seed);
    if (status == PEEK_OK && !(same && pictures.step == 1))
        status = measure_null(of, network, &pictures, null->name, out);
    peek__free(&pictures.pixels);
    peek_network_free(&network);
    return status;
}

peek_status peek__examine_nulls(peek__examination *of)
{
    cJSON *out = cJSON_AddObjectToObject(of->measures, "nulls");
    peek_status status = PEEK_OK;
    peek__hush(of->context, 1);
    for (size_t i = 0; status == PEEK_OK && i < sizeof nulls / sizeof *nulls; i++)
        status = one_null(of, &nulls[i], out);
    peek__hush(of->context, 0);
    return status;
}
