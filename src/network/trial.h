/* network/trial.h: whether samples that run together give what each gives alone. */
#ifndef NETWORK_TRIAL_H
#define NETWORK_TRIAL_H

#include "network/survey.h"

/* Runs two random samples together and one by one and compares these values. *same: 1 if they are equal up to
 * rounding. survey->batch must be 0. Errors: those of preparing and running. */
peek_status peek__trial(peek_context *context, const peek_network *network, const peek__survey *survey,
                        int64_t wanted_count, const int64_t *wanted, int *same);

#endif
