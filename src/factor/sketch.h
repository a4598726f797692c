/* factor/sketch.h: a small stand-in for the data, on which iterations cost a fraction of those on X.
 *
 *     X' = (m_1 X_1 .. m_B X_B)  T x n   is approximated by   C V^T,   V: n x l orthonormal,  C = X' V: T x l
 *
 * V spans the range of a random subsample's rows, found by subspace iteration with one power step: without it
 * the range is too weak. Then one pass over the data gives C. Numerators of both updates follow from C and V
 * alone: X' W = C (V^T W),   X'^T F = V (C^T F) They can be negative, so rules that need a non-negative
 * numerator (mu) are refused.
 *
 * Source: N. Halko, P. G. Martinsson, J. A. Tropp, Finding Structure with Randomness, SIAM Review 2011; for
 * NMF: N. B. Erichson et al., Randomized Nonnegative Matrix Factorization, Pattern Recognition Letters 2018. */
#ifndef FACTOR_SKETCH_H
#define FACTOR_SKETCH_H

#include "factor/problem.h"
#include "linalg/kernel.h"

typedef struct peek__sketch {
    int64_t rows, width; /* T, l */
    float *basis;        /* V, n x l */
    float *coefficients; /* C, T x l */
} peek__sketch;

/* The width that serves `rank`, or 0 where a sketch of this problem would not be smaller than the data. */
int64_t peek__sketch_width(const peek_problem *problem, int64_t rank);

/* Makes a sketch; the bits depend on problem, width and seed alone. Free it with peek__sketch_clear(), also
 * after a failure. */
peek_status peek__sketch_make(peek_context *context, const peek_problem *problem, const double *multipliers,
                              int64_t width, uint64_t seed, peek__sketch *sketch);

/* Turns basis and coefficients so that the columns of C are orthogonal to each other, those of most energy
 * first. */
peek_status peek__sketch_sort(peek_context *context, const peek_problem *problem, peek__sketch *sketch);

/* A copy of the first `width` columns, of the rows `chosen` (`rows` of them) or of all (NULL). Free it with
 * peek__sketch_clear(), also after a failure. */
peek_status peek__sketch_part(peek_context *context, const peek_problem *problem, const peek__sketch *sketch,
                              int64_t width, int64_t rows, const int64_t *chosen, peek__sketch *out);

/* `count` of the places 0 .. rows-1, a seeded random choice, ascending. */
peek_status peek__sketch_choose(peek_context *context, int64_t rows, int64_t count, uint64_t seed,
                                int64_t *chosen);

void peek__sketch_clear(peek__sketch *sketch);

#endif
