/* factor/start.h: where a fit starts. */
#ifndef FACTOR_START_H
#define FACTOR_START_H

#include "factor/problem.h"

/* Fills F (T x k) and W (columns x k) with uniform (0, 1) numbers; each row has its own stream, so the numbers
 * do not depend on threads or on how many rows there are. */
peek_status peek__start_uniform(peek_context *context, const peek_problem *problem, int64_t k, uint64_t seed,
                                float *samples, float *loadings);

/* Fills F and W from the singular vectors of X'_b = multipliers_b X_b (factor/start_nndsvd.c). fill: zeros
 * become the mean of their component. The seed hardly matters. Errors: E_MEMORY, E_NUMERIC, E_STOPPED. */
peek_status peek__start_nndsvd(peek_context *context, const peek_problem *problem, const double *multipliers,
                               int64_t k, uint64_t seed, int fill, float *samples, float *loadings);

/* Whether --init names matrices to start from, rather than a way to make them. init may be NULL. */
int peek__start_is_read(const char *init);

/* Reads F and W from a rank-K folder (samples.npy and the blocks' files), or from `rank-<k>` inside of
 * `folder`, and multiplies F by sample_scale and block b's loadings by loading_scales[b]. Errors: E_NOT_FOUND,
 * E_FORMAT, E_SHAPE, E_VALUE (negative or not finite). */
peek_status peek__start_read(peek_context *context, const peek_problem *problem, int64_t k, const char *folder,
                             double sample_scale, const double *loading_scales, float *samples,
                             float *loadings);

/* Adds what peek__start_read() would read to a digest; nothing where init is no folder, or names none. Errors:
 * E_IO, E_MEMORY. */
peek_status peek__start_digest(peek_context *context, const peek_problem *problem, int64_t k, const char *init,
                               uint64_t *state);

#endif
