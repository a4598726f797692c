/* network/max_pool.c: MaxPool: the largest value of every window, and where it was.
 *
 * The first of equals is the source, as in PyTorch and ONNX Runtime. Indices count through the whole tensor;
 * with storage_order 1 the first dimension of a plane runs fastest. */
#include "network/slide.h"

#include <math.h>

typedef struct settings {
    peek__window window;
    int pairs;        /* 2 x 2 side by side: the most used window */
    int column_major; /* indices */
    int64_t smallest; /* that the type has, if it is an integer one */
} settings;

typedef struct state {
    void *line;
    int32_t
        *source; /* which place of its plane an output came from: of all outputs (training), or of a plane */
} state;

static int is_pairs(const peek__window *window)
{
    for (int d = 1; d < PEEK__SLIDES; d++)
        if (window->kernel[d] != 2 || window->stride[d] != 2 || window->dilation[d] != 1 || window->before[d] ||
            2 * window->out[d] > window->in[d])
            return 0;
    return window->dimensions == 2;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int count;
    int64_t kernel[PEEK__SLIDES], shape[PEEK_DIMENSIONS];
    settings *pooling;
    PEEK_TRY(peek__infer_settings(context, operation, &pooling));
    PEEK_TRY(peek__window_kernel(context, operation, &count, kernel));
    if (!count) return peek__broken(context, operation, "it has no kernel_shape");
    int ceiling = peek__attribute_integer(operation->node, "ceil_mode", 0) != 0;
    peek__window *window = &pooling->window;
    PEEK_TRY(peek__window_read(context, operation, count, kernel, window));
    PEEK_TRY(peek__window_slide(context, operation, ceiling, window));
    PEEK_TRY(peek__window_overlaps(context, operation, window));
    if (x->type == PEEK__TYPE_BOOL) return peek__broken(context, operation, "its input is of the type bool");
    if (window->in_size > INT32_MAX)
        return peek__refuse(context, operation, "its input '%s' is too large", peek__input_name(operation, 0));
    pooling->pairs = is_pairs(window);
    pooling->column_major = peek__attribute_integer(operation->node, "storage_order", 0) != 0;
    pooling->smallest = x->type == PEEK__TYPE_INT8 ? INT8_MIN : x->type == PEEK__TYPE_UINT8 ? 0 : INT64_MIN;
    int dimensions = peek__window_shape(window, x->shape[0], x->shape[1], window->out, shape);
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, dimensions, shape));
    return peek__infer_output(context, operation, 1, PEEK__TYPE_INT64, dimensions, shape);
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const settings *pooling = operation->settings;
    const peek__tensor *x = operation->input[0];
    const char *what = "the places of a max-pool";
    state *made;
    PEEK_TRY(peek__alloc(context, &made, 1, what));
    operation->state = made;
    PEEK_TRY(peek__alloc_bytes(context, &made->line, pooling->window.in[2], peek__width(x->type), what));
    int64_t planes = operation->training ? x->shape[0] * x->shape[1] : operation->outputs > 1;
    return planes ? peek__alloc(context, &made->source, peek__product(planes, pooling->window.out_size), what)
                  : PEEK_OK;
}

static void release(peek__operation *operation)
{
    state *made = operation->state;
    if (!made) return;
    peek__free(&made->line);
    peek__free(&made->source);
    peek__free(&operation->state);
}

