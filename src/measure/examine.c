/* measure/examine.c: all measures of a run: the cheap ones, then those that are asked for. */
#include "measure/examine.h"

#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "measure/run_network.h"
#include "measure/verdict.h"
#include "store/file.h"

static const peek_option option_rows[] = {
    PEEK_FLAG(peek_measure_options, stability, "stability", 0,
              "fit from independent random starts and say how far the same components come back"),
    PEEK_FLAG(peek_measure_options, transmission, "transmission", 0,
              "fit on some samples and say how well each block predicts the others on the rest"),
    PEEK_FLAG(peek_measure_options, choose_rank, "choose-rank", 0,
              "hold out samples and columns of all blocks at every rank, and recommend a rank or say why none"),
    PEEK_FLAG(peek_measure_options, nulls, "nulls", 0,
              "the same measures for the untrained network, shuffled pixels and scrambled phases"),
    PEEK_FLAG(peek_measure_options, shifts, "shifts", 0,
              "predictions for pictures shifted by 1 to 3 pixels: agreement and effective invariance"),
    PEEK_FLAG(peek_measure_options, weights, "weights", 0,
              "power laws of the eigenvalues of each layer's weights"),
    PEEK_FLAG(peek_measure_options, all, "all", 0, "all of these, as far as they are for such a run"),
    PEEK_TEXT(peek_measure_options, ranks, "ranks", NULL, "SPEC",
              "numbers of components to fit: 20 or 10,20,50 or 10:50:10 (default: those of the run's fits)"),
    PEEK_INTEGER(peek_measure_options, starts, "starts", 4, 2, 1000, "N", "with --stability: random starts"),
    PEEK_INTEGER(
        peek_measure_options, folds, "folds", 5, 2, 1000, "N",
        "with --choose-rank: folds; with --transmission: one of as many parts of the samples is held out"),
    PEEK_INTEGER(peek_measure_options, samples, "samples", 2000, 2, 0x1p53, "N",
                 "take at most this many evenly spaced samples for all that is asked for"),
    PEEK_TEXT(peek_measure_options, network, "network", NULL, "FILE",
              "the run's ONNX network, for --nulls, --shifts and --weights (default: network.onnx in the run)"),
    PEEK_TEXT(peek_measure_options, calibration, "calibration", NULL, "FILE",
              "judge by calibration.json of a study of the kind \"quality\" (default: the built-in one)"),
    PEEK_INTEGER(peek_measure_options, seed, "seed", 0, 0, 0x1p52, "N", "seed of all that is random"),
};
PEEK_TABLE(table, "measure", peek_measure_options, option_rows);

const peek_option_table *peek_measure_option_table(void)
{
    return &table;
}

void peek_measure_options_default(peek_measure_options *options)
{
    peek_options_default(&table, options);
}

/* What can be asked for, in the order in which it is done: short work first. */
static const struct examination_row {
    const char *member; /* of measures.json */
    size_t flag;        /* its place in the options */
    int fits;           /* it needs the problem and ranks */
    peek_status (*examine)(peek__examination *of);
} examinations[] = {
    {"weights", offsetof(peek_measure_options, weights), 0, peek__examine_weights},
    {"shifts", offsetof(peek_measure_options, shifts), 0, peek__examine_shifts},
    {"nulls", offsetof(peek_measure_options, nulls), 0, peek__examine_nulls},
    {"transmission", offsetof(peek_measure_options, transmission), 1, peek__examine_transmission},
    {"stability", offsetof(peek_measure_options, stability), 1, peek__examine_stability},
    {"rank", offsetof(peek_measure_options, choose_rank), 1, peek__examine_ranks},
};
enum { EXAMINATIONS = sizeof examinations / sizeof *examinations };

static const int64_t *flag_of(const peek_measure_options *options, const struct examination_row *row)
{
    return (const int64_t *)((const char *)options + row->flag);
}

static int wanted(const peek_measure_options *options, const struct examination_row *row)
{
    return options->all || *flag_of(options, row);
}

static cJSON *ranks_of(const cJSON *measures)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(measures, "fit"), "ranks");
}

static cJSON *rank_entry(const cJSON *measures, int64_t rank)
{
    cJSON *entry;
    cJSON_ArrayForEach(entry, ranks_of(measures))
    {
        if (peek__json_count(cJSON_GetObjectItemCaseSensitive(entry, "rank")) == rank) return entry;
    }
    return NULL;
}

cJSON *peek__examined_rank(const peek__examination *of, int64_t rank)
{
    return rank_entry(of->measures, rank);
}

void peek__examine_fit_options(int64_t seed, peek_fit_options *options)
{
    peek_fit_options_default(options);
    options->seed = seed;
}

int64_t peek__examine_step(const peek__examination *of, int64_t samples)
{
    return (samples + of->options->samples - 1) / of->options->samples;
}

