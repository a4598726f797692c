/* study/examine.h: measures of a run that need fits, networks or data. */
#ifndef STUDY_EXAMINE_H
#define STUDY_EXAMINE_H

#include <cjson/cJSON.h>

#include "nnpeek/measure.h"
#include "nnpeek/network.h"
#include "study/part.h"

enum { PEEK__EXAMINE_RANKS = 1000 };

/* A run while it is examined. */
typedef struct peek__examination {
    peek_context *context;
    const peek_measure_options *options;
    const char *run;
    char *capture, *fit; /* folders */
    cJSON *manifest, *measures;
    peek_problem *problem;                          /* of the capture; NULL before a fit is asked for */
    int64_t rank_count, ranks[PEEK__EXAMINE_RANKS]; /* rising */
} peek__examination;

/* What measures.json has of a model of this rank in RUN/fit, or NULL. */
cJSON *peek__examined_rank(const peek__examination *of, int64_t rank);

/* Fits a problem at all ranks with the default options, from one uniform start with this seed: models[i] of
 * ranks[i], which the caller frees, also after a failure. */
peek_status peek__examine_sweep(peek__examination *of, const peek_problem *problem, int64_t seed,
                                peek_model **models);
void peek__examine_free(peek__examination *of, peek_model **models);

/* The examinations; each adds its members to of->measures. */
peek_status peek__examine_stability(peek__examination *of);
peek_status peek__examine_transmission(peek__examination *of);
peek_status peek__examine_ranks(peek__examination *of);
peek_status peek__examine_nulls(peek__examination *of);
peek_status peek__examine_shifts(peek__examination *of);
peek_status peek__examine_weights(peek__examination *of);

#endif
