/* network/graph.h: a network as a graph of nodes and values, with the names and types its file gives them.
 *
 * The graph says what is computed, not for which shapes: only initialisers have numbers here, and only inputs
 * and outputs the shapes that the file declares. What a value is for given inputs is found by an instance
 * (network/instance.h), and how samples lie in it by a survey (network/survey.h). Nodes are in the order of
 * execution. */
#ifndef NETWORK_GRAPH_H
#define NETWORK_GRAPH_H

#include "network/tensor.h"

typedef struct peek__operator peek__operator;
typedef struct peek__survey peek__survey;

typedef enum peek__attribute_kind {
    PEEK__ATTRIBUTE_INTEGER,
    PEEK__ATTRIBUTE_NUMBER,
    PEEK__ATTRIBUTE_TEXT,
    PEEK__ATTRIBUTE_INTEGERS,
    PEEK__ATTRIBUTE_NUMBERS,
    PEEK__ATTRIBUTE_TENSOR
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
    peek__tensor tensor;
} peek__attribute;

typedef struct peek__value {
    char *name;
    int constant;        /* an initialiser */
    int literal;         /* of a Constant node: a number of the formula, not a weight to be trained */
    peek__tensor tensor; /* of a constant */
    int64_t node;        /* the node that makes it, or -1 */
    int input;           /* 1: an input of the graph */
} peek__value;

typedef struct peek__node {
    char *name, *op;
    int64_t opset; /* whose definition of op is meant: the network's, but in functions that import another */
    const peek__operator *type;
    int64_t
        guard; /* the condition of the If in whose branch it is, or -1: it is run where that is guard_value */
    int guard_value;
    int64_t inputs, outputs;
    int64_t *input, *output; /* numbers of values; -1 for one left out */
    int64_t attributes;
    peek__attribute *attribute;
} peek__node;

/* An input or output of the graph, as the file declares it. */
typedef struct peek__port {
    int64_t value;
    peek__element type; /* PEEK__TYPE_NONE: not declared */
    int shaped;         /* 0: the file gives no shape */
    int dimensions;
    int64_t shape[PEEK_DIMENSIONS]; /* -1: open */
    char *label[PEEK_DIMENSIONS];   /* what the file calls an open dimension, or NULL */
} peek__port;

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
    int64_t values, value_capacity;
    peek__value *value;
    int64_t buckets; /* hash table of names: value number + 1, or 0 */
    int64_t *bucket;
    int64_t nodes, node_capacity;
    peek__node *node;
    int64_t inputs; /* without initialisers; the first is the one that samples go into */
    peek__port *input;
    int64_t outputs; /* the first is the network's */
    peek__port *output;
    int64_t metadata_count;
    peek__metadata *metadata; /* without what `preprocess` holds */
    peek__preprocess preprocess;
    int64_t weights; /* float constants that nodes use, in the order of first use */
    int64_t *weight;
    int64_t parameters;
    peek__survey *survey; /* for samples of the declared shape; NULL before peek__graph_finish() */
    char *automatic;      /* peek__automatic of every value; likewise */
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
/* A constant of this type and shape, its numbers zero. Errors: E_FORMAT (defined twice), E_MEMORY. */
peek_status peek__graph_constant(peek_context *context, peek_network *network, const char *name,
                                 peek__element type, int64_t dimensions, const int64_t *shape, int64_t *out);
/* The same with the numbers of a tensor, which it takes: tensor->data is then NULL. */
peek_status peek__graph_give(peek_context *context, peek_network *network, const char *name,
                             peek__tensor *tensor);
/* An input or output with all its dimensions, that of the samples among them (-1: open). *out: the port, to
 * which labels may be given; may be NULL. dimensions -1: no shape. */
peek_status peek__graph_input(peek_context *context, peek_network *network, const char *name,
                              peek__element type, int64_t dimensions, const int64_t *shape, peek__port **out);
peek_status peek__graph_output(peek_context *context, peek_network *network, const char *name,
                               peek__element type, int64_t dimensions, const int64_t *shape, peek__port **out);

/* Sorts the nodes, finds their operators, lists the weights and computes the digest.
 * Errors: E_FORMAT, E_UNSUPPORTED, E_MEMORY. */
peek_status peek__graph_connect(peek_context *context, peek_network *network);

/* Connects the graph and surveys it, so that everything of nnpeek/network.h works on it. */
peek_status peek__graph_finish(peek_context *context, peek_network *network);

/* Frees what a node or an attribute owns. */
void peek__graph_free_node(peek__node *node);

/* Recomputes the digest, after weights have changed. */
void peek__graph_digest(peek_network *network);

/* Attributes of a node, with the value where it has none. */
const peek__attribute *peek__attribute_find(const peek__node *node, const char *name);
int64_t peek__attribute_integer(const peek__node *node, const char *name, int64_t standard);
float peek__attribute_number(const peek__node *node, const char *name, float standard);
const char *peek__attribute_text(const peek__node *node, const char *name, const char *standard);
/* NULL where there are none; *count is then 0. */
const int64_t *peek__attribute_integers(const peek__node *node, const char *name, int64_t *count);

/* Sentences about a node: valid ONNX that nnpeek cannot do (E_UNSUPPORTED), and a broken graph (E_FORMAT). */
peek_status peek__node_refuse(peek_context *context, const peek_network *network, const peek__node *node,
                              const char *format, ...) PEEK_PRINTF(4, 5);
peek_status peek__node_broken(peek_context *context, const peek__node *node, const char *format, ...)
    PEEK_PRINTF(3, 4);
/* Puts the node before the sentence of a failure. */
peek_status peek__node_fail_in(peek_context *context, peek_status status, const peek__node *node);

#endif
