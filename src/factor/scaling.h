/* factor/scaling.h: the problem that is iterated on: scaled, with weights inside of the blocks.
 *
 *     X'_b = m_b X_b,   m_b = s sqrt(alpha_b)      F' = sqrt(s) F      W'_b = sqrt(s alpha_b) W_b
 *
 * so that J' = sum_b || X'_b - F' W'_b^T ||^2 = s^2 J. s is one power of four, which brings the root mean
 * square of the whole into [0.5, 2); it is exact, and undone when a fit ends. */
#ifndef FACTOR_SCALING_H
#define FACTOR_SCALING_H

#include "factor/problem.h"

typedef struct peek__scaling {
    double sample_scale;    /* sqrt(s) */
    double data_scale;      /* s */
    double square;          /* sum_b ||X'_b||^2 */
    double *weights;        /* alpha_b, with the share of peek_scale in it */
    double *multipliers;    /* m_b */
    double *loading_scales; /* sqrt(s alpha_b) */
} peek__scaling;

/* Finds the scaling of a problem. alphas: the weights alpha_b, or NULL for the problem's own with the share
 * that `scale` asks for. Errors: E_VALUE (values that single precision cannot hold), E_MEMORY.
 * peek__scaling_clear() in every case. */
peek_status peek__scaling_prepare(peek_context *context, const peek_problem *problem, peek_scale scale,
                                  const double *alphas, peek__scaling *out);
void peek__scaling_clear(peek__scaling *scaling);

#endif
