/* study/overlap.h: neurons and classes: which classes share active neurons, how many neurons carry anything. */
#ifndef STUDY_OVERLAP_H
#define STUDY_OVERLAP_H

#include "base/json_made.h"

#include "base/context.h"

/* For each layer of a capture with labels adds NAME: rows of classes x classes to `out`: of the neurons that
 * are active for class a or for class b the share that is for both (Jaccard index). A neuron is active for a
 * class when its mean over the class exceeds its mean over all samples; classes without samples have 0. Errors:
 * E_FORMAT, E_IO, E_MEMORY. */
peek_status peek__study_overlap(peek_context *context, const char *capture, cJSON *out);

/* The same by the components of fitted/rank-K: a neuron is active for a class when the model's mean over the
 * class, sum_r mean_(t in c) f_tr w_ir, exceeds its mean over all samples. */
peek_status peek__study_component_overlap(peek_context *context, const char *capture, const char *fitted,
                                          int64_t rank, cJSON *out);

/* For each layer adds NAME: the share of its neurons whose largest loading in fitted/rank-K is at least 1 % of
 * the layer's largest. */
peek_status peek__study_carrying(peek_context *context, const char *capture, const char *fitted, int64_t rank,
                                 cJSON *out);

#endif
