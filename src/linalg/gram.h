/* linalg/gram.h: Gram matrices of thin matrices. */
#ifndef LINALG_GRAM_H
#define LINALG_GRAM_H

#include <stdint.h>

/* G <- G + M^T M, in double.   M: rows x k, dense; G: k x k, symmetric; scratch: peek__gram_scratch(k) doubles.
 * No aliasing. The order of the sums depends on the shapes alone. */
void peek__gram(int64_t rows, int64_t k, const float *m, double *scratch, double *gram);
int64_t peek__gram_scratch(int64_t k);

#endif
