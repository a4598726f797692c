/* linalg/kernel_avx512.c: both products of a pass with AVX-512, without packing: X is read as it lies.
 *
 * times keeps 4 rows x up to 5 components of dot products in registers, each 16 wide along n; transposed keeps
 * up to 5 components x 64 columns. Some 20 accumulators need 9 loads for 20 multiply-adds, so the multiply-add
 * units are the limit; what is loaded again and again stays in L1, X itself comes once from L2 for a block of
 * components. */
#include "linalg/kernel_avx512.h"

#ifdef PEEK__KERNEL_AVX512
#include <immintrin.h>

#include "linalg/kernel_cut.h"

#define AVX512 __attribute__((target("avx512f,avx512dq,avx2,fma")))
#define INLINE AVX512 static inline __attribute__((always_inline))

enum {
    LANES = 16,     /* floats of a vector */
    ROWS = 4,       /* of X in a block of times */
    MOST = 5,       /* components of a block */
    CHUNK = 800,    /* columns at most that times works on at once: 5 + 4 rows of them stay in L1 */
    ROW_BLOCK = 64, /* rows that transposed accumulates before it goes to memory */
    WIDE = 4        /* vectors of columns in a block of transposed */
};

int peek__avx512_usable(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

/* The first `count` of 16 places. */
INLINE __mmask16 first(int64_t count)
{
    return (__mmask16)((1u << count) - 1);
}

/* The sums of four vectors. */
INLINE __m128 sums_of(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)); /* a b a b in each quarter */
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    __m512 quarters = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high)); /* a b c d in each */
    __m256 halves = _mm256_add_ps(_mm512_castps512_ps256(quarters), _mm512_extractf32x8_ps(quarters, 1));
    return _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1));
}

/* R[0..mr)[0..kr) += scale x dot products over n columns. soon: half as many rows to ask for, or NULL. */
INLINE void dot_block(int mr, int kr, const float *soon, int64_t n, float scale, const float *x,
                      int64_t x_stride, const float *wt, int64_t w_stride, float *r, int64_t k)
{
    __m512 sums[ROWS][MOST];
    for (int t = 0; t < mr; t++)
        for (int c = 0; c < kr; c++) sums[t][c] = _mm512_setzero_ps();
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m512 rows[ROWS];
        for (int t = 0; t < mr; t++) rows[t] = _mm512_loadu_ps(x + t * x_stride + i);
        if (soon)
            for (int t = 0; t < mr / 2; t++) _mm_prefetch((const char *)(soon + t * x_stride + i), _MM_HINT_T1);
        for (int c = 0; c < kr; c++) {
            __m512 w = _mm512_loadu_ps(wt + c * w_stride + i);
            for (int t = 0; t < mr; t++) sums[t][c] = _mm512_fmadd_ps(rows[t], w, sums[t][c]);
        }
    }
    if (i < n) {
        __mmask16 mask = first(n - i);
        for (int c = 0; c < kr; c++) {
            __m512 w = _mm512_maskz_loadu_ps(mask, wt + c * w_stride + i);
            for (int t = 0; t < mr; t++)
                sums[t][c] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, x + t * x_stride + i), w, sums[t][c]);
        }
    }
    for (int t = 0; t < mr; t++) {
        float *out = r + t * k;
        if (kr >= 4) {
            __m128 found = sums_of(sums[t][0], sums[t][1], sums[t][2], sums[t][3]);
            _mm_storeu_ps(out, _mm_fmadd_ps(_mm_set1_ps(scale), found, _mm_loadu_ps(out)));
        }
        for (int c = kr >= 4 ? 4 : 0; c < kr; c++) out[c] += scale * _mm512_reduce_add_ps(sums[t][c]);
    }
}

/* All rows for kr components. */
INLINE void dot_rows(int kr, const float *soon, int64_t rows, int64_t n, float scale, const float *x,
                     int64_t x_stride, const float *wt, int64_t w_stride, float *r, int64_t k)
{
    int64_t t = 0;
    for (; t + ROWS <= rows; t += ROWS)
        dot_block(ROWS, kr, soon ? soon + t / 2 * x_stride : NULL, n, scale, x + t * x_stride, x_stride, wt,
                  w_stride, r + t * k, k);
    for (; t < rows; t++)
        dot_block(1, kr, NULL, n, scale, x + t * x_stride, x_stride, wt, w_stride, r + t * k, k);
}

