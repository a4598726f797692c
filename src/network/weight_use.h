/* network/weight_use.h: which constants a training changes, and how. */
#ifndef NETWORK_WEIGHT_USE_H
#define NETWORK_WEIGHT_USE_H

#include "network/graph.h"

typedef enum peek__weight_use {
    PEEK__WEIGHT_FIXED,   /* a number of the formula: an exponent, a Constant node, a scalar of arithmetic */
    PEEK__WEIGHT_TRAINED, /* weights, biases, scales, slopes */
    PEEK__WEIGHT_AVERAGED /* a running mean or variance */
} peek__weight_use;

/* How weight number i of the network is used; *stays: of an average the share that stays at a step, as the
 * node's momentum says. */
peek__weight_use peek__weight_use_of(const peek_network *network, int64_t i, float *stays);

#endif
