/* network/pad.c: Pad: a tensor with more (or, where negative, fewer) numbers at the ends of its axes: a
 * constant, the edge's number, those mirrored at the edge, or those of the other end. */
#include "network/operators.h"

#include <string.h>

enum { CONSTANT, REFLECT, EDGE, WRAP };

/* Where each place of an axis comes from; -1: it is the constant. The maps of all axes follow each other. */
typedef struct settings {
    int mode;
    int64_t begin[PEEK_DIMENSIONS]; /* of an axis' map */
    int64_t map[];
} settings;

/* The pads of every axis, from input or attribute. */
static peek_status read_pads(peek_context *context, const peek__operation *operation, int64_t before[],
                             int64_t after[])
{
    const peek__tensor *x = operation->input[0];
    int64_t count, axes, axis[PEEK_DIMENSIONS];
    const int64_t *pads;
    if (operation->node->opset >= 11) {
        PEEK_TRY(peek__needs_integers(context, operation, 1));
        PEEK_TRY(peek__needs_constant(context, operation, 1));
        pads = operation->input[1]->integers;
        count = operation->input[1]->size;
    } else {
        pads =
            peek__attribute_integers(operation->node, operation->node->opset < 2 ? "paddings" : "pads", &count);
    }
    PEEK_TRY(
        peek__infer_integers(context, operation, operation->node->opset >= 18 ? 3 : -1, NULL, &axes, axis));
    if (axes < 0) {
        axes = x->dimensions;
        for (int64_t i = 0; i < axes; i++) axis[i] = i;
    }
    if (!pads || count != 2 * axes)
        return peek__broken(context, operation, "its pads should be %lld numbers, two for each axis",
                            2LL * axes);
    for (int d = 0; d < x->dimensions; d++) before[d] = after[d] = 0;
    for (int64_t i = 0; i < axes; i++) {
        PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis[i]));
        before[axis[i]] = pads[i];
        after[axis[i]] = pads[axes + i];
    }
    return PEEK_OK;
}

static peek_status read_mode(peek_context *context, const peek__operation *operation, int *mode)
{
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    const char *name = peek__attribute_text(operation->node, "mode", "constant");
    for (*mode = 0; *mode < 4; (*mode)++)
        if (strcmp(name, names[*mode]) == 0) return PEEK_OK;
    return peek__refuse(context, operation, "its mode '%.20s' is not known", name);
}

/* The place i of an axis of `size` numbers, padded; i may lie outside. */
static int64_t source(int mode, int64_t size, int64_t i)
{
    if (i >= 0 && i < size) return i;
    if (mode == CONSTANT || size == 0) return -1;
    if (mode == EDGE) return i < 0 ? 0 : size - 1;
    int64_t period = mode == WRAP ? size : 2 * (size - 1);
    if (period == 0) return 0;
    i %= period;
    if (i < 0) i += period;
    return i < size ? i : period - i;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *value = peek__input(operation, 2);
    int64_t before[PEEK_DIMENSIONS], after[PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS], total = 0;
    const int64_t most = INT64_C(1) << 40;
    int mode;
    if (value && (value->size != 1 || value->type != x->type))
        return peek__broken(context, operation, "its constant '%s' should be one %s",
                            peek__input_name(operation, 2), peek__element_name(x->type));
    PEEK_TRY(read_mode(context, operation, &mode));
    PEEK_TRY(read_pads(context, operation, before, after));
    for (int d = 0; d < x->dimensions; d++) {
        if (before[d] > most || before[d] < -most || after[d] > most || after[d] < -most)
            return peek__broken(context, operation, "its pads are absurd");
        shape[d] = x->shape[d] + before[d] + after[d];
        if (mode != CONSTANT && x->shape[d] == 0 && shape[d] > 0)
            return peek__broken(context, operation, "an empty axis has nothing to pad with");
        total += shape[d] > 0 ? shape[d] : 0;
    }
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, x->dimensions, shape));
    settings *pad;
    PEEK_TRY(peek__infer_settings_bytes(context, operation, (void **)&pad,
                                        sizeof *pad + (size_t)total * sizeof *pad->map));
    pad->mode = mode;
    total = 0;
    for (int d = 0; d < x->dimensions; d++) {
        pad->begin[d] = total;
        for (int64_t i = 0; i < shape[d]; i++) pad->map[total++] = source(mode, x->shape[d], i - before[d]);
    }
    return PEEK_OK;
}

/* One row along the last axis. from: where it begins in x, or -1: all of it is the constant. */
#define ROW(number, value)                                                                                     \
    for (int64_t i = 0; i < length; i++)                                                                       \
    ((number *)to)[i] = from < 0 || map[i] < 0 ? (value) : ((const number *)x->data)[from + map[i]]

static void fill_row(const peek__operation *operation, int64_t length, const int64_t *map, int64_t from,
                     void *to)
{
    const peek__tensor *x = operation->input[0], *given = peek__input(operation, 2);
    if (peek__is_float(x->type)) {
        float value = given ? given->floats[0] : peek__attribute_number(operation->node, "value", 0);
        ROW(float, value);
    } else {
        int64_t value = given ? given->integers[0] : 0;
        ROW(int64_t, value);
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *pad = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    int64_t step[PEEK_DIMENSIONS], place[PEEK_DIMENSIONS] = {0}, none = 0;
    int last = y->dimensions - 1;
    int64_t length = last < 0 ? 1 : y->shape[last], runs = length ? y->size / length : 0;
    const int64_t *map = last < 0 ? &none : pad->map + pad->begin[last];
    peek__row_major_steps(x->dimensions, x->shape, step);
    for (int64_t run = 0; run < runs; run++) {
        int64_t from = 0;
        for (int d = 0; d < last && from >= 0; d++) {
            int64_t at = pad->map[pad->begin[d] + place[d]];
            from = at < 0 ? -1 : from + at * step[d];
        }
        fill_row(operation, length, map, from, peek__at(y, run * length));
        for (int d = last - 1; d >= 0 && ++place[d] == y->shape[d]; d--) place[d] = 0;
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Pad", .first = 1, .least_inputs = 1, .most_inputs = 4, .infer = infer, .forward = forward}};
const peek__family peek__pad_family = PEEK__FAMILY(rows);
