/* network/plan.h: an instance prepared to be run by one thread, with memory of its own.
 *
 * Memory is that of the tensors that are alive at once: a tensor's place is given to others after its last use,
 * unless it is wanted, or the plan is for training. Plans are run from inside peek__parallel(), which keeps
 * BLAS and oneDNN single-threaded; parallel work is above them (network/team.h). */
#ifndef NETWORK_PLAN_H
#define NETWORK_PLAN_H

#include "network/instance.h"

typedef struct peek__plan {
    const peek__instance *instance;
    int training;
    peek__tensor *tensor; /* one a value; data of constants are the network's or the instance's */
    float **gradients;    /* one a value; NULL where no gradient is wanted; weights: the caller's */
    char *arena, *gradient_arena;
    char *scratch;                     /* of all operations, one after another */
    int64_t arena_size, gradient_size; /* bytes */
    int64_t operations;
    peek__operation *operation;
    peek__tensor **lists; /* memory of the operations' lists */
    float **gradient_lists;
    peek__draw draw;       /* training: set before every forward */
    int64_t *weight_start; /* training: where a value's gradient begins in the gradient of all weights, or -1 */
} peek__plan;

/* Prepares what is needed to compute `wanted` values (numbers of values). training: backward from the first of
 * them. The instance must outlive the plan. Errors: E_UNSUPPORTED (training through an operator without
 * backward), E_MEMORY. */
peek_status peek__plan_create(peek_context *context, const peek__instance *instance, int training,
                              int64_t wanted_count, const int64_t *wanted, peek__plan **out);
void peek__plan_free(peek__plan **plan);

/* The tensor of a wanted value, or of an input, which is to be filled in before every forward. */
static inline peek__tensor *peek__plan_tensor(peek__plan *plan, int64_t value)
{
    return &plan->tensor[value];
}

peek_status peek__plan_forward(peek_context *context, peek__plan *plan);

/* Clears all gradients and gives that of the first wanted tensor, of the tensor's shape, to be filled in before
 * peek__plan_backward(); NULL where it depends on no weight. */
float *peek__plan_gradients(peek__plan *plan, int64_t value);

/* Writes the gradient of all weights, one after another in the order of network->weight; `parameters` floats.
 */
peek_status peek__plan_backward(peek_context *context, peek__plan *plan, float *gradients);

#endif
