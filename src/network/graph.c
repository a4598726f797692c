/* network/graph.c: building a graph by name. */
#include "network/graph.h"
#include "network/survey.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

peek_status peek__graph_create(peek_context *context, peek_network **out)
{
    *out = NULL;
    peek_network *network;
    PEEK_TRY(peek__alloc(context, &network, 1, "a network"));
    *out = network;
    return PEEK_OK;
}

static void free_attribute(peek__attribute *attribute)
{
    peek__free(&attribute->name);
    peek__free(&attribute->text);
    peek__free(&attribute->integers);
    peek__free(&attribute->numbers);
    peek__free(&attribute->tensor.data);
}

void peek__graph_free_node(peek__node *node)
{
    for (int64_t i = 0; i < node->attributes; i++) free_attribute(&node->attribute[i]);
    peek__free(&node->attribute);
    peek__free(&node->name);
    peek__free(&node->op);
    peek__free(&node->input);
    peek__free(&node->output);
}

static void free_ports(peek__port **port, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        for (int d = 0; d < PEEK_DIMENSIONS; d++) peek__free(&(*port)[i].label[d]);
    peek__free(port);
}

void peek_network_free(peek_network **pointer)
{
    if (!pointer || !*pointer) return;
    peek_network *network = *pointer;
    for (int64_t i = 0; i < network->values; i++) {
        peek__free(&network->value[i].name);
        peek__free(&network->value[i].tensor.data);
    }
    for (int64_t i = 0; i < network->nodes; i++) peek__graph_free_node(&network->node[i]);
    for (int64_t i = 0; i < network->metadata_count; i++) {
        peek__free(&network->metadata[i].key);
        peek__free(&network->metadata[i].text);
    }
    peek__free(&network->value);
    peek__free(&network->bucket);
    peek__free(&network->node);
    free_ports(&network->input, network->inputs);
    free_ports(&network->output, network->outputs);
    peek__free(&network->automatic);
    peek__survey_free(&network->survey);
    peek__free(&network->metadata);
    peek__free(&network->preprocess.mean);
    peek__free(&network->preprocess.deviation);
    peek__free(&network->weight);
    peek__free(&network->name);
    peek__free(&network->producer);
    peek__free(pointer);
}

/* Makes room for one more entry of `size` bytes in *array. */
static peek_status grow(peek_context *context, void **array, int64_t count, int64_t *capacity, size_t size)
{
    if (count < *capacity) return PEEK_OK;
    int64_t larger = *capacity ? 2 * *capacity : 16;
    void *moved;
    PEEK_TRY(peek__alloc_bytes(context, &moved, larger, size, "the graph of a network"));
    if (count) memcpy(moved, *array, (size_t)count * size);
    peek__release(*array);
    *array = moved;
    *capacity = larger;
    return PEEK_OK;
}

/* The capacity of a list that has grown by ones: 0, 16, 32, 64 ... */
static int64_t grown_capacity(int64_t count)
{
    int64_t capacity = 0;
    while (capacity < count) capacity = capacity ? 2 * capacity : 16;
    return capacity;
}

static uint64_t hash_name(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return hash;
}

/* The bucket that holds the name, or the free one where it would go. */
static int64_t *find_bucket(const peek_network *network, const char *name)
{
    uint64_t mask = (uint64_t)network->buckets - 1;
    for (uint64_t place = hash_name(name) & mask;; place = (place + 1) & mask) {
        int64_t *bucket = &network->bucket[place];
        if (!*bucket || strcmp(network->value[*bucket - 1].name, name) == 0) return bucket;
    }
}

int64_t peek__graph_find(const peek_network *network, const char *name)
{
    return network->buckets ? *find_bucket(network, name) - 1 : -1;
}

static peek_status grow_buckets(peek_context *context, peek_network *network)
{
    if (2 * (network->values + 1) <= network->buckets) return PEEK_OK;
    int64_t larger = network->buckets ? 2 * network->buckets : 64;
    int64_t *bucket;
    PEEK_TRY(peek__alloc(context, &bucket, larger, "the names of a network"));
    peek__free(&network->bucket);
    network->bucket = bucket;
    network->buckets = larger;
    for (int64_t i = 0; i < network->values; i++) *find_bucket(network, network->value[i].name) = i + 1;
    return PEEK_OK;
}

