/* network/schedule.h: learning rates that fall by steps. */
#ifndef NETWORK_SCHEDULE_H
#define NETWORK_SCHEDULE_H

#include "nnpeek/network.h"

/* The learning rate of epoch 0, 1, ..: learning_rate times gamma for every milestone that is at most `epoch`.
 * Errors: E_ARGUMENT (milestones that are no rising whole numbers). */
peek_status peek__schedule_rate(peek_context *context, const peek_train_options *options, int64_t epoch,
                                double *rate);

#endif
