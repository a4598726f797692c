/* factor/course.c: one model on its way. */
#include "factor/course.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "factor/start.h"

/* Below this share of ||X||^2 the objective's trace identity has cancelled too far: the residual is summed
 * itself. */
static const double direct_below = 1e-4;

/* With extrapolation the decrease swings from step to step and ends in a refused one: so many steps in a row
 * are looked at together. */
static const int64_t momentum_steps = 3;

/* Iterations on the data after the sketch with `fast`. */
static const int64_t fast_iterations = 2;

/* The loadings come close on a subset of a sketch's rows first, so many for each of its columns and at least so
 * many, where the sketch has this multiple of them; until the tolerance below holds there. */
static const int64_t subset_rows_per_width = 20, subset_rows_least = 1000, subset_share = 4;
static const double subset_tolerance = 3e-4;

/* A penalty is given per entry of the other side, as scikit-learn has it: `count` is the number of columns for
 * F, of samples for W. M' = sqrt(s) M and J' = s^2 J. */
static peek__penalty scaled_penalty(double l1, double l2, int64_t count, double s)
{
    return (peek__penalty){l1 * (double)count * s * sqrt(s), l2 * (double)count * s};
}

peek_status peek__fit_prepare(peek_context *context, const peek_problem *problem,
                              const peek_fit_options *options, const double *alphas, peek__fit *fit)
{
    *fit = (peek__fit){.context = context, .problem = problem, .options = options};
    fit->rule = peek__rule_at(options->rule);
    PEEK_TRY(peek__scaling_prepare(context, problem, (peek_scale)options->scale, alphas, &fit->scaling));
    double s = fit->scaling.data_scale;
    fit->sample_penalty = scaled_penalty(options->l1_samples, options->l2_samples, problem->columns, s);
    fit->loading_penalty = scaled_penalty(options->l1_loadings, options->l2_loadings, problem->rows, s);
    return peek__reader_prepare(context, problem, &fit->reader);
}

void peek__fit_clear(peek__fit *fit)
{
    peek__scaling_clear(&fit->scaling);
    peek__reader_clear(&fit->reader);
}

static peek_status start(const peek__fit *fit, uint64_t seed, peek_model *model)
{
    const char *init = fit->options->init;
    if (peek__start_is_read(init))
        return peek__start_read(fit->context, fit->problem, model->rank, init, fit->scaling.sample_scale,
                                fit->scaling.loading_scales, model->samples, model->loadings);
    if (init && strcmp(init, "nndsvd") == 0)
        return peek__start_nndsvd(fit->context, fit->problem, fit->scaling.multipliers, model->rank, seed,
                                  fit->options->rule == PEEK__RULE_MU, model->samples, model->loadings);
    return peek__start_uniform(fit->context, fit->problem, model->rank, seed, model->samples, model->loadings);
}

peek_status peek__fit_model(const peek__fit *fit, int64_t rank, peek_model **out)
{
    PEEK_TRY(peek__model_create(fit->context, fit->problem, fit->scaling.weights, rank,
                                fit->options->iterations, out));
    (*out)->rule = fit->rule->name;
    (*out)->citation = fit->rule->citation;
    return PEEK_OK;
}

peek_status peek__course_begin(const peek__fit *fit, int64_t rank, int64_t seed, peek__course *course)
{
    double begin = peek__seconds();
    *course = (peek__course){.fit = fit};
    PEEK_TRY(peek__fit_model(fit, rank, &course->model));
    course->model->seed = seed;
    PEEK_TRY(start(fit, (uint64_t)seed, course->model));
    course->seconds = peek__seconds() - begin;
    return PEEK_OK;
}

