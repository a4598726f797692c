/* network/capture.c: samples through a network, their input and activations to disk.
 *
 * Samples are cut into slices that any thread may run; it writes the rows of its slice to their places in the
 * files. So memory is that of a slice a thread, whatever the number of samples. */
#include "base/options.h"
#include "network/manifest.h"
#include "network/preprocess.h"
#include "network/team.h"
#include "store/npy.h"

#include <string.h>

static const peek_option capture_rows[] = {
    PEEK_TEXT(peek_capture_options, layers, "layers", "auto", "LIST",
              "globs over tensor or node names, op:Relu, commas between; auto: every activation function's "
              "output, and the network's output for the measures"),
    PEEK_INTEGER(peek_capture_options, samples, "samples", 0, 0, 0x1p53, "N",
                 "at most this many, a seeded random choice; 0: all"),
    PEEK_INTEGER(peek_capture_options, batch, "batch", 16, 1, 1 << 20, "N",
                 "samples a thread runs at a time, or fewer where they would take much memory"),
    PEEK_TEXT(peek_capture_options, preprocess, "preprocess", "auto", "SPEC",
              "auto: what the network's file carries; none, zero-one, imagenet, mean=a,b,c,std=d,e,f"),
    PEEK_INTEGER(peek_capture_options, seed, "seed", 0, 0, 0x1p53, "N", "of the choice of samples"),
};
PEEK_TABLE(capture_table, "capture", peek_capture_options, capture_rows);

const peek_option_table *peek_capture_option_table(void)
{
    return &capture_table;
}

void peek_capture_options_default(peek_capture_options *options)
{
    peek_options_default(&capture_table, options);
}

typedef struct capture {
    peek_context *context;
    const peek_network *network;
    const peek_dataset *dataset;
    const peek_capture_options *options;
    peek__selection selection;
    peek__preprocess preprocess;
    peek__tensor sample; /* the shape of one */
    peek__team team;
    int64_t *wanted;
    float **rows;             /* one a thread: rows that must be gathered before they are written */
    peek__npy_writer *writer; /* one a block */
    int64_t begun;            /* writers */
    int64_t count, done;      /* samples */
} capture;

static int64_t block_columns(const capture *c, int64_t block)
{
    const peek__chosen *chosen = &c->selection.chosen[block];
    if (chosen->value >= 0) return c->team.survey->layer[chosen->value].size;
    peek_dataset_info data = peek_dataset_describe(c->dataset);
    return data.height * data.width;
}

/* The input's channels become blocks of their own. */
static peek_status write_input(capture *c, int64_t first, int64_t count, const float *input, float *rows)
{
    int64_t channels = c->selection.channels;
    for (int64_t b = 0; b < channels; b++) {
        int64_t columns = block_columns(c, b);
        for (int64_t i = 0; i < count && channels > 1; i++)
            memcpy(rows + i * columns, input + (i * channels + b) * columns, (size_t)columns * sizeof *rows);
        PEEK_TRY(peek__npy_put(c->context, &c->writer[b], first, channels > 1 ? rows : input, count));
    }
    return PEEK_OK;
}

static peek_status capture_slice(void *argument, int64_t index, int thread)
{
    capture *c = argument;
    int64_t first = index * c->team.slice, count = c->team.slice, largest = 0;
    if (count > c->count - first) count = c->count - first;
    for (int64_t b = 0; b < c->selection.count && !c->rows[thread]; b++)
        if (block_columns(c, b) > largest) largest = block_columns(c, b);
    if (!c->rows[thread])
        PEEK_TRY(peek__alloc_raw(c->context, &c->rows[thread], peek__product(largest, c->team.slice),
                                 "the activations of a slice"));
    float *input, *rows = c->rows[thread];
    PEEK_TRY(peek__team_input(c->context, &c->team, thread, count, &input));
    PEEK_TRY(peek_dataset_read(c->context, c->dataset, first, count, input));
    PEEK_TRY(write_input(c, first, count, input, rows));
    PEEK_TRY(peek__team_forward(c->context, &c->team, thread, count));
    for (int64_t b = c->selection.channels; b < c->selection.count; b++) {
        int64_t value = c->selection.chosen[b].value;
        const float *where = peek__team_rows(&c->team, thread, count, value);
        if (!where) peek__team_values(&c->team, thread, count, value, rows);
        PEEK_TRY(peek__npy_put(c->context, &c->writer[b], first, where ? where : rows, count));
    }
    int64_t done = __atomic_add_fetch(&c->done, count, __ATOMIC_RELAXED);
    return peek__step(c->context, done);
}

static peek_status run_slices(capture *c)
{
    c->count = peek_dataset_describe(c->dataset).count;
    peek__stage(c->context, "capture", "running the samples through the network", c->count);
    PEEK_TRY(peek__parallel(c->context, (c->count + c->team.slice - 1) / c->team.slice, capture_slice, c));
    return peek__step(c->context, c->count);
}

static peek_status begin_files(capture *c, const char *folder)
{
    peek_dataset_info data = peek_dataset_describe(c->dataset);
    int64_t picture[3] = {1, data.height, data.width};
    for (; c->begun < c->selection.count; c->begun++) {
        const peek__chosen *chosen = &c->selection.chosen[c->begun];
        const peek__layer *layer = chosen->value < 0 ? NULL : &c->team.survey->layer[chosen->value];
        char *path = NULL;
        if (layer && layer->dimensions + 1 > PEEK__NPY_DIMENSIONS)
            return peek__fail(c->context, PEEK_E_UNSUPPORTED,
                              "the tensor '%s' has too many dimensions to be captured", chosen->name);
        PEEK_TRY(peek__format(c->context, &path, "%s/%s", folder, chosen->file));
        peek_status status = peek__npy_begin(c->context, &c->writer[c->begun], path, PEEK__FLOAT32,
                                             layer ? layer->dimensions + 1 : 4, layer ? layer->shape : picture);
        peek__free(&path);
        if (status != PEEK_OK) return status;
    }
    return PEEK_OK;
}

