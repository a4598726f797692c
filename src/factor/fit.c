/* factor/fit.c: the driver of a fit: scaling, starts, iterations, stop rules, restarts. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "factor/extrapolate.h"
#include "factor/model.h"
#include "factor/pass.h"
#include "factor/start.h"

static const peek_option fit_rows[] = {
    PEEK_INTEGER(peek_fit_options, rank, "rank", 10, 1, 1e9, "K", "number of components"),
    PEEK_CHOICE(
        peek_fit_options, rule, "rule", PEEK__RULE_HALS, peek__rule_names,
        "update rule: hals (coordinate descent with extrapolation), mu (multiplicative, as in the paper), "
        "bpp (exact least squares by block pivoting)"),
    PEEK_INTEGER(peek_fit_options, iterations, "iterations", 500, 1, 1e6, "N", "at most this many iterations"),
    PEEK_REAL(peek_fit_options, tolerance, "tolerance", 1e-5, 0, 1, "X",
              "stop when the objective falls by less than this share in an iteration; 0 runs all"),
    PEEK_REAL(
        peek_fit_options, kkt, "kkt", 0, 0, 1, "X",
        "stop when the norm of the projected gradient has fallen to this share of its first value; 0: off"),
    PEEK_REAL(peek_fit_options, time_limit, "time-limit", 0, 0, 1e9, "SECONDS",
              "stop after the iteration that ends later than this; 0: off"),
    PEEK_INTEGER(peek_fit_options, restarts, "restarts", 1, 1, 1e6, "N",
                 "starts with seeds SEED, SEED+1, ...; the best model is kept"),
    PEEK_CHOICE(peek_fit_options, scale, "scale", 0, "none|norm|max",
                "divide each block by its norm or its largest value while fitting"),
    PEEK_CHOICE(
        peek_fit_options, accuracy, "accuracy", PEEK_ACCURACY_BALANCED, "fast|balanced|exact",
        "work on a sketch of the data first: and little more, then until the stop rule holds, or not at all"),
    PEEK_TEXT(peek_fit_options, init, "init", "uniform", "uniform|nndsvd|DIR",
              "start: random, from singular vectors, or the matrices of a rank-K folder"),
    PEEK_INTEGER(peek_fit_options, seed, "seed", 0, 0, 0x1p53, "N", "seed of all that is random"),
};
PEEK_TABLE(fit_table, "fit", peek_fit_options, fit_rows);

const peek_option_table *peek_fit_option_table(void)
{
    return &fit_table;
}

void peek_fit_options_default(peek_fit_options *options)
{
    peek_options_default(&fit_table, options);
}

/* Below this share of ||X||^2 the objective's trace identity has cancelled too far: the residual is summed
 * itself. */
static const double direct_below = 1e-4;

/* With extrapolation the decrease swings from step to step and ends in a refused one: so many steps in a row
 * are looked at together. */
static const int64_t momentum_steps = 3;

typedef struct fit_work {
    peek_context *context;
    const peek_problem *problem;
    const peek_fit_options *options;
    int64_t k;
    double sample_scale;    /* F' = sample_scale F */
    double data_scale;      /* s = sample_scale^2, a power of 4 */
    double *weights;        /* alpha_b with --scale in it */
    double *multipliers;    /* m_b = s sqrt(alpha_b) */
    double *loading_scales; /* W'_b = loading_scales_b W_b */
    double square;          /* sum_b ||m_b X_b||^2 */
    double begin;           /* when the fit began, in peek__seconds() */
    peek__sketch sketch;    /* width 0: none */
} fit_work;

/* The scaled problem: one power of four for all blocks, so that its root mean square lies in [0.5, 2); weights
 * go into the blocks. */
