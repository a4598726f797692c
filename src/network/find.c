/* network/find.c: NonZero and Compress: numbers that are chosen by numbers, whose count is the output's shape:
 * so what chooses must be known before the samples.
 *
 *     NonZero     the places of x that are not 0, one a column
 *     Compress    the entries along an axis (or of all of x in order) whose condition is true */
#include "network/line.h"

#include <string.h>

typedef struct settings {
    peek__lines lines; /* Compress: of x */
    int64_t kept;
} settings;

static int is_set(const peek__tensor *x, int64_t i)
{
    return peek__is_float(x->type) ? x->floats[i] != 0 : x->integers[i] != 0;
}

static peek_status infer_nonzero(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t shape[2] = {x->dimensions, 0};
    PEEK_TRY(peek__needs_constant(context, operation, 0));
    for (int64_t i = 0; i < x->size; i++) shape[1] += is_set(x, i);
    return peek__infer_output(context, operation, 0, PEEK__TYPE_INT64, 2, shape);
}

static peek_status forward_nonzero(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[0];
    peek__tensor *y = operation->output[0];
    peek__walk walk = {.dimensions = x->dimensions};
    memcpy(walk.shape, x->shape, sizeof walk.shape);
    for (int64_t i = 0, found = 0; i < x->size; i++, peek__walk_on(&walk)) {
        if (!is_set(x, i)) continue;
        for (int d = 0; d < x->dimensions; d++) y->integers[d * y->shape[1] + found] = walk.place[d];
        found++;
    }
    return PEEK_OK;
}

static peek_status infer_compress(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *condition = operation->input[1];
    int whole = !peek__attribute_find(operation->node, "axis");
    int64_t axis = peek__attribute_integer(operation->node, "axis", 0), shape[PEEK_DIMENSIONS];
    settings *compress;
    PEEK_TRY(peek__infer_settings(context, operation, &compress));
    PEEK_TRY(peek__needs_integers(context, operation, 1));
    PEEK_TRY(peek__needs_constant(context, operation, 1));
    if (!whole) PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    compress->lines = whole ? (peek__lines){1, x->size, 1} : peek__lines_along(x, axis);
    for (int64_t i = 0; i < condition->size; i++) {
        compress->kept += condition->integers[i] != 0;
        if (condition->integers[i] && i >= compress->lines.length)
            return peek__broken(context, operation, "its condition chooses number %lld of %lld", (long long)i,
                                (long long)compress->lines.length);
    }
    memcpy(shape, x->shape, sizeof shape);
    shape[axis] = compress->kept;
    return peek__infer_output(context, operation, 0, x->type, whole ? 1 : x->dimensions, shape);
}

static peek_status forward_compress(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *compress = operation->settings;
    const peek__tensor *x = operation->input[0], *condition = operation->input[1], *y = operation->output[0];
    const peek__lines *lines = &compress->lines;
    for (int64_t o = 0, at = 0; o < lines->outer; o++)
        for (int64_t i = 0; i < condition->size; i++) {
            if (!condition->integers[i]) continue;
            peek__copy_numbers(y->type, peek__at(y, at), peek__at(x, (o * lines->length + i) * lines->inner),
                               lines->inner, 1);
            at += lines->inner;
        }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "NonZero", .first = 9, .least_inputs = 1, .infer = infer_nonzero, .forward = forward_nonzero},
    {.name = "Compress", .first = 9, .least_inputs = 2, .infer = infer_compress, .forward = forward_compress},
};
const peek__family peek__find_family = PEEK__FAMILY(rows);
