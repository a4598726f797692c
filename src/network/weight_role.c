/* network/weight_role.c: which constants of a network are parameters, and what for.
 *
 * ONNX does not say: an initialiser may be a kernel or the number two. What it is used for tells. */
#include "network/weight_role.h"

#include <string.h>

enum { FAR = 6 }; /* how many reshapings may lie between a weight and its use */

static const struct parameter {
    const char *op;
    int64_t input;
    peek__weight_kind kind;
    int arithmetic; /* 1: a single number without a dimension belongs to the formula */
} table[] = {
    {"Conv", 1, PEEK__WEIGHT_MATRIX, 0},
    {"Conv", 2, PEEK__WEIGHT_BIAS, 0},
    {"ConvTranspose", 1, PEEK__WEIGHT_MATRIX, 0},
    {"ConvTranspose", 2, PEEK__WEIGHT_BIAS, 0},
    {"Gemm", 0, PEEK__WEIGHT_MATRIX, 0},
    {"Gemm", 1, PEEK__WEIGHT_MATRIX, 0},
    {"Gemm", 2, PEEK__WEIGHT_BIAS, 0},
    {"MatMul", 0, PEEK__WEIGHT_MATRIX, 0},
    {"MatMul", 1, PEEK__WEIGHT_MATRIX, 0},
    {"BatchNormalization", 1, PEEK__WEIGHT_SCALE, 0},
    {"BatchNormalization", 2, PEEK__WEIGHT_SHIFT, 0},
    {"BatchNormalization", 3, PEEK__WEIGHT_MEAN, 0},
    {"BatchNormalization", 4, PEEK__WEIGHT_VARIANCE, 0},
    {"InstanceNormalization", 1, PEEK__WEIGHT_SCALE, 0},
    {"InstanceNormalization", 2, PEEK__WEIGHT_SHIFT, 0},
    {"LayerNormalization", 1, PEEK__WEIGHT_SCALE, 0},
    {"LayerNormalization", 2, PEEK__WEIGHT_SHIFT, 0},
    {"GroupNormalization", 1, PEEK__WEIGHT_SCALE, 0},
    {"GroupNormalization", 2, PEEK__WEIGHT_SHIFT, 0},
    {"RMSNormalization", 1, PEEK__WEIGHT_SCALE, 0},
    {"PRelu", 1, PEEK__WEIGHT_OTHER, 0},
    {"Gather", 0, PEEK__WEIGHT_OTHER, 0},
    {"Add", 0, PEEK__WEIGHT_ADDED, 1},
    {"Add", 1, PEEK__WEIGHT_ADDED, 1},
    {"Sub", 0, PEEK__WEIGHT_OTHER, 1},
    {"Sub", 1, PEEK__WEIGHT_OTHER, 1},
    {"Mul", 0, PEEK__WEIGHT_OTHER, 1},
    {"Mul", 1, PEEK__WEIGHT_OTHER, 1},
    {"Div", 0, PEEK__WEIGHT_OTHER, 1},
    {"Div", 1, PEEK__WEIGHT_OTHER, 1},
};

static int is_reshaping(const char *op)
{
    static const char *const names[] = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose",
                                        "Flatten",  "Cast",    "Expand",  "Slice",     "Concat"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(op, names[i]) == 0) return 1;
    return 0;
}

static peek__weight_kind kind_at(const peek__value *weight, const peek__node *node, int64_t input)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].input != input || strcmp(table[i].op, node->op) != 0) continue;
        return table[i].arithmetic && !weight->tensor.dimensions ? PEEK__WEIGHT_FORMULA : table[i].kind;
    }
    return PEEK__WEIGHT_FORMULA;
}

/* The role of what a value, made of the weight by reshaping alone, is used for. */
static peek__weight_role find(const peek_network *network, const peek__value *weight, int64_t number, int far)
{
    peek__weight_role role = {PEEK__WEIGHT_FORMULA, NULL};
    for (int64_t n = 0; n < network->nodes && !role.node; n++) {
        const peek__node *node = &network->node[n];
        for (int64_t i = 0; i < node->inputs && !role.node; i++) {
            if (node->input[i] != number) continue;
            if (is_reshaping(node->op)) {
                if (far && node->outputs && node->output[0] >= 0)
                    role = find(network, weight, node->output[0], far - 1);
                continue;
            }
            role.kind = kind_at(weight, node, i);
            if (role.kind != PEEK__WEIGHT_FORMULA) role.node = node;
        }
    }
    return role;
}

peek__weight_role peek__weight_role_of(const peek_network *network, int64_t i)
{
    const peek__value *weight = &network->value[network->weight[i]];
    const peek__weight_role formula = {PEEK__WEIGHT_FORMULA, NULL};
    return weight->literal ? formula : find(network, weight, network->weight[i], FAR);
}
