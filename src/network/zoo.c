/* network/zoo.c: networks that are built here. A network is a row of the table. */
#include "base/random.h"
#include "network/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static peek_status add_node(peek_context *context, peek_network *network, const char *op, const char *name,
                            const char *input, peek__node **out)
{
    return peek__graph_node(context, network, op, name, 1, &input, 1, &name, out);
}

/* Draws a weight from U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)); its stream is numbered by how many were drawn
 * before. */
static peek_status add_weight(peek_context *context, peek_network *network, const char *name,
                              int64_t dimensions, const int64_t *shape, int64_t fan_in, uint64_t seed,
                              uint64_t *drawn)
{
    int64_t number;
    PEEK_TRY(peek__graph_constant(context, network, name, PEEK__TYPE_FLOAT, dimensions, shape, &number));
    peek__tensor *weight = &network->value[number].tensor;
    peek__stream stream = peek__stream_make(seed, PEEK__INIT_WEIGHTS, (*drawn)++);
    float bound = (float)(1 / sqrt((double)fan_in));
    for (int64_t i = 0; i < weight->size; i++)
        weight->floats[i] = bound * (2 * peek__random_uniform(&stream) - 1);
    return PEEK_OK;
}

/* A node with weight NAME.weight (shape) and bias NAME.bias (shape[0]). */
static peek_status add_weighted(peek_context *context, peek_network *network, const char *op, const char *name,
                                const char *input, int64_t dimensions, const int64_t *shape, uint64_t seed,
                                uint64_t *drawn, peek__node **out)
{
    char weight[64], bias[64];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    int64_t fan_in = 1;
    for (int64_t d = 1; d < dimensions; d++) fan_in *= shape[d];
    PEEK_TRY(add_weight(context, network, weight, dimensions, shape, fan_in, seed, drawn));
    PEEK_TRY(add_weight(context, network, bias, 1, shape, fan_in, seed, drawn));
    const char *inputs[3] = {input, weight, bias};
    return peek__graph_node(context, network, op, name, 3, inputs, 1, &name, out);
}

static peek_status add_convolution(peek_context *context, peek_network *network, const char *name,
                                   const char *input, int64_t from, int64_t to, int64_t kernel, uint64_t seed,
                                   uint64_t *drawn)
{
    peek__node *node;
    int64_t shape[4] = {to, from, kernel, kernel}, square[2] = {kernel, kernel};
    PEEK_TRY(add_weighted(context, network, "Conv", name, input, 4, shape, seed, drawn, &node));
    return peek__graph_integers(context, node, "kernel_shape", 2, square);
}

static peek_status add_pool(peek_context *context, peek_network *network, const char *name, const char *input,
                            int64_t size)
{
    peek__node *node;
    int64_t square[2] = {size, size};
    PEEK_TRY(add_node(context, network, "MaxPool", name, input, &node));
    PEEK_TRY(peek__graph_integers(context, node, "kernel_shape", 2, square));
    return peek__graph_integers(context, node, "strides", 2, square);
}

/* The paper's network. */
static peek_status build_paper(peek_context *context, peek_network *network, int64_t classes, uint64_t seed)
{
    peek__node *node;
    uint64_t drawn = 0;
    int64_t dense[2] = {classes, 320};
    PEEK_TRY(add_convolution(context, network, "conv1", "input", 1, 10, 5, seed, &drawn));
    PEEK_TRY(add_pool(context, network, "pool1", "conv1", 2));
    PEEK_TRY(add_node(context, network, "Relu", "relu1", "pool1", &node));
    PEEK_TRY(add_convolution(context, network, "conv2", "relu1", 10, 20, 5, seed, &drawn));
    PEEK_TRY(add_pool(context, network, "pool2", "conv2", 2));
    PEEK_TRY(add_node(context, network, "Relu", "relu2", "pool2", &node));
    PEEK_TRY(add_node(context, network, "Flatten", "flatten", "relu2", &node));
    PEEK_TRY(peek__graph_integer(context, node, "axis", 1));
    PEEK_TRY(add_weighted(context, network, "Gemm", "dense", "flatten", 2, dense, seed, &drawn, &node));
    PEEK_TRY(peek__graph_integer(context, node, "transB", 1));
    PEEK_TRY(add_node(context, network, "Softmax", "softmax", "dense", &node));
    PEEK_TRY(peek__graph_integer(context, node, "axis", -1));
    return peek__graph_output(context, network, "softmax", PEEK__TYPE_FLOAT, -1, NULL, NULL);
}

static const struct row {
    const char *name;
    int64_t channels, height, width;
    peek_status (*build)(peek_context *context, peek_network *network, int64_t classes, uint64_t seed);
} zoo[] = {{"paper", 1, 28, 28, build_paper}};

enum { ZOO_SIZE = sizeof zoo / sizeof *zoo };

static peek_status build(peek_context *context, const struct row *row, int64_t classes, uint64_t seed,
                         peek_network *network)
{
    int64_t shape[4] = {-1, row->channels, row->height, row->width};
    network->opset = 13;
    network->ir_version = 7;
    PEEK_TRY(peek__copy_text(context, &network->name, row->name));
    PEEK_TRY(peek__format(context, &network->producer, "nnpeek %s", peek_version()));
    PEEK_TRY(peek__graph_input(context, network, "input", PEEK__TYPE_FLOAT, 4, shape, NULL));
    PEEK_TRY(row->build(context, network, classes, seed));
    return peek__graph_finish(context, network);
}

peek_status peek_network_build(peek_context *context, const char *name, int64_t channels, int64_t height,
                               int64_t width, int64_t classes, uint64_t seed, peek_network **out)
{
    if (!out || !name) return peek__fail(context, PEEK_E_ARGUMENT, "building a network takes its name");
    *out = NULL;
    char known[256] = "";
    const struct row *row = NULL;
    for (int i = 0; i < ZOO_SIZE; i++) {
        if (strcmp(zoo[i].name, name) == 0) row = &zoo[i];
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", zoo[i].name);
    }
    if (!row)
        return peek__fail(context, PEEK_E_NOT_FOUND, "there is no network named '%s'; known: %s", name, known);
    if (channels != row->channels || height != row->height || width != row->width)
        return peek__fail(context, PEEK_E_SHAPE,
                          "the network '%s' takes samples of %lldx%lldx%lld, not of %lldx%lldx%lld (C x H x W)",
                          name, (long long)row->channels, (long long)row->height, (long long)row->width,
                          (long long)channels, (long long)height, (long long)width);
    if (classes < 2 || classes > 1 << 20)
        return peek__fail(context, PEEK_E_SHAPE,
                          "a network for %lld classes cannot be built: it takes 2 or more", (long long)classes);
    peek_network *network;
    PEEK_TRY(peek__graph_create(context, &network));
    peek_status status = build(context, row, classes, seed, network);
    if (status == PEEK_OK)
        *out = network;
    else
        peek_network_free(&network);
    return status;
}
