/* linalg/matrix_transpose.c: transposition by blocks of 4 x 4 in registers, with vectors that every processor
 * has. */
#include "linalg/matrix_transpose.h"

enum { SIDE = 4 }; /* of a block */

typedef float vector __attribute__((vector_size(SIDE * sizeof(float)), aligned(sizeof(float)), may_alias));

#ifdef __clang__
#define PICK(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t places __attribute__((vector_size(SIDE * sizeof(int32_t))));
#define PICK(a, b, i, j, k, l) __builtin_shuffle(a, b, (places){i, j, k, l}) /* known to GCC before 12, too */
#endif

static inline void turn(const float *m, int64_t m_stride, float *t, int64_t t_stride)
{
    vector a = *(const vector *)m, b = *(const vector *)(m + m_stride);
    vector c = *(const vector *)(m + 2 * m_stride), d = *(const vector *)(m + 3 * m_stride);
    vector ab = PICK(a, b, 0, 4, 1, 5), cd = PICK(c, d, 0, 4, 1, 5); /* columns 0 and 1 */
    *(vector *)t = PICK(ab, cd, 0, 1, 4, 5);
    *(vector *)(t + t_stride) = PICK(ab, cd, 2, 3, 6, 7);
    ab = PICK(a, b, 2, 6, 3, 7), cd = PICK(c, d, 2, 6, 3, 7); /* columns 2 and 3 */
    *(vector *)(t + 2 * t_stride) = PICK(ab, cd, 0, 1, 4, 5);
    *(vector *)(t + 3 * t_stride) = PICK(ab, cd, 2, 3, 6, 7);
}

void peek__transpose(int64_t rows, int64_t columns, const float *m, int64_t m_stride, float *t,
                     int64_t t_stride)
{
    if (rows < SIDE || columns < SIDE) {
        for (int64_t j = 0; j < columns; j++)
            for (int64_t i = 0; i < rows; i++) t[j * t_stride + i] = m[i * m_stride + j];
        return;
    }
    for (int64_t right = SIDE; right < columns + SIDE; right += SIDE) {
        int64_t j = (right < columns ? right : columns) - SIDE; /* the last block overlaps the one before it */
        for (int64_t below = SIDE; below < rows + SIDE; below += SIDE) {
            int64_t i = (below < rows ? below : rows) - SIDE;
            turn(m + i * m_stride + j, m_stride, t + j * t_stride + i, t_stride);
        }
    }
}
