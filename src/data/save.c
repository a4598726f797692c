/* data/save.c: a dataset as a folder of .npy files. */
#include "base/memory.h"
#include "data/content.h"

enum { RUN = 1024 }; /* samples written at a time */

static peek_status write_images(peek_context *context, const peek_dataset *dataset, const char *path)
{
    const peek__content *content = dataset->content;
    int bytes = content->pictures && content->values.type == PEEK__UINT8;
    int64_t shape[3] = {content->channels, content->height, content->width}, size = content->values.columns;
    float *floats = NULL;
    peek__npy_writer writer;
    if (!bytes) PEEK_TRY(peek__alloc(context, &floats, peek__product(RUN, size), "samples to write"));
    peek_status status = peek__npy_begin(context, &writer, path, bytes ? PEEK__UINT8 : PEEK__FLOAT32, 4, shape);
    for (int64_t t = 0; status == PEEK_OK && t < dataset->count; t += RUN) {
        int64_t count = dataset->count - t < RUN ? dataset->count - t : RUN;
        if (!bytes) {
            status = peek_dataset_read(context, dataset, t, count, floats);
            if (status == PEEK_OK) status = peek__npy_append(context, &writer, floats, count);
        }
        for (int64_t i = 0; bytes && status == PEEK_OK && i < count; i++)
            status = peek__npy_append(
                context, &writer, (const uint8_t *)content->values.data + dataset->indices[t + i] * size, 1);
        if (status == PEEK_OK) status = peek__step(context, t + count);
    }
    if (status == PEEK_OK) status = peek__npy_commit(context, &writer);
    peek__npy_abort(&writer);
    peek__free(&floats);
    return status;
}

static peek_status write_about(peek_context *context, const peek_dataset *dataset, const char *path)
{
    cJSON *json = cJSON_CreateObject();
    const peek__content *content = dataset->content;
    cJSON_AddStringToObject(json, "name", dataset->name);
    cJSON_AddStringToObject(json, "version", peek_version());
    cJSON_AddNumberToObject(json, "samples", (double)dataset->count);
    cJSON *shape = cJSON_AddArrayToObject(json, "shape");
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)content->channels));
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)content->height));
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)content->width));
    cJSON *names = cJSON_AddArrayToObject(json, "classes");
    for (int64_t i = 0; dataset->labels && i < dataset->classes.count; i++)
        cJSON_AddItemToArray(names, cJSON_CreateString(dataset->classes.names[i]));
    peek_status status = peek__json_write(context, path, json);
    cJSON_Delete(json);
    return status;
}

static peek_status write_parts(peek_context *context, const peek_dataset *dataset, const char *folder)
{
    char *images = NULL, *labels = NULL, *about = NULL;
    peek_status status = peek__format(context, &images, "%s/images.npy", folder);
    if (status == PEEK_OK) status = peek__format(context, &labels, "%s/labels.npy", folder);
    if (status == PEEK_OK) status = peek__format(context, &about, "%s/dataset.json", folder);
    if (status == PEEK_OK) status = write_images(context, dataset, images);
    if (status == PEEK_OK && dataset->labels)
        status = peek__npy_write(context, labels, PEEK__INT32, 1, &dataset->count, dataset->labels);
    if (status == PEEK_OK) status = write_about(context, dataset, about);
    peek__free(&images);
    peek__free(&labels);
    peek__free(&about);
    return status;
}

peek_status peek_dataset_save(peek_context *context, const peek_dataset *dataset, const char *folder)
{
    char *temporary;
    PEEK_TRY(peek__folder_check(context, folder, "dataset.json"));
    peek__stage(context, "data", "writing samples", dataset->count);
    PEEK_TRY(peek__folder_begin(context, folder, &temporary));
    peek_status status = write_parts(context, dataset, temporary);
    if (status == PEEK_OK) status = peek__folder_commit(context, folder, &temporary, "dataset.json");
    peek__folder_abort(&temporary);
    return status;
}
