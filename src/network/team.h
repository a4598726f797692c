/* network/team.h: one plan a thread, for many samples cut into slices.
 *
 * Slices depend on the network and the number of samples alone, never on threads. A slice that is not whole
 * (the last one) has a plan of its own; where a network can only be run for a fixed number of samples, the
 * missing ones are filled up with copies. */
#ifndef NETWORK_TEAM_H
#define NETWORK_TEAM_H

#include "network/plan.h"
#include "network/survey.h"

#include <omp.h>

/* What one thread runs. */
typedef struct peek__member {
    peek__plan *whole, *rest;
    int64_t rest_count; /* samples that `rest` is for */
} peek__member;

typedef struct peek__team {
    /* The caller's: */
    const peek_network *network;
    int64_t most; /* samples of a slice at most */
    int training;
    int whole; /* 1: slices are never made smaller than `most` */
    int64_t wanted_count;
    const int64_t *wanted; /* borrowed */
    /* Found by peek__team_begin(): */
    int64_t slice;
    const peek__survey *survey;
    peek__survey *own_survey;
    int begun;
    omp_lock_t lock; /* of the list of instances */
    int64_t instances;
    peek__instance **instance; /* for 1 .. slice samples, made when first needed */
    int64_t size;
    peek__member *member;
    float **staging; /* one a thread and input: where samples go first if it holds no floats; else NULL */
} peek__team;

/* sample: the shape of one sample of each input; NULL: that of the file. Errors: E_SHAPE, those of inference.
 */
peek_status peek__team_begin(peek_context *context, peek__team *team, const peek__tensor *sample);
void peek__team_end(peek__team *team);

/* A slice of `count` samples on a thread: where to put those of an input (row-major, as the network wants
 * them); run, once all inputs are there; look. Called from that thread. */
peek_status peek__team_input(peek_context *context, peek__team *team, int thread, int64_t input, int64_t count,
                             float **out);
peek_status peek__team_forward(peek_context *context, peek__team *team, int thread, int64_t count);
/* The rows of a wanted value. */
void peek__team_values(const peek__team *team, int thread, int64_t count, int64_t value, float *out);
/* The same where they lie; NULL if they must be gathered first. */
const float *peek__team_rows(const peek__team *team, int thread, int64_t count, int64_t value);
/* The plan that has run. */
peek__plan *peek__team_plan(const peek__team *team, int thread, int64_t count);

/* What one sample of the dataset is for the network: its shape with the network's number of dimensions. Errors:
 * E_SHAPE (it does not fit), E_UNSUPPORTED (several inputs). */
peek_status peek__team_sample(peek_context *context, const peek_network *network, const peek_dataset *dataset,
                              peek__tensor *out);

/* Refuses networks of several inputs, which take more than one list of samples. */
peek_status peek__team_one_input(peek_context *context, const peek_network *network);

#endif
