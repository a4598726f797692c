/* linalg/matrix_transpose.h: transposition. */
#ifndef LINALG_MATRIX_TRANSPOSE_H
#define LINALG_MATRIX_TRANSPOSE_H

#include <stdint.h>

/* T <- M^T.   M: rows x columns, T: columns x rows; m_stride and t_stride are the floats from a row to the
 * next. No aliasing. */
void peek__transpose(int64_t rows, int64_t columns, const float *m, int64_t m_stride, float *t,
                     int64_t t_stride);

#endif
