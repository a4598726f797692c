/* measure/layer.h: measures of one block of a capture. */
#ifndef MEASURE_LAYER_H
#define MEASURE_LAYER_H

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

/* All measures of a block as JSON, owned by the caller: norm, mean, zeros, unused, columns, smallest, largest,
 * effective_rank, stable_rank, singular_values (at most 200 are kept; the effective rank is of all),
 * singular_value_samples. */
peek_status peek__layer_measure(peek_context *context, const peek__npy *x, cJSON **out);

/* Measures of the output when every row is a probability distribution (non-negative, sum 1 to 1e-3); *out NULL
 * otherwise. effective_rank      of the T x K matrix P of probabilities (Roy & Vetterli 2007)
 *   mutual_information  H(mean_t p_t) - mean_t H(p_t), in nats: 0 .. log K
 *   mean_confidence     mean_t max_c p_tc */
peek_status peek__output_measure(peek_context *context, const peek__npy *p, cJSON **out);

#endif
