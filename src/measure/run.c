/* measure/run.c: all measures of a run, as measures.json. */
#include <string.h>

#include "base/memory.h"
#include "measure/layer.h"
#include "measure/models.h"
#include "measure/output.h"
#include "measure/pairs.h"
#include "measure/sampled.h"
#include "measure/verdict.h"
#include "nnpeek/measure.h"
#include "store/storage.h"

/* A capture while it is measured. */
typedef struct capture_work {
    const char *folder;
    cJSON *blocks;
    peek__pairs pairs;
    const cJSON *output, *features; /* entries: the first output, the last layer */
    peek__predictions predictions;
    cJSON *mean_picture;
} capture_work;

static peek_status open_block(peek_context *context, const capture_work *work, const cJSON *entry, peek__npy *x)
{
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(entry, "file");
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/%s", work->folder, file->valuestring));
    peek_status status = peek__stored_open(context, path, entry, x);
    if (status == PEEK_OK && (x->rows < 1 || x->columns < 1))
        status = peek__fail(context, PEEK_E_SHAPE, "%s is empty: capture again", path);
    peek__free(&path);
    return status;
}

static peek_status measure_block(peek_context *context, capture_work *work, const peek__npy *x,
                                 const cJSON *entry, const char *name)
{
    cJSON *measures = NULL;
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    if (cJSON_GetObjectItemCaseSensitive(entry, "channel") && cJSON_GetArraySize(shape) == 3)
        PEEK_TRY(peek__mean_plane(context, x, cJSON_GetArrayItem(shape, 1)->valueint,
                                  cJSON_GetArrayItem(shape, 2)->valueint, work->pairs.most,
                                  work->mean_picture));
    PEEK_TRY(peek__layer_measure(context, x, &measures));
    cJSON_AddItemToObject(work->blocks, name, measures);
    return peek__pairs_add(context, &work->pairs, x, measures);
}

static peek_status measure_entry(peek_context *context, capture_work *work, const cJSON *entry)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(entry, "name"),
                *file = cJSON_GetObjectItemCaseSensitive(entry, "file");
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "kind"));
    if (!cJSON_IsString(name) || !cJSON_IsString(file) || strchr(file->valuestring, '/'))
        return peek__fail(context, PEEK_E_FORMAT,
                          "%s/manifest.json lists a block without name or file: capture again", work->folder);
    if (!work->output && kind && strcmp(kind, "output") == 0) work->output = entry;
    if (kind && strcmp(kind, "layer") == 0) work->features = entry;
    peek__npy x = {0};
    peek_status status = open_block(context, work, entry, &x);
    if (status == PEEK_OK) status = measure_block(context, work, &x, entry, name->valuestring);
    peek__npy_close(&x);
    return status;
}

/* The output with the features that it was made from: the last layer that was captured. */
static peek_status measure_output(peek_context *context, capture_work *work, cJSON **out)
{
    peek__npy p = {0}, x = {0};
    peek__sampled output = {0}, features = {0};
    peek_status status = open_block(context, work, work->output, &p);
    if (status == PEEK_OK) status = peek__sample(context, &p, p.rows, &output);
    if (status == PEEK_OK) status = peek__predict(context, &p, work->pairs.most, &work->predictions);
    if (status == PEEK_OK && work->features) status = open_block(context, work, work->features, &x);
    if (status == PEEK_OK && work->features) status = peek__sample(context, &x, x.rows, &features);
    if (status == PEEK_OK)
        status = peek__output_measure(context, &output.rows, work->features ? &features.rows : NULL, out);
    if (status == PEEK_OK && *out && work->features)
        cJSON_AddItemToObject(*out, "dispersion_block",
                              cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(work->features, "name"), 1));
    peek__sampled_clear(&output);
    peek__sampled_clear(&features);
    peek__npy_close(&p);
    peek__npy_close(&x);
    return status;
}

