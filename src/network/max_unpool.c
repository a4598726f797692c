/* network/max_unpool.c: MaxUnpool: values back to the places that a MaxPool's indices name, zeros elsewhere.
 *
 * Indices count through the tensor that was pooled, of the size that kernel, strides and pads tell; a larger
 * output_shape has it in its corner. */
#include "network/window.h"

#include <string.h>

typedef struct settings {
    int64_t inner[PEEK_DIMENSIONS]; /* the shape in which indices count */
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__needs_integers(context, operation, 1));
    const peek__tensor *x = operation->input[0];
    int count;
    int64_t kernel[PEEK__SLIDES], shape[PEEK_DIMENSIONS], given;
    settings *unpool;
    peek__window window;
    PEEK_TRY(peek__infer_settings(context, operation, &unpool));
    PEEK_TRY(peek__window_kernel(context, operation, &count, kernel));
    if (!count) return peek__broken(context, operation, "it has no kernel_shape");
    PEEK_TRY(peek__window_read(context, operation, count, kernel, &window));
    if (!peek__same_shape(x, operation->input[1]))
        return peek__broken(context, operation, "its input '%s' has another shape than its indices",
                            peek__input_name(operation, 0));
    for (int d = 0; d < PEEK__SLIDES; d++)
        window.out[d] = peek__product(window.in[d] - 1, window.stride[d]) + window.kernel[d] -
                        window.before[d] - window.after[d];
    int dimensions = peek__window_shape(&window, x->shape[0], x->shape[1], window.out, unpool->inner);
    memcpy(shape, unpool->inner, sizeof shape);
    PEEK_TRY(peek__infer_integers(context, operation, 2, NULL, &given, shape));
    if (given >= 0 && given != dimensions)
        return peek__broken(context, operation, "its output shape has %lld dimensions, its input %d",
                            (long long)given, dimensions);
    for (int d = 0; d < dimensions; d++)
        if (unpool->inner[d] < 0 || shape[d] < unpool->inner[d])
            return peek__broken(context, operation, "its output has no room for what was pooled");
    return peek__infer_output(context, operation, 0, x->type, dimensions, shape);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    const settings *unpool = operation->settings;
    const peek__tensor *x = operation->input[0], *indices = operation->input[1];
    peek__tensor *y = operation->output[0];
    memset(y->floats, 0, (size_t)y->size * sizeof *y->floats);
    for (int64_t i = 0; i < x->size; i++) {
        int64_t rest = indices->integers[i], at = 0, step = 1;
        for (int d = y->dimensions - 1; d >= 0 && rest >= 0; d--) {
            int64_t length = unpool->inner[d];
            if (!length) break;
            at += rest % length * step;
            rest /= length;
            step *= y->shape[d];
        }
        if (rest)
            return peek__broken(context, operation, "its index %lld is outside of what was pooled",
                                (long long)indices->integers[i]);
        y->floats[at] = x->floats[i];
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "MaxUnpool", .first = 9, .least_inputs = 2, .most_inputs = 3, .infer = infer, .forward = forward}};
const peek__family peek__max_unpool_family = PEEK__FAMILY(rows);
