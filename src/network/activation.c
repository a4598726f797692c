/* network/activation.c: functions of one value: Relu, LeakyRelu, Sigmoid, Tanh. */
#include "network/operators.h"

#include <math.h>
#include <string.h>

typedef enum function { RELU, LEAKY, SIGMOID, TANH } function;

typedef struct settings {
    function function;
    float slope; /* of LeakyRelu below zero */
} settings;

peek_status peek__activation_infer(peek_context *context, peek_network *network, peek__node *node)
{
    static const struct {
        const char *op;
        function function;
    } functions[] = {{"Relu", RELU}, {"LeakyRelu", LEAKY}, {"Sigmoid", SIGMOID}, {"Tanh", TANH}};
    PEEK_TRY(peek__node_needs_tensor(context, network, node, 0));
    settings *activation;
    PEEK_TRY(peek__node_settings(context, node, &activation));
    node->settings = activation;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].op, node->op) == 0) activation->function = functions[i].function;
    activation->slope = peek__attribute_number(node, "alpha", 0.01f);
    return peek__node_same_shape(context, network, node, 0);
}

peek_status peek__activation_forward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *activation = operation->node->settings;
    const float *restrict x = operation->input[0]->values;
    float *restrict y = operation->output->values, slope = activation->slope;
    int64_t size = count * operation->output->size;
    switch (activation->function) {
    case RELU: /* written so that what is not a number stays so */
        for (int64_t i = 0; i < size; i++) y[i] = x[i] < 0 ? 0 : x[i];
        break;
    case LEAKY:
        for (int64_t i = 0; i < size; i++) y[i] = x[i] < 0 ? slope * x[i] : x[i];
        break;
    case SIGMOID: /* exp of a negative number only: it cannot overflow */
        for (int64_t i = 0; i < size; i++) {
            float small = expf(-fabsf(x[i]));
            y[i] = (x[i] < 0 ? small : 1) / (1 + small);
        }
        break;
    case TANH:
        for (int64_t i = 0; i < size; i++) y[i] = tanhf(x[i]);
        break;
    }
    return PEEK_OK;
}

peek_status peek__activation_backward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *activation = operation->node->settings;
    const float *restrict y = operation->output->values, *restrict back = operation->output->gradients;
    const float *restrict x = operation->input[0]->values;
    float *restrict out = operation->input[0]->gradients, slope = activation->slope;
    int64_t size = count * operation->output->size;
    if (!out) return PEEK_OK;
    switch (activation->function) {
    case RELU:
        for (int64_t i = 0; i < size; i++) out[i] += y[i] > 0 ? back[i] : 0;
        break;
    case LEAKY:
        for (int64_t i = 0; i < size; i++) out[i] += x[i] < 0 ? slope * back[i] : back[i];
        break;
    case SIGMOID:
        for (int64_t i = 0; i < size; i++) out[i] += back[i] * y[i] * (1 - y[i]);
        break;
    case TANH:
        for (int64_t i = 0; i < size; i++) out[i] += back[i] * (1 - y[i] * y[i]);
        break;
    }
    return PEEK_OK;
}
