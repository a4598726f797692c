/* measure/untrain.c: a network as it was before it was trained. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "network/graph.h"
#include "measure/run_network.h"

static int is_one_of(const char *op, const char *const *names)
{
    while (*names && strcmp(op, *names) != 0) names++;
    return *names != NULL;
}

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

/* The weight with this number as input `place` of a node. */
static void reset(peek_network *network, const peek__node *node, int64_t place, int64_t seed, int64_t index)
{
    static const char *const layers[] = {"Conv", "ConvTranspose", "Gemm", "MatMul", NULL};
    static const char *const norms[] = {"BatchNormalization", "InstanceNormalization", "LayerNormalization",
                                        "GroupNormalization", "RMSNormalization",      NULL};
    peek__tensor *tensor = &network->value[network->weight[index]].tensor;
    if (is_one_of(node->op, layers)) {
        const peek__value *second = &network->value[node->input[1]];
        const peek__tensor *weights = second->constant ? &second->tensor : tensor;
        if (weights->dimensions >= 2 && weights->size)
            draw(tensor, 1 / sqrt(fan_in(node, weights)), seed, index);
    } else if (is_one_of(node->op, norms)) {
        fill(tensor, place == 1 || place == 4 ? 1 : 0); /* scale and variance */
    } else if (strcmp(node->op, "Add") == 0 && tensor->dimensions == 1 && tensor->size > 1) {
        fill(tensor, 0);
    }
}

peek_status peek__untrain(peek_context *context, peek_network *network, int64_t seed)
{
    for (int64_t w = 0; w < network->weights; w++)
        for (int64_t n = 0; n < network->nodes; n++)
            for (int64_t i = 0; i < network->node[n].inputs; i++)
                if (network->node[n].input[i] == network->weight[w])
                    reset(network, &network->node[n], i, seed, w);
    peek__graph_digest(network);
    return peek__poll(context);
}
