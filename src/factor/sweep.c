/* factor/sweep.c: many models of one problem: one sketch for all, groups that share each sweep over the data.
 */
#include "factor/sweep_work.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "factor/start.h"

/* A sketch pays where the problem is large; less than this is done at once. */
static const double sketch_above = 1e6;

/* Decides which models have a sketch, where one is wanted and pays, and how wide that of all is. */
static peek_status choose_widths(peek__sweep_work *work)
{
    peek__fit *fit = work->fit;
    const peek_fit_options *options = fit->options;
    const peek_problem *problem = fit->problem;
    if (options->accuracy == PEEK_ACCURACY_FAST && !fit->rule->sketched)
        return peek__fail(
            fit->context, PEEK_E_ARGUMENT,
            "--accuracy fast works on a sketch, whose numerators can be negative, and --rule %s needs them "
            "non-negative: choose --rule hals or another accuracy",
            fit->rule->name);
    if (options->accuracy == PEEK_ACCURACY_EXACT || !fit->rule->sketched ||
        peek__start_is_read(options->init) || (double)problem->rows * (double)problem->columns < sketch_above ||
        fit->scaling.square == 0)
        return PEEK_OK;
    for (int64_t i = 0; i < work->count; i++) {
        work->ranks[i].width = peek__sketch_width(problem, work->ranks[i].rank);
        if (work->ranks[i].width > work->widest) work->widest = work->ranks[i].width;
    }
    return PEEK_OK;
}

static peek_status make_sketch(peek__sweep_work *work)
{
    peek__fit *fit = work->fit;
    int found = 0;
    PEEK_TRY(peek__sweep_read_sketch(work, &found));
    if (found) return PEEK_OK;
    double begin = peek__seconds();
    PEEK_TRY(peek__sketch_make(fit->context, fit->problem, fit->scaling.multipliers, work->widest,
                               (uint64_t)fit->options->seed, &work->sketch));
    if (work->count > 1) PEEK_TRY(peek__sketch_sort(fit->context, fit->problem, &work->sketch));
    fit->sketch_seconds = peek__seconds() - begin;
    return peek__sweep_keep_sketch(work);
}

/* What is under way, for a person. */
static void describe(const peek__sweep_work *work, char *text, size_t size)
{
    if (work->fit->models == 1)
        snprintf(text, size, "factorising, rank %lld", (long long)work->ranks[0].rank);
    else
        snprintf(text, size, "factorising, %lld of %lld done", (long long)work->ended,
                 (long long)work->fit->models);
}

/* A start has ended: its record, and the best of its rank. */
static peek_status record(peek__sweep_work *work, peek__rank_state *state, peek_model *model)
{
    double objective = model->objective[model->iterations - 1];
    int64_t restarts = work->fit->options->restarts;
    state->starts[model->seed - work->fit->options->seed] =
        (peek__start_record){model->seed, model->iterations, objective, model->relative_error, model->seconds};
    state->seconds += model->seconds - work->fit->sketch_seconds;
    state->ended++;
    work->ended++;
    peek_model *worse = model;
    if (!state->best || objective < state->best->objective[state->best->iterations - 1]) {
        worse = state->best;
        state->best = model;
    }
    peek_model_free(&worse);
    if (state->ended < restarts) return PEEK_OK;
    peek_fit_options options = *work->fit->options;
    model = state->best;
    options.rank = state->rank;
    model->seconds = work->fit->sketch_seconds + state->seconds;
    model->sweep_models = work->fit->models;
    memcpy(model->made_from, work->made_from, sizeof model->made_from);
    model->starts = state->starts;
    model->start_count = restarts;
    state->starts = NULL;
    model->options = peek__fit_options_json(&options);
    if (!model->options)
        return peek__fail(work->fit->context, PEEK_E_MEMORY, "not enough memory for the options");
    state->best = NULL;
    return work->take(model, work->user);
}

/* A course of the group has stopped: its model goes where it belongs at once, so that an interrupted sweep
 * keeps it. */
