/* network/columns.c: convolution by unfolding its windows into a matrix, one matrix product a sample and group.
 *
 *     forward   Y (O x P) = W (O x K) U (K x P)      U: the input unfolded, K = channels x kernel, P = places
 *     backward  dW += dY Uᵀ,   dU = Wᵀ dY, folded back and added to dX */
#include "network/convolution.h"

#include <cblas.h>
#include <string.h>

/* Rows are short (8 values, 24): eight at a time without a call is much faster than memcpy. */
static inline void copy_row(float *restrict to, const float *restrict from, int64_t count)
{
    for (; count >= 8; count -= 8, to += 8, from += 8) memcpy(to, from, 8 * sizeof *to);
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
}

/* Eight partial sums in a fixed order, which the compiler can keep in one register. */
static float sum_row(const float *values, int64_t count)
{
    float part[8] = {0}, rest = 0;
    for (; count >= 8; count -= 8, values += 8)
        for (int i = 0; i < 8; i++) part[i] += values[i];
    for (int64_t i = 0; i < count; i++) rest += values[i];
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7])) + rest;
}

/* Unfolds one sample: row (c, i, j) of U holds the input value that kernel place (i, j) meets at every output
 * place. */
static void unfold(const peek__window *window, int64_t channels, const float *restrict x,
                   float *restrict columns)
{
    int64_t height = window->in[0], width = window->in[1], rows = window->out[0], places = window->out[1];
    int64_t stride = window->stride[1];
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < window->kernel[0]; i++)
            for (int64_t j = 0; j < window->kernel[1]; j++) {
                int64_t left = j * window->dilation[1] - window->before[1];
                /* The output places from `begin` to `end` meet the input, the others the padding. */
                int64_t begin = left < 0 ? (-left + stride - 1) / stride : 0;
                int64_t end = width - left <= 0 ? 0 : (width - left + stride - 1) / stride;
                if (end > places) end = places;
                if (begin > end) begin = end;
                for (int64_t p = 0; p < rows; p++, columns += places) {
                    int64_t y = p * window->stride[0] + i * window->dilation[0] - window->before[0];
                    if (y < 0 || y >= height) {
                        memset(columns, 0, (size_t)places * sizeof *columns);
                        continue;
                    }
                    const float *row = x + (c * height + y) * width + left;
                    for (int64_t q = 0; q < begin; q++) columns[q] = 0;
                    if (stride == 1)
                        copy_row(columns + begin, row + begin, end - begin);
                    else
                        for (int64_t q = begin; q < end; q++) columns[q] = row[q * stride];
                    for (int64_t q = end; q < places; q++) columns[q] = 0;
                }
            }
}

/* The transpose of unfold: adds every value of U to the input value it came from. */
static void fold(const peek__window *window, int64_t channels, const float *restrict columns, float *restrict x)
{
    int64_t height = window->in[0], width = window->in[1], rows = window->out[0], places = window->out[1];
    int64_t stride = window->stride[1];
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < window->kernel[0]; i++)
            for (int64_t j = 0; j < window->kernel[1]; j++) {
                int64_t left = j * window->dilation[1] - window->before[1];
                int64_t begin = left < 0 ? (-left + stride - 1) / stride : 0;
                int64_t end = width - left <= 0 ? 0 : (width - left + stride - 1) / stride;
                if (end > places) end = places;
                for (int64_t p = 0; p < rows; p++, columns += places) {
                    int64_t y = p * window->stride[0] + i * window->dilation[0] - window->before[0];
                    if (y < 0 || y >= height) continue;
                    float *row = x + (c * height + y) * width + left;
                    if (stride == 1)
                        for (int64_t q = begin; q < end; q++) row[q] += columns[q];
                    else
                        for (int64_t q = begin; q < end; q++) row[q * stride] += columns[q];
                }
            }
}

/* 1 where U is the input itself: a 1 x 1 kernel over every place. */
static int is_pointwise(const peek__window *window)
{
    for (int d = 0; d < 2; d++)
        if (window->kernel[d] != 1 || window->stride[d] != 1 || window->before[d] || window->after[d]) return 0;
    return 1;
}

typedef struct sizes {
    int64_t channels, outputs; /* of one group */
    int64_t depth, places;     /* K, P */
    int64_t in;                /* values of one group's input */
} sizes;

static sizes measure(const peek__convolution *convolution)
{
    const peek__window *window = &convolution->window;
    sizes s = {.channels = convolution->channels / convolution->groups,
               .outputs = convolution->outputs / convolution->groups,
               .places = window->out[0] * window->out[1]};
    s.depth = s.channels * window->kernel[0] * window->kernel[1];
    s.in = s.channels * window->in[0] * window->in[1];
    return s;
}

