/* network/window.c: windows that slide over the last dimensions. */
#include "network/window.h"

#include <string.h>

static const int64_t most = 1 << 20; /* of a kernel, stride, dilation or padding */

/* An attribute of `count` integers, none below `least`, or all `standard` where it is missing. */
static peek_status read_list(peek_context *context, const peek__operation *operation, const char *name,
                             int64_t count, int64_t standard, int64_t least, int64_t *out)
{
    const peek__attribute *attribute = peek__attribute_find(operation->node, name);
    if (attribute && (attribute->kind != PEEK__ATTRIBUTE_INTEGERS || attribute->count != count))
        return peek__broken(context, operation, "its attribute '%s' should be %lld integers", name,
                            (long long)count);
    for (int64_t i = 0; i < count; i++) {
        out[i] = attribute ? attribute->integers[i] : standard;
        if (out[i] < least || out[i] > most)
            return peek__broken(context, operation, "its attribute '%s' has the impossible value %lld", name,
                                (long long)out[i]);
    }
    return PEEK_OK;
}

peek_status peek__window_kernel(peek_context *context, const peek__operation *operation, int *count,
                                int64_t kernel[PEEK__SLIDES])
{
    const peek__attribute *attribute = peek__attribute_find(operation->node, "kernel_shape");
    *count = 0;
    if (!attribute) return PEEK_OK;
    if (attribute->kind != PEEK__ATTRIBUTE_INTEGERS || attribute->count < 1)
        return peek__broken(context, operation, "its attribute 'kernel_shape' should be integers");
    if (attribute->count > PEEK__SLIDES)
        return peek__refuse(context, operation, "its windows slide over %lld dimensions, but at most %d can be",
                            (long long)attribute->count, PEEK__SLIDES);
    *count = (int)attribute->count;
    return read_list(context, operation, "kernel_shape", *count, 1, 1, kernel);
}

static peek_status read_padding(peek_context *context, const peek__operation *operation, peek__window *out)
{
    static const char *const names[] = {[PEEK__PAD_GIVEN] = "NOTSET",
                                        [PEEK__PAD_NONE] = "VALID",
                                        [PEEK__PAD_SAME_UPPER] = "SAME_UPPER",
                                        [PEEK__PAD_SAME_LOWER] = "SAME_LOWER"};
    const char *automatic = peek__attribute_text(operation->node, "auto_pad", "NOTSET");
    int padding = PEEK__PAD_GIVEN, n = out->dimensions, skip = PEEK__SLIDES - n;
    int64_t pads[2 * PEEK__SLIDES];
    while (padding < PEEK__PAD_SAME_LOWER && strcmp(automatic, names[padding]) != 0) padding++;
    if (strcmp(automatic, names[padding]) != 0)
        return peek__broken(context, operation, "its attribute 'auto_pad' is '%.40s'", automatic);
    out->padding = (peek__padding)padding;
    if (padding != PEEK__PAD_GIVEN) return PEEK_OK;
    PEEK_TRY(read_list(context, operation, "pads", 2 * n, 0, 0, pads));
    for (int d = 0; d < n; d++) {
        out->before[skip + d] = pads[d];
        out->after[skip + d] = pads[n + d];
    }
    return PEEK_OK;
}

