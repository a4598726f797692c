/* network/pad.c: Pad and CenterCropPad: a tensor with margins, each of which may also be negative and cut away.
 *
 *     y[i] = x[i - before] within x; outside it
 *     constant: one number        edge: the nearest number       wrap: x again and again
 *     reflect: x backwards, without its last number twice
 *
 * What is cut away is gone before the margins are made. Source: the ONNX operators. */
#include "network/number.h"
#include "network/operators.h"

#include <string.h>

typedef enum mode { CONSTANT, EDGE, REFLECT, WRAP, MODES } mode;

static const char *const modes[MODES] = {"constant", "edge", "reflect", "wrap"};

typedef struct settings {
    mode mode;
    int value_input;                                    /* number of the input with the constant, or -1 */
    float value;                                        /* the constant where it is an attribute */
    int64_t first[PEEK_DIMENSIONS];                     /* of x, after the cut */
    int64_t left[PEEK_DIMENSIONS];                      /* how many of x are left after it */
    int64_t before[PEEK_DIMENSIONS];                    /* the margin */
    int64_t from[PEEK_DIMENSIONS], to[PEEK_DIMENSIONS]; /* steps of x and y */
} settings;

/* The shape of y from the margins at both sides of every dimension. */
static peek_status infer_margins(peek_context *context, peek__operation *operation, settings *pad,
                                 const int64_t *before, const int64_t *after)
{
    const int64_t most = INT64_C(1) << 40;
    const peek__tensor *x = operation->input[0];
    int64_t shape[PEEK_DIMENSIONS];
    for (int d = 0; d < x->dimensions; d++) {
        if (before[d] < -most || before[d] > most || after[d] < -most || after[d] > most)
            return peek__broken(context, operation, "its margins %lld and %lld are impossible",
                                (long long)before[d], (long long)after[d]);
        pad->first[d] = before[d] < 0 ? -before[d] : 0;
        pad->before[d] = before[d] > 0 ? before[d] : 0;
        pad->left[d] = x->shape[d] - pad->first[d] + (after[d] < 0 ? after[d] : 0);
        shape[d] = pad->before[d] + pad->left[d] + (after[d] > 0 ? after[d] : 0);
        if (pad->left[d] < 0)
            return peek__broken(context, operation, "it cuts more from a dimension of %lld than there is",
                                (long long)x->shape[d]);
        if (pad->mode != CONSTANT && !pad->left[d] && shape[d])
            return peek__broken(context, operation, "it has nothing to fill the margins of an empty dimension");
    }
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, x->dimensions, shape));
    peek__row_major_steps(x->dimensions, x->shape, pad->from);
    peek__row_major_steps(x->dimensions, shape, pad->to);
    return PEEK_OK;
}

/* Two integers a dimension or axis: first all in front, then all behind. */
static peek_status read_margins(peek_context *context, const peek__operation *operation, int64_t *count,
                                const int64_t **out)
{
    int64_t opset = operation->node->opset;
    if (opset < 11) {
        *out = peek__attribute_integers(operation->node, opset < 2 ? "paddings" : "pads", count);
        return PEEK_OK;
    }
    PEEK_TRY(peek__needs_integers(context, operation, 1));
    PEEK_TRY(peek__needs_constant(context, operation, 1));
    *out = operation->input[1]->integers;
    *count = operation->input[1]->size;
    return PEEK_OK;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *value = peek__input(operation, 2);
    int64_t given = 0, count = -1, axis[PEEK_DIMENSIONS], before[PEEK_DIMENSIONS] = {0},
            after[PEEK_DIMENSIONS] = {0}, opset = operation->node->opset;
    const int64_t *margins = NULL;
    settings *pad;
    PEEK_TRY(peek__infer_settings(context, operation, &pad));
    const char *name = peek__attribute_text(operation->node, "mode", "constant");
    while (pad->mode < MODES && strcmp(name, modes[pad->mode]) != 0) pad->mode++;
    if (pad->mode == MODES || (pad->mode == WRAP && opset < 19))
        return peek__broken(context, operation, "its mode '%.40s' is none", name);
    PEEK_TRY(read_margins(context, operation, &given, &margins));
    PEEK_TRY(peek__infer_integers(context, operation, opset >= 18 ? 3 : -1, NULL, &count, axis));
    int64_t axes = count < 0 ? x->dimensions : count;
    if (given != 2 * axes)
        return peek__broken(context, operation, "it has %lld margins for %lld dimensions", (long long)given,
                            (long long)axes);
    for (int64_t i = 0; i < axes; i++) {
        int64_t a = count < 0 ? i : axis[i];
        PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &a));
        before[a] = margins[i];
        after[a] = margins[axes + i];
    }
    pad->value = peek__attribute_number(operation->node, "value", 0);
    pad->value_input = opset >= 11 && value ? 2 : -1;
    if (pad->value_input > 0 && (value->size != 1 || value->type != x->type))
        return peek__broken(context, operation, "its constant '%s' is not one number of the type %s",
                            peek__input_name(operation, 2), peek__element_name(x->type));
    return infer_margins(context, operation, pad, before, after);
}

