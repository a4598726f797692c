/* network/weight_role.h: what the constants of a network are for. */
#ifndef NETWORK_WEIGHT_ROLE_H
#define NETWORK_WEIGHT_ROLE_H

#include "network/graph.h"

typedef enum peek__weight_kind {
    PEEK__WEIGHT_FORMULA, /* a number of the formula: an exponent, a Constant node, a scalar of arithmetic */
    PEEK__WEIGHT_MATRIX,  /* kernels and matrices of linear layers */
    PEEK__WEIGHT_BIAS,    /* of linear layers */
    PEEK__WEIGHT_SCALE,   /* of normalisations */
    PEEK__WEIGHT_SHIFT,
    PEEK__WEIGHT_ADDED, /* by an operation of its own */
    PEEK__WEIGHT_OTHER, /* slopes, embeddings, factors */
    PEEK__WEIGHT_MEAN,  /* running statistics of batch normalisations */
    PEEK__WEIGHT_VARIANCE
} peek__weight_kind;

typedef struct peek__weight_role {
    peek__weight_kind kind;
    const peek__node *node; /* that it is a parameter of, perhaps behind reshapings; NULL: of the formula */
} peek__weight_role;

/* The role of weight number i of the network; where there are several users, in the first that has it as a
 * parameter. */
peek__weight_role peek__weight_role_of(const peek_network *network, int64_t i);

static inline int peek__weight_is_trained(peek__weight_kind kind)
{
    return kind >= PEEK__WEIGHT_MATRIX && kind <= PEEK__WEIGHT_OTHER;
}

static inline int peek__weight_is_averaged(peek__weight_kind kind)
{
    return kind >= PEEK__WEIGHT_MEAN;
}

#endif
