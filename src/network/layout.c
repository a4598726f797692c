/* network/layout.c: how the numbers of one sample lie in a tensor. */
#include "network/layout.h"
#include "network/operators.h"

#include <string.h>

/* Tokens in front of those of the patches: one for the class, one for distillation, up to a few registers. */
enum { MOST_LEAD = 8, LARGEST_PATCH = 256, MOST_CHANNELS = 4 };

/* What is known on the way: which dimension of a sample holds the channels. */
typedef enum feature_axis { UNKNOWN, FIRST, LAST } feature_axis;

static int is_one_of(const char *op, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(op, *names) == 0) return 1;
    return 0;
}

/* A value that is computed from the samples, among the inputs of a node: the largest, the first of equals. */
static int64_t main_input(const peek__survey *survey, const peek__node *node)
{
    int64_t best = -1;
    for (int64_t i = 0; i < node->inputs; i++) {
        int64_t value = node->input[i];
        if (value < 0 || !survey->layer[value].computed) continue;
        if (best < 0 || survey->layer[value].size > survey->layer[best].size) best = value;
    }
    return best;
}

static int has_weight(const peek_network *network, const peek__node *node)
{
    for (int64_t i = 0; i < node->inputs; i++)
        if (node->input[i] >= 0 && network->value[node->input[i]].constant) return 1;
    return 0;
}

/* Where a Transpose puts the axis of its input's channels; whole tensors, the samples among the dimensions. */
static feature_axis transposed(const peek__node *node, feature_axis before)
{
    int64_t count, from;
    const int64_t *order = peek__attribute_integers(node, "perm", &count);
    if (!order || before == UNKNOWN) return UNKNOWN;
    from = before == FIRST ? 1 : count - 1;
    if (count > 1 && order[count - 1] == from) return LAST;
    return count > 1 && order[1] == from ? FIRST : UNKNOWN;
}

/* What a Reshape leaves of it: the channels' axis where it is of the same length in the same place. */
static feature_axis reshaped(const peek__layer *from, const peek__layer *to, feature_axis before)
{
    if (!from->dimensions || !to->dimensions) return UNKNOWN;
    if (before == FIRST && from->shape[0] == to->shape[0]) return FIRST;
    int64_t last = from->shape[from->dimensions - 1];
    return before == LAST && last == to->shape[to->dimensions - 1] ? LAST : UNKNOWN;
}

static feature_axis find_axis(const peek_network *network, const peek__survey *survey, int64_t value)
{
    static const char *const first[] = {"Conv",
                                        "ConvTranspose",
                                        "ConvInteger",
                                        "BatchNormalization",
                                        "InstanceNormalization",
                                        "GroupNormalization",
                                        "MaxPool",
                                        "AveragePool",
                                        "LpPool",
                                        "GlobalAveragePool",
                                        "GlobalMaxPool",
                                        "GlobalLpPool",
                                        "LRN",
                                        "Resize",
                                        "Upsample",
                                        "DepthToSpace",
                                        "SpaceToDepth",
                                        "GridSample",
                                        "MaxUnpool",
                                        NULL};
    static const char *const last[] = {"Gemm",
                                       "LayerNormalization",
                                       "RMSNormalization",
                                       "SimplifiedLayerNormalization",
                                       "SkipLayerNormalization",
                                       "Gather",
                                       NULL};
    static const char *const moves[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", NULL};
    const peek__node *node = network->value[value].node < 0 ? NULL : &network->node[network->value[value].node];
    if (!node) {
        for (int64_t i = 0; i < network->inputs; i++) {
            int channels_last;
            if (network->input[i].value == value && peek__port_is_picture(&network->input[i], &channels_last))
                return channels_last ? LAST : FIRST;
        }
        return UNKNOWN;
    }
    if (is_one_of(node->op, first)) return FIRST;
    if (is_one_of(node->op, last)) return LAST;
    int64_t source = main_input(survey, node);
    if (strcmp(node->op, "MatMul") == 0 || strcmp(node->op, "Einsum") == 0)
        return has_weight(network, node) ? LAST : UNKNOWN;
    if (source < 0) return UNKNOWN;
    const peek__layer *from = &survey->layer[source], *to = &survey->layer[value];
    feature_axis before = find_axis(network, survey, source);
    if (strcmp(node->op, "Transpose") == 0) return transposed(node, before);
    if (is_one_of(node->op, moves)) return reshaped(from, to, before);
    return from->dimensions == to->dimensions ? before : UNKNOWN;
}

peek__layout peek__layout_find(const peek_network *network, const peek__survey *survey, int64_t value)
{
    const peek__layer *layer = &survey->layer[value];
    int64_t longest = 1;
    for (int d = 0; d < layer->dimensions; d++)
        if (layer->shape[d] > longest) longest = layer->shape[d];
    if (layer->dimensions < 2 || longest == layer->size) return PEEK__FLAT;
    feature_axis axis = find_axis(network, survey, value);
    if (layer->dimensions == 2) return axis == FIRST ? PEEK__CHANNELS_FIRST : PEEK__TOKENS;
    if (layer->dimensions > 4) return PEEK__FLAT;
    return axis == LAST ? PEEK__CHANNELS_LAST : PEEK__CHANNELS_FIRST;
}

const char *peek__layout_name(peek__layout layout)
{
    static const char *const names[] = {"flat", "channels-first", "channels-last", "tokens"};
    return names[layout];
}

static int is_channels(int64_t size)
{
    return size == 1 || size == 3 || size == MOST_CHANNELS;
}

int peek__port_is_picture(const peek__port *port, int *channels_last)
{
    *channels_last = 0;
    if (!port->shaped) return 1;
    if (port->dimensions != 4) return 0;
    int sides = (port->shape[1] < 0 || port->shape[1] > MOST_CHANNELS) &&
                (port->shape[2] < 0 || port->shape[2] > MOST_CHANNELS);
    *channels_last = sides && is_channels(port->shape[3]);
    return *channels_last || is_channels(port->shape[1]) || port->shape[1] < 0;
}

int peek__layout_grid(int64_t tokens, int64_t height, int64_t width, int64_t grid[2], int64_t *lead)
{
    for (*lead = 0; *lead <= MOST_LEAD; ++*lead)
        for (int64_t patch = 2; patch <= LARGEST_PATCH; patch++) {
            grid[0] = height / patch;
            grid[1] = width / patch;
            if (grid[0] > 1 && grid[1] > 1 && grid[0] * grid[1] + *lead == tokens) return 1;
        }
    return 0;
}
