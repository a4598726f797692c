/* measure/layer.c: counts and spectra of one block. */
#include "measure/layer.h"

#include <math.h>

#include "base/memory.h"
#include "measure/document.h"
#include "measure/sampled.h"
#include "measure/spectrum.h"

enum {
    COUNT_ROWS = 64, /* rows a task counts */
    SPECTRUM_LIMIT =
        4000, /* above this many samples and columns, the spectrum is that of evenly spaced samples */
    VALUES_KEPT = 200
};

typedef struct count_work {
    const peek__npy *x;
    float *buffers;      /* threads x COUNT_ROWS x columns */
    unsigned char *used; /* threads x columns */
    peek__layer_counts *parts;
} count_work;

static peek_status count_tile(void *argument, int64_t tile, int thread)
{
    count_work *work = argument;
    int64_t n = work->x->columns, first = tile * COUNT_ROWS;
    int64_t rows = work->x->rows - first < COUNT_ROWS ? work->x->rows - first : COUNT_ROWS;
    float *values = work->buffers + thread * COUNT_ROWS * n;
    unsigned char *used = work->used + thread * n;
    peek__npy_floats(work->x, first * n, rows * n, values);
    peek__layer_counts part = {.smallest = INFINITY, .largest = -INFINITY};
    for (int64_t t = 0; t < rows; t++)
        for (int64_t i = 0; i < n; i++) {
            double v = values[t * n + i];
            part.norm += v * v;
            part.mean += v;
            part.zeros += v == 0;
            used[i] |= v != 0;
            if (v < part.smallest) part.smallest = v;
            if (v > part.largest) part.largest = v;
        }
    work->parts[tile] = part;
    return PEEK_OK;
}

static peek_status count_all(peek_context *context, count_work *work, peek__layer_counts *out)
{
    int64_t n = work->x->columns, tiles = (work->x->rows + COUNT_ROWS - 1) / COUNT_ROWS,
            threads = peek__workers(context, tiles);
    PEEK_TRY(peek__alloc(context, &work->buffers, peek__product(threads * COUNT_ROWS, n), "measuring a layer"));
    PEEK_TRY(peek__alloc(context, &work->used, peek__product(threads, n), "measuring a layer"));
    PEEK_TRY(peek__alloc(context, &work->parts, tiles, "measuring a layer"));
    PEEK_TRY(peek__parallel(context, tiles, count_tile, work));
    for (int64_t i = 0; i < tiles; i++) {
        const peek__layer_counts *part = &work->parts[i];
        out->norm += part->norm;
        out->mean += part->mean;
        out->zeros += part->zeros;
        if (part->smallest < out->smallest) out->smallest = part->smallest;
        if (part->largest > out->largest) out->largest = part->largest;
    }
    for (int64_t i = 0; i < n; i++) {
        int used = 0;
        for (int64_t thread = 0; thread < threads; thread++) used |= work->used[thread * n + i];
        out->unused += !used;
    }
    double count = (double)work->x->rows * (double)n;
    out->norm = sqrt(out->norm);
    out->mean /= count;
    out->zeros /= count;
    return PEEK_OK;
}

peek_status peek__layer_count(peek_context *context, const peek__npy *x, peek__layer_counts *out)
{
    *out = (peek__layer_counts){.smallest = INFINITY, .largest = -INFINITY};
    count_work work = {.x = x};
    peek_status status = count_all(context, &work, out);
    peek__free(&work.buffers);
    peek__free(&work.used);
    peek__free(&work.parts);
    return status;
}

/* Spectra of at most SPECTRUM_LIMIT evenly spaced samples where both dimensions are larger; the singular values
 * as they are are scaled by sqrt(T / samples) to the size they would have. */
static peek_status put_spectra(peek_context *context, const peek__npy *x, cJSON *json)
{
    peek__sampled sampled;
    double *raw = NULL, *centred = NULL;
    PEEK_TRY(peek__sample(context, x, x->columns > SPECTRUM_LIMIT ? SPECTRUM_LIMIT : x->rows, &sampled));
    int64_t samples = sampled.rows.rows, count = samples < x->columns ? samples : x->columns;
    peek_status status = peek__alloc(context, &raw, count, "singular values");
    if (status == PEEK_OK) status = peek__alloc(context, &centred, count, "singular values");
    if (status == PEEK_OK) status = peek__spectra(context, &sampled.rows, raw, centred, count);
    if (status == PEEK_OK) {
        double scale = sqrt((double)x->rows / (double)samples);
        for (int64_t i = 0; i < count; i++) raw[i] *= scale;
        peek__put_spectral(json, raw, count);
        peek__put_spectral(cJSON_AddObjectToObject(json, "centred"), centred, count);
        cJSON_AddNumberToObject(json, "singular_value_samples", (double)samples);
        cJSON_AddItemToObject(json, "singular_values",
                              cJSON_CreateDoubleArray(raw, (int)(count < VALUES_KEPT ? count : VALUES_KEPT)));
    }
    peek__free(&raw);
    peek__free(&centred);
    peek__sampled_clear(&sampled);
    return status;
}

static void put_counts(const peek__npy *x, const peek__layer_counts *counts, cJSON *json)
{
    cJSON_AddNumberToObject(json, "columns", (double)x->columns);
    peek__put_number(json, "norm", counts->norm);
    peek__put_number(json, "mean", counts->mean);
    peek__put_number(json, "smallest", counts->smallest);
    peek__put_number(json, "largest", counts->largest);
    peek__put_number(json, "zeros", counts->zeros);
    cJSON_AddNumberToObject(json, "unused", (double)counts->unused);
}

peek_status peek__layer_measure(peek_context *context, const peek__npy *x, cJSON **out)
{
    peek__layer_counts counts;
    *out = NULL;
    PEEK_TRY(peek__layer_count(context, x, &counts));
    cJSON *json = cJSON_CreateObject();
    put_counts(x, &counts, json);
    peek_status status = put_spectra(context, x, json);
    if (status == PEEK_OK)
        *out = json;
    else
        cJSON_Delete(json);
    return status;
}
