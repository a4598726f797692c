/* network/shape_of.c: Shape, Size, ConstantOfShape, Range: numbers that follow from shapes and constants. */
#include "network/number.h"
#include "network/operators.h"

#include <math.h>

typedef struct settings {
    int64_t start; /* Shape: the first dimension that is listed */
} settings;

static int64_t clamp_axis(int64_t axis, int64_t rank)
{
    if (axis < 0) axis += rank;
    return axis < 0 ? 0 : axis > rank ? rank : axis;
}

static peek_status infer_shape(peek_context *context, peek__operation *operation)
{
    int64_t rank = operation->input[0]->dimensions;
    settings *shape;
    PEEK_TRY(peek__infer_settings(context, operation, &shape));
    shape->start = clamp_axis(peek__attribute_integer(operation->node, "start", 0), rank);
    int64_t length = clamp_axis(peek__attribute_integer(operation->node, "end", rank), rank) - shape->start;
    if (length < 0) length = 0;
    return peek__infer_output(context, operation, 0, PEEK__TYPE_INT64, 1, &length);
}

static peek_status forward_shape(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *shape = operation->settings;
    for (int64_t i = 0; i < operation->output[0]->size; i++)
        operation->output[0]->integers[i] = operation->input[0]->shape[shape->start + i];
    return PEEK_OK;
}

static peek_status infer_size(peek_context *context, peek__operation *operation)
{
    return peek__infer_output(context, operation, 0, PEEK__TYPE_INT64, 0, NULL);
}

static peek_status forward_size(peek_context *context, peek__operation *operation)
{
    (void)context;
    operation->output[0]->integers[0] = operation->input[0]->size;
    return PEEK_OK;
}

static const peek__tensor *fill_value(const peek__operation *operation)
{
    const peek__attribute *value = peek__attribute_find(operation->node, "value");
    return value && value->kind == PEEK__ATTRIBUTE_TENSOR && value->tensor.size == 1 ? &value->tensor : NULL;
}

static peek_status infer_constant_of_shape(peek_context *context, peek__operation *operation)
{
    int64_t count, shape[PEEK_DIMENSIONS];
    PEEK_TRY(peek__infer_integers(context, operation, 0, NULL, &count, shape));
    const peek__tensor *value = fill_value(operation);
    if (!value && peek__attribute_find(operation->node, "value"))
        return peek__broken(context, operation, "its value should be a tensor of one number");
    return peek__infer_output(context, operation, 0, value ? value->type : PEEK__TYPE_FLOAT, count, shape);
}

static peek_status forward_constant_of_shape(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *value = fill_value(operation);
    peek__tensor *y = operation->output[0];
    for (int64_t i = 0; i < y->size; i++)
        if (peek__is_float(y->type))
            y->floats[i] = value ? value->floats[0] : 0;
        else
            y->integers[i] = value->integers[0];
    return PEEK_OK;
}

static peek_status infer_range(peek_context *context, peek__operation *operation)
{
    const peek__tensor *const *input = (const peek__tensor *const *)operation->input;
    for (int64_t i = 0; i < 3; i++) {
        PEEK_TRY(peek__needs_constant(context, operation, i));
        if (input[i]->size != 1 || input[i]->type != input[0]->type)
            return peek__broken(context, operation, "'%s' should be one number of the type of the others",
                                peek__input_name(operation, i));
    }
    int floats = peek__is_float(input[0]->type);
    double start = floats ? input[0]->floats[0] : (double)input[0]->integers[0];
    double limit = floats ? input[1]->floats[0] : (double)input[1]->integers[0];
    double step = floats ? input[2]->floats[0] : (double)input[2]->integers[0],
           count = ceil((limit - start) / step);
    if (!isfinite(count) || count > 0x1p40)
        return peek__broken(context, operation, "its range from %g to %g by %g does not end", start, limit,
                            step);
    int64_t length = count > 0 ? (int64_t)count : 0;
    return peek__infer_output(context, operation, 0, input[0]->type, 1, &length);
}

static peek_status forward_range(peek_context *context, peek__operation *operation)
{
    (void)context;
    peek__tensor *y = operation->output[0];
    for (int64_t i = 0; i < y->size; i++)
        if (peek__is_float(y->type))
            y->floats[i] = peek__round_to(
                y->type, (float)(operation->input[0]->floats[0] + (double)i * operation->input[2]->floats[0]));
        else
            y->integers[i] =
                peek__wrap_to(y->type, operation->input[0]->integers[0] + i * operation->input[2]->integers[0]);
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Shape",
     .first = 1,
     .least_inputs = 1,
     .by_shape = 1,
     .infer = infer_shape,
     .forward = forward_shape},
    {.name = "Size",
     .first = 1,
     .least_inputs = 1,
     .by_shape = 1,
     .infer = infer_size,
     .forward = forward_size},
    {.name = "ConstantOfShape",
     .first = 9,
     .least_inputs = 1,
     .infer = infer_constant_of_shape,
     .forward = forward_constant_of_shape},
    {.name = "Range", .first = 11, .least_inputs = 3, .infer = infer_range, .forward = forward_range},
};
const peek__family peek__shape_family = PEEK__FAMILY(rows);
