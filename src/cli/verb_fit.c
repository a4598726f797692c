/* cli/verb_fit.c: nnpeek fit */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { RANKS = 1000 };

typedef struct fit_flags {
    size_t size;
    const char *output, *ranks, *weight;
    int64_t negatives, fixed;
} fit_flags;

static const peek_option rows[] = {
    CLI_TEXT(fit_flags, output, "output", "DIR", "folder for the models, one rank-K folder each (required)"),
    CLI_TEXT(fit_flags, ranks, "ranks", "SPEC", "numbers of components: 20 or 10,20,50 or 10:50:10 (required)"),
    {.name = "signed",
     .type = PEEK_OPTION_CHOICE,
     .offset = offsetof(fit_flags, negatives),
     .choices = "refuse|split|positive|shift",
     .placeholder = "NAME",
     .help = "what to do with negative values: split a block into its positive and negative part, keep the "
             "positive part, or add "
             "a constant"},
    {.name = "fixed",
     .type = PEEK_OPTION_CHOICE,
     .offset = offsetof(fit_flags, fixed),
     .choices = "none|samples|loadings",
     .placeholder = "NAME",
     .help = "with --init DIR: keep this matrix of a model and find the other one exactly, for new blocks or "
             "new samples; --ranks may then be left out"},
    CLI_TEXT(fit_flags, weight, "weight", "BLOCK=X",
             "weight of a block in the objective; may be given several times"),
};
CLI_TABLE(table, "fit", fit_flags, rows);

static peek_status set_weights(cli_call *call, peek_problem *problem)
{
    const char *values[CLI_VALUES];
    int64_t count = cli_values(call, "weight", values);
    for (int64_t i = 0; i < count; i++) {
        const char *value = values[i], *sign = strrchr(value, '=');
        char *end = NULL, name[1024];
        double weight = sign ? strtod(sign + 1, &end) : 0;
        if (!sign || sign == value || end == sign + 1 || *end)
            return cli_wrong(call, "--weight is '%s', but must be BLOCK=X, as in --weight relu1=0.5", value);
        snprintf(name, sizeof name, "%.*s", (int)(sign - value), value);
        peek_status status = peek_problem_set_weight(call->context, problem, name, weight);
        if (status != PEEK_OK) return status;
    }
    return PEEK_OK;
}

/* A folder is a capture, or a run that holds one; all else is a file. */
static peek_status add_blocks(cli_call *call, peek_problem *problem, peek_signed negatives)
{
    for (int i = 0; i < call->positionals; i++) {
        const char *path = call->positional[i];
        char manifest[4096], inner[4096];
        snprintf(manifest, sizeof manifest, "%s/manifest.json", path);
        snprintf(inner, sizeof inner, "%s/capture", path);
        size_t length = strlen(path);
        int array = length > 4 && strcmp(path + length - 4, ".npy") == 0;
        peek_status status;
        if (array)
            status = peek_problem_add_file(call->context, problem, path, negatives);
        else if (access(manifest, F_OK) != 0 && access(inner, F_OK) == 0)
            status = peek_problem_add_capture(call->context, problem, inner, negatives);
        else if (access(path, F_OK) != 0)
            status = cli_wrong(call, "%s does not exist: give .npy files or the folder of a capture", path);
        else if (access(manifest, F_OK) != 0)
            status = cli_wrong(
                call, "%s is neither an .npy file nor the folder of a capture (it has no manifest.json)", path);
        else
            status = peek_problem_add_capture(call->context, problem, path, negatives);
        if (status != PEEK_OK) return status;
    }
    return PEEK_OK;
}

/* A line of the table, and its head before the first. */
static void tell(cli_call *call, const peek_problem *problem, const peek_model_info *model, const char *folder)
{
    peek_model_info info = *model;
    cJSON *models = cJSON_GetObjectItem(call->result, "models"), *entry = cJSON_CreateObject();
    if (!models || !models->child) {
        cli_say(call, "%lld blocks, %lld samples, %lld columns\n", (long long)peek_problem_blocks(problem),
                (long long)peek_problem_samples(problem), (long long)peek_problem_columns(problem));
        cli_say(call, "%6s  %12s  %14s  %10s  %-10s %8s\n", "rank", "RMSE", "relative error", "iterations",
                "stop", "seconds");
    }
    cli_say(call, "%6lld  %12.6g  %14.4f  %10lld  %-10s %8.2f\n", (long long)info.rank, info.rmse,
            info.relative_error, (long long)info.iterations, info.stop, info.seconds);
    cJSON_AddNumberToObject(entry, "rank", (double)info.rank);
    cJSON_AddNumberToObject(entry, "rmse", info.rmse);
    cJSON_AddNumberToObject(entry, "relative_error", info.relative_error);
    cJSON_AddNumberToObject(entry, "iterations", (double)info.iterations);
    cJSON_AddStringToObject(entry, "stop", info.stop);
    cJSON_AddNumberToObject(entry, "seconds", info.seconds);
    cJSON_AddStringToObject(entry, "folder", folder);
    cJSON_AddItemToArray(models, entry);
}

