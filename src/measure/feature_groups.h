/* measure/feature_groups.h: the columns of blocks in groups that can be held out. */
#ifndef MEASURE_FEATURE_GROUPS_H
#define MEASURE_FEATURE_GROUPS_H

#include "base/json_made.h"

#include "factor/problem.h"

/* group[b][i] <- 0 .. groups-1 for every column of every block. Neighbouring pixels tell each other's values,
 * so what goes into a group together is a whole channel where a layer has enough of them (at least two a
 * group), else a square patch of all channels, about seven across; of tokens and flat layers a feature. All
 * channels of the input have the same patches. group: an array for each block, with room for its columns.
 * Errors: E_MEMORY. */
peek_status peek__feature_groups(peek_context *context, const peek_problem *problem, const cJSON *manifest,
                                 int64_t seed, int64_t groups, int64_t *const *group);

#endif
