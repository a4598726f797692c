/* network/depthwise.c: convolution of every channel by itself, over lines or pictures.
 *
 *     y[o, p] = b[o] + sum over q of w[o, q] x[o / m, p stride - before + q dilation]      m outputs a channel
 *
 * A plane is copied into a padded one, cut into its phases: rows r and columns c with the same r mod stride and
 * c mod stride lie together. Then a place of the kernel is one distance, the same for all output places, and
 * all of them, with what lies between their lines, are one run: no borders and no strides in the inner loop.
 * The padding is zeroed once. */
#include "linalg/kernel_avx2.h"
#include "network/convolution.h"

#include <string.h>

typedef float lanes __attribute__((vector_size(32), aligned(4), may_alias));

enum { LANES = 8, WIDE = 4, BLOCK = LANES * WIDE };

typedef struct state {
    int64_t pitch;    /* of a line of a phase, and of the run */
    int64_t phase[2]; /* from one phase to the next, along each dimension */
    int64_t run;      /* places from the first output to the last */
    float *padded, *out;
    int64_t *distance; /* one a place of the kernel */
} state;

int peek__convolution_is_depthwise(const peek__convolution *convolution)
{
    return convolution->channels == convolution->groups && convolution->window.dimensions < 3;
}

peek_status peek__convolution_depthwise_prepare(peek_context *context, peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    const peek__window *window = &convolution->window;
    const int64_t *stride = window->stride + 1, *kernel = window->kernel + 1, *dilation = window->dilation + 1;
    const char *what = "a convolution";
    state *made;
    PEEK_TRY(peek__alloc(context, &made, 1, what));
    operation->state = made;
    int64_t lines[2]; /* of a phase */
    for (int d = 0; d < 2; d++)
        lines[d] =
            (window->in[d + 1] + window->before[d + 1] + window->after[d + 1] + stride[d] - 1) / stride[d];
    made->pitch = lines[1];
    made->phase[1] = peek__product(lines[0], lines[1]);
    made->phase[0] = peek__product(made->phase[1], stride[1]);
    made->run = (window->out[1] - 1) * made->pitch + window->out[2];
    int64_t padded = peek__product(made->phase[0], stride[0]);
    PEEK_TRY(peek__alloc(context, &made->padded, padded < 0 ? padded : padded + BLOCK, what));
    PEEK_TRY(peek__alloc(context, &made->out, made->run + BLOCK, what));
    PEEK_TRY(peek__alloc(context, &made->distance, window->kernel_size, what));
    int64_t *distance = made->distance;
    for (int64_t i = 0; i < kernel[0]; i++)
        for (int64_t j = 0; j < kernel[1]; j++) {
            int64_t row = i * dilation[0], column = j * dilation[1];
            *distance++ = row % stride[0] * made->phase[0] + column % stride[1] * made->phase[1] +
                          row / stride[0] * made->pitch + column / stride[1];
        }
    return PEEK_OK;
}

void peek__convolution_depthwise_release(peek__operation *operation)
{
    state *made = operation->state;
    if (!made) return;
    peek__free(&made->padded);
    peek__free(&made->out);
    peek__free(&made->distance);
    peek__free(&operation->state);
}

static void pad(const peek__window *window, const state *made, const float *restrict x)
{
    int64_t width = window->in[2], stride = window->stride[2];
    for (int64_t r = 0; r < window->in[1]; r++, x += width) {
        int64_t row = r + window->before[1];
        float *line =
            made->padded + row % window->stride[1] * made->phase[0] + row / window->stride[1] * made->pitch;
        if (stride == 1) {
            memcpy(line + window->before[2], x, (size_t)width * sizeof *x);
            continue;
        }
        for (int64_t f = 0; f < stride; f++) { /* the columns of a phase */
            int64_t first = (f - window->before[2] % stride + stride) % stride;
            float *restrict to = line + f * made->phase[1] + (first + window->before[2]) / stride;
            int64_t count = (width - first + stride - 1) / stride;
            if (stride == 2) /* the only one met often: with a loop that the compiler can vectorise */
                for (int64_t c = 0; c < count; c++) to[c] = x[first + 2 * c];
            else
                for (int64_t c = 0; c < count; c++) to[c] = x[first + c * stride];
        }
    }
}

static inline __attribute__((always_inline)) void slide(const float *x, const int64_t *distance, const float *w,
                                                        int64_t places, float bias, float *y, int64_t count)
{
    for (int64_t q = 0; q < count; q += BLOCK) {
        lanes sums[WIDE] = {{0}};
        for (int i = 0; i < WIDE; i++) sums[i] += bias;
        for (int64_t p = 0; p < places; p++) {
            const lanes *from = (const lanes *)(x + distance[p] + q);
            for (int i = 0; i < WIDE; i++) sums[i] += w[p] * from[i];
        }
        for (int i = 0; i < WIDE; i++) ((lanes *)(y + q))[i] = sums[i];
    }
}

static void slide_anywhere(const float *x, const int64_t *distance, const float *w, int64_t places, float bias,
                           float *y, int64_t count)
{
    slide(x, distance, w, places, bias, y, count);
}

#ifdef PEEK__KERNEL_AVX2
__attribute__((target("avx2,fma"))) static void slide_avx2(const float *x, const int64_t *distance,
                                                           const float *w, int64_t places, float bias, float *y,
                                                           int64_t count)
{
    slide(x, distance, w, places, bias, y, count);
}
#endif

void peek__convolution_depthwise_forward(peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    const peek__window *window = &convolution->window;
    const peek__tensor *w = operation->input[1], *b = peek__input(operation, 2);
    const state *made = operation->state;
    int64_t many = convolution->outputs / convolution->channels, places = window->kernel_size;
    float *y = operation->output[0]->floats;
#ifdef PEEK__KERNEL_AVX2
    int avx2 = peek__avx2_usable();
#endif
    for (int64_t i = 0; i < convolution->samples * convolution->channels; i++) {
        pad(window, made, operation->input[0]->floats + i * window->in_size);
        for (int64_t j = 0; j < many; j++) {
            int64_t o = i % convolution->channels * many + j;
            const float *weights = w->floats + o * places, bias = b ? b->floats[o] : 0;
#ifdef PEEK__KERNEL_AVX2
            if (avx2)
                slide_avx2(made->padded, made->distance, weights, places, bias, made->out, made->run);
            else
#endif
                slide_anywhere(made->padded, made->distance, weights, places, bias, made->out, made->run);
            for (int64_t r = 0; r < window->out[1]; r++, y += window->out[2])
                memcpy(y, made->out + r * made->pitch, (size_t)window->out[2] * sizeof *y);
        }
    }
}
