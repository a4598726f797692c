/* factor/course_state.c: a course as part of a checkpoint.
 *
 * Between two iterations a phase is told by its iterate (F, W and, with extrapolation, both as the rule left
 * them) and some numbers; sums over the data and what is made of the loadings are found again when a pass is
 * prepared, to the same bits. What is read is held until the phase begins again. */
#include <string.h>

#include "base/memory.h"
#include "factor/course.h"

/* The numbers of a phase. */
typedef struct phase {
    peek__extrapolation extrapolation;
    double first_gradient, penalty;
    int64_t rows, iterations, accepted, momentum_bits, direct;
} phase;

struct peek__held {
    phase phase;
    float *samples; /* rows x k, of a part of a sketch; else they are the model's */
    float *updated_samples, *updated_loadings;
    double *objective; /* on a sketch; else it is the model's */
};

void peek__held_free(peek__held **held)
{
    if (!*held) return;
    peek__free(&(*held)->samples);
    peek__free(&(*held)->updated_samples);
    peek__free(&(*held)->updated_loadings);
    peek__free(&(*held)->objective);
    peek__free(held);
}

static int within(peek__reached reached)
{
    return reached == PEEK__REACHED_SUBSET || reached == PEEK__REACHED_SKETCH ||
           reached == PEEK__REACHED_INSIDE;
}

/* The arrays of a phase, to or from where they are. */
static peek_status move_arrays(const peek__course *course, peek__record *record, int64_t rows,
                               int64_t iterations, float *samples, float *updated_samples,
                               float *updated_loadings, double *objective)
{
    int64_t k = course->model->rank;
    if (course->reached == PEEK__REACHED_SUBSET) PEEK_TRY(peek__record_array(record, samples, rows * k));
    if (course->reached != PEEK__REACHED_INSIDE) PEEK_TRY(peek__record_array(record, objective, iterations));
    if (!course->fit->rule->extrapolated) return PEEK_OK;
    PEEK_TRY(peek__record_array(record, updated_samples, rows * k));
    return peek__record_array(record, updated_loadings, course->model->columns * k);
}

/* A model counts its iterations when it ends; here it is so far. */
static peek_status move_model(peek__course *course, peek__record *record)
{
    int64_t reached = course->reached,
            iterations = course->reached == PEEK__REACHED_INSIDE ? course->iterations : 0;
    PEEK_TRY(peek__record_value(record, &reached));
    PEEK_TRY(peek__record_value(record, &course->seconds));
    if (reached < PEEK__REACHED_START || reached > PEEK__REACHED_INSIDE)
        return peek__fail(record->context, PEEK_E_FORMAT, "'%s' has a model in no known state", record->path);
    course->reached = (peek__reached)reached;
    if (record->writing) course->model->iterations = iterations;
    return peek__model_move(course->model, record, course->fit->options->iterations, 0);
}

peek_status peek__course_save(peek__course *course, peek__record *record)
{
    PEEK_TRY(move_model(course, record));
    if (!within(course->reached)) return PEEK_OK;
    const peek__pass *pass = &course->pass;
    phase now = {.extrapolation = course->extrapolation,
                 .first_gradient = course->first_gradient,
                 .penalty = course->penalty,
                 .rows = pass->rows,
                 .iterations = course->iterations,
                 .accepted = course->accepted,
                 .direct = pass->direct};
    memcpy(&now.momentum_bits, &pass->momentum, sizeof pass->momentum);
    PEEK_TRY(peek__record_value(record, &now));
    return move_arrays(course, record, now.rows, now.iterations, pass->samples, pass->updated_samples,
                       pass->updated_loadings, course->objective);
}

static peek_status hold(peek__course *course, peek__record *record)
{
    peek_context *context = course->fit->context;
    peek__held *held;
    int64_t k = course->model->rank;
    PEEK_TRY(peek__alloc(context, &course->held, 1, "a checkpoint"));
    held = course->held;
    PEEK_TRY(peek__record_value(record, &held->phase));
    int64_t rows = held->phase.rows, iterations = held->phase.iterations;
    if (rows < 1 || rows > course->model->rows || iterations < 0 ||
        iterations >= course->fit->options->iterations || held->phase.accepted < 0 ||
        held->phase.accepted > iterations)
        return peek__fail(context, PEEK_E_FORMAT, "'%s' has a model in no possible state", record->path);
    if (course->reached == PEEK__REACHED_SUBSET)
        PEEK_TRY(peek__alloc(context, &held->samples, rows * k, "a checkpoint"));
    if (course->reached != PEEK__REACHED_INSIDE)
        PEEK_TRY(peek__alloc(context, &held->objective, iterations, "a checkpoint"));
    if (course->fit->rule->extrapolated) {
        PEEK_TRY(peek__alloc(context, &held->updated_samples, rows * k, "a checkpoint"));
        PEEK_TRY(peek__alloc(context, &held->updated_loadings, course->model->columns * k, "a checkpoint"));
    }
    return move_arrays(course, record, rows, iterations, held->samples, held->updated_samples,
                       held->updated_loadings, held->objective);
}

peek_status peek__course_restore(const peek__fit *fit, peek__record *record, int64_t rank, peek__course *course)
{
    *course = (peek__course){.fit = fit};
    PEEK_TRY(peek__fit_model(fit, rank, &course->model));
    PEEK_TRY(move_model(course, record));
    return within(course->reached) ? hold(course, record) : PEEK_OK;
}

peek_status peek__course_take_up(peek__course *course)
{
    peek__held *held = course->held;
    peek__pass *pass = &course->pass;
    if (held->phase.rows != pass->rows || held->phase.iterations >= course->most)
        return peek__fail(course->fit->context, PEEK_E_FORMAT,
                          "the checkpoint is of iterations on other samples: start anew without --resume");
    size_t samples = (size_t)(pass->rows * pass->k) * sizeof(float);
    size_t loadings = (size_t)(pass->problem->columns * pass->k) * sizeof(float);
    course->extrapolation = held->phase.extrapolation;
    course->first_gradient = held->phase.first_gradient;
    course->penalty = held->phase.penalty;
    course->iterations = held->phase.iterations;
    course->accepted = held->phase.accepted;
    pass->direct = (int)held->phase.direct;
    memcpy(&pass->momentum, &held->phase.momentum_bits, sizeof pass->momentum);
    if (course->reached == PEEK__REACHED_SUBSET) memcpy(pass->samples, held->samples, samples);
    if (course->reached != PEEK__REACHED_INSIDE)
        memcpy(course->objective, held->objective, (size_t)course->iterations * sizeof *course->objective);
    if (pass->rule->extrapolated) {
        memcpy(pass->updated_samples, held->updated_samples, samples);
        memcpy(pass->updated_loadings, held->updated_loadings, loadings);
    }
    peek__held_free(&course->held);
    return PEEK_OK;
}
