/* data/resample.c: pictures in another size, by a triangle filter. */
#include "data/resample.h"

#include <math.h>

#include "base/memory.h"

void peek__cover(int64_t height, int64_t width, int64_t wanted_height, int64_t wanted_width, int64_t out[2])
{
    if (wanted_height * width >= wanted_width * height) {
        out[0] = wanted_height;
        out[1] = width * wanted_height / height;
    } else {
        out[0] = height * wanted_width / width;
        out[1] = wanted_width;
    }
}

/* What goes into each number along one side: `count` inputs from `first` on, with weights. */
typedef struct taps {
    int64_t most; /* of count */
    int64_t *first, *count;
    float *weight; /* most each */
} taps;

static void free_taps(taps *t)
{
    peek__free(&t->first);
    peek__free(&t->count);
    peek__free(&t->weight);
}

/* For outputs begin .. begin+outputs-1 of a side of `in` that becomes `resized`. */
static peek_status make_taps(peek_context *context, int64_t in, int64_t resized, int64_t begin, int64_t outputs,
                             taps *t)
{
    double scale = (double)in / (double)resized, reach = scale > 1 ? scale : 1;
    t->most = 2 * (int64_t)ceil(reach) + 1;
    PEEK_TRY(peek__alloc(context, &t->first, outputs, "resizing a picture"));
    PEEK_TRY(peek__alloc(context, &t->count, outputs, "resizing a picture"));
    PEEK_TRY(peek__alloc(context, &t->weight, outputs * t->most, "resizing a picture"));
    for (int64_t i = 0; i < outputs; i++) {
        double centre = scale * ((double)(begin + i) + 0.5), sum = 0;
        int64_t low = (int64_t)(centre - reach + 0.5), high = (int64_t)(centre + reach + 0.5);
        if (centre - reach + 0.5 < 0) low = 0;
        if (high > in) high = in;
        float *weight = t->weight + i * t->most;
        t->first[i] = low;
        t->count[i] = high - low;
        for (int64_t j = low; j < high; j++) {
            double far = fabs((double)j + 0.5 - centre) / reach;
            weight[j - low] = (float)(far < 1 ? 1 - far : 0);
            sum += far < 1 ? 1 - far : 0;
        }
        for (int64_t j = 0; j < t->count[i]; j++) weight[j] = (float)(weight[j] / sum);
    }
    return PEEK_OK;
}

static void across(const taps *t, const float *line, int64_t outputs, float *out)
{
    for (int64_t i = 0; i < outputs; i++) {
        const float *weight = t->weight + i * t->most, *from = line + t->first[i];
        float sum = 0;
        for (int64_t j = 0; j < t->count[i]; j++) sum += weight[j] * from[j];
        out[i] = sum;
    }
}

/* One line of the result from the lines that go into it. */
static void down(const taps *t, int64_t i, const float *lines, int64_t width, float *out)
{
    const float *weight = t->weight + i * t->most;
    for (int64_t x = 0; x < width; x++) out[x] = 0;
    for (int64_t j = 0; j < t->count[i]; j++)
        for (int64_t x = 0; x < width; x++) out[x] += weight[j] * lines[(t->first[i] + j) * width + x];
}

static int64_t middle(int64_t resized, int64_t wanted)
{
    return (int64_t)nearbyint((double)(resized - wanted) / 2);
}

peek_status peek__resample(peek_context *context, const float *in, int64_t channels, int64_t height,
                           int64_t width, const int64_t resized[2], int64_t wanted_height, int64_t wanted_width,
                           float *out)
{
    taps rows = {0}, columns = {0};
    float *lines = NULL;
    peek_status status =
        make_taps(context, height, resized[0], middle(resized[0], wanted_height), wanted_height, &rows);
    if (status == PEEK_OK)
        status =
            make_taps(context, width, resized[1], middle(resized[1], wanted_width), wanted_width, &columns);
    if (status == PEEK_OK)
        status = peek__alloc(context, &lines, peek__product(height, wanted_width), "resizing a picture");
    for (int64_t c = 0; status == PEEK_OK && c < channels; c++) {
        int64_t last = rows.first[wanted_height - 1] + rows.count[wanted_height - 1];
        for (int64_t y = rows.first[0]; y < last; y++)
            across(&columns, in + (c * height + y) * width, wanted_width, lines + y * wanted_width);
        for (int64_t y = 0; y < wanted_height; y++)
            down(&rows, y, lines, wanted_width, out + (c * wanted_height + y) * wanted_width);
    }
    peek__free(&lines);
    free_taps(&rows);
    free_taps(&columns);
    return status;
}
