/* network/team.h: one plan a thread, for work cut into slices. */
#ifndef NETWORK_TEAM_H
#define NETWORK_TEAM_H

#include "network/plan.h"

typedef struct peek__team {
    const peek_network *network;
    const peek__preprocess *preprocess;
    int64_t slice;
    int training;
    int64_t wanted_count;
    const int64_t *wanted; /* borrowed */
    int64_t size;
    peek__plan **plan; /* made when a thread first needs one */
} peek__team;

/* Fills in plan for as many threads as the context has; the other fields are the caller's. */
peek_status peek__team_begin(peek_context *context, peek__team *team);
void peek__team_end(peek__team *team);

/* The plan of a thread; called from that thread. */
peek_status peek__team_plan(peek_context *context, peek__team *team, int thread, peek__plan **out);

/* Whether samples of this shape fit the network: equal shapes, or equal size where the network takes flat
 * samples. */
peek_status peek__team_check(peek_context *context, const peek_network *network, const peek_dataset *dataset);

#endif
