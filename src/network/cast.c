/* network/cast.c: Cast and CastLike: the same numbers in another type. Towards integers they are cut off
 * towards zero, then wrapped; towards float16 and bfloat16 rounded. */
#include "network/number.h"
#include "network/operators.h"

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t to = peek__attribute_integer(operation->node, "to", 0);
    if (!peek__element_known((int)to))
        return peek__refuse(context, operation, "it casts to ONNX data type %lld, which nnpeek does not know",
                            (long long)to);
    return peek__infer_output(context, operation, 0, (peek__element)to, x->dimensions, x->shape);
}

static peek_status infer_like(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    return peek__infer_output(context, operation, 0, operation->input[1]->type, x->dimensions, x->shape);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[0];
    peek__tensor *y = operation->output[0];
    int from = peek__is_float(x->type), to = peek__is_float(y->type);
    for (int64_t i = 0; i < x->size; i++)
        if (from && to)
            y->floats[i] = peek__round_to(y->type, x->floats[i]);
        else if (from)
            y->integers[i] = y->type == PEEK__TYPE_BOOL ? x->floats[i] != 0
                                                        : peek__wrap_to(y->type, peek__cut_off(x->floats[i]));
        else if (to)
            y->floats[i] =
                peek__round_to(y->type, x->type == PEEK__TYPE_UINT64 ? (float)(uint64_t)x->integers[i]
                                                                     : (float)x->integers[i]);
        else
            y->integers[i] = peek__wrap_to(y->type, x->integers[i]);
    return PEEK_OK;
}

/* The rounding has no slope of its own. */
static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const float *dy = operation->output_gradient[0];
    float *dx = operation->input_gradient[0];
    for (int64_t i = 0; dx && i < operation->output[0]->size; i++) dx[i] += dy[i];
    return PEEK_OK;
}

/* Before opset 6 the type was a text. */
static const peek__operator rows[] = {
    {.name = "Cast", .first = 6, .least_inputs = 1, .infer = infer, .forward = forward, .backward = backward},
    {.name = "CastLike",
     .first = 15,
     .least_inputs = 2,
     .infer = infer_like,
     .forward = forward,
     .backward = backward},
};
const peek__family peek__cast_family = PEEK__FAMILY(rows);
