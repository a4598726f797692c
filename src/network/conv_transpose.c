/* network/conv_transpose.c: ConvTranspose: the transpose of a convolution, which spreads every value of its
 * input over a window of its output.
 *
 *     U = Wᵀ X, Y = b + U folded      W: C x O/groups x kernel; U: O/groups kernel rows of the input's places
 *
 * Its window slides over the output: `in` of the window is the output's size here, `out` the input's. */
#include "network/convolution.h"

#include <cblas.h>
#include <string.h>

typedef struct settings {
    peek__window window;
    int64_t samples, channels, outputs, groups;
} settings;

/* How much longer the output is than the last window's end, and, where they are told, its lengths. */
typedef struct wishes {
    int64_t padding[PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS];
    int shaped;
} wishes;

static peek_status read_wishes(peek_context *context, const peek__operation *operation, int n, wishes *out)
{
    int64_t count;
    *out = (wishes){0};
    PEEK_TRY(peek__infer_integers(context, operation, -1, "output_padding", &count, out->padding));
    if (count >= 0 && count != n)
        return peek__broken(context, operation, "its output_padding should be %d integers", n);
    PEEK_TRY(peek__infer_integers(context, operation, -1, "output_shape", &count, out->shape));
    out->shaped = count >= 0;
    if (count == n + 2) { /* older files count samples and channels, too */
        memmove(out->shape, out->shape + 2, (size_t)n * sizeof *out->shape);
        count = n;
    }
    if (out->shaped && count != n)
        return peek__broken(context, operation, "its output_shape should be %d integers", n);
    return PEEK_OK;
}

/* The output's size from the padding, or the padding from the output's size. */
static peek_status infer_sizes(peek_context *context, const peek__operation *operation, const wishes *wish,
                               peek__window *window)
{
    window->in_size = 1;
    for (int d = 0; d < PEEK__SLIDES; d++) {
        int from = d - (PEEK__SLIDES - window->dimensions);
        int64_t more = from < 0 ? 0 : wish->padding[from], length = window->in[d];
        if (more < 0 || more > 1 << 20)
            return peek__broken(context, operation, "its output_padding is %lld", (long long)more);
        window->out[d] = length;
        int64_t whole = peek__product(length ? length - 1 : 0, window->stride[d]);
        if (whole < 0) return peek__refuse(context, operation, "its output is too large");
        whole += more + (window->kernel[d] - 1) * window->dilation[d] + 1;
        int same = window->padding >= PEEK__PAD_SAME_UPPER;
        if (from >= 0 && (wish->shaped || same)) {
            window->in[d] = wish->shaped ? wish->shape[from] : peek__product(length, window->stride[d]);
            int64_t total = whole > window->in[d] ? whole - window->in[d] : 0;
            window->before[d] = window->padding == PEEK__PAD_SAME_UPPER ? total / 2 : total - total / 2;
            window->after[d] = total - window->before[d];
        } else {
            window->in[d] = whole - window->before[d] - window->after[d];
        }
        if (window->in[d] < 0)
            return peek__broken(context, operation, "its output would have a length of %lld",
                                (long long)window->in[d]);
        window->in_size = peek__product(window->in_size, window->in[d]);
    }
    window->out_size = peek__product(peek__product(window->out[0], window->out[1]), window->out[2]);
    int64_t unfolded = peek__product(window->out_size, window->kernel_size);
    if (window->in_size < 0 || unfolded < 0 || window->out_size > INT32_MAX)
        return peek__refuse(context, operation, "its output is too large");
    return PEEK_OK;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *b = peek__input(operation, 2), *x = operation->input[0], *w = operation->input[1];
    for (int64_t i = 0; i < (b ? 3 : 2); i++) PEEK_TRY(peek__needs_floats(context, operation, i));
    const char *name = peek__input_name(operation, 1);
    if (w->dimensions < 3 || w->dimensions > 2 + PEEK__SLIDES)
        return peek__refuse(context, operation,
                            "its weight '%s' has %d dimensions, but convolutions have one to %d and two more",
                            name, w->dimensions, PEEK__SLIDES);
    settings *transpose;
    PEEK_TRY(peek__infer_settings(context, operation, &transpose));
    peek__window *window = &transpose->window;
    wishes wish;
    PEEK_TRY(peek__window_read(context, operation, w->dimensions - 2, w->shape + 2, window));
    PEEK_TRY(peek__window_fits(context, operation, window));
    PEEK_TRY(read_wishes(context, operation, w->dimensions - 2, &wish));
    PEEK_TRY(infer_sizes(context, operation, &wish, window));
    int64_t groups = transpose->groups = peek__attribute_integer(operation->node, "group", 1);
    transpose->samples = x->shape[0];
    transpose->channels = x->shape[1];
    transpose->outputs = peek__product(w->shape[1], groups);
    if (groups < 1 || transpose->outputs < 0 || x->shape[1] % groups || w->shape[0] != x->shape[1])
        return peek__broken(
            context, operation,
            "its weight '%s' is for %lld channels in %lld groups, but its input has %lld channels", name,
            (long long)w->shape[0], (long long)groups, (long long)x->shape[1]);
    if (w->shape[0] / groups > INT32_MAX || w->shape[1] > INT32_MAX / window->kernel_size)
        return peek__refuse(context, operation, "its weight '%s' is too large", name);
    if (b && (b->dimensions != 1 || b->shape[0] != transpose->outputs))
        return peek__broken(context, operation, "its bias '%s' has %lld values for %lld channels",
                            peek__input_name(operation, 2), (long long)b->size, (long long)transpose->outputs);
    int64_t shape[PEEK_DIMENSIONS];
    int dimensions = peek__window_shape(window, x->shape[0], transpose->outputs, window->in, shape);
    return peek__infer_output(context, operation, 0, x->type, dimensions, shape);
}

/* Scratch memory: the unfolded output of one sample and group. */
static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const settings *transpose = operation->settings;
    int64_t rows = transpose->outputs / transpose->groups * transpose->window.kernel_size;
    operation->scratch_size = peek__product(peek__product(rows, transpose->window.out_size), sizeof(float));
    if (operation->scratch_size < 0) return peek__refuse(context, operation, "its output is too large");
    return PEEK_OK;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *transpose = operation->settings;
    const peek__window *window = &transpose->window;
    const peek__tensor *b = peek__input(operation, 2);
    int64_t channels = transpose->channels / transpose->groups,
            outputs = transpose->outputs / transpose->groups;
    int rows = (int)(outputs * window->kernel_size), places = (int)window->out_size;
    float *columns = (float *)(void *)operation->scratch;
    for (int64_t i = 0; i < transpose->samples * transpose->groups; i++) {
        int64_t g = i % transpose->groups;
        const float *x = operation->input[0]->floats + i * channels * window->out_size;
        const float *w = operation->input[1]->floats + g * channels * rows;
        float *y = operation->output[0]->floats + i * outputs * window->in_size;
        for (int64_t o = 0; o < outputs; o++)
            for (int64_t p = 0; p < window->in_size; p++)
                y[o * window->in_size + p] = b ? b->floats[g * outputs + o] : 0;
        if (!rows || !places || !channels) continue;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, places, (int)channels, 1, w, rows, x, places,
                    0, columns, places);
        peek__fold(window, outputs, columns, y);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "ConvTranspose",
                                       .first = 1,
                                       .least_inputs = 2,
                                       .most_inputs = 3,
                                       .infer = infer,
                                       .prepare = prepare,
                                       .forward = forward}};
const peek__family peek__conv_transpose_family = PEEK__FAMILY(rows);
