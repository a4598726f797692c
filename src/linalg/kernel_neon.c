/* linalg/kernel_neon.c: both products of a pass with NEON, without packing: X is read as it lies.
 *
 * times keeps 4 rows x up to 5 components of dot products in registers, each 4 wide along n; transposed keeps
 * up to 5 components x 16 columns. 20 accumulators hide the latency of multiply-add (4) even where four can
 * start at once, and leave the compiler 12 of 32 registers for what is loaded; 24 made it spill. A block needs
 * 9 loads for 20 multiply-adds, so the multiply-add units are the limit. What is loaded again and again stays
 * in L1 (32 to 64 KiB), X itself comes once from L2 for a block of components. */
#include "linalg/kernel_neon.h"

#ifdef PEEK__KERNEL_NEON
#include <arm_neon.h>
#include <stddef.h>

#include "linalg/kernel_cut.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    LANES = 4,      /* floats of a vector */
    LINE = 16,      /* floats that one prefetch asks for */
    ROWS = 4,       /* of X in a block of times */
    MOST = 5,       /* components of a block */
    CHUNK = 800,    /* columns at most that times works on at once: 4 + 5 rows of them are 28 KiB */
    ROW_BLOCK = 64, /* rows that transposed accumulates before it goes to memory */
    WIDE = 4,       /* vectors of columns in a block of transposed: a line */
    COLUMNS = 64    /* of X, ROW_BLOCK rows of which stay in L1 for all components */
};

/* Asks for a line, to be put into L2. */
INLINE void ask(const float *line)
{
    __builtin_prefetch(line, 0, 2);
}

/* The first `count` of 4 places, 1 to 3; the others are zero, and are not stored. */
INLINE float32x4_t load_first(int64_t count, const float *from)
{
    float32x4_t v = vld1q_lane_f32(from, vdupq_n_f32(0), 0);
    if (count > 1) v = vld1q_lane_f32(from + 1, v, 1);
    if (count > 2) v = vld1q_lane_f32(from + 2, v, 2);
    return v;
}

INLINE void store_first(int64_t count, float32x4_t v, float *to)
{
    vst1q_lane_f32(to, v, 0);
    if (count > 1) vst1q_lane_f32(to + 1, v, 1);
    if (count > 2) vst1q_lane_f32(to + 2, v, 2);
}

/* The sums of four vectors. */
INLINE float32x4_t sums_of(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d)
{
    return vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d));
}

