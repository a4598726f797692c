/* data/save.c: a dataset as a folder of .npy files. */
#include <math.h>

#include "base/memory.h"
#include "data/content.h"
#include "store/partial.h"

enum { RUN = 64 }; /* samples written at a time */

static void narrow(const float *values, int64_t count, uint8_t *out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (uint8_t)lrintf(values[i] * 255);
}

static peek_status write_images(peek_context *context, const peek_dataset *dataset, const char *path)
{
    const peek__content *content = dataset->content;
    int eight_bits = content->files ? !content->deep : content->values.type == PEEK__UINT8;
    int bytes = content->pictures && eight_bits && !dataset->fitted;
    int64_t shape[3] = {dataset->channels, dataset->height, dataset->width}, size = peek__dataset_size(dataset);
    float *floats = NULL;
    uint8_t *narrowed = NULL;
    peek__npy_writer writer;
    PEEK_TRY(peek__npy_begin(context, &writer, path, bytes ? PEEK__UINT8 : PEEK__FLOAT32, 4, shape));
    peek_status status = peek__alloc(context, &floats, peek__product(RUN, size), "samples to write");
    if (status == PEEK_OK)
        status = peek__alloc(context, &narrowed, peek__product(RUN, size), "samples to write");
    for (int64_t t = 0; status == PEEK_OK && t < dataset->count; t += RUN) {
        int64_t count = dataset->count - t < RUN ? dataset->count - t : RUN;
        status = peek_dataset_read(context, dataset, t, count, floats);
        if (status == PEEK_OK && bytes) narrow(floats, count * size, narrowed);
        if (status == PEEK_OK)
            status = peek__npy_append(context, &writer, bytes ? (const void *)narrowed : floats, count);
        if (status == PEEK_OK) status = peek__step(context, t + count);
    }
    if (status == PEEK_OK) status = peek__npy_commit(context, &writer);
    peek__npy_abort(&writer);
    peek__free(&floats);
    peek__free(&narrowed);
    return status;
}

static peek_status write_about(peek_context *context, const peek_dataset *dataset, const char *path)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", dataset->name);
    cJSON_AddStringToObject(json, "version", peek_version());
    cJSON_AddNumberToObject(json, "samples", (double)dataset->count);
    cJSON *shape = cJSON_AddArrayToObject(json, "shape");
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)dataset->channels));
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)dataset->height));
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)dataset->width));
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
    peek__partial partial;
    PEEK_TRY(peek__folder_check(context, folder, "dataset.json"));
    peek__stage(context, "data", "writing samples", dataset->count);
    PEEK_TRY(peek__partial_open(context, folder, "dataset.json", &partial));
    peek__partial_clear(&partial, NULL);
    peek_status status = write_parts(context, dataset, partial.path);
    if (status == PEEK_OK) status = peek__partial_commit(context, &partial, folder, "dataset.json");
    peek__partial_remove(&partial);
    return status;
}
