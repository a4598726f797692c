/* measure/layer.c: counts and spectra of one block. */
#include "measure/layer.h"

#include <math.h>

#include "base/memory.h"
#include "nnpeek/measure.h"

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

/* Singular values of all samples, or of SPECTRUM_LIMIT evenly spaced ones where both dimensions are larger,
 * then scaled by sqrt(T / samples) to the size they would have. */
static peek_status spectrum(peek_context *context, const peek__npy *x, double **values, int64_t *count,
                            int64_t *samples)
{
    int64_t n = x->columns;
    float *rows = NULL;
    *samples = x->rows > SPECTRUM_LIMIT && n > SPECTRUM_LIMIT ? SPECTRUM_LIMIT : x->rows;
    *count = *samples < n ? *samples : n;
    PEEK_TRY(peek__alloc(context, values, *count, "singular values"));
    if (*samples == x->rows && x->type == PEEK__FLOAT32)
        return peek_singular_values(context, x->data, x->rows, n, n, *values, *count);
    PEEK_TRY(peek__alloc(context, &rows, peek__product(*samples, n), "singular values"));
    for (int64_t i = 0; i < *samples; i++) peek__npy_floats(x, i * x->rows / *samples * n, n, rows + i * n);
    peek_status status = peek_singular_values(context, rows, *samples, n, n, *values, *count);
    double scale = sqrt((double)x->rows / (double)*samples);
    for (int64_t i = 0; i < *count; i++) (*values)[i] *= scale;
    peek__free(&rows);
    return status;
}

static double stable_rank(const double *values, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += values[i] * values[i];
    return count && values[0] > 0 ? sum / (values[0] * values[0]) : 0;
}

peek_status peek__layer_measure(peek_context *context, const peek__npy *x, cJSON **out)
{
    peek__layer_counts counts;
    double *values = NULL;
    int64_t count = 0, samples = 0;
    PEEK_TRY(peek__layer_count(context, x, &counts));
    peek_status status = spectrum(context, x, &values, &count, &samples);
    if (status == PEEK_OK) {
        cJSON *json = *out = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "columns", (double)x->columns);
        cJSON_AddNumberToObject(json, "norm", counts.norm);
        cJSON_AddNumberToObject(json, "mean", counts.mean);
        cJSON_AddNumberToObject(json, "smallest", counts.smallest);
        cJSON_AddNumberToObject(json, "largest", counts.largest);
        cJSON_AddNumberToObject(json, "zeros", counts.zeros);
        cJSON_AddNumberToObject(json, "unused", (double)counts.unused);
        cJSON_AddNumberToObject(json, "effective_rank", peek_effective_rank(values, count));
        cJSON_AddNumberToObject(json, "stable_rank", stable_rank(values, count));
        cJSON_AddNumberToObject(json, "singular_value_samples", (double)samples);
        cJSON_AddItemToObject(
            json, "singular_values",
            cJSON_CreateDoubleArray(values, (int)(count < VALUES_KEPT ? count : VALUES_KEPT)));
    }
    peek__free(&values);
    return status;
}
