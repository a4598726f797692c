/* data/array_format.c: .npy arrays as samples, and the folders that peek_dataset_save writes. */
#include <string.h>

#include "base/memory.h"
#include "data/format.h"

enum { MOST_CHANNELS = 4 };

static peek__likeness recognise_array(const peek__candidate *candidate)
{
    if (candidate->folder) return PEEK__FOREIGN;
    if (memcmp(candidate->head, "\x93NUMPY", 6) == 0) return PEEK__RECOGNISED;
    return peek__ends_with(candidate->path, ".npy") ? PEEK__NAMED_LIKE : PEEK__FOREIGN;
}

/* T x W, T x H x W or T x C x H x W; of T x C x D x H x W, the slices of a volume, one below the other. */
static peek_status take_shape(peek_context *context, const char *path, peek__content *content)
{
    const peek__npy *npy = &content->values;
    if (npy->dimensions < 2 || npy->dimensions > 5)
        return peek__fail(
            context, PEEK_E_UNSUPPORTED,
            "'%s' has %d dimension%s: reshape it to samples x width, samples x height x width, samples x "
            "channels x height x width, or samples x channels x depth x height x width",
            path, npy->dimensions, npy->dimensions == 1 ? "" : "s");
    int64_t *sizes[] = {&content->channels, &content->height, &content->width};
    for (int i = 0; i < 3; i++) *sizes[i] = 1;
    int first = npy->dimensions > 4 ? 0 : 4 - npy->dimensions;
    for (int i = 1; i < npy->dimensions; i++) {
        int size = first + i - 1 - (npy->dimensions > 4 && i > 2); /* depth and height share one */
        *sizes[size] *= npy->shape[i];
    }
    content->count = npy->rows;
    return PEEK_OK;
}

/* T x H x W x C where the shape leaves no doubt: 1, 3 or 4 channels, behind sides of more. */
static void take_channels_last(peek_context *context, const char *path, peek__content *content)
{
    const peek__npy *npy = &content->values;
    if (npy->dimensions != 4 || content->channels <= MOST_CHANNELS || content->height <= MOST_CHANNELS) return;
    int64_t last = content->width;
    if (last != 1 && last != 3 && last != MOST_CHANNELS) return;
    content->width = content->height;
    content->height = content->channels;
    content->stored = (int)last;
    content->channels = last == MOST_CHANNELS && content->pictures ? 3 : last; /* without alpha */
    peek__note(context, "'%s' is taken as samples x height x width x channels = %lld x %lld x %lld x %lld%s",
               path, (long long)content->count, (long long)content->height, (long long)content->width,
               (long long)last, content->channels < last ? ", the last of which is left out" : "");
}

static peek_status read_array(peek_context *context, const char *path, peek__content *content)
{
    float least = 0, largest = 0;
    PEEK_TRY(peek__npy_open(context, path, &content->values));
    PEEK_TRY(take_shape(context, path, content));
    int whole = content->values.type == PEEK__UINT8 || content->values.type == PEEK__UINT16;
    if (!whole) PEEK_TRY(peek__content_check(context, content, path, &least, &largest));
    content->pictures = whole || (content->height > 1 && least >= 0 && largest <= 1);
    take_channels_last(context, path, content);
    return PEEK_OK;
}

const peek__data_format peek__array_format = {"array", recognise_array, read_array};

static peek__likeness recognise_saved(const peek__candidate *candidate)
{
    return candidate->saved ? PEEK__RECOGNISED : PEEK__FOREIGN;
}

/* The names of the classes, where dataset.json gives one for each label that occurs. */
static peek_status read_class_names(peek_context *context, const char *path, peek__classes *classes)
{
    cJSON *json;
    PEEK_TRY(peek__json_find(context, path, &json));
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(json, "classes"), *name;
    int64_t count = cJSON_IsArray(names) ? cJSON_GetArraySize(names) : 0, i = 0;
    const char **texts = NULL;
    peek__classes named = {0};
    peek_status status = PEEK_OK;
    if (count >= classes->count && count > 0) {
        status = peek__alloc(context, &texts, count, "the names of classes");
        if (status == PEEK_OK)
            cJSON_ArrayForEach(name, names) texts[i++] = cJSON_IsString(name) ? name->valuestring : "?";
        if (status == PEEK_OK) status = peek__classes_copy(context, &named, texts, count);
        if (status == PEEK_OK) {
            peek__classes_free(classes);
            *classes = named;
        }
    }
    peek__free(&texts);
    cJSON_Delete(json);
    return status;
}

static peek_status read_parts(peek_context *context, const char *images, const char *labels, const char *about,
                              peek__content *content)
{
    struct stat looks;
    int labelled;
    PEEK_TRY(peek__file_look(context, images, &looks));
    content->stamp = peek__change_time(&looks);
    PEEK_TRY(read_array(context, images, content));
    PEEK_TRY(peek__find_file(context, labels, &labelled));
    if (!labelled) return PEEK_OK;
    PEEK_TRY(peek__labels_read(context, labels, content->count, &content->labels, &content->classes));
    return read_class_names(context, about, &content->classes);
}

static peek_status read_saved(peek_context *context, const char *path, peek__content *content)
{
    char *images = NULL, *labels = NULL, *about = NULL;
    peek_status status = peek__format(context, &images, "%s/images.npy", path);
    if (status == PEEK_OK) status = peek__format(context, &labels, "%s/labels.npy", path);
    if (status == PEEK_OK) status = peek__format(context, &about, "%s/dataset.json", path);
    if (status == PEEK_OK) status = read_parts(context, images, labels, about, content);
    peek__free(&images);
    peek__free(&labels);
    peek__free(&about);
    return status;
}

const peek__data_format peek__saved_format = {"saved dataset", recognise_saved, read_saved};
