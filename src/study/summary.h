/* study/summary.h: what a study found: summary.json, and a CSV for each figure. */
#ifndef STUDY_SUMMARY_H
#define STUDY_SUMMARY_H

#include "study/results.h"

/* summary.json:
 *   name, title, about, data, samples, ranks, seeds, version
 *   networks: [{name, paper_accuracy, accuracy: {mean, low, high, values}, predicts: [share of the test samples
 * that the network takes for each class, mean over seeds]}] metrics: [{name, fit, rank, block, networks:
 * [{mean, low, high}]}] claims: [{about, metric, fit, block, ranks: [{rank, pairs: [1, 0 or -1 ...], holds: 1,
 * 0, -1}], verdict}] statements: as
 * peek__statements_judge() says failed: [{network, seed, why}] The caller deletes it; NULL: not enough memory.
 * failed: taken. */
cJSON *peek__summary_make(const peek__results *results, cJSON *failed);

/* errors.csv, accuracy.csv and singular-values.csv into a folder. Errors: E_IO, E_MEMORY. */
peek_status peek__summary_tables(peek_context *context, const peek__results *results, const char *folder);

#endif
