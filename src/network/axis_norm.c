/* network/axis_norm.c: LpNormalization and MeanVarianceNormalization: along any axes.
 *
 *     Lp                y = x / (sum of |x|^p)^(1/p), p 1 or 2; where all is zero: 0
 *     mean and variance y = (x - mean) / (standard deviation + 1e-9) */
#include "network/operators.h"

#include <math.h>
#include <string.h>

typedef struct settings {
    int64_t power;           /* 0: mean and variance */
    peek__walk outer, inner; /* over the other axes; over those that are normalised */
    int64_t lines, count;    /* their sizes */
} settings;

static void walk_over(const peek__tensor *x, const char *chosen, int is, peek__walk *walk, int64_t *size)
{
    int64_t step[PEEK_DIMENSIONS];
    peek__row_major_steps(x->dimensions, x->shape, step);
    *size = 1;
    for (int d = 0; d < x->dimensions; d++) {
        if (chosen[d] != is) continue;
        walk->shape[walk->dimensions] = x->shape[d];
        walk->step[0][walk->dimensions++] = step[d];
        *size *= x->shape[d];
    }
}

static peek_status infer_axes(peek_context *context, peek__operation *operation, int64_t count, int64_t *axes,
                              settings *norm)
{
    const peek__tensor *x = operation->input[0];
    char chosen[PEEK_DIMENSIONS] = {0};
    for (int64_t i = 0; i < count; i++) {
        PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axes[i]));
        chosen[axes[i]] = 1;
    }
    walk_over(x, chosen, 0, &norm->outer, &norm->lines);
    walk_over(x, chosen, 1, &norm->inner, &norm->count);
    return peek__infer_same(context, operation);
}

static peek_status infer_lp(peek_context *context, peek__operation *operation)
{
    settings *norm;
    PEEK_TRY(peek__infer_settings(context, operation, &norm));
    int64_t axis = peek__attribute_integer(operation->node, "axis", -1);
    norm->power = peek__attribute_integer(operation->node, "p", 2);
    if (norm->power != 1 && norm->power != 2)
        return peek__broken(context, operation, "its exponent p is %lld, but should be 1 or 2",
                            (long long)norm->power);
    return infer_axes(context, operation, 1, &axis, norm);
}

static peek_status infer_moments(peek_context *context, peek__operation *operation)
{
    settings *norm;
    PEEK_TRY(peek__infer_settings(context, operation, &norm));
    int64_t count, axes[PEEK_DIMENSIONS], standard[3] = {0, 2, 3};
    PEEK_TRY(peek__infer_integers(context, operation, -1, "axes", &count, axes));
    if (count < 0) memcpy(axes, standard, sizeof standard);
    return infer_axes(context, operation, count < 0 ? 3 : count, axes, norm);
}

/* y = (x - mean) scale over one line. */
static void normalise(const settings *norm, const float *x, float *y)
{
    double sum = 0, squares = 0, mean = 0, scale;
    peek__walk walk = norm->inner;
    if (!norm->power) {
        for (int64_t i = 0; i < norm->count; i++, peek__walk_on(&walk)) sum += x[walk.offset[0]];
        mean = sum / (double)norm->count;
    }
    sum = 0;
    for (int64_t i = 0; i < norm->count; i++, peek__walk_on(&walk)) {
        double value = x[walk.offset[0]] - mean;
        sum += fabs(value);
        squares += value * value;
    }
    if (norm->power) {
        double length = norm->power == 1 ? sum : sqrt(squares);
        scale = length > 0 ? 1 / length : isnan(length) ? length : 0;
    } else {
        scale = 1 / (sqrt(squares / (double)norm->count) + 1e-9);
    }
    for (int64_t i = 0; i < norm->count; i++, peek__walk_on(&walk))
        y[walk.offset[0]] = (float)((x[walk.offset[0]] - mean) * scale);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *norm = operation->settings;
    peek__walk walk = norm->outer;
    for (int64_t i = 0; norm->count && i < norm->lines; i++, peek__walk_on(&walk))
        normalise(norm, operation->input[0]->floats + walk.offset[0],
                  operation->output[0]->floats + walk.offset[0]);
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "LpNormalization", .first = 1, .least_inputs = 1, .infer = infer_lp, .forward = forward},
    {.name = "MeanVarianceNormalization",
     .first = 9,
     .least_inputs = 1,
     .infer = infer_moments,
     .forward = forward},
};
const peek__family peek__axis_norm_family = PEEK__FAMILY(rows);
