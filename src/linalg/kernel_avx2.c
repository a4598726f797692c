/* linalg/kernel_avx2.c: both products of a pass with AVX2 and FMA, without packing: X is read as it lies.
 *
 * times keeps 3 rows x 4 components of dot products (or 4 x 3) in registers, each 8 wide along n; transposed
 * keeps up to 6 components x 16 columns. 12 accumulators hide the latency of FMA, and a block of times needs 7
 * loads for 12 multiply-adds (2 x 6 would need 8, and be a sixth slower), so the FMA units are the limit. */
#include "linalg/kernel_avx2.h"

#ifdef PEEK__KERNEL_AVX2
#include <immintrin.h>

#include "linalg/kernel_cut.h"

#define AVX2   __attribute__((target("avx2,fma")))
#define INLINE AVX2 static inline __attribute__((always_inline))

enum {
    LANES = 8,      /* floats of a vector */
    LINE = 16,      /* floats that one prefetch asks for */
    MOST = 4,       /* rows, and components, in a block of times */
    CHUNK = 800,    /* columns at most that times works on at once: 3 + 4 rows of them stay in L1 */
    ROW_BLOCK = 64, /* rows that transposed accumulates before it goes to memory */
    WIDE = 16       /* columns in a block of transposed */
};

int peek__avx2_usable(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* All bits set in the first `count` of 8 places. */
INLINE __m256i first(int64_t count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* The sums of four vectors. */
INLINE __m128 sums_of(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d)); /* a b c d in each half */
    return _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1));
}

/* R[0..mr)[0..kr) += scale x dot products over n columns. soon: half as many rows, rounded up, to ask for, or
 * NULL. */
INLINE void dot_block(int mr, int kr, const float *soon, int64_t n, float scale, const float *x,
                      int64_t x_stride, const float *wt, int64_t w_stride, float *r, int64_t k)
{
    __m256 sums[MOST][MOST];
    for (int t = 0; t < mr; t++)
        for (int c = 0; c < MOST; c++) sums[t][c] = _mm256_setzero_ps();
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m256 rows[MOST];
        for (int t = 0; t < mr; t++) rows[t] = _mm256_loadu_ps(x + t * x_stride + i);
        if (soon && i % LINE == 0)
            for (int t = 0; t < (mr + 1) / 2; t++)
                _mm_prefetch((const char *)(soon + t * x_stride + i), _MM_HINT_T1);
        for (int c = 0; c < kr; c++) {
            __m256 w = _mm256_loadu_ps(wt + c * w_stride + i);
            for (int t = 0; t < mr; t++) sums[t][c] = _mm256_fmadd_ps(rows[t], w, sums[t][c]);
        }
    }
    if (i < n) {
        __m256i mask = first(n - i);
        for (int c = 0; c < kr; c++) {
            __m256 w = _mm256_maskload_ps(wt + c * w_stride + i, mask);
            for (int t = 0; t < mr; t++)
                sums[t][c] = _mm256_fmadd_ps(_mm256_maskload_ps(x + t * x_stride + i, mask), w, sums[t][c]);
        }
    }
    for (int t = 0; t < mr; t++) {
        __m128 found = _mm_mul_ps(_mm_set1_ps(scale), sums_of(sums[t][0], sums[t][1], sums[t][2], sums[t][3]));
        float *out = r + t * k, values[MOST];
        if (kr == MOST) {
            _mm_storeu_ps(out, _mm_add_ps(_mm_loadu_ps(out), found));
            continue;
        }
        _mm_storeu_ps(values, found);
        for (int c = 0; c < kr; c++) out[c] += values[c];
    }
}

/* All rows for kr components, mr rows at a time. */
INLINE void dot_rows(int mr, int kr, const float *soon, int64_t rows, int64_t n, float scale, const float *x,
                     int64_t x_stride, const float *wt, int64_t w_stride, float *r, int64_t k)
{
    int64_t t = 0;
    for (; t + mr <= rows; t += mr)
        dot_block(mr, kr, soon ? soon + t / 2 * x_stride : NULL, n, scale, x + t * x_stride, x_stride, wt,
                  w_stride, r + t * k, k);
    for (; t + 2 <= rows; t += 2)
        dot_block(2, kr, NULL, n, scale, x + t * x_stride, x_stride, wt, w_stride, r + t * k, k);
    if (t < rows) dot_block(1, kr, NULL, n, scale, x + t * x_stride, x_stride, wt, w_stride, r + t * k, k);
}

