/* factor/course.h: one model on its way: start, iterations on a sketch, iterations on the data, stop rules,
 * end. */
#ifndef FACTOR_COURSE_H
#define FACTOR_COURSE_H

#include "factor/extrapolate.h"
#include "factor/model.h"
#include "factor/pass.h"
#include "factor/scaling.h"
#include "store/record.h"

/* What all models of one call share. */
typedef struct peek__fit {
    peek_context *context;
    const peek_problem *problem;
    const peek_fit_options *options;
    const peek__rule *rule;
    peek__scaling scaling;
    peek__reader reader;
    peek__penalty sample_penalty, loading_penalty; /* of the scaled problem */
    double sketch_seconds;                         /* that making the sketch took */
    int64_t models;                                /* how many models there are to be */
    int64_t steps;                                 /* of progress, up to the models now on their way */
    peek_status (*keep)(void *keeper);             /* called where what is under way could be kept; or NULL */
    void *keeper;
} peek__fit;

/* Sets up what is shared, but for the sketch. alphas: as peek__scaling_prepare() has it. peek__fit_clear() in
 * every case. */
peek_status peek__fit_prepare(peek_context *context, const peek_problem *problem,
                              const peek_fit_options *options, const double *alphas, peek__fit *fit);
void peek__fit_clear(peek__fit *fit);

/* Options as they stand in fit.json: those that have a say in the result. NULL when out of memory. */
cJSON *peek__fit_options_json(const peek_fit_options *options);

/* An empty model of a fit, as peek__model_create() makes it. */
peek_status peek__fit_model(const peek__fit *fit, int64_t rank, peek_model **out);

/* How far a model has come. */
typedef enum peek__reached {
    PEEK__REACHED_START,  /* it has its start */
    PEEK__REACHED_SUBSET, /* in iterations on a part of a sketch */
    PEEK__REACHED_SKETCH, /* in iterations on a sketch */
    PEEK__REACHED_DATA,   /* it may enter iterations on the data */
    PEEK__REACHED_INSIDE, /* in them */
} peek__reached;

/* A phase that was read back, until it is taken up again (factor/course_state.c). */
typedef struct peek__held peek__held;

typedef struct peek__course {
    const peek__fit *fit;
    peek__reached reached;
    peek__held *held;  /* or NULL */
    peek_model *model; /* owned; scaled while under way */
    peek__pass pass;
    peek__extrapolation extrapolation;
    double tolerance;   /* of this phase */
    int64_t most;       /* iterations of this phase */
    int64_t iterations; /* of this phase so far */
    double *objective; /* of the scaled problem after each; the last may be missing until the model is judged */
    int64_t accepted;  /* steps in a row that were not refused */
    double first_gradient; /* of this phase */
    double penalty;        /* of the last iterate */
    double seconds;        /* of work for this model, without the sketch all share */
    const char *stop;      /* why this phase ended, or NULL */
} peek__course;

/* A model with its start. peek__course_clear() in every case. */
peek_status peek__course_begin(const peek__fit *fit, int64_t rank, int64_t seed, peek__course *course);

/* About how many seconds an iteration on the data will take. The model stays as it is. */
peek_status peek__course_look(peek__course *course, double *seconds);

/* Brings it close on a sketch. Its objective there is an estimate and is not kept. */
peek_status peek__course_approach(peek__course *course, const peek__sketch *sketch);

/* Gets ready for iterations on the data; then one after each sweep of peek__pass_run(), which took `seconds`
 * for this model, until course->stop is set. */
peek_status peek__course_enter(peek__course *course);
peek_status peek__course_step(peek__course *course, double seconds);

/* From the scaled problem to original units: matrices and objective. */
void peek__course_unscale(const peek__fit *fit, peek_model *model);

/* Ends it: original units, errors. The model is the caller's. */
peek_status peek__course_end(peek__course *course, peek_model **out);
void peek__course_clear(peek__course *course);

/* Writes a course that is not ended, between two iterations; reads one back, in place of peek__course_begin():
 * it then goes on from where it was, to the same bits, with the same calls as ever. Errors: as
 * peek__record_move(), E_MEMORY. peek__course_clear() in every case. */
peek_status peek__course_save(peek__course *course, peek__record *record);
peek_status peek__course_restore(const peek__fit *fit, peek__record *record, int64_t rank,
                                 peek__course *course);

/* Inside. A phase has begun: takes up what is held of it. */
peek_status peek__course_take_up(peek__course *course);
void peek__held_free(peek__held **held);

#endif
