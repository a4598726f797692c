/* factor/sweep_checkpoint.c: a sweep that survives: all that is under way in one file, renewed every now and
 * then, from which another call goes on to the same bits.
 *
 * What is kept is the state between two iterations: models that are the best of their rank so far, the courses
 * of the group. A sketch that took long to make is kept beside it. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "factor/start.h"
#include "factor/sweep_work.h"

static const char kind[8] = "FIT-001", sketch_kind[8] = "SKETCH2";

/* Writing takes at most about this share of the time, but a stop never loses more than a minute for that. */
static const double share = 0.05, seldom = 45;

peek_status peek__sweep_digest(peek_context *context, const peek_problem *problem,
                               const peek_fit_options *options, int64_t count, const int64_t *ranks,
                               char text[17])
{
    peek_fit_options one = *options;
    one.rank = 0;
    cJSON *json = peek__fit_options_json(&one);
    char *words = peek__json_printed(json);
    uint64_t state = 0;
    cJSON_Delete(json);
    if (!words) return peek__fail(context, PEEK_E_MEMORY, "not enough memory for the options");
    peek__digest(&state, words, strlen(words));
    cJSON_free(words);
    peek__digest(&state, ranks, (size_t)count * sizeof *ranks);
    peek__digest(&state, &problem->rows, sizeof problem->rows);
    for (int64_t b = 0; b < problem->count; b++) {
        const peek__block *block = &problem->blocks[b];
        const double numbers[] = {(double)block->columns, (double)block->view, block->offset,
                                  problem->weights[b]};
        peek__digest(&state, block->name, strlen(block->name) + 1);
        peek__digest(&state, numbers, sizeof numbers);
        peek__digest(&state, &block->digest, sizeof block->digest);
    }
    peek__digest(&state, problem->capture_digest, strlen(problem->capture_digest));
    for (int64_t i = 0; i < count; i++)
        PEEK_TRY(peek__start_digest(context, problem, ranks[i], options->init, &state));
    peek__digest_text(state, text);
    return PEEK_OK;
}

static const char *path_of(const peek__sweep_work *work)
{
    return work->fit->options->checkpoint;
}

/* A rank: its starts so far, and the best model of them. */
static peek_status move_rank(const peek__sweep_work *work, peek__rank_state *state, peek__record *record)
{
    int64_t best = state->best != NULL, given = state->starts == NULL, restarts = work->fit->options->restarts;
    PEEK_TRY(peek__record_value(record, &state->ended));
    PEEK_TRY(peek__record_value(record, &state->seconds));
    PEEK_TRY(peek__record_value(record, &best));
    PEEK_TRY(peek__record_value(record, &given)); /* it has been handed over, with its records */
    if (given) peek__free(&state->starts);
    if (!given) PEEK_TRY(peek__record_array(record, state->starts, restarts));
    if (!best) return PEEK_OK;
    if (!state->best) PEEK_TRY(peek__fit_model(work->fit, state->rank, &state->best));
    return peek__model_move(state->best, record, work->fit->options->iterations, 1);
}

/* Whether a model of the group is one that has been begun and has neither ended nor is there twice. */
static int stands_alone(const peek__sweep_work *work, int64_t i, int64_t begun)
{
    const peek__rank_state *state = work->owner[i];
    int64_t seed = work->group[i].model->seed;
    for (int64_t j = 0; j < i; j++)
        if (work->owner[j] == state && work->group[j].model->seed == seed) return 0;
    uint64_t start = (uint64_t)seed - (uint64_t)work->fit->options->seed;
    return state->starts && start < (uint64_t)begun && !state->starts[start].iterations;
}

/* What was read must be a state that a sweep can be in: every start that was begun has ended or is under way,
 * and the best of those that have ended is there until the last has. */
static int can_be(const peek__sweep_work *work)
{
    int64_t restarts = work->fit->options->restarts, ended = 0;
    for (int64_t r = 0; r < work->count; r++) {
        const peek__rank_state *state = &work->ranks[r];
        int64_t begun = work->begun - r * restarts, under_way = 0;
        begun = begun < 0 ? 0 : begun < restarts ? begun : restarts;
        for (int64_t i = 0; i < work->grouped; i++) {
            if (work->owner[i] != state) continue;
            if (!stands_alone(work, i, begun)) return 0;
            under_way++;
        }
        if (state->ended < 0 || state->ended != begun - under_way) return 0;
        if ((state->starts == NULL) != (state->ended == restarts)) return 0;
        if ((state->best != NULL) != (state->ended > 0 && state->ended < restarts)) return 0;
        if (state->best && state->best->iterations < 1) return 0;
        ended += state->ended;
    }
    return ended == work->ended;
}

/* The courses of the group that have not ended. */
static peek_status move_group(peek__sweep_work *work, peek__record *record)
{
    int64_t count = 0;
    for (int64_t i = 0; i < work->grouped; i++) count += work->group[i].model != NULL;
    PEEK_TRY(peek__record_value(record, &count));
    if (count < 0 || count > PEEK__GROUP_MOST)
        return peek__fail(record->context, PEEK_E_FORMAT, "'%s' has too many models", record->path);
    for (int64_t i = 0; record->writing && i < work->grouped; i++) {
        if (!work->group[i].model) continue;
        int64_t owner = work->owner[i] - work->ranks;
        PEEK_TRY(peek__record_value(record, &owner));
        PEEK_TRY(peek__course_save(&work->group[i], record));
    }
    while (!record->writing && work->grouped < count) {
        int64_t owner = 0;
        PEEK_TRY(peek__record_value(record, &owner));
        if (owner < 0 || owner >= work->count)
            return peek__fail(record->context, PEEK_E_FORMAT, "'%s' has a model of no rank", record->path);
        work->owner[work->grouped] = &work->ranks[owner];
        peek__course *course = &work->group[work->grouped++]; /* cleared with the group, whatever comes */
        PEEK_TRY(peek__course_restore(work->fit, record, work->ranks[owner].rank, course));
    }
    return PEEK_OK;
}

