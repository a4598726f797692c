/* study/study_run.c: one run of a study: train, capture, factorise, measure. */
#include "study/study_run.h"

#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "nnpeek/fit.h"
#include "nnpeek/measure.h"
#include "nnpeek/network.h"
#include "store/file.h"
#include "study/fit_folder.h"
#include "study/overlap.h"
#include "study/study_train.h"

cJSON *peek__study_made_from(const peek__study_run *run)
{
    const peek__recipe *recipe = run->recipe;
    cJSON *object = peek__study_trained_from(run);
    int good =
        object &&
        cJSON_AddItemToObject(object, "fits",
                              cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(recipe->json, "fits"), 1)) &&
        cJSON_AddNumberToObject(object, "samples", (double)recipe->samples) &&
        cJSON_AddNumberToObject(object, "look_seed", (double)run->look_seed) &&
        (!recipe->quality || cJSON_AddStringToObject(object, "kind", "quality"));
    cJSON *ranks = good ? cJSON_AddArrayToObject(object, "ranks") : NULL;
    for (int64_t i = 0; good && i < recipe->rank_count; i++)
        good = cJSON_AddItemToArray(ranks, cJSON_CreateNumber((double)recipe->ranks[i]));
    if (good) return object;
    cJSON_Delete(object);
    return NULL;
}

/* Whatever could not be added is found when the document is written: it is checked once, at the end. */
typedef struct work {
    peek_context *context;
    const peek__study_run *run;
    peek_network *network;
    cJSON *result, *models; /* models: of the fit under way */
    const char *fit_folder; /* where models go; NULL: nowhere */
    int failed;             /* something could not be added */
} work;

static cJSON *add(work *w, cJSON *object, const char *name, cJSON *item)
{
    if (name ? cJSON_AddItemToObject(object, name, item) : cJSON_AddItemToArray(object, item)) return item;
    w->failed = 1;
    return NULL;
}

static void add_number(work *w, cJSON *object, const char *name, double number)
{
    add(w, object, name, cJSON_CreateNumber(number));
}

static peek_status capture(work *w, const char *folder)
{
    peek_capture_options options;
    peek_capture_options_default(&options);
    options.samples = w->run->recipe->samples;
    options.seed = w->run->look_seed;
    options.resume = w->run->resume;
    peek_status status = peek_capture(w->context, w->network, w->run->test, &options, folder);
    if (!options.resume || status != PEEK_E_ARGUMENT) return status;
    options.resume = 0; /* the recipe has changed since the one that is there was begun */
    return peek_capture(w->context, w->network, w->run->test, &options, folder);
}

static peek_status take_model(peek_model *model, void *user)
{
    work *w = user;
    peek_model_info info = peek_model_describe(model);
    cJSON *entry = add(w, w->models, NULL, cJSON_CreateObject());
    add_number(w, entry, "rank", (double)info.rank);
    add_number(w, entry, "rmse", info.rmse);
    add_number(w, entry, "relative_error", info.relative_error);
    add_number(w, entry, "iterations", (double)info.iterations);
    cJSON *blocks = add(w, entry, "blocks", cJSON_CreateObject());
    peek_status status = PEEK_OK;
    for (int64_t b = 0; status == PEEK_OK && b < info.blocks; b++) {
        peek_model_block block;
        status = peek_model_block_info(w->context, model, b, &block);
        if (status != PEEK_OK) break;
        cJSON *errors = add(w, blocks, block.name, cJSON_CreateObject());
        add_number(w, errors, "rmse", block.rmse);
        add_number(w, errors, "relative_error", block.relative_error);
        add_number(w, errors, "norm", block.norm);
    }
    char *place = NULL;
    if (status == PEEK_OK && w->fit_folder)
        status = peek__format(w->context, &place, "%s/rank-%lld", w->fit_folder, (long long)info.rank);
    if (status == PEEK_OK && w->fit_folder) status = peek_model_save(w->context, model, place);
    peek__free(&place);
    peek_model_free(&model);
    return status;
}

static peek_status set_options(work *w, const peek__study_fit *fit, peek_fit_options *options)
{
    const peek_option_table *table = peek_fit_option_table();
    peek_fit_options_default(options);
    if (fit->rule) PEEK_TRY(peek_options_set(w->context, table, options, "rule", fit->rule));
    PEEK_TRY(peek_options_set(w->context, table, options, "scale", fit->scale));
    if (fit->iterations > 0) options->iterations = fit->iterations;
    if (fit->tolerance >= 0) options->tolerance = fit->tolerance;
    options->seed = w->run->seed;
    return PEEK_OK;
}

static peek_status fit_all(work *w, const peek_problem *problem, const char *folder)
{
    const peek__recipe *recipe = w->run->recipe;
    cJSON *fits = add(w, w->result, "fits", cJSON_CreateArray());
    for (int64_t i = 0; i < recipe->fits; i++) {
        peek_fit_options options;
        cJSON *entry = add(w, fits, NULL, cJSON_CreateObject());
        add(w, entry, "name", cJSON_CreateString(recipe->fit[i].name));
        w->models = add(w, entry, "models", cJSON_CreateArray());
        w->fit_folder = i == 0 ? folder : NULL;
        PEEK_TRY(set_options(w, &recipe->fit[i], &options));
        PEEK_TRY(peek_sweep(w->context, problem, &options, recipe->rank_count, recipe->ranks, take_model, w));
    }
    return PEEK_OK;
}

