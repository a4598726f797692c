/* measure/alignment.h: what follows from the inner products of samples: alignment of two blocks, intrinsic
 * dimension. */
#ifndef MEASURE_ALIGNMENT_H
#define MEASURE_ALIGNMENT_H

#include "measure/inner.h"

/* U-centred inner products, m (m - 1) / 2 floats row by row above the diagonal, from X X^T (m x m, upper
 * triangle): K with a zero diagonal, minus means over rows and columns with divisor m - 2, plus that of all
 * with (m - 1)(m - 2). The unbiased HSIC of two kernels is 2 / (m (m - 3)) times the dot product of theirs: no
 * terms that cancel. sums: m. m >= 4. Sources: L. Song et al., JMLR 13, 2012; G. Szekely, M. Rizzo, Annals of
 * Statistics 42(6), 2014. */
void peek__u_centre(const double *inner, int64_t m, double *sums, float *out);

/* Linear CKA of two U-centred kernels of m samples; NAN where one of them has no unbiased norm. */
double peek__u_alignment(const float *a, const float *b, int64_t m);

/* peek_intrinsic_dimension() from X X^T, upper triangle. */
peek_status peek__two_nn(peek_context *context, const double *inner, int64_t rows, double *dimension);

#endif
