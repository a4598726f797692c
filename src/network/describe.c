/* network/describe.c: what a network is, for people and programs. */
#include "network/automatic.h"
#include "network/layout.h"
#include "network/operators.h"
#include "network/survey.h"

/* A size of the first input, without the samples: 0 where the file leaves it open. */
static int64_t declared(const peek_network *network, int d)
{
    const peek__port *port = &network->input[0];
    int64_t size = port->shape[d + 1];
    return size < 0 ? 0 : size;
}

peek_status peek_network_input(peek_context *context, const peek_network *network, int64_t index,
                               peek_input_info *out)
{
    if (!network || !out || index < 0 || index >= network->inputs)
        return peek__fail(context, PEEK_E_ARGUMENT, "there is no input number %lld: the network has %lld",
                          (long long)index, (long long)(network ? network->inputs : 0));
    const peek__port *port = &network->input[index];
    int leads = network->survey->leads[index];
    *out = (peek_input_info){.name = network->value[port->value].name,
                             .type = peek__element_name(port->type),
                             .dimensions = network->survey->input[index].dimensions,
                             .samples = leads};
    for (int d = 0; port->shaped && d < out->dimensions; d++)
        out->shape[d] = port->shape[d + leads] < 0 ? 0 : port->shape[d + leads];
    return PEEK_OK;
}
peek_network_info peek_network_describe(const peek_network *network)
{
    const peek__survey *survey = network->survey;
    const peek__tensor *input = &survey->input[0];
    peek_network_info info = {.name = network->name,
                              .producer = network->producer,
                              .input = network->value[network->input[0].value].name,
                              .channels = 1,
                              .height = 1,
                              .width = survey->open ? 0 : input->size,
                              .outputs = survey->layer[network->output[0].value].size,
                              .parameters = network->parameters,
                              .tensors = survey->tensors,
                              .opset = network->opset,
                              .digest = network->digest};
    info.inputs = network->inputs;
    info.open = survey->open;
    info.dimensions = input->dimensions;
    for (int d = 0; d < input->dimensions; d++) info.shape[d] = input->shape[d];
    if (input->dimensions == 3) {
        int last;
        peek__port_is_picture(&network->input[0], &last);
        info.channels = declared(network, last ? 2 : 0);
        info.height = declared(network, last ? 0 : 1);
        info.width = declared(network, last ? 1 : 2);
    } else if (input->dimensions == 2) {
        info.height = declared(network, 0);
        info.width = declared(network, 1);
    }
    return info;
}

peek_status peek_network_tensor(peek_context *context, const peek_network *network, int64_t index,
                                peek_tensor_info *out)
{
    if (!network || !out || index < 0 || index >= network->survey->tensors)
        return peek__fail(context, PEEK_E_ARGUMENT, "there is no tensor number %lld: the network has %lld",
                          (long long)index, (long long)(network ? network->survey->tensors : 0));
    int64_t number = network->survey->tensor[index];
    const peek__value *value = &network->value[number];
    const peek__layer *layer = &network->survey->layer[number];
    const peek__node *node = &network->node[value->node];
    *out = (peek_tensor_info){.name = value->name,
                              .node = node->name,
                              .op = node->op,
                              .dimensions = layer->dimensions,
                              .size = layer->size,
                              .activation = node->type->activation,
                              .automatic = peek__automatic_takes((peek__automatic)network->automatic[number])};
    out->layout = peek__layout_name(peek__layout_find(network, network->survey, number));
    for (int d = 0; d < layer->dimensions; d++) out->shape[d] = layer->shape[d];
    for (int64_t i = 0; i < node->inputs; i++) {
        const peek__value *weight = node->input[i] < 0 ? NULL : &network->value[node->input[i]];
        if (weight && weight->constant && peek__is_float(weight->tensor.type))
            out->parameters += weight->tensor.size;
    }
    for (int64_t i = 0; i < network->outputs; i++) out->output |= network->output[i].value == number;
    return PEEK_OK;
}
