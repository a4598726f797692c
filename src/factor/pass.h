/* factor/pass.h: one iteration as one sweep over the data.
 *
 * For a run of samples: R = sum_b m_b X_b W_b, the rule updates these rows of F, then m_b X_b^T F and F^T F are
 * accumulated; at the end the rule updates the loadings. Everything is in the scaled problem
 * (factor/scaling.h). Several models may share a sweep: a run is read once and used by all while it is in
 * cache; what each computes does not depend on the others.
 *
 * Runs are put into lanes. A lane is worked through in order by one thread and has its own sums, which are
 * added in the order of the lanes; runs and lanes depend on the problem's shape alone. So the bits are the same
 * for any number of threads.
 *
 * With a sketch X' is C V^T (factor/sketch.h): the sweep is over C, and V leads from it to the loadings. */
#ifndef FACTOR_PASS_H
#define FACTOR_PASS_H

#include "factor/problem.h"
#include "factor/reader.h"
#include "factor/rule.h"
#include "factor/sketch.h"
#include "linalg/kernel.h"

/* Penalties on one matrix, 2 l1 sum M + l2 ||M||^2, of the scaled problem. */
typedef struct peek__penalty {
    double l1, l2;
} peek__penalty;

/* What an iteration leaves as it is. */
typedef enum peek__fixed { PEEK__FIXED_NONE, PEEK__FIXED_SAMPLES, PEEK__FIXED_LOADINGS } peek__fixed;

typedef struct peek__pass {
    peek_context *context;
    const peek_problem *problem;
    const peek__reader *reader; /* of the problem */
    const peek__rule *rule;
    int64_t k;
    const double *multipliers;  /* m_b */
    const peek__sketch *sketch; /* in place of the data, for rules that bear negative numerators; or NULL */
    int64_t rows;               /* T: of the problem, or of the sketch */
    float *samples;             /* F, T x k */
    float *loadings;            /* W_b below each other, columns of all blocks x k */
    peek__penalty sample_penalty, loading_penalty;
    peek__fixed fixed;
    int thorough;     /* 1: repeats within the rule are worth more than an iteration */
    int direct;       /* 1: also sum the residual of the incoming F and W */
    int stationarity; /* 1: also sum the squared projected gradients */
    float momentum;   /* of extrapolating rules (factor/extrapolate.h); 0: none */

    /* results of the last sweep, for the pair that it left: F, and W before any extrapolation */
    double explained; /* sum_b <m_b X_b^T F, W_b> */
    double model;     /* <F^T F, sum_b W_b^T W_b> */
    double penalty;   /* of F and W */
    double residual;  /* direct: sum_b ||X'_b - F W_b^T||^2 of the incoming F and W */
    double gradient;  /* stationarity: squared norm of the projected gradients that the updates started from */

    /* inside */
    int64_t width; /* of what is swept over: columns of X', or of C with a sketch */
    int small;     /* an iteration is too short for several threads */
    int64_t run_rows, runs, lanes, tile_rows, tiles;
    float *gram; /* k x k: what the rule sees, of the loadings, then of F; with the penalty on its diagonal */
    const peek__kernel *kernel;
    float *transposed;      /* W^T, k x width, as the kernels read it; with a sketch W^T V */
    float *lane_numerators; /* lanes x k x width: F^T X', with a sketch F^T C */
    double *lane_grams;     /* lanes x k x k */
    double *lane_residuals, *lane_gradients, *lane_sums; /* lanes */
    double *loading_gram;                                /* k x k: of the loadings as they are now */
    double *sample_gram;                                 /* k x k: of F as it is now */
    double *tile_grams;                                  /* tiles x k x k */
    double *pair_gram;                                   /* k x k: of the loadings before extrapolation */
    double *pair_tiles;                                  /* tiles x k x k: the same, by tiles */
    double *tile_dots, *tile_gradients, *tile_sums;      /* tiles */
    float *scratch;                                      /* threads x scratch_size */
    int64_t scratch_size, rule_scratch;
    /* Of extrapolating rules: matrices as the rule left them, and the pair before the sweep. */
    float *updated_samples, *updated_loadings, *kept_samples, *kept_loadings;
} peek__pass;

/* Takes over the fields above `results`, sets up the rest. peek__pass_clear() in every case. */
peek_status peek__pass_prepare(peek__pass *pass);
void peek__pass_clear(peek__pass *pass);

/* About how many bytes a pass of this rank over the data takes. */
double peek__pass_bytes(const peek_problem *problem, const peek__rule *rule, int64_t k);

/* One iteration of each of `count` passes with the same context and problem, in one sweep; all without a
 * sketch, or one alone (factor/iteration.c). */
peek_status peek__pass_run(peek__pass *const *passes, int64_t count);

/* About how many seconds an iteration takes, from some runs of the data. The model stays as it is, the pass is
 * of no more use. */
peek_status peek__pass_look(peek__pass *pass, double *seconds);

/* Extrapolating rules. Refuse: F and W become the pair before the last sweep. Settle: W becomes what stands in
 * the pair, without extrapolation; to be called before W is read. Both do nothing for other rules. */
peek_status peek__pass_refuse(peek__pass *pass);
peek_status peek__pass_settle(peek__pass *pass);

/* Inside. Makes some rows of the loadings ready for the next sweep, and what is left when all are. */
peek_status peek__pass_publish_tile(peek__pass *pass, int64_t tile, int thread);
peek_status peek__pass_publish_rest(peek__pass *pass);
/* A thread's memory, and in it that of a rule, or between calls of it for a Gram matrix, at a 64-byte boundary.
 */
float *peek__pass_scratch(const peek__pass *pass, int thread);
void *peek__pass_rule_scratch(const peek__pass *pass, int thread);
/* sum <- the sum of the tiles' Gram matrices. */
void peek__pass_add_tiles(const peek__pass *pass, const double *tiles, double *sum);

enum { PEEK__PROJECTED = 32 }; /* columns of W^T V, or of lanes' sums, that one task makes */

#endif