/* Begins a phase: a pass over the sketch (its samples: F of its rows) or, with NULL, the data. */
static peek_status begin_phase(peek__course *course, const peek__sketch *sketch, float *samples, int64_t most,
                               double tolerance, double *objective)
{
    const peek__fit *fit = course->fit;
    course->extrapolation = peek__extrapolation_start();
    course->most = most;
    course->tolerance = tolerance;
    course->objective = objective;
    course->iterations = course->accepted = 0;
    course->stop = NULL;
    course->pass = (peek__pass){.context = fit->context,
                                .problem = fit->problem,
                                .reader = &fit->reader,
                                .rule = fit->rule,
                                .k = course->model->rank,
                                .multipliers = fit->scaling.multipliers,
                                .sketch = sketch,
                                .rows = sketch ? sketch->rows : fit->problem->rows,
                                .samples = samples,
                                .loadings = course->model->loadings,
                                .sample_penalty = fit->sample_penalty,
                                .loading_penalty = fit->loading_penalty,
                                .stationarity = fit->options->kkt > 0};
    PEEK_TRY(peek__pass_prepare(&course->pass));
    return course->held ? peek__course_take_up(course) : PEEK_OK;
}

peek_status peek__course_look(peek__course *course, double *seconds)
{
    peek_status status = begin_phase(course, NULL, course->model->samples, 1, 0, course->model->objective);
    if (status == PEEK_OK) status = peek__pass_look(&course->pass, seconds);
    peek__pass_clear(&course->pass);
    return status;
}

/* Whether the objective fell by less than the tolerance in each of the last `steps` iterations, on average. */
static int settled(const peek__course *course, int64_t last, int64_t steps)
{
    double tolerance = course->tolerance;
    if (last < steps || tolerance <= 0) return 0;
    double before = course->objective[last - steps];
    return before - course->objective[last] <= (double)steps * tolerance * before;
}

/* The objective of the iterate after iteration i, from the trace identity; an extrapolated step that made it
 * rise is taken back. misfit: its part without the penalties. */
static peek_status judge_step(peek__course *course, int64_t i, double *misfit)
{
    peek__pass *pass = &course->pass;
    double *objective = course->objective;
    *misfit = course->fit->scaling.square - 2 * pass->explained + pass->model;
    objective[i] = *misfit + pass->penalty;
    if (!isfinite(objective[i]))
        return peek__fail(course->fit->context, PEEK_E_NUMERIC,
                          "the objective is no longer finite at iteration %lld of rank %lld", (long long)i + 1,
                          (long long)pass->k);
    if (i > 0 && pass->momentum > 0 && objective[i] > objective[i - 1]) {
        objective[i] = objective[i - 1];
        course->accepted = 0;
        peek__extrapolation_refuse(&course->extrapolation);
        return peek__pass_refuse(pass);
    }
    course->accepted++;
    peek__extrapolation_accept(&course->extrapolation);
    return PEEK_OK;
}

/* Whether the tolerance holds: over `steps` iterations that were not refused, or over so many more that
 * refusals do not matter; where only rounding is left every third step can be refused for ever. */
static int arrived(const peek__course *course, int64_t i, int64_t steps)
{
    return (course->accepted >= steps && settled(course, i, steps)) || settled(course, i, 4 * momentum_steps);
}

/* Whether to stop after iteration i. */
static peek_status consider(peek__course *course, int64_t i, double misfit)
{
    const peek_fit_options *options = course->fit->options;
    peek__pass *pass = &course->pass;
    int64_t steps = pass->rule->extrapolated ? momentum_steps : 1;
    int close = misfit < direct_below * course->fit->scaling.square;
    if (pass->sketch) { /* an estimate: good for coming close, and no further than it can be trusted */
        if (close || arrived(course, i, steps)) course->stop = "tolerance";
    } else if (pass->direct) { /* the residual of the iterate before is known only now */
        if (i > 0) course->objective[i - 1] = pass->residual + course->penalty;
        if (i > 0 && (course->objective[i - 1] == 0 || settled(course, i - 1, 1))) course->stop = "tolerance";
    } else if (close) {
        pass->direct = 1;
        PEEK_TRY(peek__pass_settle(pass));
    } else if (arrived(course, i, steps)) {
        course->stop = "tolerance";
    }
    if (i == 0) course->first_gradient = pass->gradient;
    if (options->kkt > 0 && pass->gradient <= options->kkt * options->kkt * course->first_gradient)
        course->stop = "kkt";
    if (options->time_limit > 0 && course->fit->sketch_seconds + course->seconds > options->time_limit)
        course->stop = "time";
    course->penalty = pass->penalty;
    return PEEK_OK;
}