static peek_status finish(peek__sweep_work *work, int64_t index)
{
    peek_model *model = NULL;
    char text[80];
    PEEK_TRY(peek__course_end(&work->group[index], &model));
    PEEK_TRY(record(work, work->owner[index], model));
    describe(work, text, sizeof text);
    peek__stage_text(work->fit->context, text);
    return PEEK_OK;
}

/* Iterates the group's models on the data until all have stopped. A sweep's time is shared by rank. */
static peek_status iterate_group(peek__sweep_work *work)
{
    peek__fit *fit = work->fit;
    for (;;) {
        peek__course *active[PEEK__GROUP_MOST];
        peek__pass *passes[PEEK__GROUP_MOST];
        int64_t count = 0, ranks = 0, steps = 0;
        for (int64_t i = 0; i < work->grouped; i++) {
            steps += work->group[i].stop ? fit->options->iterations : work->group[i].iterations + 1;
            if (work->group[i].stop) continue;
            active[count] = &work->group[i];
            passes[count++] = &work->group[i].pass;
            ranks += work->group[i].pass.k;
        }
        if (!count) return PEEK_OK;
        double begin = peek__seconds();
        PEEK_TRY(peek__pass_run(passes, count));
        double each = (peek__seconds() - begin) / (double)ranks;
        for (int64_t i = 0; i < count; i++) PEEK_TRY(peek__course_step(active[i], each * (double)passes[i]->k));
        for (int64_t i = 0; i < work->grouped; i++)
            if (work->group[i].stop && work->group[i].model) PEEK_TRY(finish(work, i));
        if (fit->keep) PEEK_TRY(fit->keep(work));
        PEEK_TRY(peek__step(fit->context, fit->steps + steps));
    }
}

/* Brings a model close on its part of the sketch. */
static peek_status approach(peek__sweep_work *work, peek__course *course, int64_t width)
{
    const peek__fit *fit = work->fit;
    peek__sketch part = {0};
    if (!width || course->reached >= PEEK__REACHED_DATA) return PEEK_OK;
    if (width == work->sketch.width) return peek__course_approach(course, &work->sketch);
    peek_status status =
        peek__sketch_part(fit->context, fit->problem, &work->sketch, width, work->sketch.rows, NULL, &part);
    if (status == PEEK_OK) status = peek__course_approach(course, &part);
    peek__sketch_clear(&part);
    return status;
}

/* Whether any model has yet to work on a sketch. */
static int wants_sketch(const peek__sweep_work *work)
{
    int wants = work->begun < work->fit->models;
    for (int64_t i = 0; i < work->grouped; i++)
        wants |= work->owner[i]->width && work->group[i].reached < PEEK__REACHED_DATA;
    return work->widest && wants;
}

/* What comes before the first group: what it will take, and the sketch. */
static peek_status get_ready(peek__sweep_work *work)
{
    peek__fit *fit = work->fit;
    char text[80];
    int64_t ranks = 0;
    for (int64_t i = 0; i < work->count; i++) ranks += work->ranks[i].rank * fit->options->restarts;
    if (work->resumed)
        peek__note(fit->context, "going on from the checkpoint, %lld of %lld models done",
                   (long long)work->ended, (long long)fit->models);
    else
        PEEK_TRY(peek__estimate_tell(&work->group[0], &work->needs, ranks));
    describe(work, text, sizeof text);
    peek__stage(fit->context, "fit", text, fit->models * fit->options->iterations * (work->widest ? 2 : 1));
    return wants_sketch(work) ? make_sketch(work) : PEEK_OK;
}

/* Works the group off. */
static peek_status work_group(peek__sweep_work *work)
{
    peek__fit *fit = work->fit;
    int64_t phases = work->widest ? 2 : 1;
    if (!work->ready) PEEK_TRY(get_ready(work));
    work->ready = 1;
    for (int64_t i = 0; i < work->grouped; i++) {
        PEEK_TRY(approach(work, &work->group[i], work->owner[i]->width));
        if (phases > 1) fit->steps += fit->options->iterations;
    }
    if (work->begun == fit->models) peek__sketch_clear(&work->sketch); /* no model needs it any more */
    for (int64_t i = 0; i < work->grouped; i++) PEEK_TRY(peek__course_enter(&work->group[i]));
    PEEK_TRY(iterate_group(work));
    fit->steps += work->grouped * fit->options->iterations;
    work->grouped = 0;
    return peek__step(fit->context, fit->steps);
}