/* `take` components for all rows of a chunk. */
INLINE void dot_components(int64_t take, const float *soon, int64_t rows, int64_t n, float scale,
                           const float *x, int64_t x_stride, const float *wt, int64_t w_stride, float *r,
                           int64_t k)
{
    switch (take) {
    case 4:
        dot_rows(3, 4, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    case 3:
        dot_rows(4, 3, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    case 2:
        dot_rows(4, 2, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    default:
        dot_rows(4, 1, soon, rows, n, scale, x, x_stride, wt, w_stride, r, k);
        break;
    }
}

AVX2 void peek__avx2_times(int64_t rows, int64_t n, int64_t k, float scale, const float *x, int64_t x_stride,
                           const float *soon, const float *wt, int64_t w_stride, float *r)
{
    int64_t chunk = (peek__kernel_cut(n, CHUNK) + LINE - 1) / LINE * LINE;
    for (int64_t from = 0; from < n; from += chunk) {
        int64_t width = n - from < chunk ? n - from : chunk, take;
        for (int64_t c = 0; c < k; c += take) {
            take = peek__kernel_cut(k - c, MOST);
            dot_components(take, soon && c == 0 ? soon + from : NULL, rows, width, scale, x + from, x_stride,
                           wt + c * w_stride + from, w_stride, r + c, k);
        }
    }
}

/* Nt[0..kr)[0..16) += sum over rows of f_c x. soon: as many columns of half as many rows to ask for, or NULL.
 */
INLINE void outer_block(int kr, int64_t rows, const float *f, int64_t k, const float *x, int64_t x_stride,
                        const float *soon, float *nt, int64_t n_stride)
{
    __m256 sums[6][2];
    for (int c = 0; c < kr; c++) {
        sums[c][0] = _mm256_setzero_ps(); /* added to Nt at the end: shorter sums round less */
        sums[c][1] = _mm256_setzero_ps();
    }
    for (int64_t t = 0; t < rows; t++) {
        __m256 low = _mm256_loadu_ps(x + t * x_stride), high = _mm256_loadu_ps(x + t * x_stride + 8);
        if (soon && t % 2 == 0) _mm_prefetch((const char *)(soon + t / 2 * x_stride), _MM_HINT_T1);
        for (int c = 0; c < kr; c++) {
            __m256 value = _mm256_broadcast_ss(f + t * k + c);
            sums[c][0] = _mm256_fmadd_ps(value, low, sums[c][0]);
            sums[c][1] = _mm256_fmadd_ps(value, high, sums[c][1]);
        }
    }
    for (int c = 0; c < kr; c++) {
        float *low = nt + c * n_stride, *high = low + 8;
        _mm256_storeu_ps(low, _mm256_add_ps(_mm256_loadu_ps(low), sums[c][0]));
        _mm256_storeu_ps(high, _mm256_add_ps(_mm256_loadu_ps(high), sums[c][1]));
    }
}

/* The same for the last, fewer than 16, columns. */
INLINE void outer_rest(int kr, int64_t rows, int64_t columns, const float *f, int64_t k, const float *x,
                       int64_t x_stride, float *nt, int64_t n_stride)
{
    for (int64_t i = 0; i < columns; i += LANES) {
        __m256i mask = first(columns - i);
        __m256 sums[6];
        for (int c = 0; c < kr; c++) sums[c] = _mm256_setzero_ps();
        for (int64_t t = 0; t < rows; t++) {
            __m256 values = _mm256_maskload_ps(x + t * x_stride + i, mask);
            for (int c = 0; c < kr; c++)
                sums[c] = _mm256_fmadd_ps(_mm256_broadcast_ss(f + t * k + c), values, sums[c]);
        }
        for (int c = 0; c < kr; c++) {
            float *out = nt + c * n_stride + i;
            _mm256_maskstore_ps(out, mask, _mm256_add_ps(_mm256_maskload_ps(out, mask), sums[c]));
        }
    }
}

INLINE void outer_rows(int kr, int64_t rows, int64_t n, const float *f, int64_t k, const float *x,
                       int64_t x_stride, const float *soon, float *nt, int64_t n_stride)
{
    int64_t i = 0;
    for (; i + WIDE <= n; i += WIDE)
        outer_block(kr, rows, f, k, x + i, x_stride, soon ? soon + i : NULL, nt + i, n_stride);
    if (i < n) outer_rest(kr, rows, n - i, f, k, x + i, x_stride, nt + i, n_stride);
}

AVX2 void peek__avx2_transposed(int64_t rows, int64_t n, int64_t k, const float *f, const float *x,
                                int64_t x_stride, const float *soon, float *nt, int64_t n_stride)
{
    enum { COLUMNS = 4 * WIDE }; /* of X, ROW_BLOCK rows of which stay in L1 for all components */
    for (int64_t t = 0; t < rows; t += ROW_BLOCK) {
        int64_t count = rows - t < ROW_BLOCK ? rows - t : ROW_BLOCK;
        for (int64_t from = 0; from < n; from += COLUMNS) {
            int64_t width = n - from < COLUMNS ? n - from : COLUMNS;
            const float *xs = x + t * x_stride + from;
            for (int64_t c = 0; c < k;) {
                const float *fs = f + t * k + c;
                const float *ask = soon && c == 0 ? soon + (rows / 2 + t / 2) * x_stride + from : NULL;
                float *out = nt + c * n_stride + from;
                int64_t take = peek__kernel_cut(k - c, 6);
                switch (take) {
                case 6:
                    outer_rows(6, count, width, fs, k, xs, x_stride, ask, out, n_stride);
                    break;
                case 5:
                    outer_rows(5, count, width, fs, k, xs, x_stride, ask, out, n_stride);
                    break;
                case 4:
                    outer_rows(4, count, width, fs, k, xs, x_stride, ask, out, n_stride);
                    break;
                case 3:
                    outer_rows(3, count, width, fs, k, xs, x_stride, ask, out, n_stride);
                    break;
                case 2:
                    outer_rows(2, count, width, fs, k, xs, x_stride, ask, out, n_stride);
                    break;
                default:
                    outer_rows(1, count, width, fs, k, xs, x_stride, ask, out, n_stride);
                    break;
                }
                c += take;
            }
        }
    }
}
#endif
