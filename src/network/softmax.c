/* network/softmax.c: Softmax and LogSoftmax.
 *
 *     softmax:    y_i = exp(x_i - max) / sum_j exp(x_j - max)        dx_i = y_i (dy_i - sum_j dy_j y_j)
 *     its log:    y_i = x_i - max - log sum_j exp(x_j - max)         dx_i = dy_i - exp(y_i) sum_j dy_j
 *
 * over `length` values, `step` apart. From opset 13 along one axis; before, over that axis and all behind it.
 */
#include "network/operators.h"

#include <math.h>
#include <string.h>

typedef struct settings {
    int64_t outer, length, step; /* of one sample */
    int logarithm;
} settings;

peek_status peek__softmax_infer(peek_context *context, peek_network *network, peek__node *node)
{
    PEEK_TRY(peek__node_needs_tensor(context, network, node, 0));
    const peek__value *input = peek__node_input(network, node, 0);
    int single = network->opset >= 13;
    int64_t axis = peek__sample_axis(input, peek__attribute_integer(node, "axis", single ? -1 : 1));
    if (axis == -2) return peek__node_broken(context, node, "its axis is outside its input '%s'", input->name);
    if (axis == -1) return peek__node_refuse(context, network, node, "it mixes samples (axis 0)");
    settings *softmax;
    PEEK_TRY(peek__node_settings(context, node, &softmax));
    node->settings = softmax;
    softmax->logarithm = strcmp(node->op, "LogSoftmax") == 0;
    softmax->outer = softmax->length = softmax->step = 1;
    for (int64_t i = 0; i < input->dimensions; i++)
        if (i < axis)
            softmax->outer *= input->shape[i];
        else if (i == axis || !single)
            softmax->length *= input->shape[i];
        else
            softmax->step *= input->shape[i];
    return peek__node_same_shape(context, network, node, 0);
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

peek_status peek__softmax_forward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *softmax = operation->node->settings;
    for (int64_t o = 0; o < count * softmax->outer; o++)
        for (int64_t s = 0; s < softmax->step; s++) {
            int64_t first = o * softmax->length * softmax->step + s;
            forward_line(operation->input[0]->values + first, operation->output->values + first,
                         softmax->length, softmax->step, softmax->logarithm);
        }
    return PEEK_OK;
}

peek_status peek__softmax_backward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *softmax = operation->node->settings;
    for (int64_t o = 0; operation->input[0]->gradients && o < count * softmax->outer; o++)
        for (int64_t s = 0; s < softmax->step; s++) {
            int64_t first = o * softmax->length * softmax->step + s;
            backward_line(operation->output->values + first, operation->output->gradients + first,
                          operation->input[0]->gradients + first, softmax->length, softmax->step,
                          softmax->logarithm);
        }
    return PEEK_OK;
}