static double model_bytes(const peek__sweep_work *work, const peek__rank_state *state)
{
    return peek__model_bytes(work->fit, state->rank, state->width < work->widest ? state->width : 0);
}

static peek_status work_all(peek__sweep_work *work)
{
    peek__fit *fit = work->fit;
    int64_t restarts = fit->options->restarts;
    double bytes = 0;
    PEEK_TRY(peek__sweep_take_up(work, &work->resumed));
    for (int64_t i = 0; i < work->grouped; i++) bytes += model_bytes(work, work->owner[i]);
    PEEK_TRY(peek__estimate_group(fit, &work->needs, bytes));
    if (work->grouped) PEEK_TRY(work_group(work));
    bytes = 0;
    while (work->begun < fit->models) {
        peek__rank_state *state = &work->ranks[work->begun / restarts];
        double one = model_bytes(work, state);
        if (work->grouped == PEEK__GROUP_MOST || (work->grouped && bytes + one > work->needs.group)) {
            PEEK_TRY(work_group(work));
            bytes = 0;
        }
        work->owner[work->grouped] = state;
        bytes += one;
        PEEK_TRY(peek__course_begin(fit, state->rank, fit->options->seed + work->begun++ % restarts,
                                    &work->group[work->grouped++]));
    }
    return work->grouped ? work_group(work) : PEEK_OK;
}

static peek_status prepare(peek__sweep_work *work, const int64_t *ranks)
{
    peek__fit *fit = work->fit;
    int64_t restarts = fit->options->restarts;
    fit->models = work->count * restarts;
    PEEK_TRY(peek__alloc(fit->context, &work->ranks, work->count, "a sweep"));
    for (int64_t i = 0; i < work->count; i++) {
        work->ranks[i].rank = ranks[i];
        PEEK_TRY(peek__alloc(fit->context, &work->ranks[i].starts, restarts, "a sweep"));
    }
    PEEK_TRY(choose_widths(work));
    PEEK_TRY(peek__sweep_digest(fit->context, fit->problem, fit->options, work->count, ranks, work->made_from));
    double largest = 0, all = 0;
    for (int64_t i = 0; i < work->count; i++) {
        double one = model_bytes(work, &work->ranks[i]);
        largest = fmax(largest, one);
        all += one * (double)restarts;
    }
    return peek__estimate_memory(fit, largest, all, work->widest, &work->needs);
}

peek_status peek__sweep(peek__fit *fit, int64_t count, const int64_t *ranks, peek_model_fn take, void *user)
{
    peek__sweep_work *work;
    PEEK_TRY(peek__alloc(fit->context, &work, 1, "a sweep"));
    *work = (peek__sweep_work){.fit = fit, .count = count, .take = take, .user = user};
    if (fit->options->checkpoint) {
        fit->keep = peek__sweep_keep;
        fit->keeper = work;
    }
    peek_status status = prepare(work, ranks);
    if (status == PEEK_OK) status = work_all(work);
    if (status == PEEK_OK)
        peek__sweep_forget(work);
    else if (peek__is_passing(status) && (work->cost > 0 || work->resumed))
        peek__fail_more(fit->context, status,
                        "what was done is kept in '%s': the same command with --resume goes on",
                        fit->options->checkpoint);
    for (int64_t i = 0; i < work->grouped; i++) peek__course_clear(&work->group[i]);
    for (int64_t i = 0; work->ranks && i < count; i++) {
        peek_model_free(&work->ranks[i].best);
        peek__free(&work->ranks[i].starts);
    }
    peek__free(&work->ranks);
    peek__sketch_clear(&work->sketch);
    peek__free(&work);
    return status;
}
