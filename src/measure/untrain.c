/* measure/untrain.c: a network as it was before it was trained. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "network/weight_role.h"
#include "measure/run_network.h"

/* How many values of its input one output of a layer sums, from the shape of its weights. */
static double fan_in(const peek__node *node, const peek__tensor *weights)
{
    int64_t outputs = weights->shape[0];
    if (strcmp(node->op, "MatMul") == 0) return (double)weights->shape[weights->dimensions - 2];
    if (strcmp(node->op, "ConvTranspose") == 0) outputs = weights->shape[1];
    if (strcmp(node->op, "Gemm") == 0 && !peek__attribute_integer(node, "transB", 0))
        outputs = weights->shape[1];
    return (double)weights->size / (double)outputs;
}

static void fill(peek__tensor *tensor, float value)
{
    for (int64_t i = 0; i < tensor->size; i++) tensor->floats[i] = value;
}

static void draw(peek__tensor *tensor, double bound, int64_t seed, int64_t index)
{
    peek__stream stream = peek__stream_make((uint64_t)seed, PEEK__UNTRAIN, (uint64_t)index);
    for (int64_t i = 0; i < tensor->size; i++)
        tensor->floats[i] = (float)peek__random_between(&stream, -bound, bound);
}

/* A bias as its layer's weights would be; 0 where they are not to be seen. */
static void draw_bias(const peek_network *network, const peek__node *node, peek__tensor *bias, int64_t seed,
                      int64_t index)
{
    const peek__value *weights = &network->value[node->input[1]];
    if (weights->constant && weights->tensor.dimensions >= 2)
        draw(bias, 1 / sqrt(fan_in(node, &weights->tensor)), seed, index);
    else
        fill(bias, 0);
}

static void reset(peek_network *network, int64_t index, int64_t seed)
{
    peek__weight_role role = peek__weight_role_of(network, index);
    peek__tensor *tensor = &network->value[network->weight[index]].tensor;
    if (!tensor->size) return;
    switch (role.kind) {
    case PEEK__WEIGHT_MATRIX:
        if (tensor->dimensions >= 2) draw(tensor, 1 / sqrt(fan_in(role.node, tensor)), seed, index);
        break;
    case PEEK__WEIGHT_BIAS:
        draw_bias(network, role.node, tensor, seed, index);
        break;
    case PEEK__WEIGHT_SCALE:
    case PEEK__WEIGHT_VARIANCE:
        fill(tensor, 1);
        break;
    case PEEK__WEIGHT_SHIFT:
    case PEEK__WEIGHT_MEAN:
        fill(tensor, 0);
        break;
    case PEEK__WEIGHT_ADDED:
        if (tensor->dimensions == 1) fill(tensor, 0);
        break;
    default:
        break;
    }
}

peek_status peek__untrain(peek_context *context, peek_network *network, int64_t seed)
{
    for (int64_t w = 0; w < network->weights; w++) reset(network, w, seed);
    peek__graph_digest(network);
    return peek__poll(context);
}
