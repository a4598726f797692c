/* network/describe.c: what a network is, for people and programs. */
#include "network/operators.h"

peek_network_info peek_network_describe(const peek_network *network)
{
    const peek__value *input = &network->value[network->input];
    peek_network_info info = {.name = network->name,
                              .producer = network->producer,
                              .input = input->name,
                              .channels = 1,
                              .height = 1,
                              .width = input->size,
                              .outputs = peek__network_output(network)->size,
                              .parameters = network->parameters,
                              .tensors = network->tensors,
                              .opset = network->opset,
                              .digest = network->digest};
    if (input->dimensions == 3) {
        info.channels = input->shape[0];
        info.height = input->shape[1];
        info.width = input->shape[2];
    } else if (input->dimensions == 2) {
        info.height = input->shape[0];
        info.width = input->shape[1];
    }
    return info;
}

peek_status peek_network_tensor(peek_context *context, const peek_network *network, int64_t index,
                                peek_tensor_info *out)
{
    if (!network || !out || index < 0 || index >= network->tensors)
        return peek__fail(context, PEEK_E_ARGUMENT, "there is no tensor number %lld: the network has %lld",
                          (long long)index, (long long)(network ? network->tensors : 0));
    const peek__value *value = &network->value[network->tensor[index]];
    const peek__node *node = &network->node[value->node];
    *out = (peek_tensor_info){.name = value->name,
                              .node = node->name,
                              .op = node->op,
                              .dimensions = value->dimensions,
                              .size = value->size,
                              .activation = node->type->activation};
    for (int d = 0; d < value->dimensions; d++) out->shape[d] = value->shape[d];
    for (int64_t i = 0; i < node->inputs; i++) {
        const peek__value *weight = peek__node_input(network, node, i);
        if (weight && weight->constant && weight->element == PEEK__ELEMENT_FLOAT)
            out->parameters += weight->size;
    }
    for (int64_t i = 0; i < network->outputs; i++) out->output |= network->output[i] == network->tensor[index];
    return PEEK_OK;
}
