/* network/slice.c: Slice: y[i] = x[start + i step] along some axes, as NumPy's x[start:end:step]. */
#include "network/operators.h"

#include <string.h>

typedef struct settings {
    peek__walk walk; /* over y without its last dimension; offset 0 is into x */
    int64_t first;   /* where in x it begins */
    int64_t runs, length, step;
} settings;

/* The part of one axis: out: start and length. */
static void cut(int64_t size, int64_t start, int64_t end, int64_t step, int64_t *first, int64_t *length)
{
    if (start < 0) start += size;
    if (end < 0) end += size;
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
    start = start < low + (step < 0) ? low + (step < 0) : start > high ? high : start;
    end = end < low ? low : end > high ? high : end;
    int64_t span = step < 0 ? start - end : end - start, stride = step < 0 ? -step : step;
    *length = span > 0 && size ? (span - 1) / stride + 1 : 0;
    *first = *length ? start : 0;
}

/* INT64_MIN and such mean "to the end"; adding a size to them must not overflow. */
static int64_t limited(int64_t place)
{
    const int64_t most = INT64_C(1) << 60;
    return place > most ? most : place < -most ? -most : place;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t starts, ends, count, steps, start[PEEK_DIMENSIONS], end[PEEK_DIMENSIONS], axis[PEEK_DIMENSIONS],
        step[PEEK_DIMENSIONS], from[PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS], stride[PEEK_DIMENSIONS];
    int inputs = operation->node->opset >= 10;
    PEEK_TRY(
        peek__infer_integers(context, operation, inputs ? 1 : -1, inputs ? NULL : "starts", &starts, start));
    PEEK_TRY(peek__infer_integers(context, operation, inputs ? 2 : -1, inputs ? NULL : "ends", &ends, end));
    PEEK_TRY(peek__infer_integers(context, operation, inputs ? 3 : -1, inputs ? NULL : "axes", &count, axis));
    PEEK_TRY(peek__infer_integers(context, operation, inputs ? 4 : -1, NULL, &steps, step));
    if (starts < 0 || ends != starts || (count >= 0 && count != starts) || (steps >= 0 && steps != starts) ||
        (count < 0 && starts > x->dimensions))
        return peek__broken(context, operation, "its starts, ends, axes and steps do not fit together");
    settings *slice;
    PEEK_TRY(peek__infer_settings(context, operation, &slice));
    peek__row_major_steps(x->dimensions, x->shape, from);
    memcpy(shape, x->shape, sizeof shape);
    memcpy(stride, from, sizeof stride);
    char seen[PEEK_DIMENSIONS] = {0};
    for (int64_t i = 0; i < starts; i++) {
        int64_t a = count < 0 ? i : axis[i], by = steps < 0 ? 1 : limited(step[i]), first;
        PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &a));
        if (!by || seen[a]++) return peek__broken(context, operation, "a step is 0, or an axis is named twice");
        cut(x->shape[a], limited(start[i]), limited(end[i]), by, &first, &shape[a]);
        slice->first += first * from[a];
        stride[a] = shape[a] > 1 ? by * from[a] : 0;
    }
    int last = x->dimensions - 1;
    slice->length = last < 0 ? 1 : shape[last];
    slice->step = last < 0 ? 1 : stride[last];
    slice->walk.dimensions = last < 0 ? 0 : last;
    slice->runs = slice->length > 0;
    for (int d = 0; d < last; d++) {
        slice->walk.shape[d] = shape[d];
        slice->walk.step[0][d] = stride[d];
        slice->runs *= shape[d];
    }
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, shape);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *slice = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    peek__walk walk = slice->walk;
    for (int64_t r = 0; r < slice->runs; r++, peek__walk_on(&walk))
        peek__copy_numbers(x->type, peek__at(y, r * slice->length), peek__at(x, slice->first + walk.offset[0]),
                           slice->length, slice->step);
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *slice = operation->settings;
    const float *dy = operation->output_gradient[0];
    float *dx = operation->input_gradient[0];
    peek__walk walk = slice->walk;
    for (int64_t r = 0; dx && r < slice->runs; r++, dy += slice->length, peek__walk_on(&walk))
        for (int64_t i = 0; i < slice->length; i++)
            dx[slice->first + walk.offset[0] + i * slice->step] += dy[i];
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "Slice",
                                       .first = 1,
                                       .least_inputs = 1,
                                       .most_inputs = 5,
                                       .infer = infer,
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__slice_family = PEEK__FAMILY(rows);