static peek_status move_all(peek__sweep_work *work, peek__record *record)
{
    PEEK_TRY(peek__record_value(record, &work->begun));
    PEEK_TRY(peek__record_value(record, &work->ended));
    PEEK_TRY(peek__record_value(record, &work->fit->sketch_seconds));
    if (work->begun < 0 || work->begun > work->fit->models)
        return peek__fail(record->context, PEEK_E_FORMAT, "'%s' has too many models", record->path);
    for (int64_t i = 0; i < work->count; i++) PEEK_TRY(move_rank(work, &work->ranks[i], record));
    PEEK_TRY(move_group(work, record));
    if (record->writing || can_be(work)) return PEEK_OK;
    return peek__fail(record->context, PEEK_E_FORMAT, "'%s' tells of a fit that cannot be", record->path);
}

static peek_status keep_now(peek__sweep_work *work)
{
    peek__record record = {0};
    double begin = peek__seconds();
    peek_status status = peek__record_begin(work->fit->context, &record, path_of(work), kind, work->made_from);
    if (status == PEEK_OK) status = move_all(work, &record);
    if (status == PEEK_OK) status = peek__record_commit(&record);
    peek__record_close(&record);
    work->kept = peek__seconds();
    if (status == PEEK_OK) work->cost = work->kept - begin; /* above 0: there is one */
    return status;
}

peek_status peek__sweep_keep(void *keeper)
{
    peek__sweep_work *work = keeper;
    double every = work->fit->options->checkpoint_every;
    if (every > 0) every = fmax(every, fmin(seldom, work->cost / share));
    return peek__seconds() - work->kept < every ? PEEK_OK : keep_now(work);
}

peek_status peek__sweep_take_up(peek__sweep_work *work, int *found)
{
    peek__record record = {0};
    *found = 0;
    work->kept = peek__seconds();
    if (!path_of(work) || !work->fit->options->resume) return PEEK_OK;
    int there;
    PEEK_TRY(peek__find_file(work->fit->context, path_of(work), &there));
    if (!there) return PEEK_OK;
    PEEK_TRY(peek__record_open(work->fit->context, &record, path_of(work), kind, work->made_from));
    peek_status status = move_all(work, &record);
    peek__record_close(&record);
    *found = status == PEEK_OK;
    return status;
}

static peek_status sketch_path(const peek__sweep_work *work, char **path)
{
    return peek__format(work->fit->context, path, "%s.sketch", path_of(work));
}

static peek_status move_sketch(peek__sketch *sketch, peek__record *record, int64_t columns, double *seconds)
{
    PEEK_TRY(peek__record_value(record, seconds));
    PEEK_TRY(peek__record_array(record, sketch->basis, columns * sketch->width));
    return peek__record_array(record, sketch->coefficients, sketch->rows * sketch->width);
}

peek_status peek__sweep_keep_sketch(peek__sweep_work *work)
{
    peek__record record = {0};
    char *path;
    if (!path_of(work) || work->fit->sketch_seconds < work->fit->options->checkpoint_every) return PEEK_OK;
    PEEK_TRY(sketch_path(work, &path));
    peek_status status = peek__record_begin(work->fit->context, &record, path, sketch_kind, work->made_from);
    if (status == PEEK_OK)
        status = move_sketch(&work->sketch, &record, work->fit->problem->columns, &work->fit->sketch_seconds);
    if (status == PEEK_OK) status = peek__record_commit(&record);
    peek__record_close(&record);
    peek__free(&path);
    return status;
}

peek_status peek__sweep_read_sketch(peek__sweep_work *work, int *found)
{
    peek__record record = {0};
    char *path;
    *found = 0;
    if (!path_of(work) || !work->fit->options->resume) return PEEK_OK;
    PEEK_TRY(sketch_path(work, &path));
    peek_context *context = work->fit->context;
    const peek_problem *problem = work->fit->problem;
    int there = 0;
    peek_status status = peek__find_file(context, path, &there);
    if (there) status = peek__record_open(context, &record, path, sketch_kind, work->made_from);
    if (there && status == PEEK_OK) {
        work->sketch = (peek__sketch){.rows = problem->rows, .width = work->widest};
        status = peek__alloc(context, &work->sketch.basis, problem->columns * work->widest, "a sketch");
        if (status == PEEK_OK)
            status = peek__alloc(context, &work->sketch.coefficients, problem->rows * work->widest, "a sketch");
        if (status == PEEK_OK)
            status = move_sketch(&work->sketch, &record, problem->columns, &work->fit->sketch_seconds);
        *found = status == PEEK_OK;
    }
    peek__record_close(&record);
    peek__free(&path);
    /* One of another fit is of no use here, and is made again. */
    return status == PEEK_E_FORMAT || status == PEEK_E_ARGUMENT ? PEEK_OK : status;
}

void peek__sweep_forget(const peek__sweep_work *work)
{
    char *path;
    if (!path_of(work)) return;
    unlink(path_of(work));
    if (sketch_path(work, &path) != PEEK_OK) return;
    unlink(path);
    peek__free(&path);
}
