/* data/content.c: holding, checking and freeing the samples of one source. */
#include "data/content.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { TILE = 1 << 16 };

void peek__classes_free(peek__classes *classes)
{
    for (int64_t i = 0; classes->names && i < classes->count; i++) peek__free(&classes->names[i]);
    peek__free(&classes->names);
    classes->count = 0;
}

static peek_status begin_classes(peek_context *context, peek__classes *classes, int64_t count)
{
    *classes = (peek__classes){0};
    PEEK_TRY(peek__alloc(context, &classes->names, count, "the names of classes"));
    classes->count = count;
    return PEEK_OK;
}

peek_status peek__classes_number(peek_context *context, peek__classes *classes, int64_t count)
{
    PEEK_TRY(begin_classes(context, classes, count));
    peek_status status = PEEK_OK;
    for (int64_t i = 0; status == PEEK_OK && i < count; i++)
        status = peek__format(context, &classes->names[i], "%lld", (long long)i);
    if (status != PEEK_OK) peek__classes_free(classes);
    return status;
}

peek_status peek__classes_copy(peek_context *context, peek__classes *classes, const char *const *names,
                               int64_t count)
{
    PEEK_TRY(begin_classes(context, classes, count));
    peek_status status = PEEK_OK;
    for (int64_t i = 0; status == PEEK_OK && i < count; i++)
        status = peek__copy_text(context, &classes->names[i], names[i]);
    if (status != PEEK_OK) peek__classes_free(classes);
    return status;
}

peek_status peek__content_hold(peek_context *context, peek__content *content, peek__type type, int64_t count,
                               int64_t channels, int64_t height, int64_t width)
{
    content->count = count;
    content->channels = channels;
    content->height = height;
    content->width = width;
    int64_t size = peek__product(peek__product(channels, height), width);
    int64_t bytes = peek__product(peek__product(size, count), (int64_t)peek__type_size(type));
    if (bytes < 0)
        return peek__fail(context, PEEK_E_FORMAT,
                          "%lld samples of %lld x %lld x %lld values are more than fit anywhere",
                          (long long)count, (long long)channels, (long long)height, (long long)width);
    PEEK_TRY(peek__alloc_bytes(context, &content->owned, bytes, 1, "the samples"));
    content->values = (peek__npy){.type = type, .data = content->owned, .rows = count, .columns = size};
    return PEEK_OK;
}

/* What one tile of values holds. */
typedef struct extent {
    int64_t bad; /* the first value that is not finite, or -1 */
    float least, largest;
} extent;

typedef struct check {
    const peek__content *content;
    int64_t total;
    extent *extents;
} check;

static peek_status check_tile(void *argument, int64_t index, int thread)
{
    (void)thread;
    const check *c = argument;
    extent *e = &c->extents[index];
    float values[1024];
    *e = (extent){-1, INFINITY, -INFINITY};
    int64_t end = (index + 1) * TILE < c->total ? (index + 1) * TILE : c->total;
    for (int64_t at = index * TILE; at < end && e->bad < 0; at += 1024) {
        int64_t count = end - at < 1024 ? end - at : 1024;
        peek__npy_floats(&c->content->values, at, count, values);
        for (int64_t i = 0; i < count; i++) {
            if (!isfinite(values[i]) && e->bad < 0) e->bad = at + i;
            if (values[i] < e->least) e->least = values[i];
            if (values[i] > e->largest) e->largest = values[i];
        }
    }
    return PEEK_OK;
}

peek_status peek__content_check(peek_context *context, const peek__content *content, const char *path,
                                float *least, float *largest)
{
    check c = {.content = content, .total = content->values.rows * content->values.columns};
    int64_t tiles = (c.total + TILE - 1) / TILE, bad = -1;
    PEEK_TRY(peek__alloc(context, &c.extents, tiles, "checking values"));
    peek_status status = peek__parallel(context, tiles, check_tile, &c);
    *least = INFINITY;
    *largest = -INFINITY;
    for (int64_t i = 0; status == PEEK_OK && i < tiles; i++) {
        if (bad < 0) bad = c.extents[i].bad;
        *least = fminf(*least, c.extents[i].least);
        *largest = fmaxf(*largest, c.extents[i].largest);
    }
    peek__free(&c.extents);
    if (status == PEEK_OK && bad >= 0)
        return peek__fail(
            context, PEEK_E_VALUE,
            "'%s' holds a value that is infinite or not a number: sample %lld, value %lld; replace it", path,
            (long long)(bad / content->values.columns), (long long)(bad % content->values.columns));
    return status;
}

peek_status peek__content_number_labels(peek_context *context, const int32_t *labels, int64_t count,
                                        const char *path, peek__classes *classes)
{
    int32_t largest = -1;
    for (int64_t i = 0; i < count; i++) {
        if (labels[i] < 0 || labels[i] >= PEEK__MOST_CLASSES)
            return peek__fail(context, PEEK_E_VALUE,
                              "%s holds the label %d for sample %lld: labels are 0 to %d", path, (int)labels[i],
                              (long long)i, PEEK__MOST_CLASSES - 1);
        if (labels[i] > largest) largest = labels[i];
    }
    return peek__classes_number(context, classes, (int64_t)largest + 1);
}

void peek__content_clear(peek__content *content)
{
    if (content->values.mapping) peek__npy_close(&content->values);
    peek__free(&content->owned);
    for (int64_t i = 0; content->files && i < content->count; i++) peek__free(&content->files[i]);
    peek__free(&content->files);
    for (int64_t i = 0; i < content->skipped_count; i++) {
        peek__free(&content->skipped[i].name);
        peek__free(&content->skipped[i].reason);
    }
    peek__free(&content->skipped);
    peek__free(&content->labels);
    peek__classes_free(&content->classes);
    *content = (peek__content){0};
}
