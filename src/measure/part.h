/* measure/part.h: chosen samples and columns of a joint problem, as a problem of their own: to fit on some and
 * judge on others. */
#ifndef MEASURE_PART_H
#define MEASURE_PART_H

#include "factor/problem.h"

/* Numbers of samples or of columns, rising. */
typedef struct peek__choice {
    int64_t count;
    int64_t *index;
} peek__choice;

typedef struct peek__part {
    peek_problem *problem;
    int64_t rows, blocks;
    int64_t *source;  /* the blocks' numbers in the whole problem */
    int64_t *columns; /* of each block */
    float **values;   /* rows x columns, dense */
} peek__part;

/* Copies the samples `rows` of the blocks for which use[b] is not 0 (NULL: all). columns: one choice a block,
 * or NULL for all columns; blocks without columns are left out. The caller clears *out, also after a failure.
 * Errors: E_MEMORY. */
peek_status peek__part_take(peek_context *context, const peek_problem *whole, const peek__choice *rows,
                            const peek__choice *columns, const char *use, peek__part *out);
void peek__part_clear(peek__part *part);

/* squares[0] <- || X - F W^T ||^2 and squares[1] <- || X ||^2 of block b of the part, in double.   F: rows x k,
 * W: columns x k. Errors: E_MEMORY, E_STOPPED. */
peek_status peek__part_residual(peek_context *context, const peek__part *part, int64_t block, int64_t k,
                                const float *f, const float *w, double squares[2]);

/* Splits 0 .. count-1 at random into `groups` of nearly equal size: group[i] of each. */
peek_status peek__split(peek_context *context, int64_t seed, uint64_t index, int64_t count, int64_t groups,
                        int64_t *group);

/* Those i with group[i] == wanted (inside), or all others; choice->index has room for count. */
void peek__choose(const int64_t *group, int64_t count, int64_t wanted, int inside, peek__choice *choice);

#endif
