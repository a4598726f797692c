/* network/selection.h: which tensors a capture takes, and how its blocks and files are called. */
#ifndef NETWORK_SELECTION_H
#define NETWORK_SELECTION_H

#include "network/graph.h"

typedef struct peek__chosen {
    int64_t value; /* number of the value; -1: a channel of the input */
    int64_t channel;
    int fit;    /* takes part in the factorisation */
    int output; /* the network's output */
    char *name; /* of the block, unique */
    char *file; /* safe and unique */
} peek__chosen;

typedef struct peek__selection {
    int64_t channels; /* the first entries: the input's channels */
    int64_t count;
    peek__chosen *chosen;
    const char *why_not; /* why the others were left out */
} peek__selection;

/* Resolves `layers` ("auto", globs over tensor or node names, op:NAME, commas between) in the order of
 * execution. The network's output is always taken, and takes part in the fit only where a pattern asked for it.
 * `channels`: of the data. Errors: E_NOT_FOUND (a pattern that matches nothing, no activation functions),
 * E_MEMORY. Free with peek__selection_free(). */
peek_status peek__selection_make(peek_context *context, const peek_network *network, const char *layers,
                                 int64_t channels, peek__selection *out);
void peek__selection_free(peek__selection *selection);

#endif
