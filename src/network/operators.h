/* network/operators.h: the table of operators, and what writing one takes.
 *
 * An operator is a row; rows of a family stand at the end of the family's file, as
 *
 *     static const peek__operator rows[] = {{.name = "Concat", .first = 4, .least_inputs = 1, ...}};
 *     const peek__family peek__concat_family = PEEK__FAMILY(rows);
 *
 * and families are listed in operators.c. An operation is a node for given shapes; it sees whole tensors, the
 * dimension of the samples among the others, and never starts threads: parallel work is above it
 * (network/team.h). */
#ifndef NETWORK_OPERATORS_H
#define NETWORK_OPERATORS_H

#include "network/graph.h"

#include <limits.h>

/* The newest opset whose definitions the rows were compared with. */
enum { PEEK__NEWEST_OPSET = 28, PEEK__ANY_NUMBER = INT_MAX };

/* Where a training is, for operators that draw at random. */
typedef struct peek__draw {
    uint64_t seed, step, slice; /* step: of the training; slice: of the batch */
} peek__draw;

typedef struct peek__operation {
    const peek_network *network;
    const peek__node *node;
    const peek__operator *type;
    int64_t inputs, outputs; /* outputs: at most those that the operator makes */
    peek__tensor **input;    /* NULL for one left out */
    peek__tensor **output;   /* NULL for one that nobody wants */
    float **input_gradient;  /* backward adds to those that are not NULL */
    float **output_gradient;
    void *settings; /* what infer made of attributes and shapes: a plain struct, shared by all threads, const
                       after infer */
    void *state;    /* what prepare made for one thread; release frees it */
    void **shared;  /* what the first prepare made for all plans of an instance (weights in another layout), or
                       still  NULL; NULL itself where there are no other plans. Only for operators with forget,
                       whose prepare  then runs on one thread at a time; forward does not change it. */
    int64_t scratch_size;   /* bytes that prepare asks for: memory for the time of one forward or backward */
    char *scratch;          /* which the operations of a plan share; at a 64-byte boundary */
    int training;           /* 1: backward will be called, and weights change between calls */
    const peek__draw *draw; /* in training */
} peek__operation;

struct peek__operator {
    const char *name;
    int first, last;               /* opsets whose semantics are those implemented; last 0: the newest */
    int least_inputs, most_inputs; /* most 0: as many as least */
    int most_outputs;              /* 0: one; further ones are not computed */
    int activation;                /* 1: an activation function, which a capture takes by default */
    int by_shape;                  /* 1: the outputs depend on the shapes of the inputs alone (Shape) */
    int shares;   /* 1: output 0 has the numbers of input 0 in the same order, and may share their memory */
    int in_place; /* 1: forward may write output 0 over any input of the same type and size, because it reads
                     a place before it writes it */

    /* Checks inputs and attributes; sets type and shape of every output (peek__infer_output()) and perhaps
     * settings. input[i]->data is NULL unless the input is constant; where it is and all other inputs are, too,
     * forward runs once, now, and the outputs are constant. */
    peek_status (*infer)(peek_context *context, peek__operation *operation);

    /* Makes state; NULL: nothing to prepare. */
    peek_status (*prepare)(peek_context *context, peek__operation *operation);

    /* The outputs' numbers from the inputs'. */
    peek_status (*forward)(peek_context *context, peek__operation *operation);

    /* Adds to the gradients of the inputs, from those of the outputs (NULL where nothing depends on one);
     * numbers are those of the last forward. NULL: cannot be trained through. */
    peek_status (*backward)(peek_context *context, peek__operation *operation);

    void (*release)(peek__operation *operation);

    /* Frees *shared when the instance ends. */
    void (*forget)(void *shared);
};

typedef struct peek__family {
    const peek__operator *rows;
    int64_t count;
} peek__family;

#define PEEK__FAMILY(rows)                                                                                     \
    {                                                                                                          \
        (rows), sizeof(rows) / sizeof *(rows)                                                                  \
    }

extern const peek__family peek__attention_family, peek__average_pool_family, peek__axis_norm_family,
    peek__batch_norm_family, peek__binary_family, peek__bitwise_family, peek__cast_family, peek__choice_family,
    peek__class_loss_family, peek__clip_family, peek__col2im_family, peek__compare_family, peek__concat_family,
    peek__conv_transpose_family, peek__convolution_family, peek__cumulate_family, peek__det_family,
    peek__dropout_family, peek__einsum_family, peek__expand_family, peek__find_family, peek__gather_family,
    peek__gemm_family, peek__global_pool_family, peek__grid_sample_family, peek__line_norm_family,
    peek__lrn_family, peek__matmul_family, peek__max_pool_family, peek__max_unpool_family, peek__pad_family,
    peek__pattern_family, peek__random_draw_family, peek__reduce_family, peek__reshape_family,
    peek__resize_family, peek__roi_align_family, peek__rotary_family, peek__scatter_family,
    peek__sequence_family, peek__shape_family, peek__slice_family, peek__softmax_family,
    peek__space_depth_family, peek__top_family, peek__transpose_family, peek__unary_family, peek__unique_family,
    peek__variadic_family, peek__where_family, peek__window_function_family;

