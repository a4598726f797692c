/* study/results.h: the results of all runs of a study, as numbers by network and seed. */
#ifndef STUDY_RESULTS_H
#define STUDY_RESULTS_H

#include "study/recipe.h"
#include "study/statistics.h"

typedef struct peek__results {
    const peek__recipe *recipe;
    int64_t seeds, first_seed;
    cJSON **run; /* networks x seeds: result.json, or NULL where the run failed */
    const char *data;
    char **kept; /* networks: folder of the first seed's run, with capture/ and fit/, or NULL where it failed */
    double *values; /* seeds: memory for one row */
} peek__results;

/* A number that every run has. */
typedef struct peek__metric {
    const char
        *name; /* of the run ("accuracy"), of a model ("rmse", "relative_error") or of a block ("norm") */
    int64_t fit, rank; /* places in the recipe; -1: it is not of a model */
    const char *block; /* or NULL */
} peek__metric;

/* The values of one network, one a seed; NaN where missing. out: seeds. */
void peek__results_row(const peek__results *results, const peek__metric *metric, int64_t network, double *out);

/* The names of the layers and inputs of the fits, from the first run that has any: entry `index`, or NULL. */
const char *peek__results_block(const peek__results *results, int64_t index);

/* The paper's claim about one number: that it is lower the poorer the training, from each network to the next
 * one. For each pair of neighbours whether the 95 % interval of the difference, paired by seed, lies above 0
 * (1), below (-1), or holds it (0). pairs: networks - 1. Returns 1 where all are above, -1 where any is below,
 * else 0. */
int peek__results_rises(const peek__results *results, const peek__metric *metric, int *pairs);

#endif
