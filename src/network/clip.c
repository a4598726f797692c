/* network/clip.c: Clip: y = min(max(x, low), high), dx = dy where low <= x <= high. The bounds are inputs from
 * opset 11 on, before attributes. What is not a number stays so. */
#include "network/operators.h"

#include <math.h>

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    if (x->type == PEEK__TYPE_BOOL) return peek__needs_floats(context, operation, 0);
    for (int64_t i = 1; i < operation->inputs; i++) {
        const peek__tensor *bound = operation->input[i];
        if (bound && (bound->size != 1 || bound->type != x->type))
            return peek__broken(context, operation, "its input '%s' should be one %s",
                                peek__input_name(operation, i), peek__element_name(x->type));
    }
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static void bounds(const peek__operation *operation, float *low, float *high)
{
    const peek__tensor *least = peek__input(operation, 1), *most = peek__input(operation, 2);
    int attributes = operation->node->opset < 11;
    *low = least        ? least->floats[0]
           : attributes ? peek__attribute_number(operation->node, "min", -INFINITY)
                        : -INFINITY;
    *high = most         ? most->floats[0]
            : attributes ? peek__attribute_number(operation->node, "max", INFINITY)
                         : INFINITY;
}

#define RUN(number, x, y, low, high)                                                                           \
    for (int64_t i = 0; i < size; i++) {                                                                       \
        number raised = (x)[i] < (low) ? (low) : (x)[i];                                                       \
        (y)[i] = raised > (high) ? (high) : raised;                                                            \
    }

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    const peek__tensor *least = peek__input(operation, 1), *most = peek__input(operation, 2);
    int64_t size = y->size;
    if (peek__is_float(x->type)) {
        float low, high;
        bounds(operation, &low, &high);
        RUN(float, x->floats, y->floats, low, high);
    } else if (x->type == PEEK__TYPE_UINT64) {
        const uint64_t *from = x->data;
        uint64_t *to = y->data, low = least ? *(uint64_t *)least->data : 0,
                 high = most ? *(uint64_t *)most->data : UINT64_MAX;
        RUN(uint64_t, from, to, low, high);
    } else {
        int64_t low = least ? least->integers[0] : INT64_MIN, high = most ? most->integers[0] : INT64_MAX;
        RUN(int64_t, x->integers, y->integers, low, high);
    }
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const float *x = operation->input[0]->floats, *back = operation->output_gradient[0];
    float *out = operation->input_gradient[0], low, high;
    bounds(operation, &low, &high);
    for (int64_t i = 0; out && i < operation->output[0]->size; i++)
        out[i] += x[i] < low || x[i] > high ? 0 : back[i];
    return PEEK_OK;
}

/* It is how ReLU6 and hard tanh are written. */
static const peek__operator rows[] = {{.name = "Clip",
                                       .first = 1,
                                       .least_inputs = 1,
                                       .most_inputs = 3,
                                       .activation = 1,
                                       .in_place = 1,
                                       .infer = infer,
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__clip_family = PEEK__FAMILY(rows);
