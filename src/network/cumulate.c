/* network/cumulate.c: CumSum and CumProd: y_i = x_0 + .. + x_i (or times) along an axis; exclusive: without
 * x_i; reverse: from the end. */
#include "network/line.h"
#include "network/number.h"

#include <string.h>

typedef struct settings {
    peek__lines lines;
    int product, exclusive, reverse;
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t count, axis[PEEK_DIMENSIONS];
    settings *cumulate;
    PEEK_TRY(peek__infer_settings(context, operation, &cumulate));
    PEEK_TRY(peek__infer_integers(context, operation, 1, NULL, &count, axis));
    if (count != 1) return peek__broken(context, operation, "its axis should be one integer");
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, axis));
    if (x->type == PEEK__TYPE_BOOL) return peek__broken(context, operation, "it does not compute with bools");
    cumulate->lines = peek__lines_along(x, axis[0]);
    cumulate->product = strcmp(operation->node->op, "CumProd") == 0;
    cumulate->exclusive = peek__attribute_integer(operation->node, "exclusive", 0) != 0;
    cumulate->reverse = peek__attribute_integer(operation->node, "reverse", 0) != 0;
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static void run_floats(const settings *cumulate, const float *x, float *y, int64_t at, int64_t step)
{
    double sum = cumulate->product;
    for (int64_t i = 0; i < cumulate->lines.length; i++, at += step) {
        double before = sum, a = x[at];
        sum = cumulate->product ? sum * a : sum + a;
        y[at] = (float)(cumulate->exclusive ? before : sum);
    }
}

static void run_integers(const settings *cumulate, peek__element type, const int64_t *x, int64_t *y, int64_t at,
                         int64_t step)
{
    uint64_t sum = (uint64_t)cumulate->product;
    for (int64_t i = 0; i < cumulate->lines.length; i++, at += step) {
        uint64_t before = sum, a = (uint64_t)x[at];
        sum = cumulate->product ? sum * a : sum + a;
        y[at] = peek__wrap_to(type, (int64_t)(cumulate->exclusive ? before : sum));
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *cumulate = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    int64_t step = cumulate->lines.inner;
    for (int64_t line = 0; line < peek__line_count(&cumulate->lines); line++) {
        int64_t at = peek__line_start(&cumulate->lines, line);
        if (cumulate->reverse) at += (cumulate->lines.length - 1) * step;
        if (peek__is_float(x->type))
            run_floats(cumulate, x->floats, y->floats, at, cumulate->reverse ? -step : step);
        else
            run_integers(cumulate, x->type, x->integers, y->integers, at, cumulate->reverse ? -step : step);
    }
    return PEEK_OK;
}

#define ROW(op, opset)                                                                                         \
    {                                                                                                          \
        .name = (op), .first = (opset), .least_inputs = 2, .in_place = 1, .infer = infer, .forward = forward   \
    }
static const peek__operator rows[] = {ROW("CumSum", 11), ROW("CumProd", 26)};
const peek__family peek__cumulate_family = PEEK__FAMILY(rows);