peek_status peek__graph_value(peek_context *context, peek_network *network, const char *name, int64_t *out)
{
    *out = peek__graph_find(network, name);
    if (*out >= 0) return PEEK_OK;
    PEEK_TRY(grow(context, (void **)&network->value, network->values, &network->value_capacity,
                  sizeof *network->value));
    PEEK_TRY(grow_buckets(context, network));
    peek__value *value = &network->value[network->values];
    *value = (peek__value){.node = -1};
    PEEK_TRY(peek__copy_text(context, &value->name, name));
    *out = network->values++;
    *find_bucket(network, name) = *out + 1;
    return PEEK_OK;
}

peek_status peek__graph_node(peek_context *context, peek_network *network, const char *op, const char *name,
                             int64_t inputs, const char *const *input, int64_t outputs,
                             const char *const *output, peek__node **out)
{
    PEEK_TRY(
        grow(context, (void **)&network->node, network->nodes, &network->node_capacity, sizeof *network->node));
    int64_t number = network->nodes++;
    peek__node *node = &network->node[number];
    *node = (peek__node){.opset = network->opset, .guard = -1};
    PEEK_TRY(peek__copy_text(context, &node->op, op));
    PEEK_TRY(peek__copy_text(context, &node->name, name));
    PEEK_TRY(peek__alloc(context, &node->input, inputs, "the graph of a network"));
    PEEK_TRY(peek__alloc(context, &node->output, outputs, "the graph of a network"));
    for (; node->inputs < inputs; node->inputs++) {
        node->input[node->inputs] = -1;
        if (*input[node->inputs])
            PEEK_TRY(peek__graph_value(context, network, input[node->inputs], &node->input[node->inputs]));
    }
    for (; node->outputs < outputs; node->outputs++) {
        int64_t *made = &node->output[node->outputs];
        *made = -1;
        if (!*output[node->outputs]) continue;
        PEEK_TRY(peek__graph_value(context, network, output[node->outputs], made));
        peek__value *value = &network->value[*made];
        if (value->node >= 0 || value->constant || value->input)
            return peek__node_broken(context, node, "its output '%s' is already made elsewhere", value->name);
        value->node = number;
    }
    *out = node;
    return PEEK_OK;
}

peek_status peek__graph_attribute(peek_context *context, peek__node *node, const char *name,
                                  peek__attribute_kind kind, peek__attribute **out)
{
    int64_t capacity = grown_capacity(node->attributes);
    PEEK_TRY(grow(context, (void **)&node->attribute, node->attributes, &capacity, sizeof *node->attribute));
    peek__attribute *attribute = &node->attribute[node->attributes];
    *attribute = (peek__attribute){.kind = kind};
    PEEK_TRY(peek__copy_text(context, &attribute->name, name));
    node->attributes++;
    *out = attribute;
    return PEEK_OK;
}

peek_status peek__graph_integer(peek_context *context, peek__node *node, const char *name, int64_t integer)
{
    peek__attribute *attribute;
    PEEK_TRY(peek__graph_attribute(context, node, name, PEEK__ATTRIBUTE_INTEGER, &attribute));
    attribute->integer = integer;
    return PEEK_OK;
}

peek_status peek__graph_integers(peek_context *context, peek__node *node, const char *name, int64_t count,
                                 const int64_t *integers)
{
    peek__attribute *attribute;
    PEEK_TRY(peek__graph_attribute(context, node, name, PEEK__ATTRIBUTE_INTEGERS, &attribute));
    PEEK_TRY(peek__alloc(context, &attribute->integers, count, "the graph of a network"));
    if (count) memcpy(attribute->integers, integers, (size_t)count * sizeof *integers);
    attribute->count = count;
    return PEEK_OK;
}

/* A value of this name that nothing makes yet. */
static peek_status define(peek_context *context, peek_network *network, const char *name, peek__value **out)
{
    int64_t number;
    PEEK_TRY(peek__graph_value(context, network, name, &number));
    *out = &network->value[number];
    if ((*out)->constant || (*out)->input || (*out)->node >= 0)
        return peek__fail(context, PEEK_E_FORMAT, "the tensor '%s' is defined twice", name);
    return PEEK_OK;
}

peek_status peek__graph_constant(peek_context *context, peek_network *network, const char *name,
                                 peek__element type, int64_t dimensions, const int64_t *shape, int64_t *out)
{
    peek__value *value;
    PEEK_TRY(define(context, network, name, &value));
    value->tensor.type = type;
    PEEK_TRY(peek__tensor_shape(context, &value->tensor, name, dimensions, shape));
    value->constant = 1;
    *out = value - network->value;
    return peek__tensor_allocate(context, &value->tensor, "the weights");
}

