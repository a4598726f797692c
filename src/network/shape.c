/* network/shape.c: operators that only give a tensor another shape or name: Flatten, Reshape, Identity,
 * Dropout. */
#include "network/operators.h"

#include <string.h>

peek_status peek__flatten_infer(peek_context *context, peek_network *network, peek__node *node)
{
    PEEK_TRY(peek__node_needs_tensor(context, network, node, 0));
    const peek__value *input = peek__node_input(network, node, 0);
    int64_t axis = peek__sample_axis(input, peek__attribute_integer(node, "axis", 1));
    if (axis == -2 && peek__attribute_integer(node, "axis", 1) != input->dimensions + 1)
        return peek__node_broken(context, node, "its axis is outside its input '%s'", input->name);
    if (axis != 0)
        return peek__node_refuse(context, network, node,
                                 "only flattening each sample by itself (axis 1) is supported");
    return peek__value_shape(context, peek__node_output(network, node), 1, &input->size);
}

/* Fills in what a target shape leaves open: 0 takes the input's dimension (unless allow_zero), one -1 takes the
 * rest. */
static peek_status resolve(peek_context *context, const peek__node *node, const peek__value *target,
                           int allow_zero, int64_t dimensions, const int64_t *shape, int64_t size, int64_t *out)
{
    int64_t open = -1, product = 1;
    for (int64_t i = 0; i < target->size; i++) {
        out[i] = target->integers[i];
        if (out[i] == 0 && !allow_zero) {
            if (i >= dimensions)
                return peek__node_broken(context, node,
                                         "its target shape copies a dimension that is not there");
            out[i] = shape[i];
        }
        if (out[i] == -1 && open < 0) {
            open = i;
            continue;
        }
        product = peek__product(product, out[i]);
        if (product < 0)
            return peek__node_broken(context, node, "its target shape '%s' is impossible", target->name);
    }
    if (open >= 0) {
        if (product == 0 || size % product)
            return peek__node_broken(context, node, "%lld values do not fit its target shape '%s'",
                                     (long long)size, target->name);
        out[open] = size / product;
        product = size;
    }
    if (product != size)
        return peek__node_broken(context, node, "%lld values do not fit its target shape '%s'", (long long)size,
                                 target->name);
    return PEEK_OK;
}

peek_status peek__reshape_infer(peek_context *context, peek_network *network, peek__node *node)
{
    const peek__value *input = peek__node_input(network, node, 0), *target = peek__node_input(network, node, 1);
    if (!target || !target->constant)
        return peek__node_refuse(context, network, node,
                                 "its target shape is computed; only a constant is supported");
    if (target->element != PEEK__ELEMENT_INTEGER || target->dimensions != 1 ||
        target->size > PEEK_DIMENSIONS + 1)
        return peek__node_broken(context, node, "its target shape '%s' should be a short list of integers",
                                 target->name);
    int allow_zero = peek__attribute_integer(node, "allowzero", 0) != 0;
    int64_t shape[PEEK_DIMENSIONS + 1] = {0}, out[PEEK_DIMENSIONS + 1] = {0};
    if (input->constant) {
        PEEK_TRY(resolve(context, node, target, allow_zero, input->dimensions, input->shape, input->size, out));
        return peek__node_fold(context, network, node, target->size, out);
    }
    /* Solved for the number of samples the file was written for, else for one; the samples must stay the first
     * dimension. */
    int64_t batch = network->file_batch > 0 ? network->file_batch : 1;
    shape[0] = batch;
    for (int i = 0; i < input->dimensions; i++) shape[i + 1] = input->shape[i];
    int64_t total = peek__product(batch, input->size);
    if (total < 0 || !target->size)
        return peek__node_broken(context, node, "its target shape '%s' is impossible", target->name);
    PEEK_TRY(resolve(context, node, target, allow_zero, input->dimensions + 1, shape, total, out));
    if (out[0] != batch)
        return peek__node_refuse(context, network, node, "its target shape '%s' mixes samples", target->name);
    return peek__value_shape(context, peek__node_output(network, node), target->size - 1, out + 1);
}

peek_status peek__identity_infer(peek_context *context, peek_network *network, peek__node *node)
{
    const peek__value *input = peek__node_input(network, node, 0);
    if (input->constant) return peek__node_fold(context, network, node, input->dimensions, input->shape);
    return peek__node_same_shape(context, network, node, 0);
}

peek_status peek__dropout_infer(peek_context *context, peek_network *network, peek__node *node)
{
    PEEK_TRY(peek__node_needs_tensor(context, network, node, 0));
    const peek__value *training = peek__node_input(network, node, 2);
    if (training && (!training->constant || training->element == PEEK__ELEMENT_FLOAT || training->size != 1 ||
                     training->integers[0]))
        return peek__node_refuse(context, network, node,
                                 "it is in training mode; export the network for inference");
    return peek__node_same_shape(context, network, node, 0);
}

peek_status peek__copy_forward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    memcpy(operation->output->values, operation->input[0]->values,
           (size_t)(count * operation->output->size) * sizeof(float));
    return PEEK_OK;
}

peek_status peek__copy_backward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const float *back = operation->output->gradients;
    float *out = operation->input[0]->gradients;
    for (int64_t i = 0; out && i < count * operation->output->size; i++) out[i] += back[i];
    return PEEK_OK;
}
