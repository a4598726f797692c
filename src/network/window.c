/* network/window.c: windows that slide over the last two dimensions. */
#include "network/window.h"

#include <string.h>

/* Two integers of an attribute, or both `standard` where it is missing. */
static peek_status read_pair(peek_context *context, const peek__operation *operation, const char *name,
                             int64_t standard, int64_t out[2])
{
    const peek__attribute *attribute = peek__attribute_find(operation->node, name);
    for (int i = 0; i < 2; i++) {
        if (attribute && (attribute->kind != PEEK__ATTRIBUTE_INTEGERS || attribute->count != 2))
            return peek__broken(context, operation, "its attribute '%s' should be two integers", name);
        out[i] = attribute ? attribute->integers[i] : standard;
        if (out[i] < 1 || out[i] > 1 << 20)
            return peek__broken(context, operation, "its attribute '%s' has the impossible value %lld", name,
                                (long long)out[i]);
    }
    return PEEK_OK;
}

/* Padding that makes out = ceil(in / stride), the odd one at the end or at the beginning. */
static void pad_same(peek__window *window, int d, int upper)
{
    int64_t span = (window->kernel[d] - 1) * window->dilation[d] + 1;
    int64_t out = (window->in[d] + window->stride[d] - 1) / window->stride[d];
    int64_t total = (out - 1) * window->stride[d] + span - window->in[d];
    if (total < 0) total = 0;
    window->before[d] = upper ? total / 2 : total - total / 2;
    window->after[d] = total - window->before[d];
}

peek_status peek__window_read(peek_context *context, const peek__operation *operation, const int64_t kernel[2],
                              peek__window *out)
{
    const peek__tensor *input = operation->input[0];
    if (input->dimensions != 4)
        return peek__refuse(
            context, operation,
            "only two-dimensional pictures (samples x C x H x W) are supported, but '%s' has %d dimensions",
            peek__input_name(operation, 0), input->dimensions);
    *out = (peek__window){.kernel = {kernel[0], kernel[1]}, .in = {input->shape[2], input->shape[3]}};
    PEEK_TRY(read_pair(context, operation, "strides", 1, out->stride));
    PEEK_TRY(read_pair(context, operation, "dilations", 1, out->dilation));
    const peek__attribute *pads = peek__attribute_find(operation->node, "pads");
    if (pads && (pads->kind != PEEK__ATTRIBUTE_INTEGERS || pads->count != 4))
        return peek__broken(context, operation, "its attribute 'pads' should be four integers");
    const char *automatic = peek__attribute_text(operation->node, "auto_pad", "NOTSET");
    int upper = strcmp(automatic, "SAME_UPPER") == 0, lower = strcmp(automatic, "SAME_LOWER") == 0;
    int valid = strcmp(automatic, "VALID") == 0;
    if (!upper && !lower && !valid && strcmp(automatic, "NOTSET") != 0)
        return peek__broken(context, operation, "its attribute 'auto_pad' is '%.40s'", automatic);
    int64_t ceiling = peek__attribute_integer(operation->node, "ceil_mode", 0) != 0;
    for (int d = 0; d < 2; d++) {
        if (kernel[d] < 1 || kernel[d] > 1 << 20)
            return peek__broken(context, operation, "its kernel has the impossible size %lld",
                                (long long)kernel[d]);
        if (upper || lower)
            pad_same(out, d, upper);
        else if (pads && !valid) {
            out->before[d] = pads->integers[d];
            out->after[d] = pads->integers[d + 2];
        }
        if (out->before[d] < 0 || out->after[d] < 0 || out->before[d] > 1 << 20 || out->after[d] > 1 << 20)
            return peek__refuse(context, operation, "its padding is negative or absurd");
        int64_t room = out->in[d] + out->before[d] + out->after[d] - ((kernel[d] - 1) * out->dilation[d] + 1);
        if (room < 0)
            return peek__broken(
                context, operation, "its window of %lldx%lld is larger than its padded input of %lldx%lld",
                (long long)kernel[0], (long long)kernel[1], (long long)out->in[0], (long long)out->in[1]);
        out->out[d] = (room + ceiling * (out->stride[d] - 1)) / out->stride[d] + 1;
        /* A window that would begin behind the input sees nothing. */
        if (ceiling && (out->out[d] - 1) * out->stride[d] >= out->in[d] + out->before[d]) out->out[d]--;
    }
    return PEEK_OK;
}
