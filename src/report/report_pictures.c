#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/packed.h"
#include "report/payload.h"
#include "store/npy.h"

/* What the pictures of samples may take in the page, and how many of each component come first where that is
 * not enough. */
enum { PICTURE_BYTES = 4500000, TOP_SAMPLES = 24, MOST_BLOCKS = 64 };

/* One input of the network: the channels of a picture, or one block of anything else. */
typedef struct input {
    int first, count; /* of the blocks */
    int pictured;     /* a picture; else a signal or a list of numbers */
    int64_t channels, height, width;
    int64_t values; /* channels x height x width */
} input;

/* The blocks of all inputs, opened. */
typedef struct input_files {
    const peek__report_blocks *all;
    const peek__report_block *blocks[MOST_BLOCKS];
    peek__npy files[MOST_BLOCKS];
    int count;
    input inputs[MOST_BLOCKS];
    int input_count;
    int64_t values; /* of a sample */
} input_files;

static void close_inputs(input_files *files)
{
    for (int i = 0; i < files->count; i++) peek__npy_close(&files->files[i]);
}

/* Whether two blocks are channels of the same picture. */
static int together(const peek__report_block *a, const peek__report_block *b)
{
    return !a->maps.flat && !b->maps.flat && a->view.height == b->view.height &&
           a->view.width == b->view.width && a->view.slices == b->view.slices && a->view.step == b->view.step &&
           strcmp(peek__json_text(a->entry, "input", ""), peek__json_text(b->entry, "input", "")) == 0;
}

static void place_block(input_files *files, const peek__report_block *block)
{
    input *last = files->input_count ? &files->inputs[files->input_count - 1] : NULL;
    if (!last || !together(files->blocks[last->first], block)) {
        last = &files->inputs[files->input_count++];
        last->first = files->count;
        last->height = block->view.slices * block->view.height;
        last->width = block->view.width;
        last->pictured = last->height > 1;
    }
    files->blocks[files->count++] = block;
    last->count++;
    last->channels += block->maps.channels;
    last->values += peek__report_block_entries(block);
    files->values += peek__report_block_entries(block);
}

static peek_status open_inputs(peek_context *context, const peek__run_files *run,
                               const peek__report_blocks *blocks, input_files *files)
{
    files->all = blocks;
    for (int64_t b = 0; b < blocks->count && files->count < MOST_BLOCKS; b++) {
        const peek__report_block *block = &blocks->list[b];
        if (!block->file || block->sign || strcmp(block->kind, "input") != 0) continue;
        PEEK_TRY(peek__report_block_open(context, run, block, blocks->samples, &files->files[files->count]));
        place_block(files, block);
    }
    return PEEK_OK;
}

/* One sample's inputs in the page's resolution, one behind the other. row: as long as the longest row. */
static void read_sample(const input_files *files, int64_t sample, float *row, float *out)
{
    for (int i = 0; i < files->count; i++) {
        const peek__report_block *block = files->blocks[i];
        peek__report_block_row(block, &files->files[i], sample, row);
        peek__report_maps_all(&block->maps, &block->view, row, 1, out);
        out += peek__report_block_entries(block);
    }
}

typedef struct amount {
    float value;
    int64_t sample;
} amount;

static int by_amount(const void *a, const void *b)
{
    const amount *left = a, *right = b;
    if (left->value != right->value) return left->value < right->value ? 1 : -1;
    return (left->sample > right->sample) - (left->sample < right->sample);
}

/* The samples that have most of each component of one fit, the most first: components x TOP_SAMPLES, -1 behind
 * the last. */
