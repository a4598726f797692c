/* network/pooling.c: MaxPool, AveragePool, GlobalAveragePool. */
#include "network/window.h"

#include <math.h>
#include <string.h>

typedef struct settings {
    peek__window window;
    int maximum, count_padding;
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    const peek__tensor *x = operation->input[0];
    int64_t count;
    const int64_t *kernel = peek__attribute_integers(operation->node, "kernel_shape", &count);
    if (!kernel) return peek__broken(context, operation, "it has no kernel_shape");
    if (count != 2) return peek__refuse(context, operation, "only two-dimensional pooling is supported");
    settings *pooling;
    PEEK_TRY(peek__infer_settings(context, operation, &pooling));
    pooling->maximum = strcmp(operation->node->op, "MaxPool") == 0;
    pooling->count_padding = peek__attribute_integer(operation->node, "count_include_pad", 0) != 0;
    PEEK_TRY(peek__window_read(context, operation, kernel, &pooling->window));
    const peek__window *window = &pooling->window;
    for (int d = 0; d < 2; d++)
        if (window->before[d] >= (window->kernel[d] - 1) * window->dilation[d] + 1 ||
            window->after[d] >= (window->kernel[d] - 1) * window->dilation[d] + 1)
            return peek__refuse(context, operation, "its padding is as large as its window");
    if (x->shape[2] * x->shape[3] > INT32_MAX)
        return peek__refuse(context, operation, "its input '%s' is too large", peek__input_name(operation, 0));
    int64_t shape[4] = {x->shape[0], x->shape[1], window->out[0], window->out[1]};
    return peek__infer_output(context, operation, 0, x->type, 4, shape);
}

/* Training keeps, for every output of a max-pool, which value of its plane it came from. */
static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const settings *pooling = operation->settings;
    if (!operation->training || !pooling->maximum) return PEEK_OK;
    int32_t *source;
    PEEK_TRY(peek__alloc(context, &source, operation->output[0]->size, "the places of a max-pool"));
    operation->state = source;
    return PEEK_OK;
}

static void release(peek__operation *operation)
{
    peek__free(&operation->state);
}

/* The most used window: 2 x 2 side by side. The first of equals is the source, as in PyTorch and ONNX Runtime.
 */
static void maximum_of_pairs(const peek__window *window, const float *restrict x, float *restrict y,
                             int32_t *restrict source)
{
    int64_t width = window->in[1], places = window->out[1];
    for (int64_t p = 0; p < window->out[0]; p++, y += places) {
        const float *upper = x + 2 * p * width, *lower = upper + width;
        for (int64_t q = 0; q < places; q++) {
            float a = upper[2 * q], b = upper[2 * q + 1], c = lower[2 * q], d = lower[2 * q + 1];
            float above = b > a ? b : a, below = d > c ? d : c;
            y[q] = below > above ? below : above;
        }
        if (!source) continue;
        for (int64_t q = 0; q < places; q++) {
            int32_t start = (int32_t)(2 * p * width + 2 * q);
            float a = upper[2 * q], b = upper[2 * q + 1], c = lower[2 * q], d = lower[2 * q + 1];
            float above = b > a ? b : a, below = d > c ? d : c;
            int32_t above_place = start + (b > a), below_place = start + (int32_t)width + (d > c);
            source[q] = below > above ? below_place : above_place;
        }
        source += places;
    }
}

static void maximum_of_windows(const peek__window *window, const float *x, float *y, int32_t *source)
{
    for (int64_t p = 0; p < window->out[0]; p++)
        for (int64_t q = 0; q < window->out[1]; q++, y++) {
            float best = -INFINITY;
            int64_t place = -1;
            for (int64_t i = 0; i < window->kernel[0]; i++) {
                int64_t row = p * window->stride[0] - window->before[0] + i * window->dilation[0];
                if (row < 0 || row >= window->in[0]) continue;
                for (int64_t j = 0; j < window->kernel[1]; j++) {
                    int64_t column = q * window->stride[1] - window->before[1] + j * window->dilation[1];
                    if (column < 0 || column >= window->in[1]) continue;
                    float value = x[row * window->in[1] + column];
                    if (place >= 0 && !(value > best)) continue;
                    best = value;
                    place = row * window->in[1] + column;
                }
            }
            *y = best;
            if (source) *source++ = (int32_t)place;
        }
}

/* Where the window of an output place begins, how many of its values lie inside the input, and by what to
 * multiply their sum. */
static float window_part(const settings *pooling, int64_t p, int64_t q, int64_t first[2], int64_t *inside)
{
    const peek__window *window = &pooling->window;
    int64_t at[2] = {p, q}, covered = 1, counted = 1;
    for (int d = 0; d < 2; d++) {
        int64_t start = at[d] * window->stride[d] - window->before[d], within = 0, padded = 0;
        for (int64_t i = 0; i < window->kernel[d]; i++) {
            int64_t place = start + i * window->dilation[d];
            within += place >= 0 && place < window->in[d];
            padded += place < window->in[d] + window->after[d];
        }
        first[d] = start;
        covered *= within;
        counted *= padded;
    }
    *inside = covered;
    int64_t divisor = pooling->count_padding ? counted : covered;
    return divisor ? 1.0f / (float)divisor : 0;
}

