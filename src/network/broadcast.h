/* network/broadcast.h: element-wise loops over tensors that are spread to one shape.
 *
 *     peek__broadcast_make(&loop, dimensions, shape, 2, tensors);
 *     for (int64_t r = 0; r < loop.runs; r++, y += loop.run, peek__walk_on(&loop.walk))
 *         run(y, a + loop.walk.offset[0], loop.step[0], b + loop.walk.offset[1], loop.step[1], loop.run);
 *
 * Neighbouring dimensions in which all tensors go on alike are taken together, so that runs are long. */
#ifndef NETWORK_BROADCAST_H
#define NETWORK_BROADCAST_H

#include "network/operators.h"

typedef struct peek__broadcast {
    peek__walk walk;            /* from run to run */
    int64_t runs, run;          /* how many, and of how many numbers */
    int64_t step[PEEK__WALKED]; /* of each tensor within a run; 0: one number for all */
} peek__broadcast;

/* tensors: up to PEEK__WALKED; shapes that fit the given one. */
void peek__broadcast_make(peek__broadcast *loop, int dimensions, const int64_t *shape, int tensors,
                          const peek__tensor *const *tensor);

/* For infer: the loop over inputs 0 and 1, and output 0 of this type. Before opset 7 the second tensor is
 * spread only if `broadcast` is set, and may stand at an `axis`. */
peek_status peek__infer_pair(peek_context *context, peek__operation *operation, peek__element type,
                             peek__broadcast *loop);

#endif
