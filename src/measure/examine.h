/* measure/examine.h: measures of a run that need fits, networks or data. */
#ifndef MEASURE_EXAMINE_H
#define MEASURE_EXAMINE_H

#include "base/json_made.h"

#include "nnpeek/measure.h"
#include "nnpeek/network.h"
#include "measure/part.h"

enum { PEEK__EXAMINE_RANKS = 1000 };

/* A run while it is examined. */
typedef struct peek__examination {
    peek_context *context;
    const peek_measure_options *options;
    const char *run;
    char *capture, *fit; /* folders */
    cJSON *manifest, *measures;
    peek_problem *whole;                            /* of the capture; NULL before a fit is asked for */
    peek__part part;                                /* of it, where only some samples are taken */
    peek_problem *problem;                          /* the one of these two that is fitted */
    int64_t step;                                   /* every step-th sample of the capture is taken */
    int64_t rank_count, ranks[PEEK__EXAMINE_RANKS]; /* rising */
} peek__examination;

/* What measures.json has of a model of this rank in RUN/fit, or NULL. */
cJSON *peek__examined_rank(const peek__examination *of, int64_t rank);

/* The default options with this seed: one uniform start. */
void peek__examine_fit_options(int64_t seed, peek_fit_options *options);

/* Every how manieth of so many samples is taken. */
int64_t peek__examine_step(const peek__examination *of, int64_t samples);

/* The examinations; each adds its members to of->measures. */
peek_status peek__examine_stability(peek__examination *of);
peek_status peek__examine_transmission(peek__examination *of);
peek_status peek__examine_ranks(peek__examination *of);
peek_status peek__examine_nulls(peek__examination *of);
peek_status peek__examine_shifts(peek__examination *of);
peek_status peek__examine_weights(peek__examination *of);

#endif