static peek_status scale_problem(fit_work *work)
{
    const peek_problem *problem = work->problem;
    peek_context *context = work->context;
    PEEK_TRY(peek__alloc(context, &work->weights, problem->count, "a fit"));
    PEEK_TRY(peek__alloc(context, &work->multipliers, problem->count, "a fit"));
    PEEK_TRY(peek__alloc(context, &work->loading_scales, problem->count, "a fit"));
    double square = 0;
    for (int64_t b = 0; b < problem->count; b++) {
        double unit = work->options->scale == PEEK_SCALE_NORM ? problem->blocks[b].square
                      : work->options->scale == PEEK_SCALE_MAX
                          ? problem->blocks[b].largest * problem->blocks[b].largest
                          : 1;
        work->weights[b] = problem->weights[b] / (unit > 0 ? unit : 1);
        square += work->weights[b] * problem->blocks[b].square;
    }
    double mean = sqrt(square / ((double)problem->rows * (double)problem->columns));
    int exponent = mean > 0 ? -(int)lround(log2(mean) / 2) : 0;
    work->sample_scale = ldexp(1, exponent);
    work->data_scale = ldexp(1, 2 * exponent);
    work->square = square * work->data_scale * work->data_scale;
    for (int64_t b = 0; b < problem->count; b++) {
        double root = sqrt(work->weights[b]), multiplier = work->data_scale * root;
        if (!(multiplier > 1e-35 && multiplier < 1e35) || problem->blocks[b].largest > 1e35)
            return peek__fail(context, PEEK_E_VALUE,
                              "the values of block '%s' (largest: %g) are too large, too small or too unequal "
                              "for single precision: "
                              "multiply the data so that typical values are near 1",
                              problem->blocks[b].name, problem->blocks[b].largest);
        work->multipliers[b] = multiplier;
        work->loading_scales[b] = work->sample_scale * root;
    }
    return PEEK_OK;
}

/* Whether --init names matrices to start from. */
static int from_files(const peek_fit_options *options)
{
    return options->init && strcmp(options->init, "uniform") != 0 && strcmp(options->init, "nndsvd") != 0;
}

static peek_status start(const fit_work *work, uint64_t seed, peek_model *model)
{
    const char *init = work->options->init;
    if (!init || strcmp(init, "uniform") == 0)
        return peek__start_uniform(work->context, work->problem, work->k, seed, model->samples,
                                   model->loadings);
    if (strcmp(init, "nndsvd") == 0)
        return peek__start_nndsvd(work->context, work->problem, work->multipliers, work->k, seed,
                                  work->options->rule == PEEK__RULE_MU, model->samples, model->loadings);
    return peek__start_read(work->context, work->problem, work->k, init, work->sample_scale,
                            work->loading_scales, model->samples, model->loadings);
}

/* Whether the objective fell by less than the tolerance in each of the last `steps` iterations, on average. */
static int settled(const fit_work *work, const double *objective, int64_t last, int64_t steps)
{
    if (last < steps || work->options->tolerance <= 0) return 0;
    double before = objective[last - steps];
    return before - objective[last] <= (double)steps * work->options->tolerance * before;
}

/* One fit under way. */
typedef struct fit_course {
    peek__pass pass;
    peek__extrapolation extrapolation;
    int64_t accepted; /* steps in a row that were not refused */
    double first_gradient;
    const char *stop; /* why it ended, or NULL */
} fit_course;

/* The objective of the iterate after iteration i, from the trace identity; an extrapolated step that made it
 * rise is taken back. */
