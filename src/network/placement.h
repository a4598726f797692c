/* network/placement.h: where in one piece of memory the tensors of a plan lie.
 *
 * A tensor lives from the operation that makes it to the last one that uses it; the memory of one that is dead
 * is given to others. First fit over what is alive, in the order of execution. */
#ifndef NETWORK_PLACEMENT_H
#define NETWORK_PLACEMENT_H

#include "network/instance.h"

typedef struct peek__placement {
    int64_t *offset; /* one a value: bytes from the beginning; -1: not placed (constants, what is not needed) */
    int64_t size;    /* bytes in all */
} peek__placement;

/* needed: one a step: 1 where it is run. kept: one a value: 1 where it lives to the end. all: every value does,
 * and none is overwritten. Errors: E_MEMORY. */
peek_status peek__placement_make(peek_context *context, const peek__instance *instance, const char *needed,
                                 const char *kept, int all, peek__placement *out);
void peek__placement_free(peek__placement *placement);

#endif