/* `take` components for all rows of a chunk. */
INLINE void dot_components(int64_t take, const float *soon, int64_t rows, int64_t n, float scale,
                           const float *x, int64_t x_stride, const float *wt, int64_t w_stride, float *r,
                           int64_t k)
{
    switch (take) {
    case 5:
        dot_rows(5, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    case 4:
        dot_rows(4, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    case 3:
        dot_rows(3, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    case 2:
        dot_rows(2, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    default:
        dot_rows(1, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    }
}

AVX512 void peek__avx512_times(int64_t rows, int64_t n, int64_t k, float scale, const float *x,
                               int64_t x_stride, const float *soon, const float *wt, int64_t w_stride, float *r)
{
    int64_t chunk = (peek__kernel_cut(n, CHUNK) + LANES - 1) / LANES * LANES;
    for (int64_t from = 0; from < n; from += chunk) {
        int64_t width = n - from < chunk ? n - from : chunk, take;
        for (int64_t c = 0; c < k; c += take) {
            take = peek__kernel_cut(k - c, MOST);
            dot_components(take, soon && c == 0 ? soon + from : NULL, rows, width, scale, x + from, x_stride,
                           wt + c * w_stride + from, w_stride, r + c, k);
        }
    }
}

/* Nt[0..kr)[columns] += sum over rows of f_c x, for `wide` vectors of columns, the last of them masked unless
 * it is full. soon: as many columns of half as many rows to ask for, or NULL. */
INLINE void outer_block(int kr, int wide, int full, __mmask16 mask, int64_t rows, const float *f, int64_t k,
                        const float *x, int64_t x_stride, const float *soon, float *nt, int64_t n_stride)
{
    __m512 sums[MOST][WIDE]; /* added to Nt at the end: shorter sums round less */
    for (int c = 0; c < kr; c++)
        for (int v = 0; v < wide; v++) sums[c][v] = _mm512_setzero_ps();
    for (int64_t t = 0; t < rows; t++) {
        __m512 values[WIDE];
        for (int v = 0; v < wide; v++)
            values[v] = full || v + 1 < wide ? _mm512_loadu_ps(x + t * x_stride + v * LANES)
                                             : _mm512_maskz_loadu_ps(mask, x + t * x_stride + v * LANES);
        if (soon)
            for (int64_t v = t % 2; v < wide; v += 2)
                _mm_prefetch((const char *)(soon + t / 2 * x_stride + v * LANES), _MM_HINT_T1);
        for (int c = 0; c < kr; c++) {
            __m512 value = _mm512_set1_ps(f[t * k + c]);
            for (int v = 0; v < wide; v++) sums[c][v] = _mm512_fmadd_ps(value, values[v], sums[c][v]);
        }
    }
    for (int c = 0; c < kr; c++)
        for (int v = 0; v < wide; v++) {
            float *out = nt + c * n_stride + v * LANES;
            __mmask16 some = full || v + 1 < wide ? (__mmask16)-1 : mask;
            _mm512_mask_storeu_ps(out, some, _mm512_add_ps(_mm512_maskz_loadu_ps(some, out), sums[c][v]));
        }
}

/* The same for all columns: 64 or fewer. */
INLINE void outer_columns(int kr, int64_t rows, int64_t n, const float *f, int64_t k, const float *x,
                          int64_t x_stride, const float *soon, float *nt, int64_t n_stride)
{
    __mmask16 mask = n % LANES ? first(n % LANES) : (__mmask16)-1;
    if (n == WIDE * LANES) {
        outer_block(kr, WIDE, 1, mask, rows, f, k, x, x_stride, soon, nt, n_stride);
        return;
    }
    switch ((n + LANES - 1) / LANES) {
    case 4:
        outer_block(kr, 4, 0, mask, rows, f, k, x, x_stride, soon, nt, n_stride);
        break;
    case 3:
        outer_block(kr, 3, 0, mask, rows, f, k, x, x_stride, soon, nt, n_stride);
        break;
    case 2:
        outer_block(kr, 2, 0, mask, rows, f, k, x, x_stride, soon, nt, n_stride);
        break;
    default:
        outer_block(kr, 1, 0, mask, rows, f, k, x, x_stride, soon, nt, n_stride);
        break;
    }
}

INLINE void outer_components(int64_t take, int64_t rows, int64_t n, const float *f, int64_t k, const float *x,
                             int64_t x_stride, const float *soon, float *nt, int64_t n_stride)
{
    switch (take) {
    case 5:
        outer_columns(5, rows, n, f, k, x, x_stride, soon, nt, n_stride);
        break;
    case 4:
        outer_columns(4, rows, n, f, k, x, x_stride, soon, nt, n_stride);
        break;
    case 3:
        outer_columns(3, rows, n, f, k, x, x_stride, soon, nt, n_stride);
        break;
    case 2:
        outer_columns(2, rows, n, f, k, x, x_stride, soon, nt, n_stride);
        break;
    default:
        outer_columns(1, rows, n, f, k, x, x_stride, soon, nt, n_stride);
        break;
    }
}

AVX512 void peek__avx512_transposed(int64_t rows, int64_t n, int64_t k, const float *f, const float *x,
                                    int64_t x_stride, const float *soon, float *nt, int64_t n_stride)
{
    enum { COLUMNS = WIDE * LANES }; /* of X, ROW_BLOCK rows of which stay in L1 for all components */
    for (int64_t t = 0; t < rows; t += ROW_BLOCK) {
        int64_t count = rows - t < ROW_BLOCK ? rows - t : ROW_BLOCK, take;
        for (int64_t from = 0; from < n; from += COLUMNS) {
            int64_t width = n - from < COLUMNS ? n - from : COLUMNS;
            for (int64_t c = 0; c < k; c += take) {
                take = peek__kernel_cut(k - c, MOST);
                const float *ask = soon && c == 0 ? soon + (rows / 2 + t / 2) * x_stride + from : NULL;
                outer_components(take, count, width, f + t * k + c, k, x + t * x_stride + from, x_stride, ask,
                                 nt + c * n_stride + from, n_stride);
            }
        }
    }
}
#endif
