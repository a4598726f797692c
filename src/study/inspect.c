/* study/inspect.c: the whole way: network and data, capture, joint fits, measures, report. */
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "nnpeek/measure.h"
#include "nnpeek/report.h"
#include "store/file.h"
#include "study/fit_folder.h"

enum { RANKS_MOST = 200 };

static const char default_ranks[] = "10:50:10";

static const peek_option inspect_rows[] = {
    PEEK_TEXT(peek_inspect_options, ranks, "ranks", default_ranks, "SPEC",
              "numbers of components: 20 or 10,20,50 or 10:50:10"),
    PEEK_TEXT(peek_inspect_options, layers, "layers", "auto", "LIST",
              "layers to look at: globs over tensor or node names, op:Relu, commas between; auto: after every "
              "activation function, in transformers after every block"),
    PEEK_INTEGER(peek_inspect_options, samples, "samples", 2000, 1, 1e9, "N",
                 "at most this many samples, a random choice"),
    PEEK_TEXT(peek_inspect_options, labels, "labels", NULL, "FILE",
              "labels for captions: an .npy of integers, or a name a line"),
    PEEK_TEXT(peek_inspect_options, preprocess, "preprocess", "auto", "SPEC",
              "what the network expects: none or zero-one, pixels (0 to 255), imagenet, mean=a,b,c,std=d,e,f; "
              "auto: what "
              "its file says, else a guess"),
    PEEK_TEXT(
        peek_inspect_options, reduce, "reduce", "auto", "SPEC",
        "auto: layers are averaged as far as --budget asks for; none, mean, max, grid:G for maps; none, mean, "
        "max, first for tokens"),
    PEEK_REAL(peek_inspect_options, budget, "budget", 0.5, 1e-6, 1e6, "GB",
              "with --reduce auto: gigabytes that all layers may take"),
    PEEK_CHOICE(peek_inspect_options, store, "store", PEEK_STORE_FLOAT32, "float32|pixels|float16|bfloat16",
                "how the capture's numbers are written; pixels: 8-bit pictures as bytes, exactly; float16, "
                "bfloat16: such pictures likewise, all else rounded to 16 bits"),
    PEEK_CHOICE(
        peek_inspect_options, measures, "measures", PEEK_MEASURES_AUTO, "auto|basic|all",
        "all: also stability, held-out errors and a rank, transmission, nulls, shifts, weights; auto: where "
        "that takes some ten seconds"),
    PEEK_TEXT(peek_inspect_options, data_dir, "data-dir", NULL, "DIR",
              "where named data sets are looked up first"),
    PEEK_INTEGER(peek_inspect_options, seed, "seed", 0, 0, 0x1p53, "N", "seed of all that is random"),
    PEEK_FLAG(peek_inspect_options, skip_broken, "skip-broken", 0,
              "leave out pictures of a folder that cannot be read, instead of failing"),
    PEEK_FLAG(peek_inspect_options, resume, "resume", 0,
              "go on with a run that was stopped or killed; what is finished and made from the same is kept"),
    PEEK_REAL(peek_inspect_options, checkpoint_every, "checkpoint-every", 20, 0, 1e6, "S",
              "seconds after which what is done is made safe, to resume from"),
};
PEEK_TABLE(inspect_table, "inspect", peek_inspect_options, inspect_rows);

const peek_option_table *peek_inspect_option_table(void)
{
    return &inspect_table;
}

void peek_inspect_options_default(peek_inspect_options *options)
{
    peek_options_default(&inspect_table, options);
}

typedef struct inspect_work {
    const peek_inspect_options *options;
    const char *network, *data;
    int64_t ranks[RANKS_MOST], rank_count;
    char *capture, *fit;
    double tensors; /* values of all tensors of the network for one sample */
    int64_t samples, columns;
} inspect_work;

/* The files by which the folders are known as nnpeek's own, which a new run replaces. */
static const char capture_mark[] = "manifest.json", fit_mark[] = "models.json";

/* Finds out before any long work whether the report can be written where it should go. */
static peek_status check_writable(peek_context *context, const char *path)
{
    peek__file file = {0};
    PEEK_TRY(peek__file_begin(context, &file, path));
    peek__file_abort(&file);
    return PEEK_OK;
}

static double values_of_tensors(peek_context *context, const peek_network *network)
{
    double sum = 0;
    int64_t count = peek_network_describe(network).tensors;
    for (int64_t i = 0; i < count; i++) {
        peek_tensor_info info;
        if (peek_network_tensor(context, network, i, &info) == PEEK_OK) sum += (double)info.size;
    }
    return sum;
}