/* Where finished models go. */
typedef struct finish {
    cli_call *call;
    const peek_problem *problem;
    const char *output;
    int64_t ranks[RANKS], count;
    int told[RANKS]; /* 1: of this rank */
} finish;

static void place_of(const finish *to, int64_t rank, char *out, size_t size)
{
    snprintf(out, size, "%s/rank-%lld", to->output, (long long)rank);
}

static peek_status save(peek_model *model, void *user)
{
    finish *to = user;
    char folder[4096];
    peek_model_info info = peek_model_describe(model);
    place_of(to, info.rank, folder, sizeof folder);
    peek_status status = peek_model_save(to->call->context, model, folder);
    if (status == PEEK_OK) tell(to->call, to->problem, &info, folder);
    for (int64_t i = 0; i < to->count; i++) to->told[i] |= to->ranks[i] == info.rank;
    peek_model_free(&model);
    return status;
}

/* Reads the model that --init names: a rank-K folder, or one of this rank inside of it. */
static peek_status load(cli_call *call, const char *init, int64_t rank, peek_model **model)
{
    char inner[4096];
    snprintf(inner, sizeof inner, "%s/rank-%lld", init, (long long)rank);
    if (strcmp(init, "uniform") == 0 || strcmp(init, "nndsvd") == 0)
        return cli_wrong(call, "--fixed needs a model: give its rank-K folder, as in --init fit/rank-20");
    peek_status status = peek_model_load(call->context, rank && access(inner, F_OK) == 0 ? inner : init, model);
    if (status == PEEK_OK && rank && peek_model_describe(*model).rank != rank)
        return cli_wrong(call, "--ranks is %lld, but the model in %s has rank %lld", (long long)rank, init,
                         (long long)peek_model_describe(*model).rank);
    return status;
}

static peek_status fit_fixed(finish *to, const fit_flags *flags, const char *init, int64_t rank)
{
    peek_model *model = NULL, *found = NULL;
    peek_status status = load(to->call, init, rank, &model);
    if (status == PEEK_OK)
        status = peek_transform(to->call->context, to->problem, model, (peek_fixed)flags->fixed, &found);
    peek_model_free(&model);
    return status == PEEK_OK ? save(found, to) : status;
}

/* *there: the model of a rank is there, of the same data and options. */
static peek_status look_for(const finish *to, int64_t rank, const char *digest, int *there)
{
    char path[4200], folder[4096];
    cJSON *json = NULL;
    *there = 0;
    place_of(to, rank, folder, sizeof folder);
    snprintf(path, sizeof path, "%s/fit.json", folder);
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) return PEEK_OK;
    peek_status status = cli_read_json(to->call, folder, "fit.json", &json);
    if (status != PEEK_OK) return status;
    const char *made_from = cJSON_GetStringValue(cJSON_GetObjectItem(json, "made_from"));
    *there = made_from && strcmp(made_from, digest) == 0;
    cJSON_Delete(json);
    return PEEK_OK;
}

static peek_status look_for_all(const finish *to, const char *digest, int *all)
{
    peek_status status = PEEK_OK;
    *all = 1;
    for (int64_t i = 0; status == PEEK_OK && *all && i < to->count; i++)
        status = look_for(to, to->ranks[i], digest, all);
    return status;
}

/* Tells of models that an earlier call has finished. */
static peek_status tell_earlier(finish *to, const char *digest)
{
    for (int64_t i = 0; i < to->count; i++) {
        char folder[4096];
        peek_model *model = NULL;
        int there;
        if (to->told[i]) continue;
        place_of(to, to->ranks[i], folder, sizeof folder);
        peek_status status = look_for(to, to->ranks[i], digest, &there);
        if (status != PEEK_OK) return status;
        if (!there)
            return cli_wrong(to->call,
                             "%s is not the model that this fit had finished there: it was moved, or another "
                             "fit took its place; fit again without --resume",
                             folder);
        status = peek_model_load(to->call->context, folder, &model);
        if (status != PEEK_OK) return status;
        peek_model_info info = peek_model_describe(model);
        tell(to->call, to->problem, &info, folder);
        peek_model_free(&model);
    }
    return PEEK_OK;
}

