/* network/capture.c: samples through a network, their input and activations to disk.
 *
 * Samples are cut into slices that any thread may run; it writes the rows of its slice to their places in the
 * files. So memory is that of a slice a thread, whatever the number of samples. */
#include "base/amounts.h"
#include "base/options.h"
#include "network/capture_progress.h"
#include "network/manifest.h"
#include "network/team.h"
#include "store/npy.h"

#include <string.h>

static const peek_option capture_rows[] = {
    PEEK_TEXT(
        peek_capture_options, layers, "layers", "auto", "LIST",
        "globs over tensor or node names, op:Relu, commas between; auto: after every activation function of "
        "the main path, in transformers after every block, and the network's output for the measures"),
    PEEK_INTEGER(peek_capture_options, samples, "samples", 0, 0, 0x1p53, "N",
                 "at most this many, a seeded random choice; 0: all"),
    PEEK_INTEGER(peek_capture_options, batch, "batch", 16, 1, 1 << 20, "N",
                 "samples a thread runs at a time, or fewer where they would take much memory"),
    PEEK_TEXT(
        peek_capture_options, preprocess, "preprocess", "auto", "SPEC",
        "auto: what the network's file carries, else a guess from its input; none or zero-one, pixels (0 to "
        "255), imagenet, mean=a,b,c,std=d,e,f"),
    PEEK_TEXT(peek_capture_options, reduce, "reduce", "none", "SPEC",
              "none; auto: layers are averaged as far as --budget asks for; mean, max, grid:G for maps; mean, "
              "max, first "
              "for tokens; one of each as in grid:7,first"),
    PEEK_REAL(peek_capture_options, budget, "budget", 1, 1e-6, 1e6, "GB",
              "with --reduce auto: gigabytes that all layers may take"),
    PEEK_CHOICE(peek_capture_options, store, "store", PEEK_STORE_FLOAT32, "float32|pixels|float16|bfloat16",
                "how numbers are written; pixels: inputs that are 8-bit pictures as bytes, exactly, layers as "
                "float32; float16, bfloat16: such inputs as bytes, all else rounded to 16 bits"),
    PEEK_INTEGER(peek_capture_options, seed, "seed", 0, 0, 0x1p53, "N", "of the choice of samples"),
    PEEK_FLAG(
        peek_capture_options, resume, "resume", 0,
        "go on with a capture that was stopped or killed, from DIR.partial; a finished one of the same is "
        "kept"),
    PEEK_REAL(peek_capture_options, checkpoint_every, "checkpoint-every", 20, 0, 1e6, "S",
              "seconds after which what is done is made safe, to resume from"),
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

/* What a thread needs for its slice: samples as datasets have them, and rows that are gathered or averaged
 * before they are written. */
typedef struct desk {
    float *samples, *gathered, *rows;
    uint16_t *stored; /* rows as they are written, where that is not as floats */
} desk;

typedef struct capture {
    peek_context *context;
    const peek_network *network;
    const peek_capture_options *options;
    peek__feeds feeds;
    peek__selection selection;
    peek__tensor *sample; /* one an input */
    peek__team team;
    int64_t *wanted;
    desk *desks;              /* one a thread */
    peek__npy_writer *writer; /* one a block */
    int64_t begun;            /* writers */
    int64_t done;             /* samples */
    int64_t first;            /* slice of this call: those before are of an earlier one */
    peek__capture_progress progress;
} capture;

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static peek_status open_desk(const capture *c, desk *d)
{
    int64_t input = 0, layer = 0, slice = c->team.slice;
    if (d->rows) return PEEK_OK;
    for (int64_t i = 0; i < c->feeds.count; i++) input = larger(input, c->feeds.feed[i].sample.size);
    for (int64_t b = c->selection.inputs; b < c->selection.count; b++)
        layer = larger(layer, c->team.survey->layer[c->selection.chosen[b].value].size);
    PEEK_TRY(peek__alloc(c->context, &d->samples, slice * input, "the samples of a slice"));
    PEEK_TRY(peek__alloc(c->context, &d->gathered, slice * layer, "the activations of a slice"));
    if (c->options->store != PEEK_STORE_FLOAT32)
        PEEK_TRY(
            peek__alloc(c->context, &d->stored, slice * larger(input, layer), "the activations of a slice"));
    return peek__alloc(c->context, &d->rows, slice * larger(input, layer), "the activations of a slice");
}

static peek_status put_rows(capture *c, int64_t block, int64_t first, int64_t count, const float *rows, desk *d)
{
    const peek__chosen *chosen = &c->selection.chosen[block];
    const void *stored;
    PEEK_TRY(peek__store_values(c->context, &chosen->storage, chosen->value < 0 ? "the input" : "the layer",
                                chosen->name, rows, count * chosen->reduction.columns, d->stored, &stored));
    return peek__npy_put(c->context, &c->writer[block], first, stored, count);
}

/* The blocks of one input, d->samples C x H x W. */
static peek_status write_input(capture *c, int64_t input, int64_t first, int64_t count, desk *d)
{
    int64_t size = c->feeds.feed[input].sample.size;
    for (int64_t b = 0; b < c->selection.inputs; b++) {
        const peek__chosen *chosen = &c->selection.chosen[b];
        int64_t columns = chosen->reduction.columns, channel = larger(chosen->channel, 0);
        if (chosen->input != input) continue;
        for (int64_t i = 0; i < count; i++)
            memcpy(d->rows + i * columns, d->samples + i * size + channel * columns,
                   (size_t)columns * sizeof *d->rows);
        PEEK_TRY(put_rows(c, b, first, count, d->rows, d));
    }
    return PEEK_OK;
}

static peek_status read_inputs(capture *c, int64_t first, int64_t count, int thread)
{
    desk *d = &c->desks[thread];
    for (int64_t i = 0; i < c->feeds.count; i++) {
        const peek__feed *feed = &c->feeds.feed[i];
        float *input;
        PEEK_TRY(peek__team_input(c->context, &c->team, thread, i, count, &input));
        PEEK_TRY(peek_dataset_read(c->context, feed->dataset, first, count, d->samples));
        PEEK_TRY(write_input(c, i, first, count, d));
        peek__feed_arrange(feed, count, d->samples, input);
    }
    return PEEK_OK;
}

/* The rows of one layer, averaged where that was decided. */
static peek_status write_layer(capture *c, int64_t block, int64_t first, int64_t count, int thread)
{
    desk *d = &c->desks[thread];
    const peek__reduction *reduction = &c->selection.chosen[block].reduction;
    int64_t value = c->selection.chosen[block].value, size = c->team.survey->layer[value].size;
    const float *values = peek__team_rows(&c->team, thread, count, value);
    if (!values) peek__team_values(&c->team, thread, count, value, d->gathered);
    if (!values) values = d->gathered;
    if (reduction->how != PEEK__REDUCE_NONE) {
        for (int64_t i = 0; i < count; i++)
            peek__reduce(reduction, values + i * size, d->rows + i * reduction->columns);
        values = d->rows;
    }
    return put_rows(c, block, first, count, values, d);
}

static peek_status capture_slice(void *argument, int64_t index, int thread)
{
    capture *c = argument;
    int64_t slice = c->first + index, first = slice * c->team.slice, count = c->team.slice;
    if (count > c->feeds.samples - first) count = c->feeds.samples - first;
    PEEK_TRY(open_desk(c, &c->desks[thread]));
    PEEK_TRY(read_inputs(c, first, count, thread));
    PEEK_TRY(peek__team_forward(c->context, &c->team, thread, count));
    for (int64_t b = c->selection.inputs; b < c->selection.count; b++)
        PEEK_TRY(write_layer(c, b, first, count, thread));
    PEEK_TRY(peek__capture_progress_step(&c->progress, slice));
    int64_t done = __atomic_add_fetch(&c->done, count, __ATOMIC_RELAXED);
    return peek__step(c->context, done);
}

/* Of this call. */
static int64_t slices(const capture *c)
{
    return c->progress.slices - c->first;
}

static double disk_space(const capture *c)
{
    double bytes = 0;
    for (int64_t b = 0; b < c->selection.count; b++) {
        const peek__chosen *chosen = &c->selection.chosen[b];
        bytes += (double)chosen->reduction.columns * (double)peek__type_size(chosen->storage.type);
    }
    return bytes * (double)c->feeds.samples;
}

/* How long the slices will take, from one that has warmed up. Where every thread has one at most, looking would
 * take as long as the work: below 0. */
static peek_status estimate_time(capture *c, double *seconds)
{
    int workers = peek__workers(c->context, slices(c));
    *seconds = -1;
    if (slices(c) <= workers) return PEEK_OK;
    peek__stage(c->context, "capture", "looking how long it takes", 0);
    double start = peek__seconds();
    PEEK_TRY(peek__parallel(c->context, 1, capture_slice, c));
    double each = peek__seconds() - start;
    if (each < 3) {
        start = peek__seconds();
        PEEK_TRY(peek__parallel(c->context, 1, capture_slice, c));
        each = peek__seconds() - start;
    }
    *seconds = each * (double)slices(c) / workers;
    return PEEK_OK;
}

/* Whether the disk has room for it. */
static peek_status check_room(const capture *c, const char *folder, const char *named)
{
    char space[PEEK__AMOUNT], left[PEEK__AMOUNT];
    double bytes = disk_space(c) * (double)slices(c) / (double)c->progress.slices;
    int64_t room = peek__folder_room(folder);
    if (room < 0 || bytes <= (double)room) return PEEK_OK;
    int compact = peek__type_size(peek__layer_type(c->options->store)) < sizeof(float);
    return peek__fail(c->context, PEEK_E_IO,
                      "the capture takes %s, but where '%s' lies %s are free: take fewer --samples or "
                      "--layers, %s--reduce auto with a --budget",
                      peek__bytes_text(bytes, space), named, peek__bytes_text((double)room, left),
                      compact ? "or " : "--store float16, or ");
}

/* What it will take, before it begins. The files are there: the slice that is looked at is written, and written
 * again. */
static peek_status tell_estimate(capture *c)
{
    char space[PEEK__AMOUNT], time[PEEK__AMOUNT] = "";
    double seconds;
    PEEK_TRY(estimate_time(c, &seconds));
    if (seconds >= 0) peek__time_text(seconds, time);
    peek__feeds_tell(c->context, &c->feeds);
    peek__selection_tell(c->context, c->network, &c->feeds, c->options, &c->selection);
    long long samples = (long long)c->feeds.samples,
              layers = (long long)(c->selection.count - c->selection.inputs);
    if (c->first)
        peek__note(c->context, "going on after the first %lld of %lld samples",
                   (long long)(c->first * c->team.slice), samples);
    peek__note(c->context, "capturing %lld sample%s at %lld layer%s: %s on disk%s%s", samples,
               samples == 1 ? "" : "s", layers, layers == 1 ? "" : "s", peek__bytes_text(disk_space(c), space),
               *time ? ", " : "", time);
    return PEEK_OK;
}

static peek_status run_slices(capture *c)
{
    c->done = c->first * c->team.slice;
    peek__stage(c->context, "capture", "running the samples through the network", c->feeds.samples);
    PEEK_TRY(peek__parallel(c->context, slices(c), capture_slice, c));
    return peek__step(c->context, c->feeds.samples);
}

static peek_status begin_files(capture *c, const char *folder)
{
    for (; c->begun < c->selection.count; c->begun++) {
        const peek__chosen *chosen = &c->selection.chosen[c->begun];
        const peek__reduction *made = &chosen->reduction;
        char *path = NULL;
        if (made->dimensions + 1 > PEEK__NPY_DIMENSIONS)
            return peek__fail(c->context, PEEK_E_UNSUPPORTED,
                              "the tensor '%s' has too many dimensions to be captured", chosen->name);
        PEEK_TRY(peek__format(c->context, &path, "%s/%s", folder, chosen->file));
        peek_status status =
            peek__npy_place(c->context, &c->writer[c->begun], path, chosen->storage.type, made->dimensions + 1,
                            c->feeds.samples, made->shape, c->progress.resumed);
        peek__free(&path);
        if (status != PEEK_OK) return status;
    }
    return PEEK_OK;
}

static peek_status write_labels(capture *c, const char *folder)
{
    const peek_dataset *labelled = peek__feeds_labelled(&c->feeds);
    int64_t count = c->feeds.samples, *wide = NULL;
    char *path = NULL;
    if (!labelled) return PEEK_OK;
    const int32_t *labels = peek_dataset_labels(labelled);
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
    peek_context *context = c->context;
    PEEK_TRY(peek__selection_make(context, c->network, c->options->layers, &c->feeds, &c->selection));
    int64_t blocks = c->selection.count, inputs = c->selection.inputs;
    PEEK_TRY(peek__alloc(context, &c->wanted, blocks, "the capture"));
    for (int64_t b = inputs; b < blocks; b++) c->wanted[b - inputs] = c->selection.chosen[b].value;
    PEEK_TRY(peek__alloc(context, &c->sample, c->feeds.count, "the capture"));
    for (int64_t i = 0; i < c->feeds.count; i++) c->sample[i] = c->feeds.feed[i].sample;
    c->team = (peek__team){
        .network = c->network, .most = c->options->batch, .wanted_count = blocks - inputs, .wanted = c->wanted};
    PEEK_TRY(peek__team_begin(context, &c->team, c->sample));
    PEEK_TRY(peek__selection_reduce(context, c->network, c->team.survey, &c->feeds, c->options, &c->selection));
    PEEK_TRY(peek__selection_store(context, &c->feeds, c->options, &c->selection));
    PEEK_TRY(peek__alloc(context, &c->writer, blocks, "the capture"));
    return peek__alloc(context, &c->desks, peek_threads(context), "the capture");
}

static void end_capture(capture *c)
{
    for (int64_t b = 0; b < c->begun; b++) peek__npy_abort(&c->writer[b]);
    for (int i = 0; c->desks && i < peek_threads(c->context); i++) {
        peek__free(&c->desks[i].samples);
        peek__free(&c->desks[i].gathered);
        peek__free(&c->desks[i].rows);
        peek__free(&c->desks[i].stored);
    }
    if (c->team.network) peek__team_end(&c->team);
    peek__free(&c->desks);
    peek__free(&c->writer);
    peek__free(&c->sample);
    peek__free(&c->wanted);
    peek__selection_free(&c->selection);
    peek__feeds_free(&c->feeds);
}

static peek__manifest manifest_of(const capture *c, const char *made_from)
{
    return (peek__manifest){.network = c->network,
                            .feeds = &c->feeds,
                            .options = c->options,
                            .survey = c->team.survey,
                            .selection = &c->selection,
                            .made_from = made_from};
}

static peek_status fill_folder(capture *c, const char *named)
{
    const char *folder = c->progress.folder.path;
    const peek__manifest manifest = manifest_of(c, c->progress.made_from);
    c->first = c->progress.safe;
    if (c->progress.whole) return PEEK_OK;
    PEEK_TRY(check_room(c, folder, named));
    PEEK_TRY(begin_files(c, folder));
    c->progress.writer = c->writer;
    c->progress.writers = c->begun;
    if (slices(c)) PEEK_TRY(tell_estimate(c));
    PEEK_TRY(run_slices(c));
    for (int64_t b = 0; b < c->selection.count; b++) PEEK_TRY(peek__npy_flush(c->context, &c->writer[b]));
    PEEK_TRY(write_labels(c, folder));
    return peek__manifest_write(c->context, &manifest, folder);
}

/* *done: there is nothing to do, since the folder holds what would come out. */
static peek_status find_done(capture *c, const char *folder, int *done)
{
    *done = 0;
    if (c->options->resume) PEEK_TRY(peek__capture_find(c->context, folder, c->progress.made_from, done));
    if (*done) peek__note(c->context, "'%s' is whole and made from the same: there is nothing to do", folder);
    return PEEK_OK;
}

static peek_status run_capture(capture *c, const char *folder)
{
    peek__capture_progress *progress = &c->progress;
    const peek__manifest manifest = manifest_of(c, NULL);
    PEEK_TRY(peek__manifest_digest(c->context, &manifest, c->team.slice, progress->made_from));
    /* A call that was killed between its last two steps left the capture that its own replaced. */
    int done;
    PEEK_TRY(find_done(c, folder, &done));
    if (done)
        return peek__partial_exists(c->context, folder) ? peek__capture_progress_sweep(c->context, folder)
                                                        : PEEK_OK;
    progress->samples = c->feeds.samples;
    progress->slice = c->team.slice;
    progress->slices = (c->feeds.samples + c->team.slice - 1) / c->team.slice;
    progress->every = c->options->checkpoint_every;
    PEEK_TRY(peek__capture_progress_begin(c->context, progress, folder, c->options->resume != 0));
    peek_status status = fill_folder(c, folder);
    if (status == PEEK_OK) status = peek__capture_progress_commit(progress, folder);
    return status == PEEK_OK ? PEEK_OK : peek__capture_progress_end(progress, status);
}

peek_status peek_capture_inputs(peek_context *context, const peek_network *network, int64_t count,
                                const peek_input *input, const peek_capture_options *options,
                                const char *folder)
{
    peek_capture_options standard;
    peek_capture_options_default(&standard);
    if (!options) options = &standard;
    int given = network && count >= 1 && input && folder;
    for (int64_t i = 0; given && i < count; i++) given = input[i].data != NULL;
    if (!given)
        return peek__fail(context, PEEK_E_ARGUMENT, "capturing takes a network, a dataset and a folder");
    PEEK_TRY(peek_options_check(context, &capture_table, options));
    PEEK_TRY(peek__folder_check(context, folder, "manifest.json"));
    capture c = {.context = context, .network = network, .options = options};
    peek_status status = peek__feeds_make(context, network, count, input, options, &c.feeds);
    if (status == PEEK_OK) status = begin_capture(&c);
    if (status == PEEK_OK) status = run_capture(&c, folder);
    end_capture(&c);
    return status;
}

peek_status peek_capture(peek_context *context, const peek_network *network, const peek_dataset *dataset,
                         const peek_capture_options *options, const char *folder)
{
    peek_input input = {NULL, dataset};
    return peek_capture_inputs(context, network, 1, &input, options, folder);
}
