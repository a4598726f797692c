/* network/einsum.h: the equation of an Einsum, read for given shapes. */
#ifndef NETWORK_EINSUM_H
#define NETWORK_EINSUM_H

#include "network/operators.h"

/* A tensor by its labels, without those of length 1. A label that is named twice stands for the diagonal: once,
 * with both steps. */
typedef struct peek__einsum_view {
    int labels;
    int label[PEEK_DIMENSIONS];
    int64_t length[PEEK_DIMENSIONS], step[PEEK_DIMENSIONS];
} peek__einsum_view;

typedef struct peek__einsum_equation {
    int dimensions; /* of the output, with those of length 1 */
    int empty;      /* 1: a label has no entries */
    peek__einsum_view input[];
} peek__einsum_equation;

/* Letters are labels, "..." those of all other dimensions, which are spread to each other from the last;
 * without
 * "->" the output has the dimensions of "...", then the letters that stand once, in the order of their codes.
 * equation: with room for the operation's inputs. Errors: E_FORMAT. */
peek_status peek__einsum_read(peek_context *context, const peek__operation *operation,
                              peek__einsum_equation *equation, peek__einsum_view *output,
                              int64_t shape[PEEK_DIMENSIONS]);

#endif
