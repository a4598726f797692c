/* network/line_norm.c: LayerNormalization, RMSNormalization, InstanceNormalization and GroupNormalization:
 * numbers that lie one after another are brought to mean 0 and variance 1, then scaled and shifted.
 *
 *     y = (x - mean) / sqrt(variance + epsilon) scale + bias       RMS: y = x / sqrt(mean of x² + epsilon)
 * scale
 *
 * A line is what is normalised together: for Layer and RMS the dimensions from `axis` on, for Instance a
 * channel of a sample, for Group some channels of a sample. Source of definitions:
 * https://onnx.ai/onnx/operators/ */
#include "network/broadcast.h"

#include <math.h>

typedef struct settings {
    int64_t lines, length;
    int centred; /* the mean is taken away */
    float epsilon;
    peek__broadcast loop; /* over the output (0), scale (1) and bias (2) */
} settings;

/* One that scale and bias fit by NumPy's broadcasting. `view`: the input as these see it; `name` by which ones
 * are put behind a list of one dimension. */
static peek_status infer_scales(peek_context *context, const peek__operation *operation,
                                const peek__tensor *view, int behind, settings *norm)
{
    const peek__tensor *tensors[3] = {view, NULL, NULL};
    peek__tensor shaped[3];
    int count = peek__input(operation, 2) ? 3 : 2;
    for (int64_t i = 1; i < count; i++) {
        PEEK_TRY(peek__needs_floats(context, operation, i));
        shaped[i] = *operation->input[i];
        if (behind && (shaped[i].dimensions != 1 || shaped[i].size != view->shape[1]))
            return peek__broken(context, operation, "its input '%s' has %lld numbers, but should have %lld",
                                peek__input_name(operation, i), (long long)shaped[i].size,
                                (long long)view->shape[1]);
        while (behind && shaped[i].dimensions < view->dimensions - 1)
            shaped[i].shape[shaped[i].dimensions++] = 1;
        int dimensions;
        int64_t shape[PEEK_DIMENSIONS];
        PEEK_TRY(peek__infer_broadcast(context, operation, view->dimensions, view->shape, shaped[i].dimensions,
                                       shaped[i].shape, &dimensions, shape));
        peek__tensor both = {.dimensions = dimensions};
        for (int d = 0; d < dimensions; d++) both.shape[d] = shape[d];
        if (!peek__same_shape(&both, view))
            return peek__broken(context, operation, "its input '%s' is larger than what it scales",
                                peek__input_name(operation, i));
        tensors[i] = &shaped[i];
    }
    peek__broadcast_make(&norm->loop, view->dimensions, view->shape, count, tensors);
    return PEEK_OK;
}

static peek_status begin(peek_context *context, peek__operation *operation, int least, settings **out)
{
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__infer_settings(context, operation, out));
    if (operation->input[0]->dimensions < least)
        return peek__broken(context, operation, "its input '%s' has only %d dimensions",
                            peek__input_name(operation, 0), operation->input[0]->dimensions);
    (*out)->centred = 1;
    (*out)->lines = (*out)->length = 1;
    (*out)->epsilon = peek__attribute_number(operation->node, "epsilon", 1e-5f);
    return PEEK_OK;
}

/* The type in which mean and deviation are given. */
static peek__element stash_type(const peek__operation *operation)
{
    int64_t type = peek__attribute_integer(operation->node, "stash_type", PEEK__TYPE_FLOAT);
    return type == PEEK__TYPE_BFLOAT16 ? PEEK__TYPE_BFLOAT16 : PEEK__TYPE_FLOAT;
}

static peek_status infer_layer(peek_context *context, peek__operation *operation)
{
    settings *norm;
    PEEK_TRY(begin(context, operation, 1, &norm));
    const peek__tensor *x = operation->input[0];
    int64_t axis = peek__attribute_integer(operation->node, "axis", -1), shape[PEEK_DIMENSIONS];
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    for (int d = 0; d < x->dimensions; d++) {
        *(d < axis ? &norm->lines : &norm->length) *= x->shape[d];
        shape[d] = d < axis ? x->shape[d] : 1;
    }
    PEEK_TRY(infer_scales(context, operation, x, 0, norm));
    for (int64_t o = 1; o < 3; o++)
        PEEK_TRY(peek__infer_output(context, operation, o, stash_type(operation), x->dimensions, shape));
    return peek__infer_same(context, operation);
}

static peek_status infer_rms(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(infer_layer(context, operation));
    ((settings *)operation->settings)->centred = 0;
    return PEEK_OK;
}

