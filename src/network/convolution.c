/* network/convolution.c: the operator Conv. */
#include "network/convolution.h"

peek_status peek__convolution_infer(peek_context *context, peek_network *network, peek__node *node)
{
    PEEK_TRY(peek__node_needs_tensor(context, network, node, 0));
    PEEK_TRY(peek__node_needs_weight(context, network, node, 1));
    const peek__value *input = peek__node_input(network, node, 0), *weight = peek__node_input(network, node, 1);
    const peek__value *bias = peek__node_input(network, node, 2);
    if (bias) PEEK_TRY(peek__node_needs_weight(context, network, node, 2));
    if (weight->dimensions != 4)
        return peek__node_refuse(
            context, network, node,
            "only two-dimensional convolutions are supported, but its weight '%s' has %d dimensions",
            weight->name, weight->dimensions);
    peek__convolution *convolution;
    PEEK_TRY(peek__node_settings(context, node, &convolution));
    node->settings = convolution;
    PEEK_TRY(peek__window_read(context, network, node, input, weight->shape + 2, &convolution->window));
    convolution->groups = peek__attribute_integer(node, "group", 1);
    convolution->channels = input->shape[0];
    convolution->outputs = weight->shape[0];
    int64_t groups = convolution->groups;
    const peek__attribute *kernel = peek__attribute_find(node, "kernel_shape");
    if (kernel && (kernel->count != 2 || kernel->integers[0] != weight->shape[2] ||
                   kernel->integers[1] != weight->shape[3]))
        return peek__node_broken(context, node, "its kernel_shape differs from the shape of its weight '%s'",
                                 weight->name);
    if (groups < 1 || convolution->outputs < 1 || convolution->channels % groups ||
        convolution->outputs % groups || weight->shape[1] < 1 ||
        peek__product(weight->shape[1], groups) != convolution->channels)
        return peek__node_broken(
            context, node,
            "its weight '%s' is for %lld channels in %lld groups, but its input has %lld channels",
            weight->name, (long long)weight->shape[1], (long long)groups, (long long)convolution->channels);
    if (bias && (bias->dimensions != 1 || bias->shape[0] != convolution->outputs))
        return peek__node_broken(context, node, "its bias '%s' has %lld values for %lld channels", bias->name,
                                 (long long)bias->size, (long long)convolution->outputs);
    int64_t shape[3] = {convolution->outputs, convolution->window.out[0], convolution->window.out[1]};
    return peek__value_shape(context, peek__node_output(network, node), 3, shape);
}

peek_status peek__convolution_prepare(peek_context *context, peek__operation *operation)
{
    return peek__convolution_columns_prepare(context, operation);
}

peek_status peek__convolution_forward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    peek__convolution_columns_forward(operation, count);
    return PEEK_OK;
}

peek_status peek__convolution_backward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    peek__convolution_columns_backward(operation, count);
    return PEEK_OK;
}

void peek__convolution_release(peek__operation *operation)
{
    peek__convolution_columns_release(operation);
}
