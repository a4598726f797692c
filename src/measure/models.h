/* measure/models.h: measures of the fitted models of a run. */
#ifndef MEASURE_MODELS_H
#define MEASURE_MODELS_H

#include "measure/predictions.h"
#include "store/file.h"

/* Reads every rank-K folder in `folder` and gives {"ranks": [..], "error_slope": {all, blocks}}, ascending by
 * rank, owned by the caller; *out NULL when there is none. A rank has fit_digest, what fit.json says of it
 * (rank, rule, iterations, stop, rmse, relative_error), the `sparsity` and `purity` of each component of the
 * sample matrix (null without labels; capture: the folder that may hold them, or NULL), `shares`, and for each
 * block norm, weight, rmse, relative_error, the coherence of its loadings and their sparsity.
 * neighbours {agreement, information}: peek_neighbour_agreement() of the rows of F, each component scaled by
 * the norm of its loadings in all blocks, with the classes that the network predicts; not where predictions has
 * none, or of other samples.
 *
 * shares.NAME holds the share of each component r in what the model explains of block b,
 *     share_r = sum_s (F^T F)_rs (W_b^T W_b)_rs / sum_rs (same),
 * the energy <f_r w_r^T, F W_b^T> / ||F W_b^T||^2: not negative, and they sum to 1 over r. */
peek_status peek__models_measure(peek_context *context, const char *folder, const char *capture,
                                 const peek__predictions *predictions, cJSON **out);

#endif
