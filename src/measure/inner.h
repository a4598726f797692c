/* measure/inner.h: all inner products of the rows or of the columns of a matrix, in double precision. */
#ifndef MEASURE_INNER_H
#define MEASURE_INNER_H

#include "base/context.h"

/* X: rows x columns floats, `stride` from row to row. */
typedef struct peek__rows {
    const float *x;
    int64_t rows, columns, stride;
} peek__rows;

/* out <- X^T X (by_columns) or X X^T: size x size with size = columns or rows; only its upper triangle is set.
 * No n x n matrix is made of the other kind; scratch: 512 KB a thread. The same bits for any number of threads.
 * Errors: E_MEMORY, E_STOPPED. */
peek_status peek__inner_products(peek_context *context, const peek__rows *x, int by_columns, double *out);

#endif
