/* network/graph.h: a network as a graph of nodes and values, with the names its file gives them.
 *
 * A value is either constant (a weight, a shape) or has one tensor a sample; the dimension of the samples is
 * not part of its shape, so that any number of samples can be run. Nodes are in the order of execution. */
#ifndef NETWORK_GRAPH_H
#define NETWORK_GRAPH_H

#include "base/memory.h"
#include "nnpeek/network.h"

typedef struct peek__operator peek__operator;

typedef enum peek__attribute_kind {
    PEEK__ATTRIBUTE_INTEGER,
    PEEK__ATTRIBUTE_NUMBER,
    PEEK__ATTRIBUTE_TEXT,
    PEEK__ATTRIBUTE_INTEGERS,
    PEEK__ATTRIBUTE_NUMBERS
} peek__attribute_kind;

typedef struct peek__attribute {
    char *name;
    peek__attribute_kind kind;
    int64_t integer;
    float number;
    char *text;
    int64_t count; /* of integers or numbers */
    int64_t *integers;
    float *numbers;
} peek__attribute;

typedef enum peek__element { PEEK__ELEMENT_FLOAT, PEEK__ELEMENT_INTEGER, PEEK__ELEMENT_FLAG } peek__element;

typedef struct peek__value {
    char *name;
    peek__element element;
    int constant;
    int known;      /* the shape has been found */
    int dimensions; /* constant: all of them; else those of one sample */
    int64_t shape[PEEK_DIMENSIONS];
    int64_t size;      /* the product of shape */
    float *floats;     /* constants: element float */
    int64_t *integers; /* constants: elements integer and flag */
    int64_t node;      /* the node that makes it, or -1 */
} peek__value;

typedef struct peek__node {
    char *name, *op;
    const peek__operator *type;
    int64_t inputs, outputs;
    int64_t *input, *output; /* numbers of values; -1 for one left out */
    int64_t attributes;
    peek__attribute *attribute;
    void *settings; /* what the operator made of the attributes; a plain struct */
    int folded;     /* its output turned out to be constant: removed after shape inference */
} peek__node;

typedef struct peek__metadata {
    char *key, *text;
} peek__metadata;

/* value = (x - mean) / deviation, a channel each. */
typedef struct peek__preprocess {
    int64_t channels; /* 0: none */
    double *mean, *deviation;
} peek__preprocess;

struct peek_network {
    char *name, *producer;
    int64_t opset, ir_version;
    int64_t file_batch; /* the number of samples the file was written for; 0: any */
    int64_t values, value_capacity;
    peek__value *value;
    int64_t buckets; /* hash table of names: value number + 1, or 0 */
    int64_t *bucket;
    int64_t nodes, node_capacity;
    peek__node *node;
    int64_t input;
    int64_t outputs;
    int64_t *output; /* the graph's outputs; the first is the network's */
    int64_t metadata_count;
    peek__metadata *metadata; /* without what `preprocess` holds */
    peek__preprocess preprocess;
    int64_t tensors; /* values that can be captured, in the order of execution */
    int64_t *tensor;
    int64_t weights; /* float constants that nodes use, in the order of first use */
    int64_t *weight;
    int64_t parameters;
    char digest[17];
};

/* Building: values are found or made by name; a node is added with the names of its inputs ("" for one left
 * out). */
peek_status peek__graph_create(peek_context *context, peek_network **out);
int64_t peek__graph_find(const peek_network *network, const char *name); /* -1 where there is none */
peek_status peek__graph_value(peek_context *context, peek_network *network, const char *name, int64_t *out);
peek_status peek__graph_node(peek_context *context, peek_network *network, const char *op, const char *name,
                             int64_t inputs, const char *const *input, int64_t outputs,
                             const char *const *output, peek__node **out);
peek_status peek__graph_attribute(peek_context *context, peek__node *node, const char *name,
                                  peek__attribute_kind kind, peek__attribute **out);
peek_status peek__graph_integer(peek_context *context, peek__node *node, const char *name, int64_t integer);
peek_status peek__graph_integers(peek_context *context, peek__node *node, const char *name, int64_t count,
                                 const int64_t *integers);
/* A constant of this shape, its floats or integers zero. Errors: E_FORMAT (defined twice), E_SHAPE, E_MEMORY.
 */
peek_status peek__graph_constant(peek_context *context, peek_network *network, const char *name,
                                 peek__element element, int64_t dimensions, const int64_t *shape, int64_t *out);
peek_status peek__graph_output(peek_context *context, peek_network *network, const char *name);

/* Sets shape and size. Errors: E_FORMAT (a negative, overflowing or absurd size). */
peek_status peek__value_shape(peek_context *context, peek__value *value, int64_t dimensions,
                              const int64_t *shape);

/* Sorts the nodes, finds their operators and all shapes, and fills in what peek_network_describe() tells.
 * Errors: E_FORMAT, E_UNSUPPORTED, E_MEMORY. */
peek_status peek__graph_finish(peek_context *context, peek_network *network);

/* Frees what a node owns. */
void peek__graph_free_node(peek__node *node);

/* Recomputes the digest, after weights have changed. */
void peek__graph_digest(peek_network *network);

/* Attributes of a node, with the value where it has none. */
const peek__attribute *peek__attribute_find(const peek__node *node, const char *name);
int64_t peek__attribute_integer(const peek__node *node, const char *name, int64_t standard);
float peek__attribute_number(const peek__node *node, const char *name, float standard);
const char *peek__attribute_text(const peek__node *node, const char *name, const char *standard);

/* Sentences about a node: valid ONNX that nnpeek cannot do (E_UNSUPPORTED), and a broken graph (E_FORMAT). */
peek_status peek__node_refuse(peek_context *context, const peek_network *network, const peek__node *node,
                              const char *format, ...) PEEK_PRINTF(4, 5);
peek_status peek__node_broken(peek_context *context, const peek__node *node, const char *format, ...)
    PEEK_PRINTF(3, 4);

/* "3x28x28" for sentences; buffer of 256. */
const char *peek__shape_text(char *buffer, int64_t dimensions, const int64_t *shape);

/* The output of the network. */
static inline const peek__value *peek__network_output(const peek_network *network)
{
    return &network->value[network->output[0]];
}

#endif
