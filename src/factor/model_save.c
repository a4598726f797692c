/* factor/model_save.c: a model as a folder of .npy files and fit.json. */
#include <string.h>

#include "base/memory.h"
#include "factor/model.h"
#include "store/partial.h"

static cJSON *blocks_json(const peek_model *model)
{
    cJSON *list = cJSON_CreateArray();
    for (int64_t b = 0; list && b < model->blocks; b++) {
        const peek_model_block *block = &model->block[b];
        cJSON *entry = cJSON_CreateObject(), *shape;
        cJSON_AddStringToObject(entry, "name", block->name);
        cJSON_AddStringToObject(entry, "file", block->file);
        shape = cJSON_AddArrayToObject(entry, "shape");
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)model->rows));
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)block->columns));
        cJSON_AddNumberToObject(entry, "norm", block->norm);
        cJSON_AddNumberToObject(entry, "weight", block->weight);
        cJSON_AddNumberToObject(entry, "scaled_weight", model->alphas[b]);
        cJSON_AddNumberToObject(entry, "rmse", block->rmse);
        cJSON_AddNumberToObject(entry, "relative_error", block->relative_error);
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

static cJSON *fit_json(const peek_model *model)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "rank", (double)model->rank);
    cJSON_AddStringToObject(json, "rule", model->rule);
    cJSON_AddStringToObject(json, "citation", model->citation);
    cJSON_AddNumberToObject(json, "seed", (double)model->seed);
    cJSON_AddNumberToObject(json, "samples", (double)model->rows);
    cJSON_AddNumberToObject(json, "iterations", (double)model->iterations);
    if (model->sketch_width) {
        cJSON *sketch = cJSON_AddObjectToObject(json, "sketch");
        cJSON_AddNumberToObject(sketch, "width", (double)model->sketch_width);
        cJSON_AddNumberToObject(sketch, "iterations", (double)model->sketch_iterations);
        cJSON_AddNumberToObject(sketch, "seconds", model->sketch_seconds);
    } else {
        cJSON_AddNullToObject(json, "sketch");
    }
    cJSON_AddNumberToObject(json, "sweep_models", (double)model->sweep_models);
    cJSON_AddStringToObject(json, "stop", model->stop);
    if (*model->made_from) cJSON_AddStringToObject(json, "made_from", model->made_from);
    if (*model->capture_digest) cJSON_AddStringToObject(json, "capture_digest", model->capture_digest);
    cJSON_AddNumberToObject(json, "seconds", model->seconds);
    cJSON_AddNumberToObject(json, "rmse", model->rmse);
    cJSON_AddNumberToObject(json, "relative_error", model->relative_error);
    cJSON_AddItemToObject(json, "blocks", blocks_json(model));
    cJSON *starts = cJSON_AddArrayToObject(json, "starts");
    for (int64_t i = 0; i < model->start_count; i++) {
        cJSON *start = cJSON_CreateObject();
        cJSON_AddNumberToObject(start, "seed", (double)model->starts[i].seed);
        cJSON_AddNumberToObject(start, "iterations", (double)model->starts[i].iterations);
        cJSON_AddNumberToObject(start, "objective", model->starts[i].objective);
        cJSON_AddNumberToObject(start, "relative_error", model->starts[i].relative_error);
        cJSON_AddNumberToObject(start, "seconds", model->starts[i].seconds);
        cJSON_AddItemToArray(starts, start);
    }
    cJSON_AddItemToObject(json, "objective", cJSON_CreateDoubleArray(model->objective, (int)model->iterations));
    cJSON_AddItemToObject(json, "times", cJSON_CreateDoubleArray(model->times, (int)model->iterations));
    cJSON_AddItemToObject(json, "options", cJSON_Duplicate(model->options, 1));
    cJSON_AddStringToObject(json, "version", peek_version());
    return json;
}

static peek_status write_matrix(peek_context *context, const char *folder, const char *file, int64_t rows,
                                int64_t columns, const float *values)
{
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, file));
    int64_t shape[2] = {rows, columns};
    peek_status status = peek__npy_write(context, path, PEEK__FLOAT32, 2, shape, values);
    peek__free(&path);
    return status;
}

static peek_status write_all(peek_context *context, const peek_model *model, const char *folder)
{
    PEEK_TRY(write_matrix(context, folder, "samples.npy", model->rows, model->rank, model->samples));
    PEEK_TRY(write_matrix(context, folder, "errors.npy", model->rows, model->blocks, model->errors));
    for (int64_t b = 0; b < model->blocks; b++)
        PEEK_TRY(write_matrix(context, folder, model->block[b].file, model->block[b].columns, model->rank,
                              peek_model_loadings(model, b)));
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/fit.json", folder));
    cJSON *json = fit_json(model);
    peek_status status = peek__json_write(context, path, json);
    cJSON_Delete(json);
    peek__free(&path);
    return status;
}

peek_status peek_model_save(peek_context *context, const peek_model *model, const char *folder)
{
    if (!model || !folder) return peek__fail(context, PEEK_E_ARGUMENT, "saving needs a model and a folder");
    static const char mark[] = "fit.json";
    peek__partial partial;
    PEEK_TRY(peek__partial_open(context, folder, mark, &partial));
    peek__partial_clear(&partial, NULL);
    peek_status status = write_all(context, model, partial.path);
    if (status == PEEK_OK) status = peek__partial_commit(context, &partial, folder, mark);
    peek__partial_remove(&partial);
    return status;
}