/* Floats of unfolded input that training keeps from forward to backward; larger ones are unfolded again. */
static const int64_t most_kept = INT64_C(1) << 20;

typedef struct state {
    float *columns;   /* one unfolded input, or that of every sample and group */
    int64_t stride;   /* from one to the next; 0: only the last is kept */
    float *gradients; /* of one unfolded input */
} state;

peek_status peek__convolution_columns_prepare(peek_context *context, peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    sizes s = measure(convolution);
    int64_t size = peek__product(s.depth, s.places);
    if (size < 0 || s.depth > INT32_MAX || s.places > INT32_MAX)
        return peek__refuse(context, operation, "its unfolded input is too large");
    state *made;
    PEEK_TRY(peek__alloc(context, &made, 1, "the windows of a convolution"));
    operation->state = made;
    made->stride =
        operation->training && size <= most_kept / (convolution->samples * convolution->groups) ? size : 0;
    int64_t kept = made->stride ? convolution->samples * convolution->groups : 1;
    PEEK_TRY(peek__alloc(context, &made->columns, peek__product(size, kept), "the windows of a convolution"));
    if (operation->training)
        PEEK_TRY(peek__alloc(context, &made->gradients, size, "the windows of a convolution"));
    return PEEK_OK;
}

void peek__convolution_columns_release(peek__operation *operation)
{
    state *made = operation->state;
    if (!made) return;
    peek__free(&made->columns);
    peek__free(&made->gradients);
    peek__free(&operation->state);
}

void peek__convolution_columns_forward(peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    const peek__tensor *x = operation->input[0], *w = operation->input[1], *b = peek__input(operation, 2);
    sizes s = measure(convolution);
    const state *made = operation->state;
    int pointwise = is_pointwise(&convolution->window);
    for (int64_t n = 0; n < convolution->samples; n++)
        for (int64_t g = 0; g < convolution->groups; g++) {
            const float *in = x->floats + (n * convolution->groups + g) * s.in, *columns = in;
            float *out = operation->output[0]->floats + (n * convolution->groups + g) * s.outputs * s.places;
            if (!pointwise) {
                float *unfolded = made->columns + (n * convolution->groups + g) * made->stride;
                unfold(&convolution->window, s.channels, in, unfolded);
                columns = unfolded;
            }
            for (int64_t o = 0; b && o < s.outputs; o++)
                for (int64_t p = 0; p < s.places; p++) out[o * s.places + p] = b->floats[g * s.outputs + o];
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)s.outputs, (int)s.places, (int)s.depth,
                        1, w->floats + g * s.outputs * s.depth, (int)s.depth, columns, (int)s.places, b ? 1 : 0,
                        out, (int)s.places);
        }
}

void peek__convolution_columns_backward(peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    const peek__tensor *x = operation->input[0], *w = operation->input[1];
    float *dx = operation->input_gradient[0], *dw = operation->input_gradient[1];
    float *db = peek__input(operation, 2) ? operation->input_gradient[2] : NULL;
    sizes s = measure(convolution);
    const state *made = operation->state;
    int pointwise = is_pointwise(&convolution->window);
    for (int64_t n = 0; n < convolution->samples; n++)
        for (int64_t g = 0; g < convolution->groups; g++) {
            int64_t group = n * convolution->groups + g, first = g * s.outputs * s.depth;
            const float *in = x->floats + group * s.in, *columns = in;
            const float *out = operation->output_gradient[0] + group * s.outputs * s.places;
            for (int64_t o = 0; db && o < s.outputs; o++)
                db[g * s.outputs + o] += sum_row(out + o * s.places, s.places);
            if (!pointwise) {
                if (!made->stride) unfold(&convolution->window, s.channels, in, made->columns);
                columns = made->columns + group * made->stride;
            }
            if (dw)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)s.outputs, (int)s.depth,
                            (int)s.places, 1, out, (int)s.places, columns, (int)s.places, 1, dw + first,
                            (int)s.depth);
            if (!dx) continue;
            float *back = dx + group * s.in;
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)s.depth, (int)s.places, (int)s.outputs, 1,
                        w->floats + first, (int)s.depth, out, (int)s.places, pointwise ? 1 : 0,
                        pointwise ? back : made->gradients, (int)s.places);
            if (!pointwise) fold(&convolution->window, s.channels, made->gradients, back);
        }
}
