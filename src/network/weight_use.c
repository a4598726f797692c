/* network/weight_use.c: which constants of a network are parameters.
 *
 * ONNX does not say: an initialiser may be a kernel or the number two. What it is used for tells. */
#include "network/weight_use.h"

#include <string.h>

/* Operators and those of their inputs that are trained. */
static const struct parameters {
    const char *op;
    int first, last;
    int scalars; /* 1: also single numbers without a dimension, which in arithmetic belong to the formula */
} table[] = {
    {"Conv", 1, 2, 1},
    {"ConvTranspose", 1, 2, 1},
    {"Gemm", 0, 2, 1},
    {"MatMul", 0, 1, 1},
    {"BatchNormalization", 1, 2, 1},
    {"InstanceNormalization", 1, 2, 1},
    {"LayerNormalization", 1, 2, 1},
    {"GroupNormalization", 1, 2, 1},
    {"RMSNormalization", 1, 1, 1},
    {"PRelu", 1, 1, 1},
    {"Gather", 0, 0, 1},
    {"Add", 0, 1, 0},
    {"Sub", 0, 1, 0},
    {"Mul", 0, 1, 0},
    {"Div", 0, 1, 0},
};

enum { FAR = 6 }; /* how many reshapings may lie between a weight and its use */

static int is_reshaping(const char *op)
{
    static const char *const names[] = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose",
                                        "Flatten",  "Cast",    "Expand",  "Slice",     "Concat"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(op, names[i]) == 0) return 1;
    return 0;
}

/* Whether what is made of a weight by reshaping alone is used as a parameter. */
static int leads_on(const peek_network *network, const peek__value *weight, int64_t number, int far);

static int is_parameter(const peek_network *network, const peek__value *value, const peek__node *node,
                        int64_t input, int far)
{
    if (is_reshaping(node->op) && far && node->outputs)
        return node->output[0] >= 0 && leads_on(network, value, node->output[0], far - 1);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].op, node->op) == 0)
            return input >= table[i].first && input <= table[i].last &&
                   (table[i].scalars || value->tensor.dimensions > 0);
    return 0;
}

static int leads_on(const peek_network *network, const peek__value *weight, int64_t number, int far)
{
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t input = 0; input < network->node[n].inputs; input++)
            if (network->node[n].input[input] == number &&
                is_parameter(network, weight, &network->node[n], input, far))
                return 1;
    return 0;
}

peek__weight_use peek__weight_use_of(const peek_network *network, int64_t i, float *stays)
{
    int64_t number = network->weight[i];
    const peek__value *value = &network->value[number];
    for (int64_t n = 0; n < network->nodes; n++) {
        const peek__node *node = &network->node[n];
        for (int64_t input = 0; input < node->inputs; input++) {
            if (node->input[input] != number) continue;
            if (strcmp(node->op, "BatchNormalization") == 0 && input >= 3) {
                *stays = peek__attribute_number(node, "momentum", 0.9f);
                return PEEK__WEIGHT_AVERAGED;
            }
        }
    }
    return !value->literal && leads_on(network, value, number, FAR) ? PEEK__WEIGHT_TRAINED : PEEK__WEIGHT_FIXED;
}