static peek_status measure_entries(peek_context *context, capture_work *work, const cJSON *entries, cJSON *json)
{
    const cJSON *entry;
    cJSON *pairs = NULL, *output = NULL;
    int64_t count = cJSON_GetArraySize(entries), done = 0;
    peek__stage(context, "measure", "measuring", count);
    PEEK_TRY(peek__pairs_begin(context, count, &work->pairs));
    cJSON_ArrayForEach(entry, entries)
    {
        PEEK_TRY(measure_entry(context, work, entry));
        PEEK_TRY(peek__step(context, ++done));
    }
    PEEK_TRY(peek__pairs_measure(context, &work->pairs, work->blocks, &pairs));
    cJSON_AddItemToObject(json, "pairs", pairs);
    if (work->output) PEEK_TRY(measure_output(context, work, &output));
    cJSON_AddItemToObject(json, "output", output ? output : cJSON_CreateNull());
    cJSON_AddItemToObject(
        json, "predictions",
        work->predictions.count
            ? peek__predictions_document(&work->predictions, entries, cJSON_Duplicate(work->mean_picture, 1))
            : cJSON_CreateNull());
    if (!work->predictions.count) return PEEK_OK;
    return peek__pairs_neighbours(context, &work->pairs, &work->predictions,
                                  cJSON_GetObjectItemCaseSensitive(work->output, "name")->valuestring,
                                  work->blocks);
}

static peek_status measure_capture(peek_context *context, const char *capture, cJSON *json,
                                   peek__predictions *predictions)
{
    char *path, digest[17] = "";
    cJSON *manifest = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/manifest.json", capture));
    peek_status status = peek__json_read(context, path, &manifest);
    if (status == PEEK_OK) status = peek__file_digest(context, path, digest);
    peek__free(&path);
    if (status == PEEK_OK) {
        cJSON_AddStringToObject(json, "manifest_digest", digest);
        capture_work work = {.folder = capture,
                             .blocks = cJSON_AddObjectToObject(json, "blocks"),
                             .mean_picture = cJSON_CreateArray()};
        status = measure_entries(context, &work, cJSON_GetObjectItemCaseSensitive(manifest, "blocks"), json);
        peek__pairs_clear(&work.pairs);
        cJSON_Delete(work.mean_picture);
        *predictions = work.predictions;
        memcpy(predictions->capture_digest, digest, sizeof digest);
    }
    cJSON_Delete(manifest);
    return status;
}

static peek_status measure_all(peek_context *context, const char *run, const char *capture, const char *fit,
                               const char *path, cJSON *json, peek__predictions *predictions)
{
    int captured, fitted;
    cJSON *models = NULL;
    PEEK_TRY(peek__find_folder(context, capture, &captured));
    PEEK_TRY(peek__find_folder(context, fit, &fitted));
    if (captured) {
        PEEK_TRY(measure_capture(context, capture, json, predictions));
    } else {
        cJSON_AddObjectToObject(json, "blocks");
        cJSON_AddNullToObject(json, "pairs");
        cJSON_AddNullToObject(json, "output");
        cJSON_AddNullToObject(json, "predictions");
    }
    PEEK_TRY(
        peek__models_measure(context, fitted ? fit : run, captured ? capture : NULL, predictions, &models));
    if (!captured && !models)
        return peek__fail(
            context, PEEK_E_NOT_FOUND,
            "%s holds neither capture/ nor fitted models (rank-K folders): give the folder of a run", run);
    cJSON_AddItemToObject(json, "fit", models ? models : cJSON_CreateNull());
    PEEK_TRY(peek__verdict_put(context, NULL, json));
    cJSON_AddStringToObject(json, "version", peek_version());
    return peek__json_write(context, path, json);
}

peek_status peek_measure_run(peek_context *context, const char *run)
{
    int there = 0;
    if (run) PEEK_TRY(peek__find_folder(context, run, &there));
    if (!there)
        return peek__fail(context, PEEK_E_NOT_FOUND, "%s is not a folder: give the folder of a run",
                          run ? run : "(nothing)");
    char *capture = NULL, *fit = NULL, *path = NULL;
    peek__predictions predictions = {0};
    cJSON *json = cJSON_CreateObject();
    peek_status status = peek__format(context, &capture, "%s/capture", run);
    if (status == PEEK_OK) status = peek__format(context, &fit, "%s/fit", run);
    if (status == PEEK_OK) status = peek__format(context, &path, "%s/measures.json", run);
    if (status == PEEK_OK) status = measure_all(context, run, capture, fit, path, json, &predictions);
    cJSON_Delete(json);
    peek__predictions_clear(&predictions);
    peek__free(&capture);
    peek__free(&fit);
    peek__free(&path);
    return status;
}
