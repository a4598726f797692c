/* network/automatic.h: which layers a capture takes when nobody says. */
#ifndef NETWORK_AUTOMATIC_H
#define NETWORK_AUTOMATIC_H

#include "network/survey.h"

/* Why a tensor is taken or not. */
typedef enum peek__automatic {
    PEEK__NO_ACTIVATION,
    PEEK__AFTER_ACTIVATION,
    PEEK__AFTER_BLOCK,
    PEEK__WEIGHTS_ALONE, /* taken: the network has no activation functions, and this is what weights make */
    PEEK__WITHIN_ACTIVATION,
    PEEK__WITHIN_BLOCK,
    PEEK__GATE
} peek__automatic;

static inline int peek__automatic_takes(peek__automatic which)
{
    return which == PEEK__AFTER_ACTIVATION || which == PEEK__AFTER_BLOCK || which == PEEK__WEIGHTS_ALONE;
}

/* A sentence's end: "within a block whose result is captured". */
const char *peek__automatic_reason(peek__automatic which);

/* Finds the layers to look at: what every activation function of the main path makes, and in transformers what
 * every block makes. An activation function that a file writes as several nodes (GELU with Erf, x sigmoid(x),
 * Mish) counts once, with its result; gates (squeeze and excitation) do not count; what is within a
 * transformer's block gives way to the block's result. Where there is none of all this, what every convolution
 * and matrix product with weights makes. out: one a value, for the caller to free. The network's output is not
 * taken. Errors: E_MEMORY. */
peek_status peek__automatic_find(peek_context *context, const peek_network *network, const peek__survey *survey,
                                 char **out);

#endif
