/* network/pattern.c: OneHot, EyeLike and Trilu: numbers where indices meet, on a diagonal, or at one side of
 * it.
 *
 *     OneHot     y[.., j, ..] = on where j = index[..], else off; indices count from the end where negative
 *     EyeLike    y[i, j] = 1 where j = i + k, else 0
 *     Trilu      y[.., i, j] = x[.., i, j] where j >= i + k (upper) or j <= i + k (lower), else 0 */
#include "network/line.h"
#include "network/number.h"

#include <string.h>

typedef struct settings {
    peek__lines lines; /* OneHot: of y */
    int64_t k, upper;
} settings;

/* One integer from an input, of any type of numbers. */
static peek_status read_integer(peek_context *context, const peek__operation *operation, int64_t input,
                                int64_t *out)
{
    const peek__tensor *given = operation->input[input];
    PEEK_TRY(peek__needs_constant(context, operation, input));
    if (given->size != 1)
        return peek__broken(context, operation, "its input '%s' is not one number",
                            peek__input_name(operation, input));
    *out = peek__is_float(given->type) ? peek__cut_off(given->floats[0]) : given->integers[0];
    return PEEK_OK;
}

static peek_status infer_hot(peek_context *context, peek__operation *operation)
{
    const peek__tensor *index = operation->input[0], *values = operation->input[2];
    int64_t axis = peek__attribute_integer(operation->node, "axis", -1), depth,
            shape[PEEK_DIMENSIONS + 1] = {0};
    settings *hot;
    PEEK_TRY(peek__infer_settings(context, operation, &hot));
    PEEK_TRY(read_integer(context, operation, 1, &depth));
    PEEK_TRY(peek__infer_axis(context, operation, index->dimensions + 1, &axis));
    if (values->size != 2)
        return peek__broken(context, operation, "its input '%s' should be the values for off and on",
                            peek__input_name(operation, 2));
    if (depth < 1) return peek__broken(context, operation, "its depth %lld is impossible", (long long)depth);
    hot->lines = (peek__lines){1, depth, 1};
    for (int d = 0; d < index->dimensions; d++) {
        shape[d < axis ? d : d + 1] = index->shape[d];
        *(d < axis ? &hot->lines.outer : &hot->lines.inner) *= index->shape[d];
    }
    shape[axis] = depth;
    return peek__infer_output(context, operation, 0, values->type, index->dimensions + 1, shape);
}

static peek_status forward_hot(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *hot = operation->settings;
    const peek__tensor *index = operation->input[0], *values = operation->input[2], *y = operation->output[0];
    peek__copy_numbers(y->type, y->data, values->data, y->size, 0);
    for (int64_t line = 0; line < index->size; line++) {
        int64_t at = peek__is_float(index->type) ? peek__cut_off(index->floats[line]) : index->integers[line];
        if (at < 0) at += hot->lines.length;
        if (at < 0 || at >= hot->lines.length) continue; /* as the standard says: all are off */
        at = peek__line_start(&hot->lines, line) + at * hot->lines.inner;
        peek__copy_numbers(y->type, peek__at(y, at), peek__at(values, 1), 1, 1);
    }
    return PEEK_OK;
}

static int64_t limited(int64_t k)
{
    const int64_t most = INT64_C(1) << 41;
    return k > most ? most : k < -most ? -most : k;
}

static peek_status infer_eye(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t type = peek__attribute_integer(operation->node, "dtype", x->type);
    settings *eye;
    PEEK_TRY(peek__infer_settings(context, operation, &eye));
    eye->k = limited(peek__attribute_integer(operation->node, "k", 0));
    if (x->dimensions != 2)
        return peek__broken(context, operation, "its input '%s' has %d dimensions, not 2",
                            peek__input_name(operation, 0), x->dimensions);
    if (type < 0 || type > INT_MAX || !peek__element_known((int)type))
        return peek__refuse(context, operation, "its dtype is ONNX data type %lld, which nnpeek does not know",
                            (long long)type);
    return peek__infer_output(context, operation, 0, (peek__element)type, 2, x->shape);
}

static peek_status forward_eye(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *eye = operation->settings;
    const peek__tensor *y = operation->output[0];
    int64_t rows = y->shape[0], columns = y->shape[1];
    if (y->size) memset(y->data, 0, (size_t)y->size * peek__width(y->type));
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = i * columns + i + eye->k;
        if (i + eye->k < 0 || i + eye->k >= columns) continue;
        if (peek__is_float(y->type))
            y->floats[at] = 1;
        else
            y->integers[at] = 1;
    }
    return PEEK_OK;
}

static peek_status infer_triangle(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    settings *triangle;
    PEEK_TRY(peek__infer_settings(context, operation, &triangle));
    if (peek__input(operation, 1)) PEEK_TRY(read_integer(context, operation, 1, &triangle->k));
    triangle->k = limited(triangle->k);
    triangle->upper = peek__attribute_integer(operation->node, "upper", 1) != 0;
    if (x->dimensions < 2)
        return peek__broken(context, operation, "its input '%s' is no matrix", peek__input_name(operation, 0));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

/* What of row i stays: from *first to before *end. */
static void kept(const settings *triangle, int64_t i, int64_t columns, int64_t *first, int64_t *end)
{
    int64_t diagonal = i + triangle->k + !triangle->upper;
    int64_t cut = diagonal < 0 ? 0 : diagonal > columns ? columns : diagonal;
    *first = triangle->upper ? cut : 0;
    *end = triangle->upper ? columns : cut;
}

static peek_status forward_triangle(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *triangle = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    int64_t rows = x->shape[x->dimensions - 2], columns = x->shape[x->dimensions - 1], first, end;
    size_t width = peek__width(y->type);
    for (int64_t i = 0; i * columns < x->size; i++) {
        kept(triangle, i % rows, columns, &first, &end);
        memset(peek__at(y, i * columns), 0, (size_t)first * width);
        if (x->data != y->data && end > first)
            memcpy(peek__at(y, i * columns + first), peek__at(x, i * columns + first),
                   (size_t)(end - first) * width);
        memset(peek__at(y, i * columns + end), 0, (size_t)(columns - end) * width);
    }
    return PEEK_OK;
}

static peek_status backward_triangle(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *triangle = operation->settings;
    const peek__tensor *x = operation->input[0];
    int64_t rows = x->shape[x->dimensions - 2], columns = x->shape[x->dimensions - 1], first, end;
    const float *dy = operation->output_gradient[0];
    float *dx = operation->input_gradient[0];
    for (int64_t i = 0; dx && i * columns < x->size; i++) {
        kept(triangle, i % rows, columns, &first, &end);
        for (int64_t j = first; j < end; j++) dx[i * columns + j] += dy[i * columns + j];
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "OneHot", .first = 9, .least_inputs = 3, .infer = infer_hot, .forward = forward_hot},
    {.name = "EyeLike",
     .first = 9,
     .least_inputs = 1,
     .by_shape = 1,
     .infer = infer_eye,
     .forward = forward_eye},
    {.name = "Trilu",
     .first = 14,
     .least_inputs = 1,
     .most_inputs = 2,
     .in_place = 1,
     .infer = infer_triangle,
     .forward = forward_triangle,
     .backward = backward_triangle},
};
const peek__family peek__pattern_family = PEEK__FAMILY(rows);
