/* data/read.c: samples as floats: from an array or from picture files, as they are or brought to another size.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/content.h"
#include "data/picture.h"
#include "data/resample.h"

enum { TILE = 16, ROUND = 64 }; /* samples a task holds; tasks between two steps of progress */

/* One sample as its source has it. */
typedef struct raw {
    int64_t channels, height, width;
    float *values;
} raw;

/* Channels last to channels first; what the content has no channel for (alpha) is left out. */
static void spread(const float *pixels, int stored, int64_t channels, int64_t plane, float *out)
{
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < plane; i++) out[c * plane + i] = pixels[i * stored + c];
}

static peek_status read_array(peek_context *context, const peek__content *content, int64_t place, float *out)
{
    int64_t stored = content->values.columns;
    float largest = content->pictures && content->values.type == PEEK__UINT8    ? 255
                    : content->pictures && content->values.type == PEEK__UINT16 ? 65535
                                                                                : 1;
    float *pixels = out;
    if (content->stored) PEEK_TRY(peek__alloc(context, &pixels, stored, "a sample"));
    peek__npy_floats(&content->values, place * stored, stored, pixels);
    if (largest > 1)
        for (int64_t i = 0; i < stored; i++) pixels[i] /= largest;
    if (!content->stored) return PEEK_OK;
    spread(pixels, content->stored, content->channels, content->height * content->width, out);
    peek__free(&pixels);
    return PEEK_OK;
}

static void widen(const void *pixels, int deep, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = deep ? (float)((const uint16_t *)pixels)[i] / 65535.0f
                      : (float)((const uint8_t *)pixels)[i] / 255.0f;
}

/* Decodes one file; resized: the size in which it covers the dataset's. The caller frees out->values. */
static peek_status read_file(peek_context *context, const peek_dataset *dataset, const char *path, raw *out,
                             int64_t resized[2])
{
    peek__picture picture;
    void *pixels;
    int64_t height = dataset->fitted ? dataset->height : 0, width = dataset->fitted ? dataset->width : 0;
    peek_status status = peek__picture_read(context, path, height, width, &picture, &pixels);
    if (status == PEEK_E_FORMAT && !dataset->content->skip_broken)
        peek__fail_more(context, status, "--skip-broken leaves out such files");
    PEEK_TRY(status);
    int64_t count = picture.channels * picture.height * picture.width;
    *out = (raw){picture.channels, picture.height, picture.width, NULL};
    status = peek__alloc_raw(context, &out->values, count, "the pixels of a picture");
    if (status == PEEK_OK) widen(pixels, picture.deep, count, out->values);
    peek__free(&pixels);
    int as_before = picture.height == dataset->height && picture.width == dataset->width &&
                    picture.channels <= dataset->channels;
    if (status == PEEK_OK && !dataset->fitted && !as_before)
        status = peek__fail(context, PEEK_E_IO, "'%s' changed while it was read", path);
    if (dataset->fitted) peek__cover(picture.whole_height, picture.whole_width, height, width, resized);
    return status;
}

/* Grey planes for each channel; luma of colour (ITU-R BT.601) for one. In place: room for the larger of both.
 */
static void change_colours(float *values, int64_t plane, int64_t from, int64_t to)
{
    for (int64_t c = 1; from == 1 && c < to; c++)
        memcpy(values + c * plane, values, (size_t)plane * sizeof *values);
    for (int64_t i = 0; from == 3 && to == 1 && i < plane; i++)
        values[i] = 0.299f * values[i] + 0.587f * values[plane + i] + 0.114f * values[2 * plane + i];
}

/* Brings a picture to the dataset's shape. */
static peek_status fit(peek_context *context, const peek_dataset *dataset, raw *picture,
                       const int64_t resized[2], float *out)
{
    int64_t channels = picture->channels, plane = picture->height * picture->width;
    if (channels > dataset->channels) {
        change_colours(picture->values, plane, channels, dataset->channels);
        channels = dataset->channels;
    }
    if (picture->height == dataset->height && picture->width == dataset->width)
        memcpy(out, picture->values, (size_t)(channels * plane) * sizeof *out);
    else
        PEEK_TRY(peek__resample(context, picture->values, channels, picture->height, picture->width, resized,
                                dataset->height, dataset->width, out));
    change_colours(out, dataset->height * dataset->width, channels, dataset->channels);
    return PEEK_OK;
}

/* One sample of files, or of an array in another size. */
static peek_status read_picture(peek_context *context, const peek_dataset *dataset, int64_t place, float *out)
{
    const peek__content *content = dataset->content;
    raw picture = {content->channels, content->height, content->width, NULL};
    int64_t resized[2] = {dataset->height, dataset->width};
    peek_status status = PEEK_OK;
    if (content->files) {
        status = read_file(context, dataset, content->files[place], &picture, resized);
    } else {
        peek__cover(picture.height, picture.width, dataset->height, dataset->width, resized);
        status = peek__alloc_raw(context, &picture.values, picture.channels * picture.height * picture.width,
                                 "the pixels of a picture");
        if (status == PEEK_OK) status = read_array(context, content, place, picture.values);
    }
    if (status == PEEK_OK) status = fit(context, dataset, &picture, resized, out);
    peek__free(&picture.values);
    return status;
}

static peek_status refuse_mixed(peek_context *context, const peek_dataset *dataset)
{
    return peek__fail(context, PEEK_E_SHAPE,
                      "the pictures of '%s' are of several sizes: bring them to one size first", dataset->name);
}

