#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/packed.h"
#include "report/payload.h"
#include "store/npy.h"

/* What the pictures of samples may take in the page, and how many of each component come first where that is
 * not enough. */
enum { PICTURE_BYTES = 4000000, TOP_SAMPLES = 24 };

/* The input's blocks, one a channel (or one for all), opened. */
typedef struct input_files {
    const peek__report_block *blocks[16];
    peek__npy files[16];
    int count;
    int64_t channels, height, width; /* of a picture in the page */
    int64_t values;                  /* channels x height x width */
} input_files;

static void close_inputs(input_files *inputs)
{
    for (int i = 0; i < inputs->count; i++) peek__npy_close(&inputs->files[i]);
}

/* Opens the blocks of the input where they are pictures of one size; else inputs->channels stays 0. */
static peek_status open_inputs(peek_context *context, const peek__run_files *run,
                               const peek__report_blocks *blocks, input_files *inputs)
{
    for (int64_t b = 0; b < blocks->count; b++) {
        const peek__report_block *block = &blocks->list[b];
        if (!block->file || strcmp(block->kind, "input") != 0) continue;
        const peek__report_block *first = inputs->count ? inputs->blocks[0] : block;
        if (block->flat || block->view_height != first->view_height || block->view_width != first->view_width ||
            block->step != first->step || inputs->count == 16) {
            inputs->channels = 0;
            return PEEK_OK;
        }
        char *path = NULL;
        PEEK_TRY(peek__format(context, &path, "%s/%s", run->capture, block->file));
        peek_status status = peek__npy_open(context, path, &inputs->files[inputs->count]);
        if (status == PEEK_OK) {
            inputs->blocks[inputs->count++] = block;
            const peek__npy *file = &inputs->files[inputs->count - 1];
            if (file->columns != block->columns || file->rows != blocks->samples)
                status = peek__fail(context, PEEK_E_SHAPE,
                                    "%s: this holds %lld x %lld values where %lld x %lld belong: capture again",
                                    path, (long long)file->rows, (long long)file->columns,
                                    (long long)blocks->samples, (long long)block->columns);
        }
        peek__free(&path);
        PEEK_TRY(status);
        inputs->channels += block->channels;
        inputs->height = block->view_height;
        inputs->width = block->view_width;
    }
    inputs->values = inputs->channels * inputs->height * inputs->width;
    return PEEK_OK;
}

