/* measure/pairs.h: what compares samples with each other, block by block and between blocks. */
#ifndef MEASURE_PAIRS_H
#define MEASURE_PAIRS_H

#include "base/json_made.h"

#include "measure/predictions.h"
#include "store/npy.h"

/* U-centred kernels of blocks, of evenly spaced samples: 2000 of them, or fewer where there are so many blocks
 * that their kernels would take more than 512 MB. */
typedef struct peek__pairs {
    int64_t capacity, count, most; /* blocks, samples */
    int64_t *samples;              /* of each block */
    float **kernel;                /* NULL: fewer than four samples */
    int32_t **neighbours;          /* of each sample; NULL: too few */
    double *alignments;            /* count x count, once computed */
} peek__pairs;

/* The caller clears *out, also after a failure. */
peek_status peek__pairs_begin(peek_context *context, int64_t blocks, peek__pairs *out);

/* Takes the next block in, and adds intrinsic_dimension and intrinsic_dimension_samples to its measures. */
peek_status peek__pairs_add(peek_context *context, peek__pairs *pairs, const peek__npy *x, cJSON *measures);

/* Adds neighbours {agreement, information} to the measures of each block, in order, of which the network
 * predicts these classes; not to `output`, which predicts them itself. */
peek_status peek__pairs_neighbours(peek_context *context, const peek__pairs *pairs,
                                   const peek__predictions *predictions, const char *output, cJSON *blocks);

/* {blocks: names, samples, linear_cka: a row for each block}, owned by the caller. names: an object with a
 * member for each block, in order. */
peek_status peek__pairs_measure(peek_context *context, peek__pairs *pairs, const cJSON *names, cJSON **out);

void peek__pairs_clear(peek__pairs *pairs);

#endif