peek_status peek__graph_give(peek_context *context, peek_network *network, const char *name,
                             peek__tensor *tensor)
{
    peek__value *value;
    PEEK_TRY(define(context, network, name, &value));
    value->constant = 1;
    value->tensor = *tensor;
    tensor->data = NULL;
    return PEEK_OK;
}

static peek_status add_port(peek_context *context, peek__port **ports, int64_t *count, int64_t value,
                            const char *name, peek__element type, int64_t dimensions, const int64_t *shape,
                            peek__port **out)
{
    int64_t capacity = grown_capacity(*count);
    if (dimensions > PEEK_DIMENSIONS)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the tensor '%s' has %lld dimensions, but at most %d can be handled", name,
                          (long long)dimensions, PEEK_DIMENSIONS);
    PEEK_TRY(grow(context, (void **)ports, *count, &capacity, sizeof **ports));
    peek__port *port = &(*ports)[(*count)++];
    *port = (peek__port){.value = value, .type = type, .shaped = dimensions >= 0};
    port->dimensions = dimensions < 0 ? 0 : (int)dimensions;
    for (int d = 0; d < port->dimensions; d++) port->shape[d] = shape[d];
    if (out) *out = port;
    return PEEK_OK;
}

peek_status peek__graph_input(peek_context *context, peek_network *network, const char *name,
                              peek__element type, int64_t dimensions, const int64_t *shape, peek__port **out)
{
    peek__value *value;
    PEEK_TRY(define(context, network, name, &value));
    value->input = 1;
    return add_port(context, &network->input, &network->inputs, value - network->value, name, type, dimensions,
                    shape, out);
}

peek_status peek__graph_output(peek_context *context, peek_network *network, const char *name,
                               peek__element type, int64_t dimensions, const int64_t *shape, peek__port **out)
{
    int64_t value;
    PEEK_TRY(peek__graph_value(context, network, name, &value));
    return add_port(context, &network->output, &network->outputs, value, name, type, dimensions, shape, out);
}

const peek__attribute *peek__attribute_find(const peek__node *node, const char *name)
{
    for (int64_t i = 0; i < node->attributes; i++)
        if (strcmp(node->attribute[i].name, name) == 0) return &node->attribute[i];
    return NULL;
}

int64_t peek__attribute_integer(const peek__node *node, const char *name, int64_t standard)
{
    const peek__attribute *attribute = peek__attribute_find(node, name);
    return attribute && attribute->kind == PEEK__ATTRIBUTE_INTEGER ? attribute->integer : standard;
}

float peek__attribute_number(const peek__node *node, const char *name, float standard)
{
    const peek__attribute *attribute = peek__attribute_find(node, name);
    return attribute && attribute->kind == PEEK__ATTRIBUTE_NUMBER ? attribute->number : standard;
}

const char *peek__attribute_text(const peek__node *node, const char *name, const char *standard)
{
    const peek__attribute *attribute = peek__attribute_find(node, name);
    return attribute && attribute->kind == PEEK__ATTRIBUTE_TEXT ? attribute->text : standard;
}

const int64_t *peek__attribute_integers(const peek__node *node, const char *name, int64_t *count)
{
    const peek__attribute *attribute = peek__attribute_find(node, name);
    int there = attribute && attribute->kind == PEEK__ATTRIBUTE_INTEGERS;
    *count = there ? attribute->count : 0;
    return there ? attribute->integers : NULL;
}

/* "the node 'conv1' (Conv)": what to call a node whose name may be empty. */
static void name_node(char *buffer, size_t size, const peek__node *node)
{
    if (node->name && *node->name)
        snprintf(buffer, size, "node '%.200s' (%.80s", node->name, node->op ? node->op : "?");
    else
        snprintf(buffer, size, "an unnamed node (%.80s", node->op ? node->op : "?");
}

peek_status peek__node_refuse(peek_context *context, const peek_network *network, const peek__node *node,
                              const char *format, ...)
{
    char which[320], reason[640];
    name_node(which, sizeof which, node);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return peek__fail(context, PEEK_E_UNSUPPORTED, "%s, opset %lld) cannot be run: %s", which,
                      (long long)(node->opset ? node->opset : network->opset), reason);
}

peek_status peek__node_broken(peek_context *context, const peek__node *node, const char *format, ...)
{
    char which[320], reason[640];
    name_node(which, sizeof which, node);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return peek__fail(context, PEEK_E_FORMAT, "the graph is broken at %s): %s", which, reason);
}

peek_status peek__node_fail_in(peek_context *context, peek_status status, const peek__node *node)
{
    char which[320];
    name_node(which, sizeof which, node);
    return peek__fail_in(context, status, "%s)", which);
}
