/* factor/fit.c: what a caller can ask for: options, one model, a sweep of models. */
#include "base/options.h"
#include "factor/sweep_work.h"

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
    PEEK_REAL(peek_fit_options, l1_samples, "l1-samples", 0, 0, 1e9, "X",
              "penalty on the sum of the sample matrix, which makes it sparse"),
    PEEK_REAL(peek_fit_options, l1_loadings, "l1-loadings", 0, 0, 1e9, "X",
              "penalty on the sum of the loadings, which makes them sparse"),
    PEEK_REAL(peek_fit_options, l2_samples, "l2-samples", 0, 0, 1e9, "X",
              "penalty on the squares of the sample matrix"),
    PEEK_REAL(peek_fit_options, l2_loadings, "l2-loadings", 0, 0, 1e9, "X",
              "penalty on the squares of the loadings"),
    PEEK_TEXT(peek_fit_options, init, "init", "uniform", "uniform|nndsvd|DIR",
              "start: random, from singular vectors, or the matrices of a rank-K folder"),
    PEEK_INTEGER(peek_fit_options, seed, "seed", 0, 0, 0x1p53, "N", "seed of all that is random"),
    PEEK_TEXT(peek_fit_options, checkpoint, "checkpoint", NULL, "FILE",
              "written while models are under way, to resume from"),
    PEEK_REAL(peek_fit_options, checkpoint_every, "checkpoint-every", 20, 0, 1e9, "SECONDS",
              "how often what is under way is kept for --resume; 0: after every iteration"),
    PEEK_FLAG(peek_fit_options, resume, "resume", 0,
              "go on with a fit that was stopped, and keep its finished models"),
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

cJSON *peek__fit_options_json(const peek_fit_options *options)
{
    static const char *const aside[] = {"checkpoint", "checkpoint_every", "resume"};
    cJSON *json = peek__options_json(&fit_table, options);
    for (int i = 0; json && i < 3; i++) cJSON_DeleteItemFromObject(json, aside[i]);
    return json;
}

peek_status peek_sweep_digest(peek_context *context, const peek_problem *problem,
                              const peek_fit_options *options, int64_t count, const int64_t *ranks,
                              char digest[17])
{
    return peek__sweep_digest(context, problem, options, count, ranks, digest);
}

/* A penalty on one matrix alone can be evaded: F -> a F, W -> W / a changes nothing else. */
static peek_status check_penalties(peek_context *context, const peek_fit_options *options)
{
    int samples = options->l1_samples > 0 || options->l2_samples > 0;
    int loadings = options->l1_loadings > 0 || options->l2_loadings > 0;
    if (samples == loadings) return PEEK_OK;
    return peek__fail(context, PEEK_E_ARGUMENT,
                      "a penalty on the %s alone has no effect, since the %s can grow instead: give --l1-%s or "
                      "--l2-%s too",
                      samples ? "sample matrix" : "loadings", samples ? "loadings" : "sample matrix",
                      samples ? "loadings" : "samples", samples ? "loadings" : "samples");
}

peek_status peek_sweep(peek_context *context, const peek_problem *problem, const peek_fit_options *options,
                       int64_t count, const int64_t *ranks, peek_model_fn take, void *user)
{
    peek__fit fit;
    PEEK_TRY(peek_options_check(context, &fit_table, options));
    PEEK_TRY(check_penalties(context, options));
    if (count < 1 || !take)
        return peek__fail(context, PEEK_E_ARGUMENT, "a sweep needs ranks and a taker of models");
    for (int64_t i = 0; i < count; i++) PEEK_TRY(peek_problem_check_rank(context, problem, ranks[i]));
    peek_status status = peek__fit_prepare(context, problem, options, NULL, &fit);
    if (status == PEEK_OK) status = peek__sweep(&fit, count, ranks, take, user);
    peek__fit_clear(&fit);
    return status;
}

static peek_status keep(peek_model *model, void *user)
{
    *(peek_model **)user = model;
    return PEEK_OK;
}

peek_status peek_fit(peek_context *context, const peek_problem *problem, const peek_fit_options *options,
                     peek_model **out)
{
    *out = NULL;
    peek_status status = peek_sweep(context, problem, options, 1, &options->rank, keep, out);
    if (status != PEEK_OK) peek_model_free(out);
    return status;
}
