/* network/average_pool.c: AveragePool and LpPool: sums over windows.
 *
 *     average  y = (sum of x) / count      count: the values inside the input, or (count_include_pad) inside it
 *                                          and its padding, but never behind that
 *     Lp       y = (sum of |x|^p)^(1/p) */
#include "network/slide.h"

#include <math.h>
#include <string.h>

typedef struct settings {
    peek__window window;
    int count_padding;
    float power; /* 0: average */
} settings;

typedef struct state {
    float *line;
    float *powers; /* Lp: |x|^p of a plane */
    float *shares; /* average: 1 / count of every output of a plane */
} state;

static peek_status infer_window(peek_context *context, peek__operation *operation, settings *pooling)
{
    const peek__tensor *x = operation->input[0];
    int count;
    int64_t kernel[PEEK__SLIDES], shape[PEEK_DIMENSIONS];
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__window_kernel(context, operation, &count, kernel));
    if (!count) return peek__broken(context, operation, "it has no kernel_shape");
    int ceiling = peek__attribute_integer(operation->node, "ceil_mode", 0) != 0;
    PEEK_TRY(peek__window_read(context, operation, count, kernel, &pooling->window));
    PEEK_TRY(peek__window_slide(context, operation, ceiling, &pooling->window));
    PEEK_TRY(peek__window_overlaps(context, operation, &pooling->window));
    int dimensions = peek__window_shape(&pooling->window, x->shape[0], x->shape[1], pooling->window.out, shape);
    return peek__infer_output(context, operation, 0, x->type, dimensions, shape);
}

static peek_status infer_average(peek_context *context, peek__operation *operation)
{
    settings *pooling;
    PEEK_TRY(peek__infer_settings(context, operation, &pooling));
    pooling->count_padding = peek__attribute_integer(operation->node, "count_include_pad", 0) != 0;
    return infer_window(context, operation, pooling);
}

static peek_status infer_lp(peek_context *context, peek__operation *operation)
{
    settings *pooling;
    PEEK_TRY(peek__infer_settings(context, operation, &pooling));
    PEEK_TRY(peek__pool_power(context, operation, &pooling->power));
    return infer_window(context, operation, pooling);
}

static void find_shares(const settings *pooling, float *shares)
{
    const peek__window *window = &pooling->window;
    int64_t p[3];
    for (p[0] = 0; p[0] < window->out[0]; p[0]++)
        for (p[1] = 0; p[1] < window->out[1]; p[1]++)
            for (p[2] = 0; p[2] < window->out[2]; p[2]++) {
                int64_t count = 1;
                for (int d = 0; d < 3; d++) {
                    int64_t first, end, step = window->dilation[d];
                    int64_t room =
                        window->in[d] + window->after[d] - peek__window_meets(window, d, p[d], &first, &end);
                    int64_t padded = room <= 0 ? 0 : (room + step - 1) / step;
                    if (padded > window->kernel[d]) padded = window->kernel[d];
                    count *= pooling->count_padding ? padded : end - first;
                }
                *shares++ = count ? 1.0f / (float)count : 0;
            }
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const settings *pooling = operation->settings;
    state *made;
    PEEK_TRY(peek__alloc(context, &made, 1, "a pool"));
    operation->state = made;
    PEEK_TRY(peek__alloc(context, &made->line, pooling->window.in[2], "a pool"));
    if (pooling->power > 0) return peek__alloc(context, &made->powers, pooling->window.in_size, "a pool");
    PEEK_TRY(peek__alloc(context, &made->shares, pooling->window.out_size, "a pool"));
    find_shares(pooling, made->shares);
    return PEEK_OK;
}

static void release(peek__operation *operation)
{
    state *made = operation->state;
    if (!made) return;
    peek__free(&made->line);
    peek__free(&made->powers);
    peek__free(&made->shares);
    peek__free(&operation->state);
}

static peek_status forward_average(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pooling = operation->settings;
    const peek__window *window = &pooling->window;
    const peek__tensor *x = operation->input[0];
    const state *made = operation->state;
    for (int64_t i = 0; i < x->shape[0] * x->shape[1]; i++) {
        float *y = operation->output[0]->floats + i * window->out_size;
        peek__slide_sum(window, x->floats + i * window->in_size, made->line, y);
        for (int64_t p = 0; p < window->out_size; p++) y[p] *= made->shares[p];
    }
    return PEEK_OK;
}

/* Adds a line of gradients, each with its share, to the lines of the input that its windows met. */
static void spread_line(const peek__window *window, int64_t p0, int64_t p1, const float *shares,
                        const float *dy, float *dx)
{
    int64_t first0, end0, first1, end1;
    int64_t z0 = peek__window_meets(window, 0, p0, &first0, &end0);
    int64_t z1 = peek__window_meets(window, 1, p1, &first1, &end1);
    for (int64_t i = first0; i < end0; i++)
        for (int64_t j = first1; j < end1; j++) {
            int64_t at0 = z0 + i * window->dilation[0], at1 = z1 + j * window->dilation[1];
            float *line = dx + (at0 * window->in[1] + at1) * window->in[2];
            for (int64_t k = 0; k < window->kernel[2]; k++) {
                int64_t first, end, z2 = peek__window_met(window, 2, k, &first, &end);
                for (int64_t q = first; q < end; q++) line[z2 + q * window->stride[2]] += dy[q] * shares[q];
            }
        }
}

static peek_status backward_average(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pooling = operation->settings;
    const peek__window *window = &pooling->window;
    const peek__tensor *x = operation->input[0];
    const state *made = operation->state;
    if (!operation->input_gradient[0]) return PEEK_OK;
    for (int64_t i = 0; i < x->shape[0] * x->shape[1]; i++) {
        const float *dy = operation->output_gradient[0] + i * window->out_size, *shares = made->shares;
        float *dx = operation->input_gradient[0] + i * window->in_size;
        for (int64_t p0 = 0; p0 < window->out[0]; p0++)
            for (int64_t p1 = 0; p1 < window->out[1]; p1++, dy += window->out[2], shares += window->out[2])
                spread_line(window, p0, p1, shares, dy, dx);
    }
    return PEEK_OK;
}

static peek_status forward_lp(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pooling = operation->settings;
    const peek__window *window = &pooling->window;
    const peek__tensor *input = operation->input[0];
    const state *made = operation->state;
    float power = pooling->power;
    for (int64_t i = 0; i < input->shape[0] * input->shape[1]; i++) {
        const float *x = input->floats + i * window->in_size;
        float *y = operation->output[0]->floats + i * window->out_size;
        for (int64_t p = 0; p < window->in_size; p++)
            made->powers[p] = power == 2 ? x[p] * x[p] : power == 1 ? fabsf(x[p]) : powf(fabsf(x[p]), power);
        peek__slide_sum(window, made->powers, made->line, y);
        for (int64_t p = 0; p < window->out_size; p++)
            y[p] = power == 2 ? sqrtf(y[p]) : power == 1 ? y[p] : powf(y[p], 1 / power);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "AveragePool",
     .first = 1,
     .least_inputs = 1,
     .infer = infer_average,
     .prepare = prepare,
     .forward = forward_average,
     .backward = backward_average,
     .release = release},
    {.name = "LpPool",
     .first = 1,
     .least_inputs = 1,
     .infer = infer_lp,
     .prepare = prepare,
     .forward = forward_lp,
     .release = release},
};
const peek__family peek__average_pool_family = PEEK__FAMILY(rows);
