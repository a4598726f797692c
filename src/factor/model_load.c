/* factor/model_load.c: a model from its folder. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "factor/model.h"
#include "factor/rule.h"

static const char *const stops[] = {"tolerance", "iterations", "kkt", "time", "exact"};

const char *peek__model_stop(const char *name)
{
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (strcmp(name, stops[i]) == 0) return stops[i];
    return NULL;
}

typedef struct loading {
    peek_context *context;
    const char *folder;
    cJSON *json;
    peek_model *model;
} loading;

static peek_status broken(const loading *work, const char *what)
{
    return peek__fail(work->context, PEEK_E_FORMAT, "%s/fit.json has no usable %s: fit again", work->folder,
                      what);
}

/* A member that must be a finite number from `least` on. */
static peek_status number(const loading *work, const cJSON *object, const char *name, double least, double *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= least) || isinf(item->valuedouble))
        return broken(work, name);
    *out = item->valuedouble;
    return PEEK_OK;
}

static peek_status whole(const loading *work, const cJSON *object, const char *name, int64_t least,
                         int64_t *out)
{
    double value = 0;
    PEEK_TRY(number(work, object, name, (double)least, &value));
    if (value != floor(value) || value > 1e15) return broken(work, name);
    *out = (int64_t)value;
    return PEEK_OK;
}

static peek_status read_text(const loading *work, const cJSON *object, const char *name, const char **out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    char *copy = NULL;
    if (!cJSON_IsString(item)) return broken(work, name);
    PEEK_TRY(peek__copy_text(work->context, &copy, item->valuestring));
    *out = copy;
    return PEEK_OK;
}

static peek_status read_block(const loading *work, const cJSON *entry, peek_model_block *block, double *alpha)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    PEEK_TRY(read_text(work, entry, "name", &block->name));
    PEEK_TRY(read_text(work, entry, "file", &block->file));
    const cJSON *columns = cJSON_GetArrayItem(shape, 1);
    if (strchr(block->file, '/')) return broken(work, "file of a block");
    if (!cJSON_IsNumber(columns) || !(columns->valuedouble >= 1) || columns->valuedouble > 1e15)
        return broken(work, "shape of a block");
    block->columns = (int64_t)columns->valuedouble;
    PEEK_TRY(number(work, entry, "norm", 0, &block->norm));
    PEEK_TRY(number(work, entry, "weight", 0, &block->weight));
    PEEK_TRY(number(work, entry, "rmse", 0, &block->rmse));
    PEEK_TRY(number(work, entry, "relative_error", 0, &block->relative_error));
    if (!cJSON_GetObjectItemCaseSensitive(entry, "scaled_weight")) {
        *alpha = block->weight; /* older than --scale's being written down */
        return PEEK_OK;
    }
    return number(work, entry, "scaled_weight", 0, alpha);
}

static peek_status read_blocks(const loading *work)
{
    peek_model *model = work->model;
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(work->json, "blocks"), *entry;
    int64_t count = cJSON_IsArray(entries) ? cJSON_GetArraySize(entries) : 0;
    if (!count) return broken(work, "blocks");
    PEEK_TRY(peek__alloc(work->context, &model->block, count, "a model"));
    PEEK_TRY(peek__alloc(work->context, &model->alphas, count, "a model"));
    cJSON_ArrayForEach(entry, entries)
    {
        int64_t b = model->blocks++; /* what is there already is freed with the model */
        PEEK_TRY(read_block(work, entry, &model->block[b], &model->alphas[b]));
        model->columns += model->block[b].columns;
    }
    return PEEK_OK;
}

