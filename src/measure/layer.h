/* measure/layer.h: measures of one block of a capture. */
#ifndef MEASURE_LAYER_H
#define MEASURE_LAYER_H

#include "base/json_made.h"

#include "store/npy.h"

/* Counts over X, T x n, as stored. */
typedef struct peek__layer_counts {
    double norm; /* ||X||_F */
    double mean;
    double zeros;   /* share of entries that are 0 */
    int64_t unused; /* columns that are 0 in every sample: dead neurons after a ReLU */
    double smallest, largest;
} peek__layer_counts;

peek_status peek__layer_count(peek_context *context, const peek__npy *x, peek__layer_counts *out);

/* All measures of a block as JSON, owned by the caller: norm, mean, zeros, unused, columns, smallest, largest;
 * those of its spectrum (measure/document.h), as it is and `centred`; singular_values (at most 200 are kept;
 * all count for the measures), singular_value_samples. */
peek_status peek__layer_measure(peek_context *context, const peek__npy *x, cJSON **out);

#endif