peek_status peek_dataset_read(peek_context *context, const peek_dataset *dataset, int64_t first, int64_t count,
                              float *out)
{
    if (first < 0 || count < 0 || first > dataset->count - count)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "%lld samples from number %lld on were asked for, but '%s' has %lld",
                          (long long)count, (long long)first, dataset->name, (long long)dataset->count);
    const peek__content *content = dataset->content;
    if (content->mixed && !dataset->fitted) return refuse_mixed(context, dataset);
    int plain = !content->files && !dataset->fitted;
    for (int64_t t = 0; t < count; t++, out += peek__dataset_size(dataset)) {
        int64_t place = dataset->indices[first + t];
        PEEK_TRY(plain ? read_array(context, content, place, out) : read_picture(context, dataset, place, out));
    }
    return PEEK_OK;
}

peek_status peek_dataset_fit(peek_context *context, const peek_dataset *from, int64_t channels, int64_t height,
                             int64_t width, peek_dataset **out)
{
    if (!from || !out || channels < 1 || height < 1 || width < 1)
        return peek__fail(context, PEEK_E_ARGUMENT, "there are no pictures to fit, or no size to fit them to");
    *out = NULL;
    int colours = from->channels == channels || (from->channels == 1 && channels == 3) ||
                  (from->channels == 3 && channels == 1);
    if (!from->content->pictures)
        return peek__fail(
            context, PEEK_E_SHAPE,
            "'%s' holds no pictures, but samples of %lld x %lld x %lld values: give samples of %lld x "
            "%lld x %lld",
            from->name, (long long)from->channels, (long long)from->height, (long long)from->width,
            (long long)channels, (long long)height, (long long)width);
    if (!colours)
        return peek__fail(
            context, PEEK_E_SHAPE,
            "the pictures of '%s' have %lld channels, and %lld are wanted: only grey and colour can be "
            "turned into each other",
            from->name, (long long)from->channels, (long long)channels);
    PEEK_TRY(peek_dataset_select(context, from, NULL, out));
    if (from->channels == channels && from->height == height && from->width == width) return PEEK_OK;
    (*out)->fitted = 1;
    (*out)->channels = channels;
    (*out)->height = height;
    (*out)->width = width;
    return PEEK_OK;
}

/* Reading all samples into memory. */
typedef struct holding {
    peek_context *context;
    const peek_dataset *from;
    peek__content *content;
    int64_t first_tile;
    float *scratch; /* workers x sample */
} holding;

static peek_status hold_tile(void *argument, int64_t index, int thread)
{
    const holding *h = argument;
    int64_t size = peek__dataset_size(h->from), first = (h->first_tile + index) * TILE, end = first + TILE;
    float *values = h->scratch + thread * size;
    for (int64_t t = first; t < end && t < h->from->count; t++) {
        PEEK_TRY(peek_dataset_read(h->context, h->from, t, 1, values));
        for (int64_t i = 0; i < size; i++)
            if (h->content->values.type == PEEK__UINT8)
                ((uint8_t *)h->content->owned)[t * size + i] = (uint8_t)lrintf(values[i] * 255);
            else if (h->content->values.type == PEEK__UINT16)
                ((uint16_t *)h->content->owned)[t * size + i] = (uint16_t)lrintf(values[i] * 65535);
            else
                ((float *)h->content->owned)[t * size + i] = values[i];
    }
    return PEEK_OK;
}

static peek_status hold_all(holding *h)
{
    const peek_dataset *from = h->from;
    int64_t tiles = (from->count + TILE - 1) / TILE;
    peek__type type = from->fitted ? PEEK__FLOAT32 : from->content->deep ? PEEK__UINT16 : PEEK__UINT8;
    if (from->content->mixed && !from->fitted) return refuse_mixed(h->context, from);
    PEEK_TRY(peek__content_hold(h->context, h->content, type, from->count, from->channels, from->height,
                                from->width));
    h->content->pictures = 1;
    PEEK_TRY(peek__alloc(h->context, &h->scratch,
                         peek__product(peek__dataset_size(from), peek__workers(h->context, tiles)),
                         "a picture"));
    peek__stage(h->context, "data", "reading pictures", from->count);
    for (int64_t tile = 0; tile < tiles; tile += ROUND) {
        int64_t count = tiles - tile < ROUND ? tiles - tile : ROUND, done = (tile + count) * TILE;
        h->first_tile = tile;
        PEEK_TRY(peek__parallel(h->context, count, hold_tile, h));
        PEEK_TRY(peek__step(h->context, done < from->count ? done : from->count));
    }
    return PEEK_OK;
}

peek_status peek__dataset_hold(peek_context *context, const peek_dataset *from, peek_dataset **out)
{
    *out = NULL;
    PEEK_TRY(peek_dataset_select(context, from, NULL, out));
    if (!from->content->files && !from->fitted) return PEEK_OK;
    peek__content content = {0};
    peek_dataset *held = NULL;
    holding h = {.context = context, .from = from, .content = &content};
    peek_status status = hold_all(&h);
    peek__free(&h.scratch);
    if (status == PEEK_OK)
        status = peek__dataset_wrap(context, &content, from->name, &held);
    else
        peek__content_clear(&content);
    if (status == PEEK_OK) { /* with the labels and names of classes that the choice has */
        peek__classes classes = held->classes;
        int32_t *labels = held->labels;
        held->classes = (*out)->classes;
        held->labels = (*out)->labels;
        (*out)->classes = classes;
        (*out)->labels = labels;
    }
    peek_dataset_free(out);
    *out = held;
    return status;
}
