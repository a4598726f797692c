/* factor/sweep_work.h: the inside of a sweep: where its models are, and how that is kept (sweep_checkpoint.c).
 */
#ifndef FACTOR_SWEEP_WORK_H
#define FACTOR_SWEEP_WORK_H

#include "factor/estimate.h"
#include "factor/sweep.h"

/* Models in a group at most. */
enum { PEEK__GROUP_MOST = 64 };

/* What is known of one rank. */
typedef struct peek__rank_state {
    int64_t rank, ended;
    int64_t width; /* of its part of the sketch; 0: none */
    peek_model *best;
    peek__start_record *starts;
    double seconds; /* of all starts */
} peek__rank_state;

typedef struct peek__sweep_work {
    peek__fit *fit;
    int64_t count;
    peek__rank_state *ranks;
    peek__sketch sketch; /* of the largest rank that has one */
    int64_t widest;      /* its width, 0: none is made */
    peek__needs needs;
    peek__course group[PEEK__GROUP_MOST];
    peek__rank_state *owner[PEEK__GROUP_MOST];
    int64_t grouped, begun, ended;
    int ready;   /* 1: the sketch is made */
    int resumed; /* 1: it goes on from a checkpoint */
    peek_model_fn take;
    void *user;
    char made_from[17]; /* digest of the problem, ranks and options */
    double kept, cost;  /* when the last checkpoint was written, and how long that took */
} peek__sweep_work;

/* The digest of what models are made from: the blocks' names, weights and values, each where it stands, the
 * capture that they are of, the ranks, all options that have a say in them, and a start that is read. Errors:
 * E_MEMORY, E_IO (of such a start). */
peek_status peek__sweep_digest(peek_context *context, const peek_problem *problem,
                               const peek_fit_options *options, int64_t count, const int64_t *ranks,
                               char text[17]);

/* Where options name a checkpoint: writes one, if the last is old enough; takes up the one that is there, if
 * that is wanted (*found: 1, it is); the same of the sketch, which has a file of its own; removes them. Errors:
 * E_IO, E_MEMORY, as peek__record_open(). */
peek_status peek__sweep_keep(void *work);
peek_status peek__sweep_take_up(peek__sweep_work *work, int *found);
peek_status peek__sweep_keep_sketch(peek__sweep_work *work);
peek_status peek__sweep_read_sketch(peek__sweep_work *work, int *found);
void peek__sweep_forget(const peek__sweep_work *work);

#endif