static int same_text(const cJSON *a, const cJSON *b, const char *name)
{
    const char *x = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(a, name)),
               *y = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(b, name));
    return x && y && strcmp(x, y) == 0;
}

static void move_member(cJSON *from, cJSON *to, const char *name)
{
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(from, name);
    if (item) cJSON_AddItemToObject(to, name, item);
}

/* Keeps from older measures of the same capture what is not made anew. */
static void keep_older(const peek__examination *of, cJSON *older)
{
    static const struct {
        const char *member;
        size_t flag; /* of the examination that makes it */
    } of_rank[] = {{"stability", offsetof(peek_measure_options, stability)},
                   {"component_stability", offsetof(peek_measure_options, stability)},
                   {"held_out_error", offsetof(peek_measure_options, choose_rank)},
                   {"held_out_standard_error", offsetof(peek_measure_options, choose_rank)}};
    cJSON *entry;
    if (!same_text(older, of->measures, "manifest_digest")) return;
    for (int i = 0; i < EXAMINATIONS; i++)
        if (!wanted(of->options, &examinations[i])) move_member(older, of->measures, examinations[i].member);
    cJSON_ArrayForEach(entry, ranks_of(of->measures))
    {
        const cJSON *rank = cJSON_GetObjectItemCaseSensitive(entry, "rank");
        cJSON *old = cJSON_IsNumber(rank) ? rank_entry(older, (int64_t)rank->valuedouble) : NULL;
        for (size_t i = 0; same_text(old, entry, "fit_digest") && i < sizeof of_rank / sizeof *of_rank; i++) {
            const struct examination_row row = {.flag = of_rank[i].flag};
            if (!wanted(of->options, &row)) move_member(old, entry, of_rank[i].member);
        }
    }
}

/* Those of the options, else those of the fits, which may be none. */
static peek_status find_ranks(peek__examination *of)
{
    const cJSON *entry;
    if (of->options->ranks)
        return peek_parse_ranks(of->context, of->options->ranks, of->ranks, PEEK__EXAMINE_RANKS,
                                &of->rank_count);
    cJSON_ArrayForEach(entry, ranks_of(of->measures))
    {
        const cJSON *rank = cJSON_GetObjectItemCaseSensitive(entry, "rank");
        if (cJSON_IsNumber(rank) && of->rank_count < PEEK__EXAMINE_RANKS)
            of->ranks[of->rank_count++] = (int64_t)rank->valuedouble;
    }
    return PEEK_OK;
}

static peek_status open_capture(peek__examination *of)
{
    char *path = NULL;
    int there;
    PEEK_TRY(peek__find_folder(of->context, of->capture, &there));
    if (!there)
        return peek__fail(of->context, PEEK_E_NOT_FOUND, "%s has no capture/, which these measures need",
                          of->run);
    PEEK_TRY(peek__format(of->context, &path, "%s/manifest.json", of->capture));
    peek_status status = peek__json_read(of->context, path, &of->manifest);
    peek__free(&path);
    return status;
}

/* The weights of the run's own fits, with the share of --scale in them, so that what is examined is the problem
 * that was solved. Fits of other blocks (another --signed) have no say. */
static peek_status take_weights(peek__examination *of)
{
    char *path = NULL;
    cJSON *fit = NULL;
    const cJSON *block, *first = cJSON_GetArrayItem(ranks_of(of->measures), 0);
    int64_t rank = first ? (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(first, "rank")) : 0;
    if (!first) return PEEK_OK;
    PEEK_TRY(peek__format(of->context, &path, "%s/rank-%lld/fit.json", of->fit, (long long)rank));
    peek_status status = peek__json_find(of->context, path, &fit);
    cJSON_ArrayForEach(block, cJSON_GetObjectItemCaseSensitive(fit, "blocks"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(block, "name"));
        const cJSON *weight = cJSON_GetObjectItemCaseSensitive(block, "scaled_weight");
        for (int64_t b = 0; name && cJSON_IsNumber(weight) && weight->valuedouble > 0 && b < of->whole->count;
             b++)
            if (strcmp(of->whole->blocks[b].name, name) == 0) of->whole->weights[b] = weight->valuedouble;
    }
    cJSON_Delete(fit);
    peek__free(&path);
    return status;
}

static peek_status take_samples(peek__examination *of)
{
    peek__choice rows = {0};
    of->step = peek__examine_step(of, of->whole->rows);
    of->problem = of->whole;
    if (of->step == 1) return PEEK_OK;
    PEEK_TRY(peek__alloc(of->context, &rows.index, of->whole->rows, "a choice of samples"));
    for (int64_t t = 0; t < of->whole->rows; t += of->step) rows.index[rows.count++] = t;
    peek_status status = peek__part_take(of->context, of->whole, &rows, NULL, NULL, &of->part);
    of->problem = of->part.problem;
    peek__free(&rows.index);
    return status;
}