static peek_status fit_ranks(finish *to, const peek_fit_options *options)
{
    peek_context *context = to->call->context;
    char digest[17], checkpoint[4096];
    peek_fit_options all = *options;
    snprintf(checkpoint, sizeof checkpoint, "%s/fit.checkpoint", to->output);
    all.checkpoint = checkpoint;
    peek_status status = peek_sweep_digest(context, to->problem, options, to->count, to->ranks, digest);
    int there = 0;
    if (status == PEEK_OK && options->resume && access(checkpoint, F_OK) != 0)
        status = look_for_all(to, digest, &there);
    if (status == PEEK_OK && there)
        cli_say(to->call, "the models are there already, made from the same: nothing to do\n");
    if (status == PEEK_OK && !there)
        status = peek_sweep(context, to->problem, &all, to->count, to->ranks, save, to);
    return status == PEEK_OK ? tell_earlier(to, digest) : status;
}

static peek_status run(cli_call *call, const fit_flags *flags, const peek_fit_options *options,
                       peek_problem *problem)
{
    finish to = {.call = call, .problem = problem, .output = flags->output};
    if (!flags->ranks && !flags->fixed)
        return cli_wrong(call, "--ranks is missing: say how many components, as in --ranks 10:50:10");
    if (flags->fixed && options->resume)
        return cli_wrong(call,
                         "--resume goes with fits that take long, but --fixed is done at once: leave it out");
    if (!flags->output) return cli_wrong(call, "-o is missing: say where the models go, as in -o fit");
    peek_status status = PEEK_OK;
    if (flags->ranks) status = peek_parse_ranks(call->context, flags->ranks, to.ranks, RANKS, &to.count);
    if (status == PEEK_OK && flags->fixed && to.count > 1)
        return cli_wrong(call, "--fixed goes with one model, but --ranks names %lld", (long long)to.count);
    if (status == PEEK_OK) status = add_blocks(call, problem, (peek_signed)flags->negatives);
    if (status == PEEK_OK) status = set_weights(call, problem);
    if (status == PEEK_OK && !flags->fixed)
        status = peek_problem_check_rank(call->context, problem, to.ranks[to.count - 1]);
    if (status == PEEK_OK) status = cli_make_folder(call, flags->output);
    if (status != PEEK_OK) return status;
    call->result = cJSON_CreateObject();
    cJSON_AddStringToObject(call->result, "output", flags->output);
    cJSON_AddNumberToObject(call->result, "samples", (double)peek_problem_samples(problem));
    cJSON_AddArrayToObject(call->result, "models");
    status = flags->fixed ? fit_fixed(&to, flags, options->init, to.count ? to.ranks[0] : 0)
                          : fit_ranks(&to, options);
    if (status == PEEK_OK) cli_say(call, "models are in %s\n", flags->output);
    return status;
}

int cli_fit(int argc, char **argv)
{
    fit_flags flags;
    peek_fit_options options;
    cli_call call = {
        .verb = "fit",
        .arguments = "BLOCKS...",
        .about = "Factorises blocks jointly: X_b is approximated by F W_b^T with one non-negative sample "
                 "matrix F for all blocks. "
                 "BLOCKS is the folder of a capture or any number of .npy files with one sample a row. A fit "
                 "that was stopped goes "
                 "on with --resume, from DIR/fit.checkpoint.",
        .examples = "Examples:\n"
                    "  nnpeek fit run/capture --ranks 10:50:10 -o run/fit\n"
                    "  nnpeek fit pixels.npy layer1.npy layer2.npy --ranks 20 -o fit\n"
                    "  nnpeek fit run/capture --ranks 10:50:10 -o run/fit --resume     # after a stop\n"
                    "  nnpeek fit new/capture --init fit/rank-20 --fixed loadings -o new/fit\n"
                    "  nnpeek fit a.npy b.npy --ranks 5 --rule mu --iterations 200 --tolerance 0 -o fit\n",
        .sets = {{&table, &flags, NULL}, {peek_fit_option_table(), &options, ",rank,checkpoint,"}},
        .least = 1,
        .most = CLI_VALUES,
    };
    int status = cli_begin(&call, argc, argv);
    if (status != CLI_DONE) return status;
    peek_problem *problem = NULL;
    peek_status result = peek_problem_create(call.context, &problem);
    if (result == PEEK_OK) result = run(&call, &flags, &options, problem);
    peek_problem_free(&problem);
    return cli_end(&call, result);
}