static peek_status read_fit(const loading *work)
{
    peek_model *model = work->model;
    const cJSON *json = work->json, *objective = cJSON_GetObjectItemCaseSensitive(json, "objective");
    const cJSON *rule = cJSON_GetObjectItemCaseSensitive(json, "rule");
    const cJSON *stop = cJSON_GetObjectItemCaseSensitive(json, "stop"), *value;
    PEEK_TRY(whole(work, json, "rank", 1, &model->rank));
    PEEK_TRY(whole(work, json, "samples", 1, &model->rows));
    PEEK_TRY(whole(work, json, "seed", 0, &model->seed));
    PEEK_TRY(whole(work, json, "iterations", 1, &model->iterations));
    PEEK_TRY(number(work, json, "seconds", 0, &model->seconds));
    PEEK_TRY(number(work, json, "rmse", 0, &model->rmse));
    PEEK_TRY(number(work, json, "relative_error", 0, &model->relative_error));
    for (int64_t i = 0; cJSON_IsString(rule) && peek__rule_at(i); i++)
        if (strcmp(rule->valuestring, peek__rule_at(i)->name) == 0) model->rule = peek__rule_at(i)->name;
    if (cJSON_IsString(stop)) model->stop = peek__model_stop(stop->valuestring);
    if (!model->rule) return broken(work, "rule");
    if (!model->stop) return broken(work, "stop");
    if (cJSON_GetArraySize(objective) != model->iterations) return broken(work, "objective");
    PEEK_TRY(peek__alloc(work->context, &model->objective, model->iterations, "a model"));
    PEEK_TRY(peek__alloc(work->context, &model->times, model->iterations, "a model"));
    int64_t i = 0;
    cJSON_ArrayForEach(value, objective) model->objective[i++] = value->valuedouble;
    i = 0;
    cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(json, "times")) if (i < model->iterations)
        model->times[i++] = value->valuedouble;
    model->options = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(json, "options"), 1);
    return read_blocks(work);
}

/* One matrix into memory of its size: finite and not negative. */
static peek_status read_matrix(const loading *work, const char *file, int64_t rows, int64_t columns, float *out)
{
    char *path;
    peek__npy npy = {0};
    PEEK_TRY(peek__format(work->context, &path, "%s/%s", work->folder, file));
    peek_status status = peek__npy_open(work->context, path, &npy);
    if (status == PEEK_OK && (npy.rows != rows || npy.columns != columns))
        status = peek__fail(work->context, PEEK_E_SHAPE,
                            "%s is %lld x %lld, but fit.json beside it says %lld x %lld", path,
                            (long long)npy.rows, (long long)npy.columns, (long long)rows, (long long)columns);
    if (status == PEEK_OK) peek__npy_floats(&npy, 0, rows * columns, out);
    for (int64_t i = 0; status == PEEK_OK && i < rows * columns; i++)
        if (!(out[i] >= 0) || isinf(out[i]))
            status = peek__fail(work->context, PEEK_E_VALUE,
                                "%s holds %g at row %lld, column %lld, but a model is finite and not negative",
                                path, (double)out[i], (long long)(i / columns), (long long)(i % columns));
    peek__npy_close(&npy);
    peek__free(&path);
    return status;
}

static peek_status read_matrices(const loading *work)
{
    peek_model *model = work->model;
    peek_context *context = work->context;
    PEEK_TRY(
        peek__alloc(context, &model->samples, peek__product(model->rows, model->rank), "the sample matrix"));
    PEEK_TRY(
        peek__alloc(context, &model->loadings, peek__product(model->columns, model->rank), "the loadings"));
    PEEK_TRY(peek__alloc(context, &model->errors, peek__product(model->rows, model->blocks), "the errors"));
    PEEK_TRY(read_matrix(work, "samples.npy", model->rows, model->rank, model->samples));
    PEEK_TRY(read_matrix(work, "errors.npy", model->rows, model->blocks, model->errors));
    float *to = model->loadings;
    for (int64_t b = 0; b < model->blocks; b++) {
        PEEK_TRY(read_matrix(work, model->block[b].file, model->block[b].columns, model->rank, to));
        to += model->block[b].columns * model->rank;
    }
    return PEEK_OK;
}

peek_status peek_model_load(peek_context *context, const char *folder, peek_model **out)
{
    loading work = {.context = context, .folder = folder};
    char *path = NULL;
    *out = NULL;
    int there = 0;
    if (folder) PEEK_TRY(peek__find_folder(context, folder, &there));
    if (!there)
        return peek__fail(context, PEEK_E_NOT_FOUND,
                          "%s is not a folder: give a rank-K folder that a fit wrote",
                          folder ? folder : "(nothing)");
    PEEK_TRY(peek__format(context, &path, "%s/fit.json", folder));
    peek_status status = peek__json_read(context, path, &work.json);
    if (status == PEEK_OK) status = peek__alloc(context, out, 1, "a model");
    work.model = *out;
    if (status == PEEK_OK) status = read_fit(&work);
    if (status == PEEK_OK) status = read_matrices(&work);
    if (status != PEEK_OK) peek_model_free(out);
    cJSON_Delete(work.json);
    peek__free(&path);
    return status;
}
