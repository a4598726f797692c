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

/* A place of the kernel over a plane. */
typedef struct kernel_place {
    int64_t at[PEEK__SLIDES];
    int64_t begin, end; /* along a line, the output places from which it meets the input */
    int64_t left;       /* where it meets a line of the input from output place 0; may be outside */
} kernel_place;

static kernel_place place_of(const peek__window *window, int64_t number)
{
    const int64_t *kernel = window->kernel;
    kernel_place k = {
        {number / kernel[2] / kernel[1], number / kernel[2] % kernel[1], number % kernel[2]}, 0, 0, 0};
    k.left = peek__window_met(window, 2, k.at[2], &k.begin, &k.end);
    return k;
}

/* Where in its plane the line begins that a place of the kernel meets from output line (p, q); -1: padding. */
static inline int64_t line_met(const peek__window *window, const kernel_place *k, int64_t p, int64_t q)
{
    int64_t z = p * window->stride[0] + k->at[0] * window->dilation[0] - window->before[0];
    int64_t y = q * window->stride[1] + k->at[1] * window->dilation[1] - window->before[1];
    if (z < 0 || z >= window->in[0] || y < 0 || y >= window->in[1]) return -1;
    return (z * window->in[1] + y) * window->in[2];
}

static void unfold_plane(const peek__window *window, const kernel_place *k, const float *restrict x,
                         float *restrict columns)
{
    int64_t places = window->out[2], stride = window->stride[2];
    for (int64_t p = 0; p < window->out[0]; p++)
        for (int64_t q = 0; q < window->out[1]; q++, columns += places) {
            int64_t met = line_met(window, k, p, q);
            if (met < 0) {
                memset(columns, 0, (size_t)places * sizeof *columns);
                continue;
            }
            const float *line = x + met;
            for (int64_t r = 0; r < k->begin; r++) columns[r] = 0;
            if (stride == 1)
                copy_row(columns + k->begin, line + k->left + k->begin, k->end - k->begin);
            else
                for (int64_t r = k->begin; r < k->end; r++) columns[r] = line[k->left + r * stride];
            for (int64_t r = k->end; r < places; r++) columns[r] = 0;
        }
}

static void fold_plane(const peek__window *window, const kernel_place *k, const float *restrict columns,
                       float *restrict x)
{
    int64_t stride = window->stride[2];
    for (int64_t p = 0; p < window->out[0]; p++)
        for (int64_t q = 0; q < window->out[1]; q++, columns += window->out[2]) {
            int64_t met = line_met(window, k, p, q);
            if (met < 0) continue;
            float *line = x + met;
            if (stride == 1)
                for (int64_t r = k->begin; r < k->end; r++) line[k->left + r] += columns[r];
            else
                for (int64_t r = k->begin; r < k->end; r++) line[k->left + r * stride] += columns[r];
        }
}

void peek__unfold(const peek__window *window, int64_t channels, const float *x, float *columns)
{
    for (int64_t c = 0; c < channels; c++, x += window->in_size)
        for (int64_t i = 0; i < window->kernel_size; i++, columns += window->out_size) {
            kernel_place k = place_of(window, i);
            unfold_plane(window, &k, x, columns);
        }
}

void peek__fold(const peek__window *window, int64_t channels, const float *columns, float *x)
{
    for (int64_t c = 0; c < channels; c++, x += window->in_size)
        for (int64_t i = 0; i < window->kernel_size; i++, columns += window->out_size) {
            kernel_place k = place_of(window, i);
            fold_plane(window, &k, columns, x);
        }
}

int peek__window_is_pointwise(const peek__window *window)
{
    for (int d = 0; d < PEEK__SLIDES; d++)
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
               .places = window->out_size};
    s.depth = s.channels * window->kernel_size;
    s.in = s.channels * window->in_size;
    return s;
}

/* Floats of unfolded input that training keeps from forward to backward; larger ones are unfolded again. */
static const int64_t most_kept = INT64_C(1) << 20;

typedef struct state {
    float *kept;  /* the unfolded input of every sample and group, in training; NULL: unfolded anew */
    int64_t size; /* floats of one */
} state;

/* Scratch memory: one unfolded input, and in training its gradients. */
peek_status peek__convolution_columns_prepare(peek_context *context, peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    sizes s = measure(convolution);
    int64_t size = peek__product(s.depth, s.places), bytes = peek__product(size, 2 * (int64_t)sizeof(float));
    if (bytes < 0 || s.depth > INT32_MAX || s.places > INT32_MAX)
        return peek__refuse(context, operation, "its unfolded input is too large");
    state *made;
    PEEK_TRY(peek__alloc(context, &made, 1, "the windows of a convolution"));
    operation->state = made;
    made->size = size;
    int64_t count = convolution->samples * convolution->groups;
    if (operation->training && size <= most_kept / count)
        PEEK_TRY(peek__alloc_raw(context, &made->kept, size * count, "the windows of a convolution"));
    if (operation->training)
        operation->scratch_size = bytes;
    else if (!peek__window_is_pointwise(&convolution->window))
        operation->scratch_size = bytes / 2;
    return PEEK_OK;
}

void peek__convolution_columns_release(peek__operation *operation)
{
    state *made = operation->state;
    if (!made) return;
    peek__free(&made->kept);
    peek__free(&operation->state);
}

/* Where input number i is unfolded. */
static float *columns_of(const peek__operation *operation, int64_t i)
{
    const state *made = operation->state;
    return made->kept ? made->kept + i * made->size : (float *)(void *)operation->scratch;
}

void peek__convolution_columns_forward(peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    const peek__tensor *x = operation->input[0], *w = operation->input[1], *b = peek__input(operation, 2);
    sizes s = measure(convolution);
    int pointwise = peek__window_is_pointwise(&convolution->window);
    for (int64_t n = 0; n < convolution->samples; n++)
        for (int64_t g = 0; g < convolution->groups; g++) {
            const float *in = x->floats + (n * convolution->groups + g) * s.in, *columns = in;
            float *out = operation->output[0]->floats + (n * convolution->groups + g) * s.outputs * s.places;
            if (!pointwise) {
                float *unfolded = columns_of(operation, n * convolution->groups + g);
                peek__unfold(&convolution->window, s.channels, in, unfolded);
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
    float *gradients = (float *)(void *)operation->scratch + made->size;
    int pointwise = peek__window_is_pointwise(&convolution->window);
    for (int64_t n = 0; n < convolution->samples; n++)
        for (int64_t g = 0; g < convolution->groups; g++) {
            int64_t group = n * convolution->groups + g, first = g * s.outputs * s.depth;
            const float *in = x->floats + group * s.in, *columns = in;
            const float *out = operation->output_gradient[0] + group * s.outputs * s.places;
            for (int64_t o = 0; db && o < s.outputs; o++)
                db[g * s.outputs + o] += sum_row(out + o * s.places, s.places);
            if (!pointwise) {
                float *unfolded = columns_of(operation, group);
                if (!made->kept) peek__unfold(&convolution->window, s.channels, in, unfolded);
                columns = unfolded;
            }
            if (dw)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)s.outputs, (int)s.depth,
                            (int)s.places, 1, out, (int)s.places, columns, (int)s.places, 1, dw + first,
                            (int)s.depth);
            if (!dx) continue;
            float *back = dx + group * s.in;
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)s.depth, (int)s.places, (int)s.outputs, 1,
                        w->floats + first, (int)s.depth, out, (int)s.places, pointwise ? 1 : 0,
                        pointwise ? back : gradients, (int)s.places);
            if (!pointwise) peek__fold(&convolution->window, s.channels, gradients, back);
        }
}
