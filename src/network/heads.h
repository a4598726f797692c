/* network/heads.h: where the rows of attention heads lie in a tensor: batch x heads x rows x width (4
 * dimensions), or batch x rows x (heads width) (3 dimensions). Numbers of a row follow each other. */
#ifndef NETWORK_HEADS_H
#define NETWORK_HEADS_H

#include "network/operators.h"

typedef struct peek__heads {
    int64_t batch, heads, rows, width;
    int64_t batch_step, head_step, row_step;
} peek__heads;

/* Of input number `input`; heads: how many there are where it has 3 dimensions. Errors: E_FORMAT. */
peek_status peek__heads_of(peek_context *context, const peek__operation *operation, int64_t input,
                           int64_t heads, peek__heads *out);

/* The same of a tensor of this shape, with 3 or 4 dimensions. */
peek__heads peek__heads_make(int dimensions, int64_t batch, int64_t heads, int64_t rows, int64_t width);

static inline int64_t peek__head_at(const peek__heads *heads, int64_t batch, int64_t head)
{
    return batch * heads->batch_step + head * heads->head_step;
}

#endif