static peek_status judge_step(const fit_work *work, fit_course *course, double *objective, int64_t i)
{
    peek__pass *pass = &course->pass;
    objective[i] = work->square - 2 * pass->explained + pass->model;
    if (!isfinite(objective[i]))
        return peek__fail(work->context, PEEK_E_NUMERIC,
                          "the objective is no longer finite at iteration %lld of rank %lld", (long long)i + 1,
                          (long long)work->k);
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
static int arrived(const fit_work *work, const fit_course *course, const double *objective, int64_t i,
                   int64_t steps)
{
    return (course->accepted >= steps && settled(work, objective, i, steps)) ||
           settled(work, objective, i, 4 * momentum_steps);
}

/* Whether to stop after iteration i. */
static peek_status consider(const fit_work *work, fit_course *course, double *objective, int64_t i)
{
    const peek_fit_options *options = work->options;
    peek__pass *pass = &course->pass;
    int64_t steps = pass->rule->extrapolated ? momentum_steps : 1;
    if (pass->sketch) { /* an estimate: good for coming close, and no further than it can be trusted */
        int close = objective[i] < direct_below * work->square;
        if (close || arrived(work, course, objective, i, steps)) course->stop = "tolerance";
    } else if (pass->direct) { /* the residual of the iterate before is known only now */
        if (i > 0) objective[i - 1] = pass->residual;
        if (i > 0 && (pass->residual == 0 || settled(work, objective, i - 1, 1))) course->stop = "tolerance";
    } else if (objective[i] < direct_below * work->square) {
        pass->direct = 1;
        PEEK_TRY(peek__pass_settle(pass));
    } else if (arrived(work, course, objective, i, steps)) {
        course->stop = "tolerance";
    }
    if (i == 0) course->first_gradient = pass->gradient;
    if (options->kkt > 0 && pass->gradient <= options->kkt * options->kkt * course->first_gradient)
        course->stop = "kkt";
    if (options->time_limit > 0 && peek__seconds() - work->begin > options->time_limit) course->stop = "time";
    return PEEK_OK;
}

/* A sketch pays where the problem is large; less than this is done at once. */
static const double sketch_above = 1e6;

/* Iterations on the data after the sketch with `fast`. */
static const int64_t fast_iterations = 2;

/* Iterates until a stop rule holds, on the data or on a sketch of it. objective[i] is that of the scaled
 * problem after iteration i; the last may be missing and is filled in when the model is judged. */
static peek_status iterate(const fit_work *work, const peek__sketch *sketch, int64_t most, peek_model *model,
                           double *objective, int64_t *iterations, int64_t steps_before)
{
    fit_course course = {.pass = {.context = work->context,
                                  .problem = work->problem,
                                  .rule = peek__rule_at(work->options->rule),
                                  .k = work->k,
                                  .multipliers = work->multipliers,
                                  .sketch = sketch,
                                  .samples = model->samples,
                                  .loadings = model->loadings,
                                  .stationarity = work->options->kkt > 0},
                         .extrapolation = peek__extrapolation_start()};
    peek_status status = peek__pass_prepare(&course.pass);
    for (int64_t i = 0; status == PEEK_OK && !course.stop && i < most; i++) {
        course.pass.momentum = course.pass.direct ? 0 : (float)course.extrapolation.beta;
        status = peek__pass_run(&course.pass);
        if (status == PEEK_OK) status = judge_step(work, &course, objective, i);
        if (status == PEEK_OK) status = consider(work, &course, objective, i);
        if (status == PEEK_OK) status = peek__step(work->context, steps_before + i + 1);
        *iterations = i + 1;
    }
    if (status == PEEK_OK) status = peek__pass_settle(&course.pass);
    model->stop = course.stop ? course.stop : "iterations";
    peek__pass_clear(&course.pass);
    return status;
}

/* Brings the start close on the sketch. Its objective is an estimate and is not reported; what comes after on
 * the data itself is. */
static peek_status approach(const fit_work *work, peek_model *model, int64_t steps_before)
{
    double *objective;
    PEEK_TRY(peek__alloc(work->context, &objective, work->options->iterations, "a fit"));
    peek_status status = iterate(work, &work->sketch, work->options->iterations, model, objective,
                                 &model->sketch_iterations, steps_before);
    peek__free(&objective);
    return status;
}

static void unscale(const fit_work *work, peek_model *model)
{
    for (int64_t i = 0; i < model->rows * work->k; i++)
        model->samples[i] = (float)(model->samples[i] / work->sample_scale);
    float *w = model->loadings;
    for (int64_t b = 0; b < work->problem->count; b++) {
        int64_t size = work->problem->blocks[b].columns * work->k;
        for (int64_t i = 0; i < size; i++) w[i] = (float)(w[i] / work->loading_scales[b]);
        w += size;
    }
    for (int64_t i = 0; i < model->iterations; i++) model->objective[i] /= work->data_scale * work->data_scale;
}

static peek_status fit_once(const fit_work *work, int64_t number, peek_model **out)
{
    PEEK_TRY(peek__model_create(work->context, work->problem, work->k, work->options->iterations, out));
    peek_model *model = *out;
    const peek__rule *rule = peek__rule_at(work->options->rule);
    model->rule = rule->name;
    model->citation = rule->citation;
    model->seed = work->options->seed + number;
    model->sketch_width = work->sketch.width;
    PEEK_TRY(start(work, (uint64_t)model->seed, model));
    int64_t steps = number * work->options->iterations;
    if (work->sketch.width) PEEK_TRY(approach(work, model, steps));
    int fast = work->sketch.width && work->options->accuracy == PEEK_ACCURACY_FAST;
    int64_t most =
        fast && work->options->iterations > fast_iterations ? fast_iterations : work->options->iterations;
    PEEK_TRY(iterate(work, NULL, most, model, model->objective, &model->iterations, steps));
    unscale(work, model);
    return peek__model_judge(work->context, model, work->problem, work->weights);
}

/* Makes the sketch of all starts, where one is wanted and pays. */
static peek_status sketch(fit_work *work)
{
    const peek_fit_options *options = work->options;
    const peek_problem *problem = work->problem;
    const peek__rule *rule = peek__rule_at(options->rule);
    if (options->accuracy == PEEK_ACCURACY_FAST && !rule->sketched)
        return peek__fail(
            work->context, PEEK_E_ARGUMENT,
            "--accuracy fast works on a sketch, whose numerators can be negative, and --rule %s needs them "
            "non-negative: choose --rule hals or another accuracy",
            rule->name);
    int64_t width = peek__sketch_width(problem, work->k);
    if (options->accuracy == PEEK_ACCURACY_EXACT || !rule->sketched || from_files(options) || !width)
        return PEEK_OK;
    if ((double)problem->rows * (double)problem->columns < sketch_above || work->square == 0) return PEEK_OK;
    return peek__sketch_make(work->context, problem, work->multipliers, width, (uint64_t)options->seed,
                             &work->sketch);
}

static peek_status fit_all(fit_work *work, peek_model **out)
{
    peek__start_record *starts;
    int64_t count = work->options->restarts;
    char *text;
    work->begin = peek__seconds();
    PEEK_TRY(peek__format(work->context, &text, "factorising, rank %lld", (long long)work->k));
    peek__stage(work->context, "fit", peek__keep_text(work->context, 0, text),
                count * work->options->iterations);
    peek__free(&text);
    PEEK_TRY(scale_problem(work));
    PEEK_TRY(sketch(work));
    PEEK_TRY(peek__alloc(work->context, &starts, count, "a fit"));
    peek_status status = PEEK_OK;
    for (int64_t i = 0; status == PEEK_OK && i < count; i++) {
        peek_model *model = NULL;
        status = fit_once(work, i, &model);
        if (status == PEEK_OK)
            starts[i] = (peek__start_record){model->seed, model->iterations,
                                             model->objective[model->iterations - 1], model->relative_error};
        if (status == PEEK_OK && (!*out || starts[i].objective < (*out)->objective[(*out)->iterations - 1])) {
            peek_model *worse = *out;
            *out = model;
            model = worse;
        }
        peek_model_free(&model);
    }
    if (status == PEEK_OK) {
        (*out)->seconds = peek__seconds() - work->begin;
        (*out)->starts = starts;
        (*out)->start_count = count;
        starts = NULL;
        (*out)->options = peek__options_json(&fit_table, work->options);
        if (!(*out)->options)
            status = peek__fail(work->context, PEEK_E_MEMORY, "not enough memory for the options");
        if (status == PEEK_OK) status = peek__step(work->context, count * work->options->iterations);
    }
    peek__free(&starts);
    return status;
}

peek_status peek_fit(peek_context *context, const peek_problem *problem, const peek_fit_options *options,
                     peek_model **out)
{
    *out = NULL;
    PEEK_TRY(peek_options_check(context, &fit_table, options));
    PEEK_TRY(peek_problem_check_rank(context, problem, options->rank));
    fit_work work = {.context = context, .problem = problem, .options = options, .k = options->rank};
    peek_status status = fit_all(&work, out);
    if (status != PEEK_OK) peek_model_free(out);
    peek__sketch_clear(&work.sketch);
    peek__free(&work.weights);
    peek__free(&work.multipliers);
    peek__free(&work.loading_scales);
    return status;
}
