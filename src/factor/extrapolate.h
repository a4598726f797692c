/* factor/extrapolate.h: extrapolation between a rule's updates, with restarts.
 *
 * With M_n what the rule made of M_y, the next start is M_y <- max(0, M_n + beta (M_n - M_n of the iteration
 * before)), for F and the loadings in turn. The pair (F_y, W_n) is non-negative and its objective is free from
 * the pass; when that rises the step is refused, the pair before it is taken up again without momentum, and
 * beta falls. So what is returned never rises. Source: A. M. S. Ang, N. Gillis, Accelerating Nonnegative Matrix
 * Factorization Algorithms Using Extrapolation, Neural Computation 31(2), 2019. */
#ifndef FACTOR_EXTRAPOLATE_H
#define FACTOR_EXTRAPOLATE_H

#include <stdint.h>

typedef struct peek__extrapolation {
    double beta;    /* of the next iteration; 0 at the start and after a refused step */
    double resumed; /* beta once the momentum is taken up again */
    double most;    /* what it may grow to */
} peek__extrapolation;

peek__extrapolation peek__extrapolation_start(void);

/* Takes note of a step and sets beta for the next one. */
void peek__extrapolation_accept(peek__extrapolation *state);
void peek__extrapolation_refuse(peek__extrapolation *state);

/* M <- max(0, M + beta (M - updated)), updated <- M as it was. */
void peek__extrapolate(int64_t count, float beta, float *m, float *updated);

#endif