peek_status peek__course_step(peek__course *course, double seconds)
{
    int64_t i = course->iterations++;
    double misfit;
    course->seconds += seconds;
    PEEK_TRY(judge_step(course, i, &misfit));
    PEEK_TRY(consider(course, i, misfit));
    if (!course->stop && course->iterations == course->most) course->stop = "iterations";
    course->pass.momentum = course->pass.direct ? 0 : (float)course->extrapolation.beta;
    if (!course->pass.sketch) course->model->times[i] = course->fit->sketch_seconds + course->seconds;
    return PEEK_OK;
}

static peek_status iterate(peek__course *course)
{
    const peek__fit *fit = course->fit;
    peek__pass *pass = &course->pass;
    while (!course->stop) {
        double begin = peek__seconds();
        PEEK_TRY(peek__pass_run(&pass, 1));
        PEEK_TRY(peek__course_step(course, peek__seconds() - begin));
        PEEK_TRY(peek__step(fit->context, fit->steps + course->iterations));
        if (fit->keep && !course->stop) PEEK_TRY(fit->keep(fit->keeper));
    }
    return peek__pass_settle(pass);
}

/* One phase on a sketch, from where it stands. */
static peek_status work_sketch(peek__course *course, const peek__sketch *sketch, float *samples,
                               double tolerance, int thorough, double *objective)
{
    int64_t most = course->fit->options->iterations - course->model->sketch_iterations;
    if (most < 1) return PEEK_OK;
    if (course->held) thorough = 0; /* they are behind it */
    peek_status status = begin_phase(course, sketch, samples, most, tolerance, objective);
    peek__pass *pass = &course->pass;
    pass->thorough = 1;
    pass->fixed = PEEK__FIXED_LOADINGS;
    for (int i = 0; status == PEEK_OK && i < thorough; i++) status = peek__pass_run(&pass, 1);
    pass->thorough = 0;
    pass->fixed = PEEK__FIXED_NONE;
    if (status == PEEK_OK) status = iterate(course);
    course->model->sketch_iterations += course->iterations;
    peek__pass_clear(pass);
    return status;
}

/* The loadings alone come close on some of the sketch's rows, at a fraction of the cost. */
static peek_status work_subset(peek__course *course, const peek__sketch *sketch, int64_t rows,
                               double *objective)
{
    peek_context *context = course->fit->context;
    peek_model *model = course->model;
    int64_t k = model->rank, *chosen = NULL;
    float *samples = NULL;
    peek__sketch subset = {0};
    peek_status status = peek__alloc(context, &chosen, rows, "a choice of samples");
    if (status == PEEK_OK)
        status = peek__sketch_choose(context, sketch->rows, rows, (uint64_t)course->fit->options->seed, chosen);
    if (status == PEEK_OK) status = peek__alloc(context, &samples, rows * k, "the sample matrix");
    if (status == PEEK_OK)
        status = peek__sketch_part(context, course->fit->problem, sketch, sketch->width, rows, chosen, &subset);
    for (int64_t i = 0; status == PEEK_OK && i < rows; i++)
        memcpy(samples + i * k, model->samples + chosen[i] * k, (size_t)k * sizeof *samples);
    double tolerance = fmax(subset_tolerance, course->fit->options->tolerance);
    course->reached = PEEK__REACHED_SUBSET;
    if (status == PEEK_OK) status = work_sketch(course, &subset, samples, tolerance, 0, objective);
    peek__sketch_clear(&subset);
    peek__free(&samples);
    peek__free(&chosen);
    return status;
}