static peek_status infer_instance(peek_context *context, peek__operation *operation)
{
    settings *norm;
    PEEK_TRY(begin(context, operation, 3, &norm));
    const peek__tensor *x = operation->input[0];
    for (int d = 0; d < x->dimensions; d++) *(d < 2 ? &norm->lines : &norm->length) *= x->shape[d];
    PEEK_TRY(infer_scales(context, operation, x, 1, norm));
    return peek__infer_same(context, operation);
}

/* Scale and bias are one a group in opset 18, one a channel later. */
static peek_status infer_group(peek_context *context, peek__operation *operation)
{
    settings *norm;
    PEEK_TRY(begin(context, operation, 2, &norm));
    const peek__tensor *x = operation->input[0];
    int64_t groups = peek__attribute_integer(operation->node, "num_groups", 0);
    if (groups < 1 || x->shape[1] % groups)
        return peek__broken(context, operation, "its %lld channels cannot be cut into %lld groups",
                            (long long)x->shape[1], (long long)groups);
    peek__tensor view = {.dimensions = 3, .shape = {x->shape[0], x->shape[1], 1}};
    for (int d = 2; d < x->dimensions; d++) view.shape[2] *= x->shape[d];
    norm->lines = x->shape[0] * groups;
    norm->length = x->shape[1] / groups * view.shape[2];
    if (operation->node->opset < 21) {
        view.shape[1] = groups;
        view.shape[2] = norm->length;
    }
    PEEK_TRY(infer_scales(context, operation, &view, 1, norm));
    return peek__infer_same(context, operation);
}

/* Sums of eight neighbours each, in a fixed order, which the compiler can keep in vectors. */
enum { LANES = 8 };

static double sum_lanes(const double *part)
{
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

static double sum_of(const float *x, int64_t count)
{
    double part[LANES] = {0};
    for (; count >= LANES; count -= LANES, x += LANES)
        for (int i = 0; i < LANES; i++) part[i] += x[i];
    for (int64_t i = 0; i < count; i++) part[i] += x[i];
    return sum_lanes(part);
}

static double squares_of(const float *x, int64_t count, double mean)
{
    double part[LANES] = {0};
    for (; count >= LANES; count -= LANES, x += LANES)
        for (int i = 0; i < LANES; i++) part[i] += (x[i] - mean) * (x[i] - mean);
    for (int64_t i = 0; i < count; i++) part[i] += (x[i] - mean) * (x[i] - mean);
    return sum_lanes(part);
}

static void scale_and_shift(const settings *norm, float *y, const float *scale, const float *bias)
{
    peek__broadcast loop = norm->loop;
    int64_t s = loop.step[1], b = loop.step[2];
    for (int64_t r = 0; r < loop.runs; r++, y += loop.run, peek__walk_on(&loop.walk)) {
        const float *a = scale + loop.walk.offset[1], *c = bias ? bias + loop.walk.offset[2] : NULL;
        if (c)
            for (int64_t i = 0; i < loop.run; i++) y[i] = y[i] * a[i * s] + c[i * b];
        else
            for (int64_t i = 0; i < loop.run; i++) y[i] *= a[i * s];
    }
}

static float *wanted(const peek__operation *operation, int64_t output)
{
    return output < operation->outputs && operation->output[output] ? operation->output[output]->floats : NULL;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *norm = operation->settings;
    const peek__tensor *bias = peek__input(operation, 2);
    float *means = wanted(operation, 1), *inverses = wanted(operation, 2);
    for (int64_t line = 0; line < norm->lines; line++) {
        const float *x = operation->input[0]->floats + line * norm->length;
        float *y = operation->output[0]->floats + line * norm->length;
        double count = norm->length ? (double)norm->length : 1;
        double mean = norm->centred ? sum_of(x, norm->length) / count : 0;
        double inverse = 1 / sqrt(squares_of(x, norm->length, mean) / count + norm->epsilon);
        float m = (float)mean, scale = (float)inverse;
        for (int64_t i = 0; i < norm->length; i++) y[i] = (x[i] - m) * scale;
        if (means) means[line] = m;
        if (inverses) inverses[line] = scale;
    }
    scale_and_shift(norm, operation->output[0]->floats, operation->input[1]->floats,
                    bias ? bias->floats : NULL);
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "LayerNormalization",
     .first = 17,
     .least_inputs = 2,
     .most_inputs = 3,
     .most_outputs = 3,
     .infer = infer_layer,
     .forward = forward},
    {.name = "RMSNormalization", .first = 23, .least_inputs = 2, .infer = infer_rms, .forward = forward},
    {.name = "InstanceNormalization",
     .first = 1,
     .least_inputs = 3,
     .infer = infer_instance,
     .forward = forward},
    {.name = "GroupNormalization", .first = 18, .least_inputs = 3, .infer = infer_group, .forward = forward},
};
const peek__family peek__line_norm_family = PEEK__FAMILY(rows);
