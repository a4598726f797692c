/* network/dense.c: Gemm and MatMul with a constant matrix.
 *
 *     y (rows x M) = alpha x (rows x K) w (K x M) + beta c      c: M values, one value, or none */
#include "network/operators.h"

#include <cblas.h>

typedef struct settings {
    int64_t rows; /* of one sample: 1, or what a MatMul over more dimensions has */
    int64_t in, out;
    int transposed; /* w is stored M x K */
    float alpha, beta;
} settings;

static peek_status check_sizes(peek_context *context, const peek_network *network, const peek__node *node,
                               const settings *dense, int64_t weight_in)
{
    const peek__value *input = peek__node_input(network, node, 0), *weight = peek__node_input(network, node, 1);
    if (dense->in != weight_in)
        return peek__node_broken(context, node,
                                 "its weight '%s' takes %lld values, but its input '%s' has %lld", weight->name,
                                 (long long)weight_in, input->name, (long long)dense->in);
    if (dense->in > INT32_MAX || dense->out > INT32_MAX || dense->in < 1 || dense->out < 1)
        return peek__node_refuse(context, network, node, "its weight '%s' is empty or too large", weight->name);
    return PEEK_OK;
}

peek_status peek__gemm_infer(peek_context *context, peek_network *network, peek__node *node)
{
    PEEK_TRY(peek__node_needs_tensor(context, network, node, 0));
    PEEK_TRY(peek__node_needs_weight(context, network, node, 1));
    const peek__value *input = peek__node_input(network, node, 0), *weight = peek__node_input(network, node, 1);
    const peek__value *bias = peek__node_input(network, node, 2);
    if (bias) PEEK_TRY(peek__node_needs_weight(context, network, node, 2));
    if (input->dimensions != 1 || weight->dimensions != 2)
        return peek__node_broken(context, node,
                                 "it multiplies matrices, but '%s' has %d dimensions and '%s' %d", input->name,
                                 input->dimensions + 1, weight->name, weight->dimensions);
    if (peek__attribute_integer(node, "transA", 0))
        return peek__node_refuse(context, network, node, "transposing the samples (transA) is not supported");
    settings *dense;
    PEEK_TRY(peek__node_settings(context, node, &dense));
    node->settings = dense;
    dense->transposed = peek__attribute_integer(node, "transB", 0) != 0;
    dense->alpha = peek__attribute_number(node, "alpha", 1);
    dense->beta = peek__attribute_number(node, "beta", 1);
    dense->rows = 1;
    dense->in = input->shape[0];
    dense->out = weight->shape[dense->transposed ? 0 : 1];
    PEEK_TRY(check_sizes(context, network, node, dense, weight->shape[dense->transposed ? 1 : 0]));
    if (bias && bias->size != 1 &&
        (bias->size != dense->out || bias->dimensions < 1 || bias->shape[bias->dimensions - 1] != dense->out))
        return peek__node_refuse(context, network, node,
                                 "its bias '%s' is neither one value nor one for each of %lld outputs",
                                 bias->name, (long long)dense->out);
    return peek__value_shape(context, peek__node_output(network, node), 1, &dense->out);
}

peek_status peek__matmul_infer(peek_context *context, peek_network *network, peek__node *node)
{
    PEEK_TRY(peek__node_needs_tensor(context, network, node, 0));
    PEEK_TRY(peek__node_needs_weight(context, network, node, 1));
    const peek__value *input = peek__node_input(network, node, 0), *weight = peek__node_input(network, node, 1);
    if (weight->dimensions != 2 || input->dimensions < 1)
        return peek__node_refuse(
            context, network, node,
            "only products with a constant matrix are supported, but '%s' has %d dimensions", weight->name,
            weight->dimensions);
    settings *dense;
    PEEK_TRY(peek__node_settings(context, node, &dense));
    node->settings = dense;
    dense->alpha = 1;
    dense->in = input->shape[input->dimensions - 1];
    dense->out = weight->shape[1];
    PEEK_TRY(check_sizes(context, network, node, dense, weight->shape[0]));
    dense->rows = input->size / dense->in;
    if (dense->rows > INT32_MAX / 1024)
        return peek__node_refuse(context, network, node, "its input '%s' is too large", input->name);
    int64_t shape[PEEK_DIMENSIONS];
    for (int i = 0; i < input->dimensions; i++) shape[i] = input->shape[i];
    shape[input->dimensions - 1] = dense->out;
    return peek__value_shape(context, peek__node_output(network, node), input->dimensions, shape);
}

peek_status peek__dense_forward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *dense = operation->node->settings;
    const peek__slot *x = operation->input[0], *w = operation->input[1];
    const peek__slot *bias = operation->inputs > 2 ? operation->input[2] : NULL;
    float *y = operation->output->values;
    int rows = (int)(count * dense->rows), in = (int)dense->in, out = (int)dense->out;
    for (int64_t i = 0; bias && i < rows; i++)
        for (int64_t o = 0; o < out; o++) y[i * out + o] = dense->beta * bias->values[bias->size == 1 ? 0 : o];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, dense->transposed ? CblasTrans : CblasNoTrans, rows, out, in,
                dense->alpha, x->values, in, w->values, dense->transposed ? in : out, bias ? 1 : 0, y, out);
    return PEEK_OK;
}

peek_status peek__dense_backward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *dense = operation->node->settings;
    const peek__slot *x = operation->input[0], *w = operation->input[1];
    const peek__slot *bias = operation->inputs > 2 ? operation->input[2] : NULL;
    const float *y = operation->output->gradients;
    int rows = (int)(count * dense->rows), in = (int)dense->in, out = (int)dense->out;
    for (int64_t i = 0; bias && i < rows; i++)
        for (int64_t o = 0; o < out; o++)
            bias->gradients[bias->size == 1 ? 0 : o] += dense->beta * y[i * out + o];
    if (dense->transposed)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, rows, dense->alpha, y, out, x->values, in,
                    1, w->gradients, in);
    else
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, in, out, rows, dense->alpha, x->values, in, y, out,
                    1, w->gradients, out);
    if (x->gradients)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, dense->transposed ? CblasNoTrans : CblasTrans, rows, in, out,
                    dense->alpha, y, out, w->values, dense->transposed ? in : out, 1, x->gradients, in);
    return PEEK_OK;
}
