/* network/plan.h: a network prepared to run slices of samples: one thread, its own memory.
 *
 * Plans are run from inside peek__parallel(), which keeps BLAS and oneDNN single-threaded. Parallel work is
 * above them: a batch is cut into slices that do not depend on the number of threads, and any thread's plan may
 * run any slice (network/team.h). */
#ifndef NETWORK_PLAN_H
#define NETWORK_PLAN_H

#include "network/operators.h"

typedef struct peek__plan {
    const peek_network *network;
    int64_t slice; /* samples at most */
    int training;
    const peek__preprocess *preprocess;
    peek__slot *slot; /* one a value; without memory where the plan does not need it */
    int64_t operations;
    peek__operation *operation;
    int64_t *weight_start; /* training: where a value's gradient begins in the gradient of all weights, or -1 */
} peek__plan;

/* Prepares what is needed to compute `wanted` values (numbers of values, not constants). training: backward
 * from the first of them. preprocess: applied to the input; NULL: none. Errors: E_UNSUPPORTED (training through
 * an operator without backward), E_MEMORY. */
peek_status peek__plan_create(peek_context *context, const peek_network *network, int64_t slice, int training,
                              const peek__preprocess *preprocess, int64_t wanted_count, const int64_t *wanted,
                              peek__plan **out);
void peek__plan_free(peek__plan **plan);

/* Where to put `count` samples before peek__plan_forward(): row-major, before preprocessing. */
float *peek__plan_input(peek__plan *plan);

peek_status peek__plan_forward(peek_context *context, peek__plan *plan, int64_t count);

/* The values of a wanted tensor after forward, count x size, row-major; borrowed. */
const float *peek__plan_values(const peek__plan *plan, int64_t value);

/* Clears all gradients and gives that of the first wanted tensor, count x size, to be filled in before
 * peek__plan_backward(); NULL where it depends on no weight. */
float *peek__plan_gradients(peek__plan *plan, int64_t value);

/* Writes the gradient of all weights, one after another in the order of network->weight; `parameters` floats.
 */
peek_status peek__plan_backward(peek_context *context, peek__plan *plan, int64_t count, float *gradients);

/* Samples a slice should have: `most`, or fewer where a slice of this network would take too much memory. */
int64_t peek__plan_slice(const peek_network *network, int64_t most);

#endif
