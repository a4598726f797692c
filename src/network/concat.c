/* network/concat.c: Concat and Split: several tensors side by side along an axis, and apart again. Both are
 * copies between one whole and its parts. */
#include "network/operators.h"

#include <string.h>

typedef struct settings {
    int64_t outer; /* the product of the dimensions before the axis */
} settings;

static int64_t product(const int64_t *shape, int64_t first, int64_t end)
{
    int64_t result = 1;
    for (int64_t d = first; d < end; d++) result *= shape[d];
    return result;
}

static peek_status infer_concat(peek_context *context, peek__operation *operation)
{
    const peek__tensor *first = operation->input[0];
    int64_t axis = peek__attribute_integer(operation->node, "axis", operation->node->opset < 4 ? 1 : 0);
    int64_t shape[PEEK_DIMENSIONS] = {0};
    settings *concat;
    PEEK_TRY(peek__infer_settings(context, operation, &concat));
    PEEK_TRY(peek__infer_axis(context, operation, first->dimensions, &axis));
    memcpy(shape, first->shape, sizeof shape);
    shape[axis] = 0;
    for (int64_t i = 0; i < operation->inputs; i++) {
        const peek__tensor *part = operation->input[i];
        if (!part) return peek__broken(context, operation, "its input %lld is left out", (long long)i);
        int fits = part->dimensions == first->dimensions && part->type == first->type;
        for (int d = 0; fits && d < first->dimensions; d++) fits = d == axis || part->shape[d] == shape[d];
        if (!fits)
            return peek__broken(context, operation, "'%s' does not fit beside '%s'",
                                peek__input_name(operation, i), peek__input_name(operation, 0));
        shape[axis] += part->shape[axis];
    }
    concat->outer = product(shape, 0, axis);
    return peek__infer_output(context, operation, 0, first->type, first->dimensions, shape);
}

/* Copies a part from or to its place in every line of the whole. */
static void copy_part(const peek__tensor *whole, const peek__tensor *part, int64_t outer, int64_t start,
                      int apart)
{
    int64_t line = whole->size / outer, length = part->size / outer;
    size_t bytes = (size_t)length * peek__width(part->type);
    for (int64_t o = 0; o < outer; o++) {
        void *in_whole = peek__at(whole, o * line + start), *in_part = peek__at(part, o * length);
        memcpy(apart ? in_part : in_whole, apart ? in_whole : in_part, bytes);
    }
}

static void add_part(const float *whole, float *part, int64_t outer, int64_t line, int64_t length)
{
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < length; i++) part[o * length + i] += whole[o * line + i];
}

static peek_status forward_concat(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *concat = operation->settings;
    for (int64_t i = 0, start = 0; concat->outer && i < operation->inputs; i++) {
        copy_part(operation->output[0], operation->input[i], concat->outer, start, 0);
        start += operation->input[i]->size / concat->outer;
    }
    return PEEK_OK;
}

static peek_status backward_concat(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *concat = operation->settings;
    for (int64_t i = 0, start = 0; concat->outer && i < operation->inputs; i++) {
        int64_t line = operation->output[0]->size / concat->outer;
        int64_t length = operation->input[i]->size / concat->outer;
        if (operation->input_gradient[i])
            add_part(operation->output_gradient[0] + start, operation->input_gradient[i], concat->outer, line,
                     length);
        start += length;
    }
    return PEEK_OK;
}

/* The lengths of the parts: given, or equal, the last one smaller where it does not divide. */
static peek_status infer_split(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t axis = peek__attribute_integer(operation->node, "axis", 0), parts = operation->node->outputs;
    int64_t opset = operation->node->opset, shape[PEEK_DIMENSIONS], left;
    const peek__tensor *given = opset >= 13 ? peek__input(operation, 1) : NULL;
    const int64_t *lengths = NULL;
    settings *split;
    PEEK_TRY(peek__infer_settings(context, operation, &split));
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    if (opset < 13) {
        int64_t count;
        lengths = peek__attribute_integers(operation->node, "split", &count);
        if (lengths && count != parts)
            return peek__broken(context, operation, "its `split` is not for %lld outputs", (long long)parts);
    } else if (given) {
        PEEK_TRY(peek__needs_integers(context, operation, 1));
        PEEK_TRY(peek__needs_constant(context, operation, 1));
        if (given->size != parts)
            return peek__broken(context, operation, "its `split` is not for %lld outputs", (long long)parts);
        lengths = given->integers;
    }
    memcpy(shape, x->shape, sizeof shape);
    left = x->shape[axis];
    int64_t equal = (left + parts - 1) / parts;
    for (int64_t i = 0; i < parts; i++) {
        shape[axis] = lengths ? lengths[i] : equal < left ? equal : left;
        left -= shape[axis];
        if (shape[axis] < 0 || left < 0)
            return peek__broken(context, operation, "its parts are not those of a dimension of %lld",
                                (long long)x->shape[axis]);
        PEEK_TRY(peek__infer_output(context, operation, i, x->type, x->dimensions, shape));
        if (i >= operation->outputs || !operation->output[i])
            return peek__refuse(context, operation, "its output %lld has no name", (long long)i);
    }
    if (left)
        return peek__broken(context, operation, "its parts are not all of a dimension of %lld",
                            (long long)x->shape[axis]);
    split->outer = product(x->shape, 0, axis);
    return PEEK_OK;
}

static peek_status forward_split(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *split = operation->settings;
    for (int64_t i = 0, start = 0; split->outer && i < operation->outputs; i++) {
        copy_part(operation->input[0], operation->output[i], split->outer, start, 1);
        start += operation->output[i]->size / split->outer;
    }
    return PEEK_OK;
}

static peek_status backward_split(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *split = operation->settings;
    float *dx = operation->input_gradient[0];
    for (int64_t i = 0, start = 0; dx && split->outer && i < operation->outputs; i++) {
        int64_t line = operation->input[0]->size / split->outer,
                length = operation->output[i]->size / split->outer;
        const float *dy = operation->output_gradient[i];
        for (int64_t o = 0; dy && o < split->outer; o++)
            for (int64_t j = 0; j < length; j++) dx[o * line + start + j] += dy[o * length + j];
        start += length;
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Concat",
     .first = 1,
     .least_inputs = 1,
     .most_inputs = PEEK__ANY_NUMBER,
     .infer = infer_concat,
     .forward = forward_concat,
     .backward = backward_concat},
    {.name = "Split",
     .first = 2,
     .least_inputs = 1,
     .most_inputs = 2,
     .most_outputs = PEEK__ANY_NUMBER,
     .infer = infer_split,
     .forward = forward_split,
     .backward = backward_split},
};
const peek__family peek__concat_family = PEEK__FAMILY(rows);
