/* network/softmax.c: Softmax, LogSoftmax and Hardmax.
 *
 *     softmax:    y_i = exp(x_i - max) / sum_j exp(x_j - max)        dx_i = y_i (dy_i - sum_j dy_j y_j)
 *     its log:    y_i = x_i - max - log sum_j exp(x_j - max)         dx_i = dy_i - exp(y_i) sum_j dy_j
 *     hardmax:    y_i = 1 at the first largest x_i, else 0
 *
 * over `length` values, `step` apart. From opset 13 along one axis; before, over that axis and all behind it.
 */
#include "network/operators.h"

#include <math.h>
#include <string.h>

typedef struct settings {
    int64_t outer, length, step;
    int logarithm;
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    const peek__tensor *x = operation->input[0];
    int single = operation->node->opset >= 13;
    int64_t axis = peek__attribute_integer(operation->node, "axis", single ? -1 : 1);
    /* The older form allows an axis behind the last: then each line is one number. */
    if (single || axis != x->dimensions) PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    settings *softmax;
    PEEK_TRY(peek__infer_settings(context, operation, &softmax));
    softmax->logarithm = strcmp(operation->node->op, "LogSoftmax") == 0;
    softmax->outer = softmax->length = softmax->step = 1;
    for (int d = 0; d < x->dimensions; d++)
        if (d < axis)
            softmax->outer *= x->shape[d];
        else if (d == axis || !single)
            softmax->length *= x->shape[d];
        else
            softmax->step *= x->shape[d];
    return peek__infer_same(context, operation);
}

static void forward_line(const float *x, float *y, int64_t length, int64_t step, int logarithm)
{
    float most = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < length; i++)
        if (x[i * step] > most) most = x[i * step];
    for (int64_t i = 0; i < length; i++) {
        float power = expf(x[i * step] - most);
        y[i * step] = logarithm ? x[i * step] - most : power;
        sum += power;
    }
    float scale = (float)(1 / sum), shift = (float)log(sum);
    for (int64_t i = 0; i < length; i++) y[i * step] = logarithm ? y[i * step] - shift : y[i * step] * scale;
}

static void backward_line(const float *y, const float *back, float *out, int64_t length, int64_t step,
                          int logarithm)
{
    double sum = 0;
    for (int64_t i = 0; i < length; i++)
        sum += logarithm ? back[i * step] : (double)back[i * step] * y[i * step];
    for (int64_t i = 0; i < length; i++)
        out[i * step] += logarithm ? back[i * step] - expf(y[i * step]) * (float)sum
                                   : y[i * step] * (back[i * step] - (float)sum);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *softmax = operation->settings;
    for (int64_t o = 0; o < softmax->outer; o++)
        for (int64_t s = 0; s < softmax->step; s++) {
            int64_t first = o * softmax->length * softmax->step + s;
            forward_line(operation->input[0]->floats + first, operation->output[0]->floats + first,
                         softmax->length, softmax->step, softmax->logarithm);
        }
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *softmax = operation->settings;
    float *out = operation->input_gradient[0];
    for (int64_t o = 0; out && o < softmax->outer; o++)
        for (int64_t s = 0; s < softmax->step; s++) {
            int64_t first = o * softmax->length * softmax->step + s;
            backward_line(operation->output[0]->floats + first, operation->output_gradient[0] + first,
                          out + first, softmax->length, softmax->step, softmax->logarithm);
        }
    return PEEK_OK;
}

static peek_status forward_hard(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *softmax = operation->settings;
    for (int64_t o = 0; o < softmax->outer; o++)
        for (int64_t s = 0; s < softmax->step; s++) {
            int64_t first = o * softmax->length * softmax->step + s, best = 0;
            const float *x = operation->input[0]->floats + first;
            float *y = operation->output[0]->floats + first;
            for (int64_t i = 1; i < softmax->length; i++)
                if (x[i * softmax->step] > x[best * softmax->step]) best = i;
            for (int64_t i = 0; i < softmax->length; i++) y[i * softmax->step] = i == best;
        }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Softmax",
     .first = 1,
     .least_inputs = 1,
     .in_place = 1,
     .infer = infer,
     .forward = forward,
     .backward = backward},
    {.name = "LogSoftmax",
     .first = 1,
     .least_inputs = 1,
     .in_place = 1,
     .infer = infer,
     .forward = forward,
     .backward = backward},
    {.name = "Hardmax", .first = 1, .least_inputs = 1, .in_place = 1, .infer = infer, .forward = forward_hard},
};
const peek__family peek__softmax_family = PEEK__FAMILY(rows);