static peek_status find_top(peek_context *context, const peek__rank_folder *rank, int64_t samples,
                            int32_t **top, int64_t *components)
{
    char *path = NULL;
    float *matrix = NULL;
    amount *amounts = NULL;
    int64_t shape[2] = {0, 0};
    *components = 0;
    PEEK_TRY(peek__format(context, &path, "%s/samples.npy", rank->folder));
    peek_status status = peek__npy_load(context, path, 2, shape, &matrix);
    if (status == PEEK_OK) status = peek__alloc(context, &amounts, samples, "the choice of pictures");
    if (status == PEEK_OK) status = peek__alloc(context, top, shape[1] * TOP_SAMPLES, "the choice of pictures");
    if (status == PEEK_OK && shape[0] == samples) *components = shape[1];
    for (int64_t r = 0; status == PEEK_OK && r < *components; r++) {
        for (int64_t t = 0; t < samples; t++) amounts[t] = (amount){matrix[t * shape[1] + r], t};
        qsort(amounts, (size_t)samples, sizeof *amounts, by_amount);
        for (int64_t i = 0; i < TOP_SAMPLES; i++)
            (*top)[r * TOP_SAMPLES + i] = i < samples ? (int32_t)amounts[i].sample : -1;
        status = peek__poll(context);
    }
    peek__free(&amounts);
    peek__free(&matrix);
    peek__free(&path);
    return status;
}

/* Who gets a picture: at most `room`. */
typedef struct turns {
    char *chosen;
    int64_t marked, room;
} turns;

static void mark(turns *t, int64_t sample)
{
    if (sample < 0 || t->chosen[sample] || t->marked == t->room) return;
    t->chosen[sample] = 1;
    t->marked++;
}

/* The rank that the page shows first. */
static int64_t usual_rank(const peek__run_files *run)
{
    enum { USUAL = 20 };
    int64_t best = 0;
    for (int64_t i = 1; i < run->rank_count; i++)
        if (llabs(run->ranks[i].rank - USUAL) < llabs(run->ranks[best].rank - USUAL)) best = i;
    return best;
}

/* The foremost samples of every component of the rank that is shown first, then in turns the first, the second
 * .. of every component of every rank, then the first ones of all. */
static void take_turns(const peek__run_files *run, int32_t *const *tops, const int64_t *components,
                       int64_t samples, turns *t)
{
    enum { FOREMOST = 10 };
    int64_t usual = usual_rank(run);
    for (int64_t place = 0; place < FOREMOST && run->rank_count; place++)
        for (int64_t r = 0; r < components[usual]; r++) mark(t, tops[usual][r * TOP_SAMPLES + place]);
    for (int64_t place = 0; place < TOP_SAMPLES; place++)
        for (int64_t i = 0; i < run->rank_count; i++)
            for (int64_t r = 0; r < components[i]; r++) mark(t, tops[i][r * TOP_SAMPLES + place]);
    for (int64_t sample = 0; sample < samples; sample++) mark(t, sample);
}

/* Which samples get a picture: all where there is room, else those that views show first. */
static peek_status choose(peek_context *context, const peek__run_files *run, int64_t samples, int64_t room,
                          int32_t *list, int64_t *count)
{
    char *chosen = NULL;
    int32_t **tops = NULL;
    int64_t *components = NULL;
    peek_status status = peek__alloc(context, &chosen, samples, "the choice of pictures");
    if (status == PEEK_OK) status = peek__alloc(context, &tops, run->rank_count + 1, "the choice of pictures");
    if (status == PEEK_OK)
        status = peek__alloc(context, &components, run->rank_count + 1, "the choice of pictures");
    for (int64_t i = 0; i < run->rank_count && room < samples && status == PEEK_OK; i++)
        status = find_top(context, &run->ranks[i], samples, &tops[i], &components[i]);
    *count = 0;
    turns t = {.chosen = chosen, .room = room};
    if (status == PEEK_OK) take_turns(run, tops, components, samples, &t);
    for (int64_t sample = 0; status == PEEK_OK && sample < samples; sample++)
        if (chosen[sample]) list[(*count)++] = (int32_t)sample;
    for (int64_t i = 0; tops && i < run->rank_count; i++) peek__free(&tops[i]);
    peek__free(&tops);
    peek__free(&components);
    peek__free(&chosen);
    return status;
}

/* Memory of one set of pictures while it is made. */
typedef struct picture_set {
    int32_t *samples;
    int64_t count;
    float *row, *values;
    uint8_t *bytes;
} picture_set;

