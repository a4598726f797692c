/* measure/models.h: measures of the fitted models of a run. */
#ifndef MEASURE_MODELS_H
#define MEASURE_MODELS_H

#include "store/file.h"

/* Reads every rank-K folder in `folder` and gives {"ranks": [{fit_digest, rank, rule, iterations, stop, rmse,
 * relative_error, blocks, shares}]}, ascending by rank, owned by the caller; *out NULL when there is none.
 *
 * shares.NAME holds the share of each component r in what the model explains of block b,
 *     share_r = sum_s (F^T F)_rs (W_b^T W_b)_rs / sum_rs (same),
 * the energy <f_r w_r^T, F W_b^T> / ||F W_b^T||^2: not negative, and they sum to 1 over r. */
peek_status peek__models_measure(peek_context *context, const char *folder, cJSON **out);

#endif
