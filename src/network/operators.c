/* network/operators.c: the table of operators, and what their families share. */
#include "network/operators.h"

#include <string.h>

/* The newest opset these rows were checked against. */
enum { NEWEST = 23 };

static const peek__operator table[] = {
    {.name = "Conv",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = peek__convolution_infer,
     .prepare = peek__convolution_prepare,
     .forward = peek__convolution_forward,
     .backward = peek__convolution_backward,
     .release = peek__convolution_release},
    {.name = "MaxPool",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .infer = peek__pooling_infer,
     .prepare = peek__pooling_prepare,
     .forward = peek__pooling_forward,
     .backward = peek__pooling_backward,
     .release = peek__pooling_release},
    {.name = "AveragePool",
     .first = 7,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .infer = peek__pooling_infer,
     .prepare = peek__pooling_prepare,
     .forward = peek__pooling_forward,
     .backward = peek__pooling_backward,
     .release = peek__pooling_release},
    {.name = "GlobalAveragePool",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .infer = peek__global_pooling_infer,
     .forward = peek__global_pooling_forward,
     .backward = peek__global_pooling_backward},

    /* Before opset 7 these broadcast by attributes, not by shape. */
    {.name = "Gemm",
     .first = 7,
     .last = NEWEST,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = peek__gemm_infer,
     .forward = peek__dense_forward,
     .backward = peek__dense_backward},
    {.name = "MatMul",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = peek__matmul_infer,
     .forward = peek__dense_forward,
     .backward = peek__dense_backward},
    {.name = "Add",
     .first = 7,
     .last = NEWEST,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = peek__add_infer,
     .forward = peek__add_forward,
     .backward = peek__add_backward},

    {.name = "Relu",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .activation = 1,
     .infer = peek__activation_infer,
     .forward = peek__activation_forward,
     .backward = peek__activation_backward},
    {.name = "LeakyRelu",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .activation = 1,
     .infer = peek__activation_infer,
     .forward = peek__activation_forward,
     .backward = peek__activation_backward},
    {.name = "Sigmoid",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .activation = 1,
     .infer = peek__activation_infer,
     .forward = peek__activation_forward,
     .backward = peek__activation_backward},
    {.name = "Tanh",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .activation = 1,
     .infer = peek__activation_infer,
     .forward = peek__activation_forward,
     .backward = peek__activation_backward},

    {.name = "Softmax",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .infer = peek__softmax_infer,
     .forward = peek__softmax_forward,
     .backward = peek__softmax_backward},
    {.name = "LogSoftmax",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .infer = peek__softmax_infer,
     .forward = peek__softmax_forward,
     .backward = peek__softmax_backward},

    {.name = "Flatten",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .infer = peek__flatten_infer,
     .forward = peek__copy_forward,
     .backward = peek__copy_backward},
    {.name = "Reshape",
     .first = 5,
     .last = NEWEST,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = peek__reshape_infer,
     .forward = peek__copy_forward,
     .backward = peek__copy_backward},
    {.name = "Identity",
     .first = 1,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 1,
     .infer = peek__identity_infer,
     .forward = peek__copy_forward,
     .backward = peek__copy_backward},
    /* Before opset 7 its default is training. Here it is inference only, so training through it is refused. */
    {.name = "Dropout",
     .first = 7,
     .last = NEWEST,
     .least_inputs = 1,
     .most_inputs = 3,
     .infer = peek__dropout_infer,
     .forward = peek__copy_forward},
    {.name = "BatchNormalization",
     .first = 7,
     .last = NEWEST,
     .least_inputs = 5,
     .most_inputs = 5,
     .infer = peek__batch_norm_infer,
     .forward = peek__batch_norm_forward},
};

const peek__operator *peek__operator_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

peek__value *peek__node_input(const peek_network *network, const peek__node *node, int64_t input)
{
    return input < node->inputs && node->input[input] >= 0 ? &network->value[node->input[input]] : NULL;
}

peek__value *peek__node_output(const peek_network *network, const peek__node *node)
{
    return &network->value[node->output[0]];
}

peek_status peek__node_needs_tensor(peek_context *context, const peek_network *network, const peek__node *node,
                                    int64_t input)
{
    const peek__value *value = peek__node_input(network, node, input);
    if (!value) return peek__node_broken(context, node, "input %lld is missing", (long long)input);
    if (value->constant)
        return peek__node_refuse(context, network, node,
                                 "its input '%s' is a constant, but a tensor of the samples is expected",
                                 value->name);
    return PEEK_OK;
}

peek_status peek__node_needs_weight(peek_context *context, const peek_network *network, const peek__node *node,
                                    int64_t input)
{
    const peek__value *value = peek__node_input(network, node, input);
    if (!value) return peek__node_broken(context, node, "input %lld is missing", (long long)input);
    if (!value->constant)
        return peek__node_refuse(context, network, node,
                                 "its input '%s' is computed, but only a constant is supported there",
                                 value->name);
    if (value->element != PEEK__ELEMENT_FLOAT)
        return peek__node_broken(context, node, "its input '%s' should hold floats", value->name);
    return PEEK_OK;
}