/* One sample's picture in the page's resolution. row: as long as the longest row. */
static void read_picture(const input_files *inputs, int64_t sample, float *row, float *out)
{
    for (int i = 0; i < inputs->count; i++) {
        const peek__report_block *block = inputs->blocks[i];
        peek__npy_floats(&inputs->files[i], sample * block->columns, block->columns, row);
        peek__report_block_shrink(block, row, 1, out);
        out += block->channels * block->view_height * block->view_width;
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

/* Marks the samples that have most of each component of one fit. */
static peek_status mark_top(peek_context *context, const peek__rank_folder *rank, int64_t samples, char *chosen)
{
    char *path = NULL;
    float *matrix = NULL;
    amount *amounts = NULL;
    int64_t shape[2] = {0, 0};
    PEEK_TRY(peek__format(context, &path, "%s/samples.npy", rank->folder));
    peek_status status = peek__npy_load(context, path, 2, shape, &matrix);
    if (status == PEEK_OK) status = peek__alloc(context, &amounts, samples, "the choice of pictures");
    for (int64_t r = 0; status == PEEK_OK && r < shape[1] && shape[0] == samples; r++) {
        for (int64_t t = 0; t < samples; t++) amounts[t] = (amount){matrix[t * shape[1] + r], t};
        qsort(amounts, (size_t)samples, sizeof *amounts, by_amount);
        for (int64_t i = 0; i < samples && i < TOP_SAMPLES; i++) chosen[amounts[i].sample] = 1;
        status = peek__poll(context);
    }
    peek__free(&amounts);
    peek__free(&matrix);
    peek__free(&path);
    return status;
}

/* Which samples get a picture: all where there is room, else those that have most of a component, then the
 * first ones. */
static peek_status choose(peek_context *context, const peek__run_files *run, int64_t samples, int64_t room,
                          int32_t *list, int64_t *count)
{
    char *chosen = NULL;
    PEEK_TRY(peek__alloc(context, &chosen, samples, "the choice of pictures"));
    peek_status status = PEEK_OK;
    for (int64_t i = 0; i < run->rank_count && room < samples && status == PEEK_OK; i++)
        status = mark_top(context, &run->ranks[i], samples, chosen);
    int64_t marked = 0;
    for (int64_t t = 0; t < samples; t++) marked += chosen[t];
    for (int64_t t = 0; t < samples && marked < room; t++) {
        marked += !chosen[t];
        chosen[t] = 1;
    }
    *count = 0;
    for (int64_t t = 0; t < samples && *count < room; t++)
        if (chosen[t]) list[(*count)++] = (int32_t)t;
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

static peek_status make_set(peek_context *context, const peek__run_files *run,
                            const peek__report_blocks *blocks, const input_files *inputs, picture_set *set)
{
    int64_t room = PICTURE_BYTES / inputs->values, longest = 0;
    for (int i = 0; i < inputs->count; i++)
        if (inputs->blocks[i]->columns > longest) longest = inputs->blocks[i]->columns;
    PEEK_TRY(peek__alloc(context, &set->samples, blocks->samples, "the choice of pictures"));
    PEEK_TRY(choose(context, run, blocks->samples, room > 0 ? room : 1, set->samples, &set->count));
    PEEK_TRY(peek__alloc(context, &set->row, longest, "a picture"));
    PEEK_TRY(peek__alloc(context, &set->values, peek__product(set->count, inputs->values), "the pictures"));
    PEEK_TRY(peek__alloc(context, &set->bytes, peek__product(set->count, inputs->values), "the pictures"));
    for (int64_t i = 0; i < set->count; i++) {
        if (i % 64 == 0) PEEK_TRY(peek__poll(context));
        read_picture(inputs, set->samples[i], set->row, set->values + i * inputs->values);
    }
    return PEEK_OK;
}

static peek_status add_set(peek_context *context, const input_files *inputs, const picture_set *set,
                           cJSON *object)
{
    int64_t total = set->count * inputs->values;
    float low = 0, high = 1; /* the range of pixels; other inputs use their own */
    for (int64_t i = 0; i < total; i++) {
        if (set->values[i] < low) low = set->values[i];
        if (set->values[i] > high) high = set->values[i];
    }
    for (int64_t i = 0; i < total; i++)
        set->bytes[i] = (uint8_t)lroundf(255 * (set->values[i] - low) / (high - low));

    cJSON *pictures = NULL;
    int64_t shape[] = {set->count, inputs->channels, inputs->height, inputs->width};
    PEEK_TRY(peek__json_add(context, object, "pictures", cJSON_CreateObject(), &pictures));
    PEEK_TRY(peek__pack_int32(context, pictures, "samples", set->samples, set->count));
    PEEK_TRY(peek__json_add_number(context, pictures, "channels", (double)inputs->channels));
    PEEK_TRY(peek__json_add_number(context, pictures, "height", (double)inputs->height));
    PEEK_TRY(peek__json_add_number(context, pictures, "width", (double)inputs->width));
    return peek__pack_bytes(context, pictures, "pixels", set->bytes, 4, shape, low, high);
}

peek_status peek__report_add_pictures(peek_context *context, const peek__run_files *run,
                                      const peek__report_blocks *blocks, cJSON *object)
{
    input_files inputs = {0};
    picture_set set = {0};
    peek_status status = run->capture ? open_inputs(context, run, blocks, &inputs) : PEEK_OK;
    if (status == PEEK_OK && inputs.channels && blocks->samples) {
        status = make_set(context, run, blocks, &inputs, &set);
        if (status == PEEK_OK) status = add_set(context, &inputs, &set, object);
    }
    peek__free(&set.bytes);
    peek__free(&set.values);
    peek__free(&set.row);
    peek__free(&set.samples);
    close_inputs(&inputs);
    return status;
}
