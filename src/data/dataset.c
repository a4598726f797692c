/* data/dataset.c: a dataset: an ordered choice of samples, shared, described and read. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/content.h"

static void release_content(peek__content *content)
{
    if (!content || atomic_fetch_sub(&content->users, 1) > 1) return;
    peek__content_clear(content);
    peek__release(content);
}

void peek_dataset_free(peek_dataset **dataset)
{
    if (!dataset || !*dataset) return;
    peek_dataset *d = *dataset;
    release_content(d->content);
    peek__free(&d->name);
    peek__free(&d->indices);
    peek__free(&d->labels);
    peek__classes_free(&d->classes);
    peek__free(dataset);
}

static peek_status fill(peek_context *context, peek_dataset *dataset, const char *name)
{
    peek__content *content = dataset->content;
    dataset->channels = content->channels;
    dataset->height = content->height;
    dataset->width = content->width;
    dataset->count = content->count;
    dataset->labels = content->labels;
    dataset->classes = content->classes;
    content->labels = NULL;
    content->classes = (peek__classes){0};
    PEEK_TRY(peek__copy_text(context, &dataset->name, name));
    PEEK_TRY(peek__alloc(context, &dataset->indices, dataset->count, "the order of samples"));
    for (int64_t i = 0; i < dataset->count; i++) dataset->indices[i] = i;
    return PEEK_OK;
}

peek_status peek__dataset_wrap(peek_context *context, peek__content *content, const char *name,
                               peek_dataset **out)
{
    peek_dataset *dataset = NULL;
    *out = NULL;
    peek_status status = peek__alloc(context, &dataset, 1, "a dataset");
    if (status == PEEK_OK) status = peek__alloc(context, &dataset->content, 1, "a dataset");
    if (status != PEEK_OK) {
        peek__content_clear(content);
        peek_dataset_free(&dataset);
        return status;
    }
    *dataset->content = *content;
    atomic_init(&dataset->content->users, 1);
    *content = (peek__content){0};
    status = fill(context, dataset, name);
    if (status != PEEK_OK)
        peek_dataset_free(&dataset);
    else
        *out = dataset;
    return status;
}

static peek_status copy_array(peek_context *context, peek__content *content, const float *values,
                              const int32_t *labels)
{
    float least, largest;
    memcpy(content->owned, values, (size_t)(content->count * content->values.columns) * sizeof *values);
    PEEK_TRY(peek__content_check(context, content, "the array", &least, &largest));
    content->pictures = content->height > 1 && least >= 0 && largest <= 1;
    if (!labels) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &content->labels, content->count, "labels"));
    memcpy(content->labels, labels, (size_t)content->count * sizeof *labels);
    return peek__content_number_labels(context, labels, content->count, "the array of labels",
                                       &content->classes);
}

peek_status peek_dataset_from_array(peek_context *context, const float *values, const int32_t *labels,
                                    int64_t count, int64_t channels, int64_t height, int64_t width,
                                    peek_dataset **out)
{
    if (!out) return peek__fail(context, PEEK_E_ARGUMENT, "out is NULL: give a place for the dataset");
    *out = NULL;
    if (!values || count < 1 || channels < 1 || height < 1 || width < 1 ||
        peek__product(peek__product(peek__product(count, channels), height), peek__product(width, 4)) < 0)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "an array of %lld samples of %lld x %lld x %lld cannot be a dataset",
                          (long long)count, (long long)channels, (long long)height, (long long)width);
    peek__content content = {0};
    peek_status status = peek__content_hold(context, &content, PEEK__FLOAT32, count, channels, height, width);
    if (status == PEEK_OK) status = copy_array(context, &content, values, labels);
    if (status == PEEK_OK) return peek__dataset_wrap(context, &content, "array", out);
    peek__content_clear(&content);
    return status;
}

peek_dataset_info peek_dataset_describe(const peek_dataset *dataset)
{
    const peek__content *content = dataset->content;
    return (peek_dataset_info){.name = dataset->name,
                               .count = dataset->count,
                               .channels = dataset->channels,
                               .height = dataset->height,
                               .width = dataset->width,
                               .class_count = dataset->labels ? dataset->classes.count : 0,
                               .pictures = content->pictures,
                               .mixed = content->mixed && !dataset->fitted,
                               .depth = content->files                         ? (content->deep ? 16 : 8)
                                        : content->values.type == PEEK__UINT8  ? 8
                                        : content->values.type == PEEK__UINT16 ? 16
                                                                               : 0};
}

const int32_t *peek_dataset_labels(const peek_dataset *dataset)
{
    return dataset->labels;
}

const char *peek_dataset_class_name(const peek_dataset *dataset, int64_t label)
{
    if (!dataset->labels || label < 0 || label >= dataset->classes.count) return NULL;
    return dataset->classes.names[label];
}

const int64_t *peek_dataset_indices(const peek_dataset *dataset)
{
    return dataset->indices;
}
