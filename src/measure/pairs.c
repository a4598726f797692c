/* measure/pairs.c: linear CKA of all pairs of blocks, and intrinsic dimensions, from the same inner products.
 */
#include "measure/pairs.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "measure/alignment.h"
#include "measure/document.h"
#include "measure/neighbours.h"
#include "measure/sampled.h"
#include "nnpeek/measure.h"

enum { SAMPLES_MOST = 2000 };

static const double kernels_most = 1 << 27; /* floats of all kernels together: 512 MB */

peek_status peek__pairs_begin(peek_context *context, int64_t blocks, peek__pairs *out)
{
    *out = (peek__pairs){.capacity = blocks, .most = SAMPLES_MOST};
    double room = sqrt(2 * kernels_most / (double)(blocks ? blocks : 1));
    if (room < SAMPLES_MOST) out->most = (int64_t)room;
    PEEK_TRY(peek__alloc(context, &out->samples, blocks, "kernels of blocks"));
    PEEK_TRY(peek__alloc(context, &out->alignments, peek__product(blocks, blocks), "kernels of blocks"));
    PEEK_TRY(peek__alloc(context, &out->neighbours, blocks, "kernels of blocks"));
    return peek__alloc(context, &out->kernel, blocks, "kernels of blocks");
}

static peek_status keep_kernel(peek_context *context, peek__pairs *pairs, const double *inner, int64_t m)
{
    double *sums = NULL;
    if (m < 4) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &sums, m, "a kernel"));
    peek_status status = peek__alloc_raw(context, &pairs->kernel[pairs->count], m * (m - 1) / 2, "a kernel");
    if (status == PEEK_OK) peek__u_centre(inner, m, sums, pairs->kernel[pairs->count]);
    peek__free(&sums);
    return status;
}

static peek_status keep_neighbours(peek_context *context, peek__pairs *pairs, const double *inner, int64_t m)
{
    int32_t **out = &pairs->neighbours[pairs->count];
    if (m <= PEEK_NEIGHBOURS) return PEEK_OK;
    PEEK_TRY(peek__alloc_raw(context, out, m * PEEK_NEIGHBOURS, "nearest neighbours"));
    return peek__neighbours_find(context, inner, m, *out);
}

static peek_status add(peek_context *context, peek__pairs *pairs, const peek__rows *x, double *inner,
                       cJSON *measures)
{
    double dimension = NAN;
    PEEK_TRY(peek__inner_products(context, x, 0, inner));
    PEEK_TRY(peek__two_nn(context, inner, x->rows, &dimension));
    PEEK_TRY(keep_neighbours(context, pairs, inner, x->rows));
    PEEK_TRY(keep_kernel(context, pairs, inner, x->rows));
    peek__put_number(measures, "intrinsic_dimension", dimension);
    cJSON_AddNumberToObject(measures, "intrinsic_dimension_samples", (double)x->rows);
    pairs->samples[pairs->count++] = x->rows;
    return PEEK_OK;
}

peek_status peek__pairs_add(peek_context *context, peek__pairs *pairs, const peek__npy *x, cJSON *measures)
{
    peek__sampled sampled;
    double *inner = NULL;
    PEEK_TRY(peek__sample(context, x, pairs->most, &sampled));
    peek_status status = peek__alloc_raw(context, &inner, peek__product(sampled.rows.rows, sampled.rows.rows),
                                         "inner products of samples");
    if (status == PEEK_OK) status = add(context, pairs, &sampled.rows, inner, measures);
    peek__free(&inner);
    peek__sampled_clear(&sampled);
    return status;
}

static peek_status align_pair(void *argument, int64_t index, int thread)
{
    (void)thread;
    peek__pairs *pairs = argument;
    int64_t a = index / pairs->count, b = index % pairs->count;
    if (a > b) return PEEK_OK;
    double value = NAN;
    if (pairs->kernel[a] && pairs->kernel[b] && pairs->samples[a] == pairs->samples[b])
        value = peek__u_alignment(pairs->kernel[a], pairs->kernel[b], pairs->samples[a]);
    pairs->alignments[a * pairs->count + b] = pairs->alignments[b * pairs->count + a] = value;
    return PEEK_OK;
}

peek_status peek__pairs_measure(peek_context *context, peek__pairs *pairs, const cJSON *names, cJSON **out)
{
    int64_t count = pairs->count, samples = 0;
    PEEK_TRY(peek__parallel(context, count * count, align_pair, pairs));
    cJSON *json = *out = cJSON_CreateObject(), *blocks = cJSON_AddArrayToObject(json, "blocks");
    const cJSON *name;
    cJSON_ArrayForEach(name, names) cJSON_AddItemToArray(blocks, cJSON_CreateString(name->string));
    for (int64_t b = 0; b < count; b++)
        if (pairs->samples[b] > samples) samples = pairs->samples[b];
    cJSON_AddNumberToObject(json, "samples", (double)samples);
    cJSON_AddItemToObject(json, "linear_cka", peek__number_rows(pairs->alignments, count, count));
    return PEEK_OK;
}

peek_status peek__pairs_neighbours(peek_context *context, const peek__pairs *pairs,
                                   const peek__predictions *predictions, const char *output, cJSON *blocks)
{
    int64_t b = 0;
    cJSON *measures;
    cJSON_ArrayForEach(measures, blocks)
    {
        const int32_t *near = pairs->neighbours[b];
        int64_t samples = pairs->samples[b++];
        double agreement, information;
        if (!near || samples != predictions->count || strcmp(measures->string, output) == 0) continue;
        PEEK_TRY(peek__neighbours_agree(context, near, samples, predictions->label, predictions->classes,
                                        &agreement, &information));
        cJSON *entry = cJSON_AddObjectToObject(measures, "neighbours");
        peek__put_number(entry, "agreement", agreement);
        peek__put_number(entry, "information", information);
    }
    return PEEK_OK;
}

void peek__pairs_clear(peek__pairs *pairs)
{
    for (int64_t b = 0; pairs->kernel && b < pairs->capacity; b++) {
        peek__free(&pairs->kernel[b]);
        peek__free(&pairs->neighbours[b]);
    }
    peek__free(&pairs->kernel);
    peek__free(&pairs->neighbours);
    peek__free(&pairs->samples);
    peek__free(&pairs->alignments);
}
