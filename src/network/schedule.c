/* network/schedule.c: learning rates that fall by steps. */
#include "network/schedule.h"

#include <stdlib.h>

#include "base/context.h"

peek_status peek__schedule_rate(peek_context *context, const peek_train_options *options, int64_t epoch,
                                double *rate)
{
    const char *text = options->milestones;
    int64_t last = 0;
    *rate = options->learning_rate;
    while (text && *text) {
        char *end;
        long long milestone = strtoll(text, &end, 10);
        if (end == text || milestone <= last || (*end && *end != ',') || (*end && !end[1]))
            return peek__fail(context, PEEK_E_ARGUMENT,
                              "milestones are whole numbers of epochs that rise, as in 30,80, but here is '%s'",
                              options->milestones);
        if (milestone <= epoch) *rate *= options->gamma;
        last = milestone;
        text = *end ? end + 1 : end;
    }
    return PEEK_OK;
}