static void largest_of_pairs(const peek__window *window, const float *restrict x, float *restrict y,
                             int32_t *restrict source)
{
    int64_t width = window->in[2], places = window->out[2];
    for (int64_t p = 0; p < window->out[1]; p++, y += places) {
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

/* Where in its plane the largest value of every window is; -1: the window meets nothing. */
#define FIND(name, number)                                                                                     \
    static int32_t name##_in_window(const peek__window *window, const int64_t start[3],                        \
                                    const int64_t first[3], const int64_t end[3], const number *x)             \
    {                                                                                                          \
        int64_t best = -1;                                                                                     \
        for (int64_t i = first[0]; i < end[0]; i++)                                                            \
            for (int64_t j = first[1]; j < end[1]; j++)                                                        \
                for (int64_t k = first[2]; k < end[2]; k++) {                                                  \
                    int64_t at0 = start[0] + i * window->dilation[0],                                          \
                            at1 = start[1] + j * window->dilation[1],                                          \
                            at2 = start[2] + k * window->dilation[2];                                          \
                    int64_t at = (at0 * window->in[1] + at1) * window->in[2] + at2;                            \
                    if (best < 0 || x[at] > x[best] || (x[at] != x[at] && x[best] == x[best])) best = at;      \
                }                                                                                              \
        return (int32_t)best;                                                                                  \
    }                                                                                                          \
    static void name(const peek__window *window, const number *x, int32_t *source)                             \
    {                                                                                                          \
        int64_t p[3], start[3], first[3], end[3];                                                              \
        for (p[0] = 0; p[0] < window->out[0]; p[0]++)                                                          \
            for (p[1] = 0; p[1] < window->out[1]; p[1]++)                                                      \
                for (p[2] = 0; p[2] < window->out[2]; p[2]++) {                                                \
                    for (int d = 0; d < 3; d++)                                                                \
                        start[d] = peek__window_meets(window, d, p[d], first + d, end + d);                    \
                    *source++ = name##_in_window(window, start, first, end, x);                                \
                }                                                                                              \
    }
FIND(find_largest, float)
FIND(find_largest_integer, int64_t)

static void write_indices(const settings *pooling, int64_t plane, const int32_t *source, int64_t *indices)
{
    const peek__window *window = &pooling->window;
    for (int64_t p = 0; p < window->out_size; p++) {
        int64_t at = source[p], at2 = at % window->in[2], at1 = at / window->in[2] % window->in[1],
                at0 = at / window->in[2] / window->in[1];
        /* Leading dimensions of size one change nothing. */
        if (pooling->column_major && at >= 0) at = (at2 * window->in[1] + at1) * window->in[0] + at0;
        indices[p] = at < 0 ? -1 : plane * window->in_size + at;
    }
}

static void pool_floats(const settings *pooling, const float *x, float *y, float *line, int32_t *source)
{
    const peek__window *window = &pooling->window;
    if (pooling->pairs)
        largest_of_pairs(window, x, y, source);
    else if (!source)
        peek__slide_largest(window, x, line, y);
    else {
        find_largest(window, x, source);
        for (int64_t p = 0; p < window->out_size; p++) y[p] = source[p] < 0 ? -INFINITY : x[source[p]];
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pooling = operation->settings;
    const peek__window *window = &pooling->window;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    const peek__tensor *indices = operation->outputs > 1 ? operation->output[1] : NULL;
    const state *made = operation->state;
    for (int64_t i = 0; i < x->shape[0] * x->shape[1]; i++) {
        int32_t *source = made->source;
        if (source && operation->training) source += i * window->out_size;
        if (peek__is_float(x->type)) {
            pool_floats(pooling, x->floats + i * window->in_size, y->floats + i * window->out_size, made->line,
                        source);
        } else {
            const int64_t *from = x->integers + i * window->in_size;
            peek__slide_largest_integer(window, pooling->smallest, from, made->line,
                                        y->integers + i * window->out_size);
            if (source) find_largest_integer(window, from, source);
        }
        if (indices) write_indices(pooling, i, source, indices->integers + i * window->out_size);
    }
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pooling = operation->settings;
    const state *made = operation->state;
    const peek__tensor *x = operation->input[0];
    int64_t in = pooling->window.in_size, out = pooling->window.out_size;
    if (!operation->input_gradient[0] || !operation->output_gradient[0]) return PEEK_OK;
    for (int64_t i = 0; i < x->shape[0] * x->shape[1]; i++) {
        const float *dy = operation->output_gradient[0] + i * out;
        const int32_t *source = made->source + i * out;
        float *dx = operation->input_gradient[0] + i * in;
        for (int64_t p = 0; p < out; p++)
            if (source[p] >= 0) dx[source[p]] += dy[p];
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "MaxPool",
                                       .first = 1,
                                       .least_inputs = 1,
                                       .most_outputs = 2,
                                       .infer = infer,
                                       .prepare = prepare,
                                       .forward = forward,
                                       .backward = backward,
                                       .release = release}};
const peek__family peek__max_pool_family = PEEK__FAMILY(rows);
