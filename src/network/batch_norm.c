/* network/batch_norm.c: BatchNormalization as at inference: y = scale (x - mean) / sqrt(variance + epsilon) +
 * bias, a channel each. Training through it is not supported. */
#include "network/operators.h"

#include <math.h>

typedef struct settings {
    float epsilon;
} settings;

peek_status peek__batch_norm_infer(peek_context *context, peek_network *network, peek__node *node)
{
    PEEK_TRY(peek__node_needs_tensor(context, network, node, 0));
    const peek__value *input = peek__node_input(network, node, 0);
    if (peek__attribute_integer(node, "training_mode", 0) || !peek__attribute_integer(node, "spatial", 1))
        return peek__node_refuse(context, network, node,
                                 "it is in training mode or not by channel; export the network for inference");
    if (input->dimensions < 1)
        return peek__node_broken(context, node, "its input '%s' has no channels", input->name);
    for (int64_t i = 1; i < 5; i++) {
        PEEK_TRY(peek__node_needs_weight(context, network, node, i));
        const peek__value *weight = peek__node_input(network, node, i);
        if (weight->size != input->shape[0])
            return peek__node_broken(context, node, "'%s' has %lld values for %lld channels", weight->name,
                                     (long long)weight->size, (long long)input->shape[0]);
    }
    settings *norm;
    PEEK_TRY(peek__node_settings(context, node, &norm));
    node->settings = norm;
    norm->epsilon = peek__attribute_number(node, "epsilon", 1e-5f);
    return peek__node_same_shape(context, network, node, 0);
}

peek_status peek__batch_norm_forward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *norm = operation->node->settings;
    int64_t channels = operation->output->value->shape[0];
    int64_t plane = channels ? operation->output->size / channels : 0;
    for (int64_t i = 0; i < count * channels; i++) {
        int64_t c = i % channels;
        double scale =
            operation->input[1]->values[c] / sqrt((double)operation->input[4]->values[c] + norm->epsilon);
        double shift = operation->input[2]->values[c] - scale * operation->input[3]->values[c];
        const float *x = operation->input[0]->values + i * plane;
        float *y = operation->output->values + i * plane, a = (float)scale, b = (float)shift;
        for (int64_t p = 0; p < plane; p++) y[p] = a * x[p] + b;
    }
    return PEEK_OK;
}