static peek_status capture(peek_context *context, inspect_work *work)
{
    peek_network *network = NULL;
    peek_input *inputs = NULL;
    int64_t count = 0;
    peek_dataset_options data_options;
    peek_capture_options options;
    peek_dataset_options_default(&data_options);
    data_options.data_dir = work->options->data_dir;
    data_options.skip_broken = work->options->skip_broken;
    peek_capture_options_default(&options);
    options.layers = work->options->layers;
    options.samples = work->options->samples;
    options.preprocess = work->options->preprocess;
    options.reduce = work->options->reduce;
    options.budget = work->options->budget;
    options.store = work->options->store;
    options.seed = work->options->seed;
    options.resume = work->options->resume;
    options.checkpoint_every = work->options->checkpoint_every;
    peek_status status = peek_network_load(context, work->network, &network);
    if (status == PEEK_OK)
        status = peek_inputs_open(context, work->data, work->options->inputs, work->options->input,
                                  &data_options, work->options->labels, &inputs, &count);
    if (status == PEEK_OK)
        status = peek_capture_inputs(context, network, count, inputs, &options, work->capture);
    if (status == PEEK_OK) work->tensors = values_of_tensors(context, network);
    peek_inputs_free(&inputs, count);
    peek_network_free(&network);
    return status;
}

/* Ranks larger than the data are an error where the user asked for them; of the default ranks they are left
 * out. */
static peek_status fit_ranks(peek_context *context, inspect_work *work, const peek_problem *problem)
{
    int64_t samples = peek_problem_samples(problem), columns = peek_problem_columns(problem);
    int64_t most = samples < columns ? samples : columns;
    if (strcmp(work->options->ranks, default_ranks) != 0)
        return peek_problem_check_rank(context, problem, work->ranks[work->rank_count - 1]);
    if (work->ranks[work->rank_count - 1] <= most) return PEEK_OK;
    while (work->rank_count && work->ranks[work->rank_count - 1] > most) work->rank_count--;
    if (!work->rank_count) work->ranks[work->rank_count++] = most;
    peek__note(context, "ranks above %lld are left out: there are only %lld samples and %lld columns",
               (long long)most, (long long)samples, (long long)columns);
    return PEEK_OK;
}

/* Where finished models go. */
typedef struct finish {
    peek_context *context;
    const char *folder;
} finish;

static peek_status save(peek_model *model, void *user)
{
    const finish *to = user;
    char *place;
    peek_status status = peek__format(to->context, &place, "%s/rank-%lld", to->folder,
                                      (long long)peek_model_describe(model).rank);
    if (status == PEEK_OK) status = peek_model_save(to->context, model, place);
    peek__free(&place);
    peek_model_free(&model);
    return status;
}

/* All models in a new folder, with a list of them, so that models of an earlier run never stand among them. */
static peek_status fit_all(peek_context *context, const inspect_work *work, const peek_problem *problem)
{
    peek_fit_options options;
    peek__fit_folder folder;
    char digest[17];
    peek_fit_options_default(&options);
    options.seed = work->options->seed;
    PEEK_TRY(peek_sweep_digest(context, problem, &options, work->rank_count, work->ranks, digest));
    PEEK_TRY(peek__fit_folder_begin(context, work->fit, digest, work->rank_count, work->ranks,
                                    work->options->resume != 0, &folder));
    options.checkpoint = folder.checkpoint;
    options.checkpoint_every = work->options->checkpoint_every;
    options.resume = work->options->resume;
    finish to = {context, folder.partial.path};
    peek_status status = PEEK_OK;
    if (folder.whole)
        peek__note(context, "the models in '%s' are made from the same: they are kept", work->fit);
    else
        status = peek_sweep(context, problem, &options, work->rank_count, work->ranks, save, &to);
    if (status == PEEK_OK) status = peek__fit_folder_commit(context, &folder);
    peek__fit_folder_end(&folder);
    return status;
}

/* Says which layers became two blocks. */
static void tell_split(peek_context *context, const peek_problem *problem)
{
    peek_block_info block, first = {0};
    int64_t split = 0;
    for (int64_t b = 0; b + 1 < peek_problem_blocks(problem); b++) {
        peek_block_info next;
        if (peek_problem_block(context, problem, b, &block) != PEEK_OK ||
            peek_problem_block(context, problem, b + 1, &next) != PEEK_OK)
            return;
        size_t length = strlen(block.name);
        int half = length > 1 && block.name[length - 1] == '+' && strlen(next.name) == length &&
                   next.name[length - 1] == '-' && strncmp(block.name, next.name, length - 1) == 0;
        if (half && !split++) first = block;
    }
    if (split)
        peek__note(
            context,
            "'%.*s'%s negative values: the positive and the negative part become two blocks, NAME+ and NAME-",
            (int)strlen(first.name) - 1, first.name, split > 1 ? " and other layers hold" : " holds");
}

