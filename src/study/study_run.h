/* study/study_run.h: one run of a study: train, capture, factorise, measure. */
#ifndef STUDY_STUDY_RUN_H
#define STUDY_STUDY_RUN_H

#include "nnpeek/dataset.h"
#include "study/recipe.h"

typedef struct peek__study_run {
    const peek__recipe *recipe;
    int64_t network, seed;
    int64_t look_seed; /* of the choice of test samples, the same for all runs */
    const peek_dataset *train, *test;
    const char *folder; /* of the run */
    int keep;           /* 1: capture and models stay, to look at */
    int resume;         /* 1: what an earlier call has done is kept, and gone on from */
} peek__study_run;

/* What a run is made from: equal texts give equal results. The caller deletes it; NULL: not enough memory. */
cJSON *peek__study_made_from(const peek__study_run *run);

/* Runs, and writes folder/result.json as the last of all:
 *   made_from, what peek__study_train() adds, seconds
 *   fits: [{name, models: [{rank, rmse, relative_error, iterations, blocks: {NAME: {rmse, relative_error,
 * norm}}}]}] blocks: {NAME: measures as in measures.json}     output: likewise overlap: {LAYER: classes x
 * classes}   of the neurons active for class a or b, the share active for both; a neuron is active for a class
 * when its mean over the class exceeds its mean over all samples component_overlap: the same, active by the
 * means of the first rank's model of the first fit carrying: {LAYER: share of the neurons whose
 * largest loading is at least 1 % of the layer's largest, first fit, first rank} Errors: those of every step.
 */
peek_status peek__study_run_all(peek_context *context, const peek__study_run *run);

/* Removes what only served the measures of a finished run, unless it is to be kept. Errors: E_MEMORY. */
peek_status peek__study_run_tidy(peek_context *context, const peek__study_run *run);

#endif
