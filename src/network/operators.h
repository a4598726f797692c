/* network/operators.h: the table of operators. A row is one ONNX operator; a family of operators is one file.
 *
 * To add an operator: write infer, prepare, forward and, where it can be trained, backward in a file of its
 * family, and add a row to the table in operators.c. An operation works on the first `count` samples of its
 * slots; a slot's tensor is sample-major. An operation never starts threads: parallel work is above it
 * (network/team.h). */
#ifndef NETWORK_OPERATORS_H
#define NETWORK_OPERATORS_H

#include "network/graph.h"

/* The memory of one value in a plan: of a slice of samples, or of a constant. */
typedef struct peek__slot {
    const peek__value *value;
    int64_t size;     /* floats of one sample; of the whole constant */
    float *values;    /* constants: the network's own */
    float *gradients; /* NULL where no gradient is wanted; weights: the slice's own buffer */
    float *owned_values, *owned_gradients;
} peek__slot;

/* A node prepared for slices of at most `slice` samples. */
typedef struct peek__operation {
    const peek_network *network;
    const peek__node *node;
    const peek__operator *type;
    int64_t inputs;
    peek__slot **input; /* NULL for an input left out */
    peek__slot *output; /* the first output */
    int64_t slice;
    int training; /* 1: backward will be called */
    void *state;  /* what prepare made; the operator's release frees it */
} peek__operation;

struct peek__operator {
    const char *name;
    int64_t first, last; /* opsets whose semantics are those implemented */
    int64_t least_inputs, most_inputs;
    int activation; /* 1: an activation function */

    /* Checks inputs and attributes and sets the shape of output 0 and node->settings. */
    peek_status (*infer)(peek_context *context, peek_network *network, peek__node *node);

    /* Makes state; NULL: nothing to prepare. */
    peek_status (*prepare)(peek_context *context, peek__operation *operation);

    /* output->values from the inputs' values. */
    peek_status (*forward)(peek_context *context, peek__operation *operation, int64_t count);

    /* Adds to the gradients of the inputs that have some, from output->gradients; values are those of the last
     * forward. NULL: cannot be trained. */
    peek_status (*backward)(peek_context *context, peek__operation *operation, int64_t count);

    void (*release)(peek__operation *operation);
};

const peek__operator *peek__operator_find(const char *name);

/* What most infer functions need. input: the value of input i, or NULL where left out. */
peek__value *peek__node_input(const peek_network *network, const peek__node *node, int64_t input);
peek__value *peek__node_output(const peek_network *network, const peek__node *node);

/* Refuses an input that is not made by the samples (a constant where a tensor is needed), or is not floats. */
peek_status peek__node_needs_tensor(peek_context *context, const peek_network *network, const peek__node *node,
                                    int64_t input);
/* Refuses an input that is not a constant of floats. */
peek_status peek__node_needs_weight(peek_context *context, const peek_network *network, const peek__node *node,
                                    int64_t input);
/* Sets the output's shape to that of an input. */
peek_status peek__node_same_shape(peek_context *context, const peek_network *network, const peek__node *node,
                                  int64_t input);
/* Makes the output a constant with the data of constant input 0 in a new shape of as many values. */
peek_status peek__node_fold(peek_context *context, peek_network *network, peek__node *node, int64_t dimensions,
                            const int64_t *shape);
/* Makes zeroed settings of this size. */
#define peek__node_settings(context, node, out)                                                                \
    (*(out) = NULL, peek__alloc_bytes((context), (void **)(out), 1, sizeof **(out), "the graph of a network"))

/* An axis of ONNX (negative from the end, 0 is the samples) as a dimension of one sample, or -1 for the
 * samples, or -2 outside. */
static inline int64_t peek__sample_axis(const peek__value *value, int64_t axis)
{
    int64_t rank = value->dimensions + 1;
    if (axis < -rank || axis >= rank) return -2;
    return (axis < 0 ? axis + rank : axis) - 1;
}

/* Windows over the last two dimensions, shared by convolution and pooling. */
typedef struct peek__window {
    int64_t kernel[2], stride[2], dilation[2];
    int64_t before[2], after[2]; /* padding */
    int64_t in[2], out[2];
} peek__window;

/* Reads strides, pads, dilations, auto_pad and ceil_mode, and finds the output's size for this kernel. */
peek_status peek__window_read(peek_context *context, const peek_network *network, const peek__node *node,
                              const peek__value *input, const int64_t kernel[2], peek__window *out);

/* The rows of the table, by family. */
peek_status peek__convolution_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__convolution_prepare(peek_context *, peek__operation *);
peek_status peek__convolution_forward(peek_context *, peek__operation *, int64_t count);
peek_status peek__convolution_backward(peek_context *, peek__operation *, int64_t count);
void peek__convolution_release(peek__operation *);

peek_status peek__pooling_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__pooling_prepare(peek_context *, peek__operation *);
peek_status peek__pooling_forward(peek_context *, peek__operation *, int64_t count);
peek_status peek__pooling_backward(peek_context *, peek__operation *, int64_t count);
void peek__pooling_release(peek__operation *);
peek_status peek__global_pooling_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__global_pooling_forward(peek_context *, peek__operation *, int64_t count);
peek_status peek__global_pooling_backward(peek_context *, peek__operation *, int64_t count);

peek_status peek__gemm_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__matmul_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__dense_forward(peek_context *, peek__operation *, int64_t count);
peek_status peek__dense_backward(peek_context *, peek__operation *, int64_t count);

peek_status peek__activation_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__activation_forward(peek_context *, peek__operation *, int64_t count);
peek_status peek__activation_backward(peek_context *, peek__operation *, int64_t count);

peek_status peek__flatten_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__reshape_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__identity_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__dropout_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__copy_forward(peek_context *, peek__operation *, int64_t count);
peek_status peek__copy_backward(peek_context *, peek__operation *, int64_t count);

peek_status peek__softmax_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__softmax_forward(peek_context *, peek__operation *, int64_t count);
peek_status peek__softmax_backward(peek_context *, peek__operation *, int64_t count);

peek_status peek__add_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__add_forward(peek_context *, peek__operation *, int64_t count);
peek_status peek__add_backward(peek_context *, peek__operation *, int64_t count);

peek_status peek__batch_norm_infer(peek_context *, peek_network *, peek__node *);
peek_status peek__batch_norm_forward(peek_context *, peek__operation *, int64_t count);

#endif
