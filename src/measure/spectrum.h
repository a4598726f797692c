/* measure/spectrum.h: singular values of a matrix as it is and centred, from one matrix of inner products. */
#ifndef MEASURE_SPECTRUM_H
#define MEASURE_SPECTRUM_H

#include "measure/inner.h"

/* raw, centred: the `count` largest singular values of X and of X - 1 mean^T, falling; centred may be NULL.
 * Memory: two matrices of min(rows, columns)^2 doubles for each. Errors: E_MEMORY, E_NUMERIC, E_STOPPED. */
peek_status peek__spectra(peek_context *context, const peek__rows *x, double *raw, double *centred,
                          int64_t count);

#endif
