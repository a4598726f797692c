/* factor/transform.c: one of the two matrices from the other, which stays: exact non-negative least squares.
 *
 * It is half an iteration by the rule bpp, so everything comes from the same G and R as in a fit. */
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "factor/course.h"

typedef struct transform {
    peek_context *context;
    const peek_problem *problem;
    const peek_model *model;
    peek_fixed fixed;
    peek_fit_options options;
    peek__fit fit;
    int64_t *source; /* a block of the problem: its number in the model, or -1 */
    double *alphas;
} transform;

/* Finds the problem's blocks among the model's. */
static peek_status match(transform *work)
{
    const peek_problem *problem = work->problem;
    const peek_model *model = work->model;
    if (work->fixed == PEEK_FIXED_SAMPLES && problem->rows != model->rows)
        return peek__fail(work->context, PEEK_E_SHAPE,
                          "the blocks have %lld samples, but the sample matrix that stays has %lld",
                          (long long)problem->rows, (long long)model->rows);
    if (work->fixed == PEEK_FIXED_SAMPLES) return PEEK_OK;
    PEEK_TRY(peek__alloc(work->context, &work->source, problem->count, "a transform"));
    PEEK_TRY(peek__alloc(work->context, &work->alphas, problem->count, "a transform"));
    for (int64_t b = 0; b < problem->count; b++) {
        const peek__block *block = &problem->blocks[b];
        int64_t found = 0;
        while (found < model->blocks && strcmp(model->block[found].name, block->name) != 0) found++;
        if (found == model->blocks)
            return peek__fail(work->context, PEEK_E_NOT_FOUND,
                              "block '%s' has no loadings in the model: its blocks are '%s'%s", block->name,
                              model->block[0].name, model->blocks > 1 ? " and others" : "");
        if (model->block[found].columns != block->columns)
            return peek__fail(work->context, PEEK_E_SHAPE,
                              "block '%s' has %lld columns, but the model's has %lld", block->name,
                              (long long)block->columns, (long long)model->block[found].columns);
        work->source[b] = found;
        work->alphas[b] = model->alphas[found];
    }
    return PEEK_OK;
}

/* out <- the matrix that stays; then times its scale, where there is one. */
static void copy_fixed(const transform *work, peek_model *out, int scaled)
{
    const peek__scaling *scaling = &work->fit.scaling;
    int64_t k = out->rank;
    if (work->fixed == PEEK_FIXED_SAMPLES) {
        for (int64_t i = 0; i < out->rows * k; i++)
            out->samples[i] = (float)(work->model->samples[i] * (scaled ? scaling->sample_scale : 1));
        return;
    }
    float *to = out->loadings;
    for (int64_t b = 0; b < out->blocks; b++) {
        const float *from = peek_model_loadings(work->model, work->source[b]);
        double scale = scaled ? scaling->loading_scales[b] : 1;
        for (int64_t i = 0; i < out->block[b].columns * k; i++) to[i] = (float)(from[i] * scale);
        to += out->block[b].columns * k;
    }
}

static peek_status run(transform *work, peek_model *out)
{
    peek__fit *fit = &work->fit;
    double begin = peek__seconds();
    peek__pass pass = {.context = work->context,
                       .problem = work->problem,
                       .reader = &fit->reader,
                       .rule = fit->rule,
                       .k = out->rank,
                       .rows = out->rows,
                       .multipliers = fit->scaling.multipliers,
                       .samples = out->samples,
                       .loadings = out->loadings,
                       .fixed = work->fixed == PEEK_FIXED_SAMPLES ? PEEK__FIXED_SAMPLES : PEEK__FIXED_LOADINGS};
    peek__pass *one = &pass;
    copy_fixed(work, out, 1);
    peek_status status = peek__pass_prepare(&pass);
    if (status == PEEK_OK) status = peek__pass_run(&one, 1);
    peek__pass_clear(&pass);
    if (status != PEEK_OK) return status;
    out->rule = fit->rule->name;
    out->citation = fit->rule->citation;
    out->stop = "exact";
    out->iterations = out->sweep_models = 1;
    peek__course_unscale(fit, out);
    copy_fixed(work, out, 0); /* to the last bit */
    out->seconds = out->times[0] = peek__seconds() - begin;
    PEEK_TRY(peek__model_judge(work->context, out, work->problem));
    out->options = peek__fit_options_json(&work->options);
    return out->options ? PEEK_OK
                        : peek__fail(work->context, PEEK_E_MEMORY, "not enough memory for the options");
}

static peek_status transform_all(transform *work, peek_model **out)
{
    PEEK_TRY(match(work));
    PEEK_TRY(peek__fit_prepare(work->context, work->problem, &work->options, work->alphas, &work->fit));
    PEEK_TRY(
        peek__model_create(work->context, work->problem, work->fit.scaling.weights, work->model->rank, 1, out));
    return run(work, *out);
}

peek_status peek_transform(peek_context *context, const peek_problem *problem, const peek_model *model,
                           peek_fixed fixed, peek_model **out)
{
    *out = NULL;
    if (!model || !problem || problem->count == 0 || fixed == PEEK_FIXED_NONE)
        return peek__fail(context, PEEK_E_ARGUMENT, "a transform needs a model, blocks, and what stays fixed");
    transform work = {.context = context, .problem = problem, .model = model, .fixed = fixed};
    peek_fit_options_default(&work.options);
    work.options.rule = PEEK__RULE_BPP;
    work.options.rank = model->rank;
    work.options.iterations = 1;
    work.options.accuracy = PEEK_ACCURACY_EXACT;
    peek__stage(context, "fit", "fitting one matrix to the other", 1);
    peek_status status = transform_all(&work, out);
    if (status == PEEK_OK) status = peek__step(context, 1);
    if (status != PEEK_OK) peek_model_free(out);
    peek__fit_clear(&work.fit);
    peek__free(&work.source);
    peek__free(&work.alphas);
    return status;
}
