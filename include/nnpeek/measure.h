/* nnpeek/measure.h: spectra and measures of blocks, and of a whole run. */
#ifndef NNPEEK_MEASURE_H
#define NNPEEK_MEASURE_H

#include "nnpeek/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Singular values sigma_1 >= sigma_2 >= .. of X (rows x columns, row-major, `stride` floats from row to row),
 * as square roots of the eigenvalues of the smaller Gram matrix in double precision. values: array of `count`
 * <= min(rows, columns). Exact to about 1e-8 sigma_1. Memory: min(rows, columns)^2 doubles, twice. Errors:
 * E_ARGUMENT, E_NUMERIC, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_singular_values(peek_context *context, const float *x, int64_t rows, int64_t columns,
                                          int64_t stride, double *values, int64_t count);

/* exp of the entropy of p_i = sigma_i / sum sigma: the effective number of directions, 1 .. count.
 * Source: O. Roy, M. Vetterli, The effective rank, EUSIPCO 2007. 0 when all values are 0. */
PEEK_API double peek_effective_rank(const double *singular_values, int64_t count);

/* Measures a run folder (capture/ and, where present, fit/) and writes RUN/measures.json. manifest_digest, and
 * fit_digest of every rank, say which manifest.json and fit.json they were computed from; a report leaves out
 * what was computed from others. Errors: E_NOT_FOUND (no capture or fit in it), E_FORMAT, E_IO, E_MEMORY,
 * E_STOPPED. */
PEEK_API peek_status peek_measure_run(peek_context *context, const char *run);

#ifdef __cplusplus
}
#endif
#endif
