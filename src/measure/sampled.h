/* measure/sampled.h: evenly spaced samples of a block on disk, as a matrix. */
#ifndef MEASURE_SAMPLED_H
#define MEASURE_SAMPLED_H

#include "measure/inner.h"
#include "store/npy.h"

typedef struct peek__sampled {
    peek__rows rows;
    float *buffer; /* NULL where rows points into the file */
} peek__sampled;

/* Samples 0, s, 2 s, .. of X with s = ceil(T / most): all of them where T <= most. Floats are not copied: where
 * T <= most, rows of floats are dense. The caller clears *out. Errors: E_MEMORY. */
peek_status peek__sample(peek_context *context, const peek__npy *x, int64_t most, peek__sampled *out);
void peek__sampled_clear(peek__sampled *sampled);

#endif