/* R[0..mr)[0..kr) += scale x dot products over n columns. soon: half as many rows to ask for, or NULL. */
INLINE void dot_block(int mr, int kr, const float *soon, int64_t n, float scale, const float *x,
                      int64_t x_stride, const float *wt, int64_t w_stride, float *r, int64_t k)
{
    float32x4_t sums[ROWS][MOST];
    for (int t = 0; t < mr; t++)
        for (int c = 0; c < kr; c++) sums[t][c] = vdupq_n_f32(0);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        float32x4_t rows[ROWS];
        for (int t = 0; t < mr; t++) rows[t] = vld1q_f32(x + t * x_stride + i);
        if (soon && i % LINE == 0)
            for (int t = 0; t < mr / 2; t++) ask(soon + t * x_stride + i);
        for (int c = 0; c < kr; c++) {
            float32x4_t w = vld1q_f32(wt + c * w_stride + i);
            for (int t = 0; t < mr; t++) sums[t][c] = vfmaq_f32(sums[t][c], rows[t], w);
        }
    }
    if (i < n) {
        float32x4_t rows[ROWS];
        for (int t = 0; t < mr; t++) rows[t] = load_first(n - i, x + t * x_stride + i);
        for (int c = 0; c < kr; c++) {
            float32x4_t w = load_first(n - i, wt + c * w_stride + i);
            for (int t = 0; t < mr; t++) sums[t][c] = vfmaq_f32(sums[t][c], rows[t], w);
        }
    }
    for (int t = 0; t < mr; t++) {
        float *out = r + t * k;
        int c = 0;
        if (kr >= 4) {
            float32x4_t found = sums_of(sums[t][0], sums[t][1], sums[t][2], sums[t][3]);
            vst1q_f32(out, vfmaq_n_f32(vld1q_f32(out), found, scale));
            c = 4;
        }
        for (; c < kr; c++) out[c] += scale * vaddvq_f32(sums[t][c]);
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

void peek__neon_times(int64_t rows, int64_t n, int64_t k, float scale, const float *x, int64_t x_stride,
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

/* Nt[0..kr)[columns] += sum over rows of f_c x, for `wide` vectors of columns, the last of them `last` wide.
 * soon: as many columns of half as many rows to ask for, or NULL. */
INLINE void outer_block(int kr, int wide, int64_t last, int64_t rows, const float *f, int64_t k, const float *x,
                        int64_t x_stride, const float *soon, float *nt, int64_t n_stride)
{
    float32x4_t sums[MOST][WIDE]; /* added to Nt at the end: shorter sums round less */
    for (int c = 0; c < kr; c++)
        for (int v = 0; v < wide; v++) sums[c][v] = vdupq_n_f32(0);
    for (int64_t t = 0; t < rows; t++) {
        float32x4_t values[WIDE];
        for (int v = 0; v < wide; v++) {
            const float *from = x + t * x_stride + v * LANES;
            values[v] = last == LANES || v + 1 < wide ? vld1q_f32(from) : load_first(last, from);
        }
        if (soon && t % 2 == 0) ask(soon + t / 2 * x_stride);
        for (int c = 0; c < kr; c++) {
            float32x4_t value = vdupq_n_f32(f[t * k + c]);
            for (int v = 0; v < wide; v++) sums[c][v] = vfmaq_f32(sums[c][v], values[v], value);
        }
    }
    for (int c = 0; c < kr; c++)
        for (int v = 0; v < wide; v++) {
            float *out = nt + c * n_stride + v * LANES;
            if (last == LANES || v + 1 < wide)
                vst1q_f32(out, vaddq_f32(vld1q_f32(out), sums[c][v]));
            else
                store_first(last, vaddq_f32(load_first(last, out), sums[c][v]), out);
        }
}

/* The same for all columns: whole blocks, then single vectors. */
INLINE void outer_columns(int kr, int64_t rows, int64_t n, const float *f, int64_t k, const float *x,
                          int64_t x_stride, const float *soon, float *nt, int64_t n_stride)
{
    int64_t i = 0;
    for (; i + WIDE * LANES <= n; i += WIDE * LANES)
        outer_block(kr, WIDE, LANES, rows, f, k, x + i, x_stride, soon ? soon + i : NULL, nt + i, n_stride);
    for (; i + LANES <= n; i += LANES)
        outer_block(kr, 1, LANES, rows, f, k, x + i, x_stride, NULL, nt + i, n_stride);
    if (i < n) outer_block(kr, 1, n - i, rows, f, k, x + i, x_stride, NULL, nt + i, n_stride);
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

void peek__neon_transposed(int64_t rows, int64_t n, int64_t k, const float *f, const float *x, int64_t x_stride,
                           const float *soon, float *nt, int64_t n_stride)
{
    for (int64_t t = 0; t < rows; t += ROW_BLOCK) {
        int64_t count = rows - t < ROW_BLOCK ? rows - t : ROW_BLOCK, take;
        for (int64_t from = 0; from < n; from += COLUMNS) {
            int64_t width = n - from < COLUMNS ? n - from : COLUMNS;
            for (int64_t c = 0; c < k; c += take) {
                take = peek__kernel_cut(k - c, MOST);
                const float *next = soon && c == 0 ? soon + (rows / 2 + t / 2) * x_stride + from : NULL;
                outer_components(take, count, width, f + t * k + c, k, x + t * x_stride + from, x_stride, next,
                                 nt + c * n_stride + from, n_stride);
            }
        }
    }
}
#endif