static peek_status make_set(peek_context *context, const peek__run_files *run, const input_files *files,
                            picture_set *set)
{
    int64_t room = PICTURE_BYTES / files->values, longest = 0, samples = files->all->samples;
    for (int i = 0; i < files->count; i++)
        if (files->blocks[i]->columns > longest) longest = files->blocks[i]->columns;
    PEEK_TRY(peek__alloc(context, &set->samples, samples, "the choice of pictures"));
    PEEK_TRY(choose(context, run, samples, room > 0 ? room : 1, set->samples, &set->count));
    int64_t values = peek__product(set->count, files->values);
    PEEK_TRY(peek__alloc(context, &set->row, longest, "a picture"));
    PEEK_TRY(peek__alloc(context, &set->values, values, "the pictures"));
    PEEK_TRY(peek__alloc(context, &set->bytes, values, "the pictures"));
    for (int64_t i = 0; i < set->count; i++) {
        if (i % 64 == 0) PEEK_TRY(peek__poll(context));
        read_sample(files, set->samples[i], set->row, set->values + i * files->values);
    }
    return PEEK_OK;
}

/* The range of an input's values, which stand `stride` apart: pixels are 0 .. 1 unless they say otherwise. */
static void find_range(const input *of, const float *values, int64_t samples, int64_t stride, float *low,
                       float *high)
{
    *low = 0;
    *high = of->pictured ? 1 : 0;
    for (int64_t t = 0; t < samples; t++)
        for (int64_t i = 0; i < of->values; i++) {
            float value = values[t * stride + i];
            if (value < *low) *low = value;
            if (value > *high) *high = value;
        }
    if (*high <= *low) *high = *low + 1;
}

static peek_status add_input(peek_context *context, const input_files *files, const input *of,
                             const picture_set *set, const float *values, cJSON *object)
{
    float low, high;
    double blocks[MOST_BLOCKS];
    int64_t shape[] = {set->count, of->channels, of->height, of->width};
    find_range(of, values, set->count, files->values, &low, &high);
    for (int64_t t = 0; t < set->count; t++)
        for (int64_t i = 0; i < of->values; i++)
            set->bytes[t * of->values + i] =
                (uint8_t)lroundf(255 * (values[t * files->values + i] - low) / (high - low));
    for (int i = 0; i < of->count; i++) blocks[i] = (double)(files->blocks[of->first + i] - files->all->list);
    PEEK_TRY(peek__json_add_numbers(context, object, "blocks", blocks, of->count));
    PEEK_TRY(peek__json_add_number(context, object, "channels", (double)of->channels));
    PEEK_TRY(peek__json_add_number(context, object, "height", (double)of->height));
    PEEK_TRY(peek__json_add_number(context, object, "width", (double)of->width));
    return peek__pack_bytes(context, object, "pixels", set->bytes, 4, shape, low, high);
}

static peek_status add_set(peek_context *context, const input_files *files, const picture_set *set,
                           cJSON *object)
{
    cJSON *pictures = NULL, *inputs = NULL, *item = NULL;
    const float *values = set->values;
    PEEK_TRY(peek__json_add(context, object, "pictures", cJSON_CreateObject(), &pictures));
    PEEK_TRY(peek__pack_int32(context, pictures, "samples", set->samples, set->count));
    PEEK_TRY(peek__json_add(context, pictures, "inputs", cJSON_CreateArray(), &inputs));
    for (int i = 0; i < files->input_count; i++) {
        PEEK_TRY(peek__json_add(context, inputs, NULL, cJSON_CreateObject(), &item));
        PEEK_TRY(add_input(context, files, &files->inputs[i], set, values, item));
        values += files->inputs[i].values;
    }
    return PEEK_OK;
}

peek_status peek__report_add_pictures(peek_context *context, const peek__run_files *run,
                                      const peek__report_blocks *blocks, cJSON *object)
{
    input_files *files = NULL;
    picture_set set = {0};
    if (!run->capture || !blocks->samples) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &files, 1, "the list of inputs"));
    peek_status status = open_inputs(context, run, blocks, files);
    if (status == PEEK_OK && files->count) {
        status = make_set(context, run, files, &set);
        if (status == PEEK_OK) status = add_set(context, files, &set, object);
    }
    peek__free(&set.bytes);
    peek__free(&set.values);
    peek__free(&set.row);
    peek__free(&set.samples);
    close_inputs(files);
    peek__free(&files);
    return status;
}
