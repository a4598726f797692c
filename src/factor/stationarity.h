/* factor/stationarity.h: how far a matrix is from optimality (the Karush-Kuhn-Tucker conditions). */
#ifndef FACTOR_STATIONARITY_H
#define FACTOR_STATIONARITY_H

#include <stdint.h>

/* The squared norm of the projected gradient of <M G, M> / 2 - <R, M>: the gradient M G - R where M > 0, its
 * negative part where M = 0. M, R: rows x k; G: k x k; scratch: rows x k floats.
 * Source: C.-J. Lin, Projected Gradient Methods for Nonnegative Matrix Factorization, Neural Computation 2007.
 */
double peek__projected_gradient(int64_t rows, int64_t k, const float *gram, const float *numerator,
                                const float *m, float *scratch);

#endif
