/* study/statement.h: single statements of the paper, put to the test. */
#ifndef STUDY_STATEMENT_H
#define STUDY_STATEMENT_H

#include "study/results.h"

/* The number that a statement is about, in one seed's run; NaN where it is not known:
 *     overlap     mean over the pairs of their overlap in the layer, less the mean over all pairs of classes
 *     carrying    share of the layer's neurons that carry a component, less that of the other network
 *     recognises  share of the test samples of the class that are taken for it, less 1/2
 * by_components: 1: overlap by the model's components instead of activations. */
double peek__statement_value(const peek__results *results, const peek__study_statement *statement,
                             int by_components, int64_t seed);

/* Adds "statements" to the summary: [{about, network, by, expects, mean, low, high, verdict}]. Seen: the whole
 * 95 % interval over the seeds is on the side that the paper says; the opposite; or not decided. Overlaps stand
 * twice. */
void peek__statements_judge(const peek__results *results, cJSON *summary);

#endif
