/* study/rank_correlation.h: Spearman's rank correlation with its uncertainty. */
#ifndef STUDY_RANK_CORRELATION_H
#define STUDY_RANK_CORRELATION_H

#include "base/context.h"

enum { PEEK__RESAMPLES = 1000 };

/* Values that are NAN are missing and take part in nothing. */
typedef struct peek__correlation {
    int64_t count;    /* pairs of which both are numbers */
    double rho;       /* NAN where either is constant, or below three pairs */
    double low, high; /* 2.5 and 97.5 % of the bootstrap's; NAN where rho is */
} peek__correlation;

/* Memory for correlations; most: pairs in any resample, clusters times the largest of them. */
typedef struct peek__correlator {
    int64_t most, controls;
    double *x, *y, *z, *ranks, *resampled; /* z: controls x most; resampled: PEEK__RESAMPLES */
    int64_t *order, *place, *stratum, *cluster;
} peek__correlator;

peek_status peek__correlator_begin(peek_context *context, int64_t most, int64_t controls,
                                   peek__correlator *out);
void peek__correlator_clear(peek__correlator *correlator);

/* Which entries a correlation is of, and how they are resampled: whole clusters (the seeds of one network),
 * each drawn from the clusters of its stratum, as many as there are, since networks that differ by their seed
 * alone are not independent. The seed gives the same draws for all measures. */
typedef struct peek__sampling {
    int64_t count;
    const int64_t *index;   /* of the entries: by stratum, and by cluster within it */
    const int64_t *stratum; /* of each of these */
    const int64_t *cluster;
    uint64_t seed;
} peek__sampling;

/* Spearman's rho of x and y, ranks averaged over ties. Source: C. Spearman, American Journal of Psychology 15,
 * 1904; the bootstrap of percentiles: B. Efron, Annals of Statistics 7, 1979. */
void peek__spearman(peek__correlator *correlator, const peek__sampling *of, const double *x, const double *y,
                    peek__correlation *out);

/* The same given z (`controls` rows of values): the correlation of what is left of the ranks of x and y when
 * those of z are taken out by least squares. */
void peek__spearman_given(peek__correlator *correlator, const peek__sampling *of, const double *x,
                          const double *y, int64_t controls, const double *const *z, peek__correlation *out);

/* rho(x, y) - sign rho(other, y) over the entries where all are numbers, with its interval from paired
 * resamples. sign: 1 or -1. */
void peek__spearman_difference(peek__correlator *correlator, const peek__sampling *of, const double *x,
                               const double *other, double sign, const double *y, peek__correlation *out);

#endif
