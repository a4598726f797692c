/* data/moments.c: mean and standard deviation of every channel.
 *
 *     mean_c = sum_{t,i} x_tci / (T H W)      deviation_c = sqrt(sum_{t,i} (x_tci - mean_c)^2 / (T H W))
 *
 * in double, over tiles of samples whose sums are added in order: the same bits for any number of threads. */
#include <math.h>

#include "base/memory.h"
#include "data/content.h"

enum { TILE = 64 };

typedef struct sums {
    peek_context *context;
    const peek_dataset *dataset;
    const double *mean; /* NULL in the first pass: subtract nothing, sum the values */
    double *tiles;      /* tiles x channels */
    float *scratch;     /* workers x TILE x sample */
} sums;

static peek_status sum_tile(void *argument, int64_t index, int thread)
{
    const sums *s = argument;
    const peek_dataset *dataset = s->dataset;
    int64_t first = index * TILE, left = dataset->count - first, size = peek__dataset_size(dataset);
    int64_t count = left < TILE ? left : TILE, plane = dataset->height * dataset->width;
    float *x = s->scratch + thread * TILE * size;
    PEEK_TRY(peek_dataset_read(s->context, s->dataset, first, count, x));
    for (int64_t t = 0; t < count; t++)
        for (int64_t c = 0; c < dataset->channels; c++) {
            double sum = 0;
            for (int64_t i = 0; i < plane; i++) {
                double value = x[t * size + c * plane + i];
                sum += s->mean ? (value - s->mean[c]) * (value - s->mean[c]) : value;
            }
            s->tiles[index * dataset->channels + c] += sum;
        }
    return PEEK_OK;
}

static peek_status one_pass(sums *s, int64_t tiles, double *out)
{
    int64_t channels = s->dataset->channels;
    for (int64_t i = 0; i < tiles * channels; i++) s->tiles[i] = 0;
    PEEK_TRY(peek__parallel(s->context, tiles, sum_tile, s));
    double entries = (double)s->dataset->count * (double)(peek__dataset_size(s->dataset) / channels);
    for (int64_t c = 0; c < channels; c++) {
        out[c] = 0;
        for (int64_t i = 0; i < tiles; i++) out[c] += s->tiles[i * channels + c];
        out[c] /= entries;
    }
    return PEEK_OK;
}

peek_status peek_dataset_moments(peek_context *context, const peek_dataset *dataset, double *mean,
                                 double *deviation)
{
    sums s = {.context = context, .dataset = dataset};
    int64_t tiles = (dataset->count + TILE - 1) / TILE;
    peek_status status = peek__alloc(context, &s.tiles, tiles * dataset->channels, "the sums of channels");
    if (status == PEEK_OK)
        status = peek__alloc(
            context, &s.scratch,
            peek__product(peek__dataset_size(dataset), (int64_t)TILE * peek__workers(context, tiles)),
            "samples");
    if (status == PEEK_OK) status = one_pass(&s, tiles, mean);
    s.mean = mean;
    if (status == PEEK_OK) status = one_pass(&s, tiles, deviation);
    for (int64_t c = 0; status == PEEK_OK && c < dataset->channels; c++) deviation[c] = sqrt(deviation[c]);
    peek__free(&s.tiles);
    peek__free(&s.scratch);
    return status;
}