peek_status peek__course_approach(peek__course *course, const peek__sketch *sketch)
{
    const peek_fit_options *options = course->fit->options;
    double begin = peek__seconds(), spent = course->seconds, *objective;
    int64_t rows = subset_rows_per_width * sketch->width;
    if (rows < subset_rows_least) rows = subset_rows_least;
    int subset = options->tolerance > 0 && rows * subset_share <= sketch->rows;
    PEEK_TRY(peek__alloc(course->fit->context, &objective, options->iterations, "a fit"));
    peek_status status = PEEK_OK;
    if (subset && course->reached <= PEEK__REACHED_SUBSET)
        status = work_subset(course, sketch, rows, objective);
    course->reached = PEEK__REACHED_SKETCH;
    if (status == PEEK_OK)
        status =
            work_sketch(course, sketch, course->model->samples, options->tolerance, subset ? 2 : 0, objective);
    course->reached = PEEK__REACHED_DATA;
    course->model->sketch_width = sketch->width;
    course->seconds = spent + peek__seconds() - begin;
    peek__free(&objective);
    return status;
}

peek_status peek__course_enter(peek__course *course)
{
    const peek_fit_options *options = course->fit->options;
    int64_t most = options->iterations;
    if (course->model->sketch_width && options->accuracy == PEEK_ACCURACY_FAST && most > fast_iterations)
        most = fast_iterations;
    double begin = peek__seconds();
    if (course->reached < PEEK__REACHED_INSIDE)
        course->model->sketch_seconds =
            course->model->sketch_width ? course->fit->sketch_seconds + course->seconds : 0;
    course->reached = PEEK__REACHED_INSIDE;
    PEEK_TRY(
        begin_phase(course, NULL, course->model->samples, most, options->tolerance, course->model->objective));
    course->seconds += peek__seconds() - begin;
    return PEEK_OK;
}

void peek__course_unscale(const peek__fit *fit, peek_model *model)
{
    const peek__scaling *scaling = &fit->scaling;
    for (int64_t i = 0; i < model->rows * model->rank; i++)
        model->samples[i] = (float)(model->samples[i] / scaling->sample_scale);
    float *w = model->loadings;
    for (int64_t b = 0; b < fit->problem->count; b++) {
        int64_t size = fit->problem->blocks[b].columns * model->rank;
        for (int64_t i = 0; i < size; i++) w[i] = (float)(w[i] / scaling->loading_scales[b]);
        w += size;
    }
    for (int64_t i = 0; i < model->iterations; i++)
        model->objective[i] /= scaling->data_scale * scaling->data_scale;
}

static double penalty_of(const peek__penalty *penalty, int64_t count, const float *m)
{
    double sum = 0, square = 0;
    if (penalty->l1 == 0 && penalty->l2 == 0) return 0;
    for (int64_t i = 0; i < count; i++) {
        sum += m[i];
        square += (double)m[i] * m[i];
    }
    return 2 * penalty->l1 * sum + penalty->l2 * square;
}

peek_status peek__course_end(peek__course *course, peek_model **out)
{
    const peek__fit *fit = course->fit;
    peek_model *model = course->model;
    double begin = peek__seconds(), s = fit->scaling.data_scale;
    PEEK_TRY(peek__pass_settle(&course->pass));
    peek__pass_clear(&course->pass);
    model->iterations = course->iterations;
    model->stop = course->stop;
    double penalty = penalty_of(&fit->sample_penalty, model->rows * model->rank, model->samples) +
                     penalty_of(&fit->loading_penalty, model->columns * model->rank, model->loadings);
    peek__course_unscale(fit, model);
    course->seconds += peek__seconds() - begin;
    model->seconds = fit->sketch_seconds + course->seconds;
    PEEK_TRY(peek__model_judge(fit->context, model, fit->problem));
    model->objective[model->iterations - 1] += penalty / (s * s);
    *out = model;
    course->model = NULL;
    return PEEK_OK;
}

void peek__course_clear(peek__course *course)
{
    peek__pass_clear(&course->pass);
    peek_model_free(&course->model);
    peek__held_free(&course->held);
}
