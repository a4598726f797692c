/* factor/rule_hals.c: hierarchical alternating least squares, exact coordinate descent one component after the
 * other,
 *     m_r <- max(0, m_r + (R_r - l1 - (M G)_r) / G_rr),   r = 0 .. k-1,   in several sweeps.
 * A sweep costs k^2 operations a row, R itself n k or T k: further sweeps over tiles that stay in cache are
 * nearly free. They end when they no longer pay: tile by tile, which depends on the shapes alone.
 * The objective never rises. A component that the other matrix does not use (G_rr = 0) is left as it is, so
 * that it can return; one that is 0 here only is found again by the formula itself. Sources: A. Cichocki, A.-H.
 * Phan, IEICE Transactions E92-A 2009; N. Gillis, F. Glineur, Neural Computation 2012 (repeated sweeps and when
 * to stop them). */
#include <string.h>

#include "factor/rule.h"
#include "linalg/kernel_avx2.h"
#include "linalg/matrix_transpose.h"

enum {
    LANES = 8,   /* floats of a vector */
    VECTORS = 8, /* of a tile's row: as many sums as hide the latency of multiply-add */
    TILE = LANES * VECTORS,
    SWEEPS = 12 /* at most */
};

/* A sweep that changes a tile less than this share of what the first did (squared, in the norm of G) was the
 * last. */
static const float worth = 0.001f;

/* Smaller diagonal entries of G count as zero: its scale is that of data of root mean square 1. */
static const float smallest = 1e-20f;

typedef float vector __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t mask __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

size_t peek__rule_hals_scratch(int64_t rows, int64_t k)
{
    (void)rows;
    return (size_t)(2 * k * TILE + k) * sizeof(float);
}

/* One sweep over a tile that is stored component by component, `width` vectors of each in use. Returns the
 * squared change, sum_r G_rr ||m_r - m_r before||^2. */
static inline __attribute__((always_inline)) float sweep(int width, int64_t k, const float *gram,
                                                         const float *inverse, const float *numerator, float *m)
{
    vector change = {0};
    for (int64_t r = 0; r < k; r++) {
        vector sums[VECTORS], moved = {0};
        float *own = m + r * TILE;
        const float *row = gram + r * k;
        if (inverse[r] == 0) continue;
        for (int v = 0; v < width; v++) sums[v] = *(const vector *)(numerator + r * TILE + v * LANES);
        for (int64_t s = 0; s < k; s++) {
            float g = row[s];
            const float *other = m + s * TILE;
            for (int v = 0; v < width; v++) sums[v] -= g * *(const vector *)(other + v * LANES);
        }
        for (int v = 0; v < width; v++) {
            vector before = *(vector *)(own + v * LANES), after = before + sums[v] * inverse[r];
            after = (vector)((mask)after & (after > 0.0f));
            *(vector *)(own + v * LANES) = after;
            moved += (after - before) * (after - before);
        }
        change += moved * row[r];
    }
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += change[i];
    return sum;
}

static inline __attribute__((always_inline)) void sweeps(int width, int64_t k, const float *gram,
                                                         const float *inverse, const float *numerator, float *m,
                                                         int64_t most)
{
    float first = sweep(width, k, gram, inverse, numerator, m), change = first;
    for (int i = 1; i < most && change > worth * first; i++)
        change = sweep(width, k, gram, inverse, numerator, m);
}

/* The number of vectors is made a constant, so that the sums stay in registers. */
static inline __attribute__((always_inline)) void work(int64_t width, int64_t k, const float *gram,
                                                       const float *inverse, const float *numerator, float *m,
                                                       int64_t most)
{
    switch (width) {
    case 1:
        sweeps(1, k, gram, inverse, numerator, m, most);
        break;
    case 2:
        sweeps(2, k, gram, inverse, numerator, m, most);
        break;
    case 3:
        sweeps(3, k, gram, inverse, numerator, m, most);
        break;
    case 4:
        sweeps(4, k, gram, inverse, numerator, m, most);
        break;
    case 5:
        sweeps(5, k, gram, inverse, numerator, m, most);
        break;
    case 6:
        sweeps(6, k, gram, inverse, numerator, m, most);
        break;
    case 7:
        sweeps(7, k, gram, inverse, numerator, m, most);
        break;
    default:
        sweeps(8, k, gram, inverse, numerator, m, most);
        break;
    }
}

static void work_anywhere(int64_t width, int64_t k, const float *gram, const float *inverse,
                          const float *numerator, float *m, int64_t most)
{
    work(width, k, gram, inverse, numerator, m, most);
}

#ifdef PEEK__KERNEL_AVX2
__attribute__((target("avx2,fma"))) static void work_avx2(int64_t width, int64_t k, const float *gram,
                                                          const float *inverse, const float *numerator,
                                                          float *m, int64_t most)
{
    work(width, k, gram, inverse, numerator, m, most);
}
#endif

void peek__rule_hals(const peek__update *update)
{
    void (*best)(int64_t, int64_t, const float *, const float *, const float *, float *, int64_t) =
        work_anywhere;
#ifdef PEEK__KERNEL_AVX2
    if (peek__avx2_usable()) best = work_avx2;
#endif
    int64_t k = update->k, most = update->effort / 2 + 2;
    if (most > SWEEPS) most = SWEEPS;
    float *m = update->scratch, *numerator = m + k * TILE, *inverse = numerator + k * TILE;
    for (int64_t r = 0; r < k; r++) {
        float own = update->gram[r * k + r];
        inverse[r] = own > smallest ? 1 / own : 0;
    }
    for (int64_t first = 0; first < update->rows; first += TILE) {
        int64_t rows = update->rows - first < TILE ? update->rows - first : TILE;
        int64_t width = (rows + LANES - 1) / LANES;
        float *out = update->m + first * k;
        const float *in = update->numerator + first * k;
        peek__transpose(rows, k, out, k, m, TILE);
        peek__transpose(rows, k, in, k, numerator, TILE);
        for (int64_t r = 0; r < k; r++) {
            for (int64_t i = 0; update->l1 > 0 && i < rows; i++) numerator[r * TILE + i] -= update->l1;
            for (int64_t i = rows; i < width * LANES; i++) m[r * TILE + i] = numerator[r * TILE + i] = 0;
        }
        best(width, k, update->gram, inverse, numerator, m, most);
        peek__transpose(k, rows, m, TILE, out, k);
    }
}