/* All fits of the capture; the first one's models into a folder that appears whole. They take seconds: what of
 * them is not whole is made again. */
static peek_status factorise(work *w, const char *captured, const char *folder)
{
    peek_problem *problem = NULL;
    const peek__recipe *recipe = w->run->recipe;
    peek__fit_folder made = {0};
    peek_status status = peek_problem_create(w->context, &problem);
    if (status == PEEK_OK) status = peek_problem_add_capture(w->context, problem, captured, PEEK_SIGNED_SPLIT);
    if (status == PEEK_OK)
        status = peek_problem_check_rank(w->context, problem, recipe->ranks[recipe->rank_count - 1]);
    char digest[17] = "";
    if (status == PEEK_OK)
        status =
            peek__fit_folder_begin(w->context, folder, digest, recipe->rank_count, recipe->ranks, 0, &made);
    if (status == PEEK_OK) status = fit_all(w, problem, made.partial.path);
    if (status == PEEK_OK) status = peek__fit_folder_commit(w->context, &made);
    peek__fit_folder_end(&made);
    peek_problem_free(&problem);
    return status;
}

static peek_status measure(work *w, const char *captured, const char *fitted)
{
    static const char *const judged[] = {"predictions", "fit", "shifts", "verdict"};
    char *path = NULL;
    cJSON *measures = NULL;
    peek_measure_options options;
    peek_measure_options_default(&options);
    options.shifts = w->run->recipe->quality;
    PEEK_TRY(peek_measure(w->context, w->run->folder, &options));
    PEEK_TRY(peek__format(w->context, &path, "%s/measures.json", w->run->folder));
    peek_status status = peek__json_read(w->context, path, &measures);
    peek__free(&path);
    if (status != PEEK_OK) return status;
    add(w, w->result, "blocks", cJSON_DetachItemFromObjectCaseSensitive(measures, "blocks"));
    add(w, w->result, "output", cJSON_DetachItemFromObjectCaseSensitive(measures, "output"));
    for (size_t i = 0; w->run->recipe->quality && i < sizeof judged / sizeof *judged; i++)
        add(w, w->result, judged[i], cJSON_DetachItemFromObjectCaseSensitive(measures, judged[i]));
    cJSON_Delete(measures);
    cJSON *overlap = add(w, w->result, "overlap", cJSON_CreateObject());
    cJSON *carrying = add(w, w->result, "carrying", cJSON_CreateObject());
    cJSON *by_components = add(w, w->result, "component_overlap", cJSON_CreateObject());
    PEEK_TRY(peek__study_overlap(w->context, captured, overlap));
    PEEK_TRY(
        peek__study_component_overlap(w->context, captured, fitted, w->run->recipe->ranks[0], by_components));
    return peek__study_carrying(w->context, captured, fitted, w->run->recipe->ranks[0], carrying);
}

static peek_status write_result(work *w)
{
    char *path;
    PEEK_TRY(peek__format(w->context, &path, "%s/result.json", w->run->folder));
    peek_status status = peek__json_write(w->context, path, w->failed ? NULL : w->result);
    peek__free(&path);
    return status;
}

static peek_status run_steps(work *w, const char *captured, const char *fitted)
{
    double start = peek__seconds();
    PEEK_TRY(peek__study_train(w->context, w->run, &w->network, w->result));
    PEEK_TRY(capture(w, captured));
    PEEK_TRY(factorise(w, captured, fitted));
    PEEK_TRY(measure(w, captured, fitted));
    add_number(w, w->result, "seconds", peek__seconds() - start);
    return write_result(w);
}

peek_status peek__study_run_all(peek_context *context, const peek__study_run *run)
{
    work w = {.context = context, .run = run, .result = cJSON_CreateObject()};
    char *captured = NULL, *fitted = NULL;
    peek_status status = peek__folder_make(context, run->folder);
    add(&w, w.result, "made_from", peek__study_made_from(run));
    if (status == PEEK_OK) status = peek__format(context, &captured, "%s/capture", run->folder);
    if (status == PEEK_OK) status = peek__format(context, &fitted, "%s/fit", run->folder);
    peek__hush(context, 1);
    if (status == PEEK_OK) status = run_steps(&w, captured, fitted);
    peek__hush(context, 0);
    peek_network_free(&w.network);
    cJSON_Delete(w.result);
    peek__free(&captured);
    peek__free(&fitted);
    return status == PEEK_OK ? peek__study_run_tidy(context, run) : status;
}

peek_status peek__study_run_tidy(peek_context *context, const peek__study_run *run)
{
    static const char *const served[] = {"capture", "fit"};
    for (size_t i = 0; !run->keep && i < sizeof served / sizeof *served; i++) {
        char *path;
        PEEK_TRY(peek__format(context, &path, "%s/%s", run->folder, served[i]));
        peek__folder_remove(path);
        peek__free(&path);
    }
    return PEEK_OK;
}