peek_status peek__node_same_shape(peek_context *context, const peek_network *network, const peek__node *node,
                                  int64_t input)
{
    const peek__value *value = peek__node_input(network, node, input);
    return peek__value_shape(context, peek__node_output(network, node), value->dimensions, value->shape);
}

peek_status peek__node_fold(peek_context *context, peek_network *network, peek__node *node, int64_t dimensions,
                            const int64_t *shape)
{
    const peek__value *from = peek__node_input(network, node, 0);
    peek__value *to = peek__node_output(network, node);
    PEEK_TRY(peek__value_shape(context, to, dimensions, shape));
    to->element = from->element;
    if (from->element == PEEK__ELEMENT_FLOAT) {
        PEEK_TRY(peek__alloc(context, &to->floats, to->size, "the weights"));
        memcpy(to->floats, from->floats, (size_t)to->size * sizeof *to->floats);
    } else {
        PEEK_TRY(peek__alloc(context, &to->integers, to->size, "a constant of the network"));
        memcpy(to->integers, from->integers, (size_t)to->size * sizeof *to->integers);
    }
    to->constant = 1;
    node->folded = 1;
    return PEEK_OK;
}

/* Two integers of an attribute, or both `standard` where it is missing. */
static peek_status read_pair(peek_context *context, const peek__node *node, const char *name, int64_t standard,
                             int64_t out[2])
{
    const peek__attribute *attribute = peek__attribute_find(node, name);
    for (int i = 0; i < 2; i++) {
        if (attribute && (attribute->kind != PEEK__ATTRIBUTE_INTEGERS || attribute->count != 2))
            return peek__node_broken(context, node, "its attribute '%s' should be two integers", name);
        out[i] = attribute ? attribute->integers[i] : standard;
        if (out[i] < 1 || out[i] > 1 << 20)
            return peek__node_broken(context, node, "its attribute '%s' has the impossible value %lld", name,
                                     (long long)out[i]);
    }
    return PEEK_OK;
}

/* Padding that makes out = ceil(in / stride), the odd one at the end or at the beginning. */
static void pad_same(peek__window *window, int d, int upper)
{
    int64_t span = (window->kernel[d] - 1) * window->dilation[d] + 1;
    int64_t out = (window->in[d] + window->stride[d] - 1) / window->stride[d];
    int64_t total = (out - 1) * window->stride[d] + span - window->in[d];
    if (total < 0) total = 0;
    window->before[d] = upper ? total / 2 : total - total / 2;
    window->after[d] = total - window->before[d];
}

peek_status peek__window_read(peek_context *context, const peek_network *network, const peek__node *node,
                              const peek__value *input, const int64_t kernel[2], peek__window *out)
{
    if (input->dimensions != 3)
        return peek__node_refuse(
            context, network, node,
            "only two-dimensional pictures (samples x C x H x W) are supported, but '%s' has %d dimensions",
            input->name, input->dimensions + 1);
    *out = (peek__window){.kernel = {kernel[0], kernel[1]}, .in = {input->shape[1], input->shape[2]}};
    PEEK_TRY(read_pair(context, node, "strides", 1, out->stride));
    PEEK_TRY(read_pair(context, node, "dilations", 1, out->dilation));
    const peek__attribute *pads = peek__attribute_find(node, "pads");
    if (pads && (pads->kind != PEEK__ATTRIBUTE_INTEGERS || pads->count != 4))
        return peek__node_broken(context, node, "its attribute 'pads' should be four integers");
    const char *automatic = peek__attribute_text(node, "auto_pad", "NOTSET");
    int upper = strcmp(automatic, "SAME_UPPER") == 0, lower = strcmp(automatic, "SAME_LOWER") == 0;
    int valid = strcmp(automatic, "VALID") == 0;
    if (!upper && !lower && !valid && strcmp(automatic, "NOTSET") != 0)
        return peek__node_broken(context, node, "its attribute 'auto_pad' is '%.40s'", automatic);
    int64_t ceiling = peek__attribute_integer(node, "ceil_mode", 0) != 0;
    for (int d = 0; d < 2; d++) {
        if (kernel[d] < 1 || kernel[d] > 1 << 20)
            return peek__node_broken(context, node, "its kernel has the impossible size %lld",
                                     (long long)kernel[d]);
        if (upper || lower)
            pad_same(out, d, upper);
        else if (pads && !valid) {
            out->before[d] = pads->integers[d];
            out->after[d] = pads->integers[d + 2];
        }
        if (out->before[d] < 0 || out->after[d] < 0 || out->before[d] > 1 << 20 || out->after[d] > 1 << 20)
            return peek__node_refuse(context, network, node, "its padding is negative or absurd");
        int64_t room = out->in[d] + out->before[d] + out->after[d] - ((kernel[d] - 1) * out->dilation[d] + 1);
        if (room < 0)
            return peek__node_broken(
                context, node, "its window of %lldx%lld is larger than its padded input of %lldx%lld",
                (long long)kernel[0], (long long)kernel[1], (long long)out->in[0], (long long)out->in[1]);
        out->out[d] = (room + ceiling * (out->stride[d] - 1)) / out->stride[d] + 1;
        /* A window that would begin behind the input sees nothing. */
        if (ceiling && (out->out[d] - 1) * out->stride[d] >= out->in[d] + out->before[d]) out->out[d]--;
    }
    return PEEK_OK;
}