static void average(const settings *pooling, const float *x, float *y)
{
    const peek__window *window = &pooling->window;
    for (int64_t p = 0; p < window->out[0]; p++)
        for (int64_t q = 0; q < window->out[1]; q++) {
            int64_t first[2], inside;
            float share = window_part(pooling, p, q, first, &inside), sum = 0;
            for (int64_t i = 0; i < window->kernel[0]; i++) {
                int64_t row = first[0] + i * window->dilation[0];
                if (row < 0 || row >= window->in[0]) continue;
                for (int64_t j = 0; j < window->kernel[1]; j++) {
                    int64_t column = first[1] + j * window->dilation[1];
                    if (column >= 0 && column < window->in[1]) sum += x[row * window->in[1] + column];
                }
            }
            *y++ = sum * share;
        }
}

static void average_back(const settings *pooling, const float *y, float *x)
{
    const peek__window *window = &pooling->window;
    for (int64_t p = 0; p < window->out[0]; p++)
        for (int64_t q = 0; q < window->out[1]; q++, y++) {
            int64_t first[2], inside;
            float share = window_part(pooling, p, q, first, &inside) * *y;
            for (int64_t i = 0; i < window->kernel[0]; i++) {
                int64_t row = first[0] + i * window->dilation[0];
                if (row < 0 || row >= window->in[0]) continue;
                for (int64_t j = 0; j < window->kernel[1]; j++) {
                    int64_t column = first[1] + j * window->dilation[1];
                    if (column >= 0 && column < window->in[1]) x[row * window->in[1] + column] += share;
                }
            }
        }
}

static int is_pairs(const peek__window *window)
{
    for (int d = 0; d < 2; d++)
        if (window->kernel[d] != 2 || window->stride[d] != 2 || window->dilation[d] != 1 || window->before[d] ||
            2 * window->out[d] > window->in[d])
            return 0;
    return 1;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pooling = operation->settings;
    const peek__window *window = &pooling->window;
    int64_t in = window->in[0] * window->in[1], out = window->out[0] * window->out[1];
    int64_t planes = operation->output[0]->shape[0] * operation->output[0]->shape[1];
    int pairs = is_pairs(window);
    int32_t *source = operation->state;
    for (int64_t i = 0; i < planes; i++) {
        const float *x = operation->input[0]->floats + i * in;
        float *y = operation->output[0]->floats + i * out;
        if (!pooling->maximum)
            average(pooling, x, y);
        else if (pairs)
            maximum_of_pairs(window, x, y, source ? source + i * out : NULL);
        else
            maximum_of_windows(window, x, y, source ? source + i * out : NULL);
    }
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pooling = operation->settings;
    const peek__window *window = &pooling->window;
    int64_t in = window->in[0] * window->in[1], out = window->out[0] * window->out[1];
    int64_t planes = operation->output[0]->shape[0] * operation->output[0]->shape[1];
    if (!operation->input_gradient[0]) return PEEK_OK;
    for (int64_t i = 0; i < planes; i++) {
        const float *y = operation->output_gradient[0] + i * out;
        float *x = operation->input_gradient[0] + i * in;
        if (!pooling->maximum) {
            average_back(pooling, y, x);
            continue;
        }
        const int32_t *source = (int32_t *)operation->state + i * out;
        for (int64_t p = 0; p < out; p++)
            if (source[p] >= 0) x[source[p]] += y[p];
    }
    return PEEK_OK;
}

static peek_status infer_global(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    const peek__tensor *x = operation->input[0];
    if (x->dimensions < 3 || !x->size)
        return peek__broken(context, operation, "its input '%s' has nothing to average",
                            peek__input_name(operation, 0));
    int64_t shape[PEEK_DIMENSIONS];
    for (int d = 0; d < x->dimensions; d++) shape[d] = d > 1 ? 1 : x->shape[d];
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, shape);
}

static peek_status forward_global(peek_context *context, peek__operation *operation)
{
    (void)context;
    int64_t planes = operation->output[0]->size, plane = operation->input[0]->size / planes;
    for (int64_t i = 0; i < planes; i++) {
        const float *x = operation->input[0]->floats + i * plane;
        double sum = 0;
        for (int64_t p = 0; p < plane; p++) sum += x[p];
        operation->output[0]->floats[i] = (float)(sum / (double)plane);
    }
    return PEEK_OK;
}

static peek_status backward_global(peek_context *context, peek__operation *operation)
{
    (void)context;
    int64_t planes = operation->output[0]->size, plane = operation->input[0]->size / planes;
    for (int64_t i = 0; i < planes && operation->input_gradient[0]; i++) {
        float share = operation->output_gradient[0][i] / (float)plane,
              *x = operation->input_gradient[0] + i * plane;
        for (int64_t p = 0; p < plane; p++) x[p] += share;
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "MaxPool",
     .first = 1,
     .least_inputs = 1,
     .infer = infer,
     .prepare = prepare,
     .forward = forward,
     .backward = backward,
     .release = release},
    {.name = "AveragePool",
     .first = 7,
     .least_inputs = 1,
     .infer = infer,
     .prepare = prepare,
     .forward = forward,
     .backward = backward,
     .release = release},
    {.name = "GlobalAveragePool",
     .first = 1,
     .least_inputs = 1,
     .infer = infer_global,
     .forward = forward_global,
     .backward = backward_global},
};
const peek__family peek__pooling_family = PEEK__FAMILY(rows);