/* The row of a name and opset. NULL: there is none; *first and *last then tell the opsets in which there is one
 * (0: none at all). */
const peek__operator *peek__operator_find(const char *name, int64_t opset, int64_t *first, int64_t *last);

/* All rows, one after another, for documents and tests; NULL after the last. */
const peek__operator *peek__operator_row(int64_t index);

/* For infer. ------------------------------------------------------------------------------------------------
 */

/* Sentences, as peek__node_refuse() and peek__node_broken(). */
#define peek__refuse(context, operation, ...)                                                                  \
    peek__node_refuse((context), (operation)->network, (operation)->node, __VA_ARGS__)
#define peek__broken(context, operation, ...) peek__node_broken((context), (operation)->node, __VA_ARGS__)

/* Zeroed settings of the type that *out points to. */
#define peek__infer_settings(context, operation, out)                                                          \
    peek__infer_settings_bytes((context), (operation), (void **)(out), sizeof **(out))
peek_status peek__infer_settings_bytes(peek_context *context, peek__operation *operation, void **out,
                                       size_t size);

/* Sets type and shape of an output; nothing where nobody wants it. */
peek_status peek__infer_output(peek_context *context, peek__operation *operation, int64_t output,
                               peek__element type, int64_t dimensions, const int64_t *shape);
/* The most common infer: output 0 is of the type and shape of input 0, which holds floats. */
peek_status peek__infer_same(peek_context *context, peek__operation *operation);

/* Input number i, or NULL where left out. */
static inline const peek__tensor *peek__input(const peek__operation *operation, int64_t input)
{
    return input < operation->inputs ? operation->input[input] : NULL;
}

/* The name of an input, for sentences. */
const char *peek__input_name(const peek__operation *operation, int64_t input);

/* Refuses an input that is left out or is not floats (not integers or bools; not constant). */
peek_status peek__needs_floats(peek_context *context, const peek__operation *operation, int64_t input);
peek_status peek__needs_integers(peek_context *context, const peek__operation *operation, int64_t input);
peek_status peek__needs_constant(peek_context *context, const peek__operation *operation, int64_t input);

/* Refuses a condition of an If that is not one constant bool. */
peek_status peek__check_condition(peek_context *context, const peek_network *network, const peek__node *node,
                                  const peek__tensor *condition);

/* Integers that newer opsets take as a constant input and older ones as an attribute: input number `input`
 * (negative: there is none in this opset), else the attribute `name` (NULL: none). *count is -1 where neither
 * is there; at most PEEK_DIMENSIONS are allowed. */
peek_status peek__infer_integers(peek_context *context, const peek__operation *operation, int64_t input,
                                 const char *name, int64_t *count, int64_t out[PEEK_DIMENSIONS]);

/* Counts an axis from the front and refuses one outside -dimensions .. dimensions-1. */
peek_status peek__infer_axis(peek_context *context, const peek__operation *operation, int64_t dimensions,
                             int64_t *axis);

/* NumPy's broadcasting of two shapes. Errors: E_FORMAT (they do not fit). */
peek_status peek__infer_broadcast(peek_context *context, const peek__operation *operation, int64_t dimensions_a,
                                  const int64_t *a, int64_t dimensions_b, const int64_t *b, int *dimensions,
                                  int64_t out[PEEK_DIMENSIONS]);

/* For forward. ----------------------------------------------------------------------------------------------
 */

/* Distance from one number to the next along each dimension of a shape of `dimensions`, to which the tensor is
 * broadcast: 0 where it is spread. */
void peek__broadcast_steps(const peek__tensor *tensor, int dimensions, int64_t *step);

/* Row-major distances within a shape. */
void peek__row_major_steps(int dimensions, const int64_t *shape, int64_t *step);

/* Walks over a shape in row-major order and keeps the offset into up to WALKED tensors with their own steps. */
enum { PEEK__WALKED = 3 };
typedef struct peek__walk {
    int dimensions;
    int64_t shape[PEEK_DIMENSIONS], place[PEEK_DIMENSIONS];
    int64_t step[PEEK__WALKED][PEEK_DIMENSIONS];
    int64_t offset[PEEK__WALKED];
} peek__walk;

/* One place on; from the last one back to the first. */
static inline void peek__walk_on(peek__walk *walk)
{
    for (int d = walk->dimensions - 1; d >= 0; d--) {
        for (int i = 0; i < PEEK__WALKED; i++) walk->offset[i] += walk->step[i][d];
        if (++walk->place[d] < walk->shape[d]) return;
        for (int i = 0; i < PEEK__WALKED; i++) walk->offset[i] -= walk->step[i][d] * walk->shape[d];
        walk->place[d] = 0;
    }
}

/* Copies `count` numbers, which lie `step` apart, to where they follow each other. */
void peek__copy_numbers(peek__element type, void *to, const void *from, int64_t count, int64_t step);

/* A pointer to number `index`. */
static inline void *peek__at(const peek__tensor *tensor, int64_t index)
{
    return (char *)tensor->data + (size_t)index * peek__width(tensor->type);
}

#endif