peek_status peek__window_read(peek_context *context, const peek__operation *operation, int dimensions,
                              const int64_t *kernel, peek__window *out)
{
    const peek__tensor *input = operation->input[0];
    if (input->dimensions != dimensions + 2)
        return peek__broken(context, operation,
                            "its windows slide over %d dimensions behind samples and channels, but '%s' has %d "
                            "dimensions in all",
                            dimensions, peek__input_name(operation, 0), input->dimensions);
    int skip = PEEK__SLIDES - dimensions;
    *out = (peek__window){.dimensions = dimensions, .kernel_size = 1, .in_size = 1};
    for (int d = 0; d < PEEK__SLIDES; d++) {
        out->stride[d] = out->dilation[d] = 1;
        out->kernel[d] = d < skip ? 1 : kernel[d - skip];
        out->in[d] = d < skip ? 1 : input->shape[d - skip + 2];
        if (out->kernel[d] < 1 || out->kernel[d] > most)
            return peek__broken(context, operation, "its kernel has the impossible size %lld",
                                (long long)out->kernel[d]);
        out->kernel_size *= out->kernel[d];
        out->in_size *= out->in[d];
    }
    PEEK_TRY(read_list(context, operation, "strides", dimensions, 1, 1, out->stride + skip));
    PEEK_TRY(read_list(context, operation, "dilations", dimensions, 1, 1, out->dilation + skip));
    return read_padding(context, operation, out);
}

static void pad_same(peek__window *window, int d)
{
    int64_t span = (window->kernel[d] - 1) * window->dilation[d] + 1;
    int64_t out = (window->in[d] + window->stride[d] - 1) / window->stride[d];
    int64_t total = (out - 1) * window->stride[d] + span - window->in[d];
    if (total < 0) total = 0;
    window->before[d] = window->padding == PEEK__PAD_SAME_UPPER ? total / 2 : total - total / 2;
    window->after[d] = total - window->before[d];
}

peek_status peek__window_slide(peek_context *context, const peek__operation *operation, int ceiling,
                               peek__window *window)
{
    window->out_size = 1;
    for (int d = 0; d < PEEK__SLIDES; d++) {
        int64_t stride = window->stride[d], span = (window->kernel[d] - 1) * window->dilation[d] + 1;
        if (window->padding >= PEEK__PAD_SAME_UPPER) pad_same(window, d);
        int64_t room = window->in[d] + window->before[d] + window->after[d] - span;
        if (room < 0)
            return peek__broken(context, operation,
                                "its window of %lld is larger than its padded input of %lld", (long long)span,
                                (long long)(room + span));
        int64_t more = ceiling && window->padding == PEEK__PAD_GIVEN ? stride - 1 : 0;
        window->out[d] = (room + more) / stride + 1;
        /* A window that would begin behind the input sees nothing. */
        if (more && (window->out[d] - 1) * stride >= window->in[d] + window->before[d]) window->out[d]--;
        window->out_size = peek__product(window->out_size, window->out[d]);
    }
    if (window->out_size < 0) return peek__refuse(context, operation, "its output is too large");
    return PEEK_OK;
}

peek_status peek__window_fits(peek_context *context, const peek__operation *operation,
                              const peek__window *window)
{
    int count;
    int64_t kernel[PEEK__SLIDES];
    PEEK_TRY(peek__window_kernel(context, operation, &count, kernel));
    int same = !count || count == window->dimensions;
    for (int d = 0; same && d < count; d++) same = kernel[d] == window->kernel[PEEK__SLIDES - count + d];
    if (same) return PEEK_OK;
    return peek__broken(context, operation, "its kernel_shape differs from the shape of its weight '%s'",
                        peek__input_name(operation, 1));
}

peek_status peek__window_overlaps(peek_context *context, const peek__operation *operation,
                                  const peek__window *window)
{
    for (int d = 0; d < PEEK__SLIDES; d++) {
        int64_t span = (window->kernel[d] - 1) * window->dilation[d] + 1;
        if (window->before[d] >= span || window->after[d] >= span)
            return peek__refuse(context, operation, "its padding is as large as its window");
    }
    return PEEK_OK;
}

int peek__window_shape(const peek__window *window, int64_t samples, int64_t channels, const int64_t *places,
                       int64_t shape[PEEK_DIMENSIONS])
{
    shape[0] = samples;
    shape[1] = channels;
    for (int d = 0; d < window->dimensions; d++) shape[d + 2] = places[PEEK__SLIDES - window->dimensions + d];
    return window->dimensions + 2;
}
