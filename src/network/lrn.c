/* network/lrn.c: LRN, local response normalisation across channels.
 *
 *     y[c] = x[c] / (bias + alpha / size s[c])^beta      s[c]: sum of x² over channels c - (size - 1) / 2,
 * rounded down, to c + (size - 1) / 2, rounded up
 *
 * Source: A. Krizhevsky, I. Sutskever, G. Hinton, ImageNet Classification with Deep Convolutional Neural
 * Networks, 2012, section 3.3. */
#include "network/operators.h"

#include <math.h>

typedef struct settings {
    float alpha, beta, bias; /* alpha: divided by size */
    int64_t before, after;   /* channels taken in beside the own one */
    int64_t channels, plane;
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    settings *norm;
    PEEK_TRY(peek__infer_settings(context, operation, &norm));
    int64_t size = peek__attribute_integer(operation->node, "size", 0);
    if (x->dimensions < 2)
        return peek__broken(context, operation, "its input '%s' has no channels",
                            peek__input_name(operation, 0));
    if (size < 1) return peek__broken(context, operation, "its size is %lld", (long long)size);
    norm->alpha = peek__attribute_number(operation->node, "alpha", 1e-4f) / (float)size;
    norm->beta = peek__attribute_number(operation->node, "beta", 0.75f);
    norm->bias = peek__attribute_number(operation->node, "bias", 1);
    norm->before = (size - 1) / 2;
    norm->after = size - 1 - norm->before;
    norm->channels = x->shape[1];
    norm->plane = 1;
    for (int d = 2; d < x->dimensions; d++) norm->plane *= x->shape[d];
    return peek__infer_same(context, operation);
}

enum { RUN = 256 }; /* places taken at a time: their sums stay in cache */

static void divide(const settings *norm, const float *restrict x, const float *restrict sums, float *restrict y,
                   int64_t count)
{
    float alpha = norm->alpha, beta = norm->beta, bias = norm->bias;
    if (beta == 0.75f)
        for (int64_t p = 0; p < count; p++) {
            float root = sqrtf(bias + alpha * sums[p]);
            y[p] = x[p] / (root * sqrtf(root));
        }
    else
        for (int64_t p = 0; p < count; p++) y[p] = x[p] / powf(bias + alpha * sums[p], beta);
}

static void normalise(const settings *norm, int64_t c, const float *x, float *y, int64_t first, int64_t count)
{
    float sums[RUN] = {0};
    int64_t from = c > norm->before ? c - norm->before : 0;
    int64_t to = norm->after < norm->channels - 1 - c ? c + norm->after : norm->channels - 1;
    for (int64_t i = from; i <= to; i++) {
        const float *values = x + i * norm->plane + first;
        for (int64_t p = 0; p < count; p++) sums[p] += values[p] * values[p];
    }
    divide(norm, x + c * norm->plane + first, sums, y + c * norm->plane + first, count);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *norm = operation->settings;
    const float *x = operation->input[0]->floats;
    float *y = operation->output[0]->floats;
    int64_t size = norm->channels * norm->plane, samples = size ? operation->output[0]->size / size : 0;
    for (int64_t n = 0; n < samples; n++, x += size, y += size)
        for (int64_t first = 0; first < norm->plane; first += RUN)
            for (int64_t c = 0; c < norm->channels; c++)
                normalise(norm, c, x, y, first, norm->plane - first < RUN ? norm->plane - first : RUN);
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "LRN", .first = 1, .least_inputs = 1, .infer = infer, .forward = forward}};
const peek__family peek__lrn_family = PEEK__FAMILY(rows);