static peek_status open_problem(peek__examination *of)
{
    if (!of->rank_count)
        return peek__fail(of->context, PEEK_E_ARGUMENT,
                          "%s holds no fits: say which ranks to try, as in --ranks 10:50:10", of->run);
    PEEK_TRY(peek_problem_create(of->context, &of->whole));
    PEEK_TRY(peek_problem_add_capture(of->context, of->whole, of->capture, PEEK_SIGNED_SPLIT));
    PEEK_TRY(take_weights(of));
    PEEK_TRY(take_samples(of));
    return peek_problem_check_rank(of->context, of->problem, of->ranks[of->rank_count - 1]);
}

static peek_status examine_one(peek__examination *of, const struct examination_row *row)
{
    if (!of->manifest) PEEK_TRY(open_capture(of));
    if (row->fits && !of->problem) PEEK_TRY(open_problem(of));
    return row->examine(of);
}

/* Whether a failure only says that this examination is not for this run: where all are asked for, it is told
 * and the others go on. */
static int is_skipped(const peek__examination *of, const struct examination_row *row, peek_status status)
{
    if (!of->options->all || *flag_of(of->options, row)) return 0;
    return status == PEEK_E_UNSUPPORTED || status == PEEK_E_SHAPE || status == PEEK_E_NOT_FOUND ||
           status == PEEK_E_ARGUMENT;
}

/* A network that was named and is not the run's is told before any work, whatever is asked for. */
static peek_status check_network(peek__examination *of)
{
    peek_network *network = NULL;
    if (!of->options->network) return PEEK_OK;
    PEEK_TRY(open_capture(of));
    PEEK_TRY(peek__run_network(of, &network));
    peek_network_free(&network);
    return PEEK_OK;
}

/* Each examination is written as soon as it is done. */
static peek_status examine(peek__examination *of, const char *path)
{
    PEEK_TRY(peek__json_write(of->context, path, of->measures));
    PEEK_TRY(find_ranks(of));
    for (int i = 0; i < EXAMINATIONS; i++) {
        const struct examination_row *row = &examinations[i];
        if (!wanted(of->options, row)) continue;
        peek_status status = examine_one(of, row);
        if (is_skipped(of, row, status)) {
            cJSON_DeleteItemFromObjectCaseSensitive(of->measures, row->member);
            peek__note(of->context, "left out: %s: %s", row->member, peek_error(of->context));
            continue;
        }
        PEEK_TRY(status);
        PEEK_TRY(peek__json_write(of->context, path, of->measures));
    }
    /* Once more, with what the examinations add. */
    PEEK_TRY(peek__verdict_put(of->context, of->options->calibration, of->measures));
    return peek__json_write(of->context, path, of->measures);
}

/* A file that is no calibration is told before any work, too. */
static peek_status check_calibration(peek__examination *of)
{
    peek__calibration calibration;
    if (!of->options->calibration) return PEEK_OK;
    peek_status status = peek__calibration_read(of->context, of->options->calibration, &calibration);
    peek__calibration_free(&calibration);
    return status;
}

static peek_status measure(peek__examination *of, const char *path)
{
    cJSON *older = NULL;
    PEEK_TRY(check_network(of));
    PEEK_TRY(check_calibration(of));
    peek_status status = peek__json_find(of->context, path, &older);
    if (status == PEEK_E_FORMAT) status = PEEK_OK; /* a damaged one is made anew */
    if (status == PEEK_OK) status = peek_measure_run(of->context, of->run);
    if (status == PEEK_OK) status = peek__json_read(of->context, path, &of->measures);
    if (status == PEEK_OK && older) keep_older(of, older);
    cJSON_Delete(older);
    return status == PEEK_OK ? examine(of, path) : status;
}

peek_status peek_measure(peek_context *context, const char *run, const peek_measure_options *options)
{
    PEEK_TRY(peek_options_check(context, &table, options));
    if (!run) return peek__fail(context, PEEK_E_ARGUMENT, "measuring needs the folder of a run");
    peek__examination of = {.context = context, .options = options, .run = run};
    char *path = NULL;
    peek_status status = peek__format(context, &of.capture, "%s/capture", run);
    if (status == PEEK_OK) status = peek__format(context, &of.fit, "%s/fit", run);
    if (status == PEEK_OK) status = peek__format(context, &path, "%s/measures.json", run);
    if (status == PEEK_OK) status = measure(&of, path);
    peek__part_clear(&of.part);
    peek_problem_free(&of.whole);
    cJSON_Delete(of.manifest);
    cJSON_Delete(of.measures);
    peek__free(&of.capture);
    peek__free(&of.fit);
    peek__free(&path);
    return status;
}
