/* network/reshape.c: operators that leave the numbers as they are: Reshape, Flatten, Squeeze, Unsqueeze,
 * Identity. Their output may share the memory of their input. */
#include "network/operators.h"

#include <string.h>

static peek_status infer_identity(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

/* As at inference. Before opset 7 a flag says so, then there is none, then an input. */
static peek_status infer_flatten(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t axis = peek__attribute_integer(operation->node, "axis", 1), shape[2] = {1, 1};
    if (axis != x->dimensions) PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    for (int d = 0; d < x->dimensions; d++) shape[d >= axis] *= x->shape[d];
    return peek__infer_output(context, operation, 0, x->type, 2, shape);
}

/* Fills in what a target shape leaves open: 0 takes the input's dimension (unless allow_zero), one -1 takes the
 * rest. */
static peek_status resolve(peek_context *context, const peek__operation *operation, int allow_zero,
                           int64_t count, int64_t *shape)
{
    const peek__tensor *x = operation->input[0];
    int64_t open = -1, product = 1;
    for (int64_t i = 0; i < count; i++) {
        if (shape[i] == 0 && !allow_zero) {
            if (i >= x->dimensions)
                return peek__broken(context, operation,
                                    "its target shape copies a dimension that is not there");
            shape[i] = x->shape[i];
        }
        if (shape[i] == -1 && open < 0) {
            open = i;
            continue;
        }
        product = peek__product(product, shape[i]);
        if (product < 0)
            return peek__broken(context, operation, "its target shape '%s' is impossible",
                                peek__input_name(operation, 1));
    }
    if (open >= 0 && product > 0 && x->size % product == 0) {
        shape[open] = x->size / product;
        product = x->size;
    } else if (open >= 0) {
        product = -1;
    }
    if (product == x->size) return PEEK_OK;
    char text[256];
    return peek__broken(context, operation, "the %lld values of '%s' do not fit its target shape %s",
                        (long long)x->size, peek__input_name(operation, 0),
                        peek__shape_text(text, count, shape));
}

static peek_status infer_reshape(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t count, shape[PEEK_DIMENSIONS];
    int from_input = operation->node->opset >= 5;
    PEEK_TRY(peek__infer_integers(context, operation, from_input ? 1 : -1, from_input ? NULL : "shape", &count,
                                  shape));
    if (count < 0) return peek__broken(context, operation, "it has no target shape");
    int allow_zero = peek__attribute_integer(operation->node, "allowzero", 0) != 0;
    PEEK_TRY(resolve(context, operation, allow_zero, count, shape));
    return peek__infer_output(context, operation, 0, x->type, count, shape);
}

/* Axes as marks on the dimensions of a shape. */
static peek_status mark_axes(peek_context *context, const peek__operation *operation, int64_t count,
                             const int64_t *axes, int64_t dimensions, char *marked)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = axes[i];
        PEEK_TRY(peek__infer_axis(context, operation, dimensions, &axis));
        if (marked[axis]) return peek__broken(context, operation, "it names an axis twice");
        marked[axis] = 1;
    }
    return PEEK_OK;
}

static peek_status infer_squeeze(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t count, axes[PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS], kept = 0;
    char marked[PEEK_DIMENSIONS] = {0};
    PEEK_TRY(
        peek__infer_integers(context, operation, operation->node->opset >= 13 ? 1 : -1, "axes", &count, axes));
    PEEK_TRY(mark_axes(context, operation, count, axes, x->dimensions, marked));
    for (int d = 0; d < x->dimensions; d++) {
        if (marked[d] && x->shape[d] != 1)
            return peek__broken(context, operation, "it takes away a dimension of %lld",
                                (long long)x->shape[d]);
        if (count < 0 ? x->shape[d] != 1 : !marked[d]) shape[kept++] = x->shape[d];
    }
    return peek__infer_output(context, operation, 0, x->type, kept, shape);
}

static peek_status infer_unsqueeze(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t count, axes[PEEK_DIMENSIONS], shape[2 * PEEK_DIMENSIONS];
    char marked[2 * PEEK_DIMENSIONS] = {0};
    PEEK_TRY(
        peek__infer_integers(context, operation, operation->node->opset >= 13 ? 1 : -1, "axes", &count, axes));
    if (count < 0) return peek__broken(context, operation, "it has no axes");
    PEEK_TRY(mark_axes(context, operation, count, axes, x->dimensions + count, marked));
    for (int64_t d = 0, from = 0; d < x->dimensions + count; d++) shape[d] = marked[d] ? 1 : x->shape[from++];
    return peek__infer_output(context, operation, 0, x->type, x->dimensions + count, shape);
}

/* Copies where the memory is not shared. */
static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[0];
    peek__tensor *y = operation->output[0];
    if (y && y->data != x->data) memcpy(y->data, x->data, (size_t)x->size * peek__width(x->type));
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const float *back = operation->output_gradient[0];
    float *out = operation->input_gradient[0];
    for (int64_t i = 0; out && i < operation->output[0]->size; i++) out[i] += back[i];
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Reshape",
     .first = 1,
     .least_inputs = 1,
     .most_inputs = 2,
     .shares = 1,
     .infer = infer_reshape,
     .forward = forward,
     .backward = backward},
    {.name = "Flatten",
     .first = 1,
     .least_inputs = 1,
     .shares = 1,
     .infer = infer_flatten,
     .forward = forward,
     .backward = backward},
    {.name = "Squeeze",
     .first = 1,
     .least_inputs = 1,
     .most_inputs = 2,
     .shares = 1,
     .infer = infer_squeeze,
     .forward = forward,
     .backward = backward},
    {.name = "Unsqueeze",
     .first = 1,
     .least_inputs = 1,
     .most_inputs = 2,
     .shares = 1,
     .infer = infer_unsqueeze,
     .forward = forward,
     .backward = backward},
    {.name = "Identity",
     .first = 1,
     .least_inputs = 1,
     .shares = 1,
     .infer = infer_identity,
     .forward = forward,
     .backward = backward},
};
const peek__family peek__reshape_family = PEEK__FAMILY(rows);