static peek_status fit(peek_context *context, inspect_work *work)
{
    peek_problem *problem = NULL;
    peek_status status = peek_problem_create(context, &problem);
    /* Negative values, as before a ReLU, become a second block: nothing is lost. */
    if (status == PEEK_OK)
        status = peek_problem_add_capture(context, problem, work->capture, PEEK_SIGNED_SPLIT);
    if (status == PEEK_OK) tell_split(context, problem);
    if (status == PEEK_OK) status = fit_ranks(context, work, problem);
    work->samples = status == PEEK_OK ? peek_problem_samples(problem) : 0;
    work->columns = status == PEEK_OK ? peek_problem_columns(problem) : 0;
    if (status == PEEK_OK) status = fit_all(context, work, problem);
    peek_problem_free(&problem);
    return status;
}

/* From how many samples the measures that take fits or the network can be had in some ten seconds; 0: not from
 * enough to mean something. Seconds a sample as seen on two cores: fits go by the columns of the problem, runs
 * of the network by the values that it computes. It depends on nothing but shapes, so that the same call gives
 * the same measures everywhere. */
static int64_t samples_measured(const inspect_work *work)
{
    static const double a_column = 2e-6, a_value = 6e-8, seconds = 12;
    peek_measure_options standard;
    peek_measure_options_default(&standard);
    double most = seconds / (a_column * (double)work->columns + a_value * work->tensors);
    int64_t samples = most < (double)standard.samples ? (int64_t)most : standard.samples;
    return samples >= PEEK_INSPECT_SAMPLES || samples >= work->samples ? samples : 0;
}

static peek_status measure(peek_context *context, const inspect_work *work, const char *run)
{
    peek_measure_options options;
    int64_t samples = samples_measured(work);
    peek_measure_options_default(&options);
    options.network = work->network;
    options.seed = work->options->seed;
    options.all = work->options->measures == PEEK_MEASURES_ALL ||
                  (work->options->measures == PEEK_MEASURES_AUTO && samples > 0);
    if (work->options->measures == PEEK_MEASURES_AUTO && samples) options.samples = samples;
    if (work->options->measures == PEEK_MEASURES_AUTO && !samples)
        peek__note(context,
                   "stability, held-out errors, nulls and what else takes fits or the network would take long "
                   "here and are left out: --measures all computes them, or later `nnpeek measure %s --all "
                   "--network %s`",
                   run, work->network);
    return peek_measure(context, run, &options);
}

static peek_status walk(peek_context *context, inspect_work *work, const char *run, const char *report)
{
    PEEK_TRY(peek_parse_ranks(context, work->options->ranks, work->ranks, RANKS_MOST, &work->rank_count));
    PEEK_TRY(peek__format(context, &work->capture, "%s/capture", run));
    PEEK_TRY(peek__format(context, &work->fit, "%s/fit", run));
    PEEK_TRY(peek__folder_check(context, work->capture, capture_mark));
    PEEK_TRY(peek__folder_check(context, work->fit, fit_mark));
    PEEK_TRY(capture(context, work));
    PEEK_TRY(fit(context, work));
    PEEK_TRY(measure(context, work, run));
    return peek_report(context, &run, 1, report);
}

peek_status peek_inspect(peek_context *context, const char *network, const char *data, const char *run,
                         const char *report, const peek_inspect_options *options)
{
    PEEK_TRY(peek_options_check(context, &inspect_table, options));
    if (!network || !(data || options->inputs) || !run || !report || !options->ranks)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "inspect needs a network, data, ranks, and places for the run and the report");
    int there, existed;
    PEEK_TRY(peek__find_folder(context, network, &there));
    if (there)
        return peek__fail(
            context, PEEK_E_ARGUMENT,
            "'%s' is a folder, but the network comes first: give it before the data, as in nnpeek "
            "inspect model.onnx %s",
            network, network);
    PEEK_TRY(peek__find_file(context, network, &there));
    if (!there)
        return peek__fail(context, PEEK_E_NOT_FOUND, "%s does not exist or is not a file: give an ONNX network",
                          network);
    inspect_work work = {.options = options, .network = network, .data = data};
    PEEK_TRY(peek__find_folder(context, run, &existed));
    PEEK_TRY(peek__folder_make(context, run));
    peek_status status = check_writable(context, report);
    if (status == PEEK_OK) status = walk(context, &work, run, report);
    if (status != PEEK_OK && !existed) peek__folder_remove_empty(run);
    peek__free(&work.capture);
    peek__free(&work.fit);
    return status;
}
