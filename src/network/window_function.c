/* network/window_function.c: HannWindow, HammingWindow and BlackmanWindow: with p = 2 pi i / N, N the size, or
 * one less where the window is symmetric,
 *
 *     y_i = a - b cos(p) + c cos(2 p) */
#include "network/number.h"
#include "network/operators.h"

#include <math.h>
#include <string.h>

typedef struct window {
    const char *name;
    double a, b, c;
} window;

static const window windows[] = {
    {"HannWindow", 0.5, 0.5, 0}, {"HammingWindow", 25. / 46, 21. / 46, 0}, {"BlackmanWindow", 0.42, 0.5, 0.08}};

static peek_status infer(peek_context *context, peek__operation *operation)
{
    int64_t count, size[PEEK_DIMENSIONS];
    int64_t type = peek__attribute_integer(operation->node, "output_datatype", PEEK__TYPE_FLOAT);
    PEEK_TRY(peek__infer_integers(context, operation, 0, NULL, &count, size));
    if (count != 1 || size[0] < 0) return peek__broken(context, operation, "its size is impossible");
    if (type < 0 || type > INT_MAX || !peek__element_known((int)type))
        return peek__refuse(context, operation,
                            "its output is of ONNX data type %lld, which nnpeek does not know",
                            (long long)type);
    return peek__infer_output(context, operation, 0, (peek__element)type, 1, size);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    peek__tensor *y = operation->output[0];
    const window *shape = windows;
    while (strcmp(operation->node->op, shape->name) != 0) shape++;
    int64_t length = peek__attribute_integer(operation->node, "periodic", 1) ? y->size : y->size - 1;
    for (int64_t i = 0; i < y->size; i++) {
        double p = length ? 2 * M_PI * (double)i / (double)length : 0;
        double value = length ? shape->a - shape->b * cos(p) + shape->c * cos(2 * p) : 1;
        if (peek__is_float(y->type))
            y->floats[i] = peek__round_to(y->type, (float)value);
        else
            y->integers[i] = (int64_t)value;
    }
    return PEEK_OK;
}

#define ROW(op)                                                                                                \
    {                                                                                                          \
        .name = (op), .first = 17, .least_inputs = 1, .infer = infer, .forward = forward                       \
    }
static const peek__operator rows[] = {ROW("HannWindow"), ROW("HammingWindow"), ROW("BlackmanWindow")};
const peek__family peek__window_function_family = PEEK__FAMILY(rows);
