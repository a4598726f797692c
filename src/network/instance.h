/* network/instance.h: a network for inputs of given shapes: the shape of every value, and all constants.
 *
 * Operations are inferred in order. One whose inputs are all constant is run at once, by its own forward: so
 * shape arithmetic, however a file writes it, is just evaluated. An instance is shared by
 * threads; each runs it with memory of its own (network/plan.h). Nothing of it changes after it is made but
 * what plans share. */
#ifndef NETWORK_INSTANCE_H
#define NETWORK_INSTANCE_H

#include "network/operators.h"

#include <omp.h>

typedef struct peek__inferred {
    peek__operation operation; /* its tensors are those of the instance; no state, no gradients */
    int folded; /* 1: its outputs are constant, or it is in a branch that is not taken and has none */
} peek__inferred;

typedef struct peek__instance {
    const peek_network *network;
    peek__tensor *tensor; /* one a value; type NONE: never made; data: of constants only */
    char *owned;          /* 1: that data is freed with the instance */
    int64_t steps;        /* one a node, in order */
    peek__inferred *step;
    peek__tensor **pointers; /* memory of all input and output lists */
    void **shared;           /* one a step: what its plans share (peek__operation.shared), or NULL */
    omp_lock_t *lock;        /* to be held while plans make it */
} peek__instance;

/* input: one for each of the graph's inputs, of type and shape; with data: a constant, borrowed; type NONE:
 * left out. Errors: E_FORMAT, E_UNSUPPORTED, E_MEMORY. */
peek_status peek__instance_create(peek_context *context, const peek_network *network, const peek__tensor *input,
                                  peek__instance **out);
void peek__instance_free(peek__instance **instance);

#endif
