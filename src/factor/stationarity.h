/* factor/stationarity.h: how far a matrix is from optimality (the Karush-Kuhn-Tucker conditions). */
#ifndef FACTOR_STATIONARITY_H
#define FACTOR_STATIONARITY_H

#include "factor/rule.h"

/* The squared norm of the projected gradient of <M G, M> / 2 - <R - l1, M>: the gradient M G - R + l1 where M >
 * 0, its negative part where M = 0. scratch: rows x k floats. Source: C.-J. Lin, Projected Gradient Methods for
 * Nonnegative Matrix Factorization, Neural Computation 2007. */
double peek__projected_gradient(const peek__update *update, float *scratch);

#endif