static peek_status write_labels(capture *c, const char *folder)
{
    const int32_t *labels = peek_dataset_labels(c->dataset);
    int64_t count = peek_dataset_describe(c->dataset).count, *wide = NULL;
    char *path = NULL;
    if (!labels) return PEEK_OK;
    PEEK_TRY(peek__format(c->context, &path, "%s/labels.npy", folder));
    peek_status status = peek__alloc(c->context, &wide, count, "the labels");
    for (int64_t i = 0; status == PEEK_OK && i < count; i++) wide[i] = labels[i];
    if (status == PEEK_OK) status = peek__npy_write(c->context, path, PEEK__INT64, 1, &count, wide);
    peek__free(&wide);
    peek__free(&path);
    return status;
}

static peek_status begin_capture(capture *c)
{
    const char *preprocess = c->options->preprocess ? c->options->preprocess : "auto";
    int64_t channels = peek_dataset_describe(c->dataset).channels, blocks;
    PEEK_TRY(peek__selection_make(c->context, c->network, c->options->layers, channels, &c->selection));
    if (strcmp(preprocess, "auto") != 0)
        PEEK_TRY(peek__preprocess_parse(c->context, preprocess, channels, &c->preprocess));
    else if (c->network->preprocess.channels)
        PEEK_TRY(peek__preprocess_set(c->context, &c->preprocess, c->network->preprocess.channels,
                                      c->network->preprocess.mean, c->network->preprocess.deviation));
    blocks = c->selection.count;
    PEEK_TRY(peek__alloc(c->context, &c->wanted, blocks, "the capture"));
    for (int64_t b = c->selection.channels; b < blocks; b++)
        c->wanted[b - c->selection.channels] = c->selection.chosen[b].value;
    c->team = (peek__team){.network = c->network,
                           .preprocess = &c->preprocess,
                           .most = c->options->batch,
                           .wanted_count = blocks - c->selection.channels,
                           .wanted = c->wanted};
    PEEK_TRY(peek__team_begin(c->context, &c->team, &c->sample));
    PEEK_TRY(peek__alloc(c->context, &c->writer, blocks, "the capture"));
    return peek__alloc(c->context, &c->rows, peek_threads(c->context), "the capture");
}

static void end_capture(capture *c)
{
    for (int64_t b = 0; b < c->begun; b++) peek__npy_abort(&c->writer[b]);
    for (int i = 0; c->rows && i < peek_threads(c->context); i++) peek__free(&c->rows[i]);
    peek__team_end(&c->team);
    peek__free(&c->rows);
    peek__free(&c->writer);
    peek__free(&c->wanted);
    peek__preprocess_free(&c->preprocess);
    peek__selection_free(&c->selection);
}

static peek_status write_manifest(capture *c, int64_t opened, const char *folder)
{
    char *preprocess = NULL;
    PEEK_TRY(peek__preprocess_text(c->context, &c->preprocess, &preprocess));
    peek__manifest manifest = {c->network,     c->dataset,    opened,    c->options,
                               c->team.survey, &c->selection, preprocess};
    peek_status status = peek__manifest_write(c->context, &manifest, folder);
    peek__free(&preprocess);
    return status;
}

static peek_status fill_folder(capture *c, int64_t opened, const char *folder)
{
    PEEK_TRY(begin_files(c, folder));
    PEEK_TRY(run_slices(c));
    for (int64_t b = 0; b < c->selection.count; b++) PEEK_TRY(peek__npy_commit(c->context, &c->writer[b]));
    PEEK_TRY(write_labels(c, folder));
    return write_manifest(c, opened, folder);
}

peek_status peek_capture(peek_context *context, const peek_network *network, const peek_dataset *dataset,
                         const peek_capture_options *options, const char *folder)
{
    peek_capture_options standard;
    peek_capture_options_default(&standard);
    if (!options) options = &standard;
    if (!network || !dataset || !folder)
        return peek__fail(context, PEEK_E_ARGUMENT, "capturing takes a network, a dataset and a folder");
    PEEK_TRY(peek_options_check(context, &capture_table, options));
    peek__tensor sample;
    PEEK_TRY(peek__team_sample(context, network, dataset, &sample));
    PEEK_TRY(peek__folder_check(context, folder, "manifest.json"));
    peek_dataset *chosen = NULL;
    peek_dataset_cut cut;
    peek_dataset_cut_default(&cut);
    cut.samples = options->samples;
    cut.seed = options->seed;
    PEEK_TRY(peek_dataset_select(context, dataset, &cut, &chosen));
    capture c = {
        .context = context, .network = network, .dataset = chosen, .options = options, .sample = sample};
    char *temporary = NULL;
    peek_status status = begin_capture(&c);
    if (status == PEEK_OK) status = peek__folder_begin(context, folder, &temporary);
    if (status == PEEK_OK) status = fill_folder(&c, peek_dataset_describe(dataset).count, temporary);
    end_capture(&c);
    if (status == PEEK_OK) status = peek__folder_commit(context, folder, &temporary, "manifest.json");
    peek__folder_abort(&temporary);
    peek_dataset_free(&chosen);
    return status;
}
