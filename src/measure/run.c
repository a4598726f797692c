/* measure/run.c: all measures of a run, as measures.json. */
#include <string.h>

#include "base/memory.h"
#include "measure/layer.h"
#include "measure/models.h"
#include "nnpeek/measure.h"

/* Measures of one captured block; the network's output also goes to *output. */
static peek_status measure_entry(peek_context *context, const char *capture, const cJSON *entry, cJSON *blocks,
                                 cJSON **output)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(entry, "name"),
                *file = cJSON_GetObjectItemCaseSensitive(entry, "file");
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(entry, "kind");
    if (!cJSON_IsString(name) || !cJSON_IsString(file) || strchr(file->valuestring, '/'))
        return peek__fail(context, PEEK_E_FORMAT,
                          "%s/manifest.json lists a block without name or file: capture again", capture);
    char *path;
    cJSON *measures = NULL;
    peek__npy x = {0};
    PEEK_TRY(peek__format(context, &path, "%s/%s", capture, file->valuestring));
    peek_status status = peek__npy_open(context, path, &x);
    if (status == PEEK_OK && (x.rows < 1 || x.columns < 1))
        status = peek__fail(context, PEEK_E_SHAPE, "%s is empty: capture again", path);
    if (status == PEEK_OK) status = peek__layer_measure(context, &x, &measures);
    if (status == PEEK_OK) cJSON_AddItemToObject(blocks, name->valuestring, measures);
    if (status == PEEK_OK && !*output && cJSON_IsString(kind) && strcmp(kind->valuestring, "output") == 0)
        status = peek__output_measure(context, &x, output);
    peek__npy_close(&x);
    peek__free(&path);
    return status;
}

static peek_status measure_capture(peek_context *context, const char *capture, cJSON *json)
{
    char *path;
    cJSON *manifest = NULL, *output = NULL;
    char digest[17] = "";
    PEEK_TRY(peek__format(context, &path, "%s/manifest.json", capture));
    peek_status status = peek__json_read(context, path, &manifest);
    if (status == PEEK_OK) status = peek__file_digest(context, path, digest);
    cJSON_AddStringToObject(json, "manifest_digest", digest);
    peek__free(&path);
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(manifest, "blocks"), *entry;
    cJSON *blocks = cJSON_AddObjectToObject(json, "blocks");
    int64_t done = 0;
    peek__stage(context, "measure", "measuring", cJSON_GetArraySize(entries));
    cJSON_ArrayForEach(entry, entries)
    {
        if (status == PEEK_OK) status = measure_entry(context, capture, entry, blocks, &output);
        if (status == PEEK_OK) status = peek__step(context, ++done);
    }
    if (status == PEEK_OK)
        cJSON_AddItemToObject(json, "output", output ? output : cJSON_CreateNull());
    else
        cJSON_Delete(output);
    cJSON_Delete(manifest);
    return status;
}

static peek_status measure_all(peek_context *context, const char *run, const char *capture, const char *fit,
                               const char *path, cJSON *json)
{
    int captured = peek__is_folder(capture);
    cJSON *models = NULL;
    if (captured) {
        PEEK_TRY(measure_capture(context, capture, json));
    } else {
        cJSON_AddObjectToObject(json, "blocks");
        cJSON_AddNullToObject(json, "output");
    }
    PEEK_TRY(peek__models_measure(context, peek__is_folder(fit) ? fit : run, &models));
    if (!captured && !models)
        return peek__fail(
            context, PEEK_E_NOT_FOUND,
            "%s holds neither capture/ nor fitted models (rank-K folders): give the folder of a run", run);
    cJSON_AddItemToObject(json, "fit", models ? models : cJSON_CreateNull());
    cJSON_AddStringToObject(json, "version", peek_version());
    return peek__json_write(context, path, json);
}

peek_status peek_measure_run(peek_context *context, const char *run)
{
    if (!run || !peek__is_folder(run))
        return peek__fail(context, PEEK_E_NOT_FOUND, "%s is not a folder: give the folder of a run",
                          run ? run : "(nothing)");
    char *capture = NULL, *fit = NULL, *path = NULL;
    cJSON *json = cJSON_CreateObject();
    peek_status status = peek__format(context, &capture, "%s/capture", run);
    if (status == PEEK_OK) status = peek__format(context, &fit, "%s/fit", run);
    if (status == PEEK_OK) status = peek__format(context, &path, "%s/measures.json", run);
    if (status == PEEK_OK) status = measure_all(context, run, capture, fit, path, json);
    cJSON_Delete(json);
    peek__free(&capture);
    peek__free(&fit);
    peek__free(&path);
    return status;
}
