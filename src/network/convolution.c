/* network/convolution.c: the operator Conv. */
#include "network/onednn.h"

/* As measured: oneDNN works in blocks of 8 channels and wins where they are full, and wherever there are
 * groups; a 1 x 1 kernel needs no unfolding and is a plain matrix product. */
static peek__convolution_way choose_way(const peek__convolution *convolution)
{
    const peek__window *window = &convolution->window;
    int pointwise = window->kernel[0] == 1 && window->kernel[1] == 1;
    if (convolution->groups > 1) return PEEK__BY_ONEDNN;
    return !pointwise && convolution->outputs % 8 == 0 ? PEEK__BY_ONEDNN : PEEK__BY_COLUMNS;
}

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
    convolution->way = choose_way(convolution);
    int64_t shape[3] = {convolution->outputs, convolution->window.out[0], convolution->window.out[1]};
    return peek__value_shape(context, peek__node_output(network, node), 3, shape);
}

peek_status peek__convolution_prepare(peek_context *context, peek__operation *operation)
{
    const peek__convolution *convolution = operation->node->settings;
    if (convolution->way == PEEK__BY_COLUMNS) return peek__convolution_columns_prepare(context, operation);
    peek__onednn *made = NULL;
    peek_status status = peek__onednn_create(context, convolution, operation->slice,
                                             operation->inputs > 2 && operation->input[2], operation->training,
                                             operation->input[0]->gradients != NULL, &made);
    operation->state = made;
    return status;
}

peek_status peek__convolution_forward(peek_context *context, peek__operation *operation, int64_t count)
{
    const peek__convolution *convolution = operation->node->settings;
    const peek__slot *bias = operation->inputs > 2 ? operation->input[2] : NULL;
    if (convolution->way == PEEK__BY_ONEDNN)
        return peek__onednn_forward(context, operation->state, operation->input[0]->values,
                                    operation->input[1]->values, bias ? bias->values : NULL,
                                    operation->output->values);
    peek__convolution_columns_forward(operation, count);
    return PEEK_OK;
}

peek_status peek__convolution_backward(peek_context *context, peek__operation *operation, int64_t count)
{
    const peek__convolution *convolution = operation->node->settings;
    const peek__slot *x = operation->input[0], *w = operation->input[1];
    const peek__slot *bias = operation->inputs > 2 ? operation->input[2] : NULL;
    if (convolution->way == PEEK__BY_ONEDNN)
        return peek__onednn_backward(context, operation->state, x->values, w->values,
                                     operation->output->gradients, x->gradients, w->gradients,
                                     bias ? bias->gradients : NULL);
    peek__convolution_columns_backward(operation, count);
    return PEEK_OK;
}

void peek__convolution_release(peek__operation *operation)
{
    const peek__convolution *convolution = operation->node->settings;
    if (convolution->way == PEEK__BY_COLUMNS) {
        peek__convolution_columns_release(operation);
        return;
    }
    peek__onednn *made = operation->state;
    peek__onednn_free(&made);
    operation->state = NULL;
}