/* From opset 18: to a given shape, keeping the middle; where it is not in the middle, it is nearer the front.
 */
static peek_status infer_center(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t wanted, shape[PEEK_DIMENSIONS], before[PEEK_DIMENSIONS] = {0}, after[PEEK_DIMENSIONS] = {0}, count;
    const int64_t *axis = peek__attribute_integers(operation->node, "axes", &count);
    settings *pad;
    PEEK_TRY(peek__infer_settings(context, operation, &pad));
    pad->value_input = -1;
    PEEK_TRY(peek__infer_integers(context, operation, 1, NULL, &wanted, shape));
    if (wanted != (axis ? count : x->dimensions))
        return peek__broken(context, operation, "its shape is not that of its axes");
    for (int64_t i = 0; i < wanted; i++) {
        int64_t a = axis ? axis[i] : i;
        PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &a));
        if (shape[i] < 0) return peek__broken(context, operation, "a dimension of its shape is negative");
        int64_t more = shape[i] - x->shape[a];
        before[a] = more / 2;
        after[a] = more - more / 2;
    }
    return infer_margins(context, operation, pad, before, after);
}

/* Where in what is left of a dimension place i of y comes from; -1: from nowhere. */
static int64_t source(mode way, int64_t i, int64_t length)
{
    if (i >= 0 && i < length) return i;
    int64_t period = 2 * (length - 1);
    switch (way) {
    case EDGE:
        return i < 0 ? 0 : length - 1;
    case WRAP:
        return (i % length + length) % length;
    case REFLECT:
        if (!period) return 0;
        i = (i % period + period) % period;
        return i < length ? i : period - i;
    default:
        return -1;
    }
}

static void fill(const peek__tensor *y, int64_t at, int64_t count, const void *value)
{
    peek__copy_numbers(y->type, peek__at(y, at), value, count, 0);
}

/* The part of y from dimension d on. */
static void fill_part(const peek__operation *operation, const settings *pad, const void *value, int d,
                      int64_t from, int64_t to)
{
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    if (d == y->dimensions) {
        peek__copy_numbers(y->type, peek__at(y, to), peek__at(x, from), 1, 1);
        return;
    }
    int64_t before = pad->before[d], left = pad->left[d], length = y->shape[d];
    from += pad->first[d] * pad->from[d];
    int last = d == y->dimensions - 1;
    if (last) peek__copy_numbers(y->type, peek__at(y, to + before), peek__at(x, from), left, 1);
    for (int64_t i = 0; i < length; i++) {
        if (last && i == before && (i += left) >= length) break;
        int64_t place = source(pad->mode, i - before, left), at = to + i * pad->to[d];
        if (place < 0)
            fill(y, at, pad->to[d], value);
        else
            fill_part(operation, pad, value, d + 1, from + place * pad->from[d], at);
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pad = operation->settings;
    const peek__tensor *y = operation->output[0];
    int64_t integer = peek__wrap_to(y->type, peek__cut_off(pad->value));
    const void *value = pad->value_input > 0      ? operation->input[pad->value_input]->data
                        : peek__is_float(y->type) ? (const void *)&pad->value
                                                  : (const void *)&integer;
    if (y->size) fill_part(operation, pad, value, 0, 0, 0);
    return PEEK_OK;
}

/* Adds each number of dy to where its number of y came from. */
static void add_part(const peek__operation *operation, const settings *pad, int d, int64_t from, int64_t to)
{
    const peek__tensor *y = operation->output[0];
    if (d == y->dimensions) {
        operation->input_gradient[0][from] += operation->output_gradient[0][to];
        return;
    }
    from += pad->first[d] * pad->from[d];
    for (int64_t i = 0; i < y->shape[d]; i++) {
        int64_t place = source(pad->mode, i - pad->before[d], pad->left[d]);
        if (place >= 0) add_part(operation, pad, d + 1, from + place * pad->from[d], to + i * pad->to[d]);
    }
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    if (operation->input_gradient[0]) add_part(operation, operation->settings, 0, 0, 0);
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Pad",
     .first = 1,
     .least_inputs = 1,
     .most_inputs = 4,
     .infer = infer,
     .forward = forward,
     .backward = backward},
    {.name = "CenterCropPad",
     .first = 18,
     .least_inputs = 2,
     .infer = infer_center,
     .forward = forward,
     .backward = backward},
};
const peek__family peek__pad_family = PEEK__FAMILY(rows);
