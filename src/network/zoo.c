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
                                   const char *input, int64_t from, int64_t to, int64_t kernel, int64_t stride,
                                   int64_t padding, uint64_t seed, uint64_t *drawn)
{
    peek__node *node;
    int64_t shape[4] = {to, from, kernel, kernel}, square[2] = {kernel, kernel}, strides[2] = {stride, stride},
            pads[4] = {padding, padding, padding, padding};
    PEEK_TRY(add_weighted(context, network, "Conv", name, input, 4, shape, seed, drawn, &node));
    if (stride != 1) PEEK_TRY(peek__graph_integers(context, node, "strides", 2, strides));
    if (padding) PEEK_TRY(peek__graph_integers(context, node, "pads", 4, pads));
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

/* From a layer's maps to a softmax over the classes. */
static peek_status add_classifier(peek_context *context, peek_network *network, const char *input,
                                  int64_t features, int64_t classes, uint64_t seed, uint64_t *drawn)
{
    peek__node *node;
    int64_t dense[2] = {classes, features};
    PEEK_TRY(add_node(context, network, "Flatten", "flatten", input, &node));
    PEEK_TRY(peek__graph_integer(context, node, "axis", 1));
    PEEK_TRY(add_weighted(context, network, "Gemm", "dense", "flatten", 2, dense, seed, drawn, &node));
    PEEK_TRY(peek__graph_integer(context, node, "transB", 1));
    PEEK_TRY(add_node(context, network, "Softmax", "softmax", "dense", &node));
    PEEK_TRY(peek__graph_integer(context, node, "axis", -1));
    return peek__graph_output(context, network, "softmax", PEEK__TYPE_FLOAT, -1, NULL, NULL);
}

/* The paper's network. */
static peek_status build_paper(peek_context *context, peek_network *network, int64_t channels, int64_t classes,
                               uint64_t seed)
{
    peek__node *node;
    uint64_t drawn = 0;
    PEEK_TRY(add_convolution(context, network, "conv1", "input", channels, 10, 5, 1, 0, seed, &drawn));
    PEEK_TRY(add_pool(context, network, "pool1", "conv1", 2));
    PEEK_TRY(add_node(context, network, "Relu", "relu1", "pool1", &node));
    PEEK_TRY(add_convolution(context, network, "conv2", "relu1", 10, 20, 5, 1, 0, seed, &drawn));
    PEEK_TRY(add_pool(context, network, "pool2", "conv2", 2));
    PEEK_TRY(add_node(context, network, "Relu", "relu2", "pool2", &node));
    return add_classifier(context, network, "relu2", 320, classes, seed, &drawn);
}

/* The paper's variant of AlexNet for CIFAR-10 (A. Krizhevsky, I. Sutskever, G. Hinton, NIPS 2012): five
 * convolutions with ReLU, pools behind the first, the second and the last, one dense layer. */
static peek_status build_alexnet(peek_context *context, peek_network *network, int64_t channels,
                                 int64_t classes, uint64_t seed)
{
    static const struct {
        int64_t to, kernel, stride, padding;
        int pool;
    } layers[] = {
        {64, 11, 4, 5, 1}, {192, 5, 1, 2, 1}, {384, 3, 1, 1, 0}, {256, 3, 1, 1, 0}, {256, 3, 1, 1, 1}};
    peek__node *node;
    uint64_t drawn = 0;
    char conv[16], relu[16], pool[16], input[16] = "input";
    int64_t from = channels;
    for (int i = 0; i < (int)(sizeof layers / sizeof *layers); i++) {
        snprintf(conv, sizeof conv, "conv%d", i + 1);
        snprintf(relu, sizeof relu, "relu%d", i + 1);
        snprintf(pool, sizeof pool, "pool%d", i + 1);
        PEEK_TRY(add_convolution(context, network, conv, input, from, layers[i].to, layers[i].kernel,
                                 layers[i].stride, layers[i].padding, seed, &drawn));
        PEEK_TRY(add_node(context, network, "Relu", relu, conv, &node));
        if (layers[i].pool) PEEK_TRY(add_pool(context, network, pool, relu, 2));
        snprintf(input, sizeof input, "%s", layers[i].pool ? pool : relu);
        from = layers[i].to;
    }
    return add_classifier(context, network, input, from, classes, seed, &drawn);
}

static const struct row {
    const char *name;
    int64_t height, width;
    int colour; /* takes three channels, too */
    peek_status (*build)(peek_context *context, peek_network *network, int64_t channels, int64_t classes,
                         uint64_t seed);
} zoo[] = {{"paper", 28, 28, 0, build_paper}, {"alexnet", 32, 32, 1, build_alexnet}};

enum { ZOO_SIZE = sizeof zoo / sizeof *zoo };

static peek_status build(peek_context *context, const struct row *row, int64_t channels, int64_t classes,
                         uint64_t seed, peek_network *network)
{
    int64_t shape[4] = {-1, channels, row->height, row->width};
    network->opset = 13;
    network->ir_version = 7;
    PEEK_TRY(peek__copy_text(context, &network->name, row->name));
    PEEK_TRY(peek__format(context, &network->producer, "nnpeek %s", peek_version()));
    PEEK_TRY(peek__graph_input(context, network, "input", PEEK__TYPE_FLOAT, 4, shape, NULL));
    PEEK_TRY(row->build(context, network, channels, classes, seed));
    return peek__graph_finish(context, network);
}

static peek_status find_row(peek_context *context, const char *name, const struct row **out)
{
    char known[256] = "";
    *out = NULL;
    for (int i = 0; i < ZOO_SIZE; i++) {
        if (strcmp(zoo[i].name, name) == 0) *out = &zoo[i];
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", zoo[i].name);
    }
    if (*out) return PEEK_OK;
    return peek__fail(context, PEEK_E_NOT_FOUND, "there is no network named '%s'; known: %s", name, known);
}

peek_status peek_network_takes(peek_context *context, const char *name, int64_t data_channels, int64_t shape[3])
{
    const struct row *row;
    if (!name || !shape) return peek__fail(context, PEEK_E_ARGUMENT, "a network of the zoo has a name");
    PEEK_TRY(find_row(context, name, &row));
    shape[0] = row->colour && data_channels == 3 ? 3 : 1;
    shape[1] = row->height;
    shape[2] = row->width;
    return PEEK_OK;
}

peek_status peek_network_build(peek_context *context, const char *name, int64_t channels, int64_t height,
                               int64_t width, int64_t classes, uint64_t seed, peek_network **out)
{
    int64_t takes[3];
    const struct row *row;
    if (!out || !name) return peek__fail(context, PEEK_E_ARGUMENT, "building a network takes its name");
    *out = NULL;
    PEEK_TRY(find_row(context, name, &row));
    PEEK_TRY(peek_network_takes(context, name, channels, takes));
    if (channels != takes[0] || height != takes[1] || width != takes[2])
        return peek__fail(context, PEEK_E_SHAPE,
                          "the network '%s' takes samples of %lldx%lldx%lld, not of %lldx%lldx%lld (C x H x W)",
                          name, (long long)takes[0], (long long)takes[1], (long long)takes[2],
                          (long long)channels, (long long)height, (long long)width);
    if (classes < 2 || classes > 1 << 20)
        return peek__fail(context, PEEK_E_SHAPE,
                          "a network for %lld classes cannot be built: it takes 2 or more", (long long)classes);
    peek_network *network;
    PEEK_TRY(peek__graph_create(context, &network));
    peek_status status = build(context, row, channels, classes, seed, network);
    if (status == PEEK_OK)
        *out = network;
    else
        peek_network_free(&network);
    return status;
}
