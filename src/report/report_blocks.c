#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "report/packed.h"
#include "report/payload.h"
#include "store/npy.h"

/* What one block may take in the page, over all ranks, and the side from which a map is shown smaller. */
enum { LOADING_BYTES = 1000000, LARGEST_SIDE = 64 };

enum { SINGULAR_VALUES = 400 };

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Takes a shape of one, two or three dimensions where it has `columns` entries; everything else is flat. */
static void set_shape(peek__report_block *block, const cJSON *shape)
{
    int64_t sizes[3] = {1, 1, 1}, product = 1;
    int dimensions = cJSON_GetArraySize(shape);
    if (dimensions < 1 || dimensions > 3) dimensions = 0;
    for (int i = 0; i < dimensions; i++) {
        sizes[3 - dimensions + i] = peek__json_count(cJSON_GetArrayItem(shape, i));
        product = peek__product(product, sizes[3 - dimensions + i]);
    }
    int maps = dimensions == 3 || (dimensions == 2 && sizes[1] > 1 && sizes[2] > 1);
    block->flat = !maps || product != block->columns;
    block->channels = block->flat ? block->columns : sizes[0];
    block->height = block->flat ? 1 : sizes[1];
    block->width = block->flat ? 1 : sizes[2];
}

/* The finest resolution that keeps the loadings of all ranks within LOADING_BYTES. */
static void set_view(peek__report_block *block, int64_t components)
{
    int64_t side = block->height > block->width ? block->height : block->width;
    for (block->step = 1;; block->step++) {
        block->view_height = divide_up(block->height, block->step);
        block->view_width = divide_up(block->width, block->step);
        int64_t entries = block->channels * block->view_height * block->view_width;
        int64_t bytes = peek__product(entries, components ? components : 1);
        int fits = bytes >= 0 && bytes <= LOADING_BYTES;
        if ((fits && divide_up(side, block->step) <= LARGEST_SIDE) || block->step >= side) return;
    }
}

int64_t peek__report_block_index(const peek__report_blocks *blocks, const char *name)
{
    for (int64_t b = 0; b < blocks->count; b++)
        if (strcmp(blocks->list[b].name, name) == 0) return b;
    return -1;
}

/* The manifest's entry of a block that was split in two at fit time: NAME+ and NAME- of NAME. */
static const cJSON *entry_of_whole(const peek__run_files *run, const char *name)
{
    size_t length = strlen(name);
    if (length < 2 || !strchr("+-", name[length - 1])) return NULL;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(run->manifest, "blocks"))
    {
        const char *whole = peek__json_text(entry, "name", "");
        if (strlen(whole) == length - 1 && strncmp(whole, name, length - 1) == 0) return entry;
    }
    return NULL;
}

static peek_status add_captured(peek_context *context, const peek__run_files *run, peek__report_blocks *blocks,
                                const cJSON *entry)
{
    peek__report_block *block = &blocks->list[blocks->count];
    block->name = peek__json_text(entry, "name", NULL);
    block->file = peek__json_text(entry, "file", NULL);
    block->kind = peek__json_text(entry, "kind", "layer");
    block->columns = peek__json_count(cJSON_GetObjectItemCaseSensitive(entry, "columns"));
    block->entry = entry;
    if (!block->name || !block->file || block->columns < 1)
        return peek__fail(context, PEEK_E_FORMAT,
                          "%s/manifest.json: block %lld has no name, file or columns: capture again",
                          run->capture, (long long)blocks->count);
    if (strcmp(block->kind, "input") != 0 && strcmp(block->kind, "output") != 0) block->kind = "layer";
    set_shape(block, cJSON_GetObjectItemCaseSensitive(entry, "shape"));
    blocks->count++;
    return PEEK_OK;
}

/* A block that no manifest knows; its size comes with its loadings, in `entry` of fit.json only its shape. */
static peek_status add_fitted(peek_context *context, const peek__run_files *run, peek__report_blocks *blocks,
                              const peek__rank_folder *rank, const cJSON *entry)
{
    const char *name = peek__json_text(entry, "name", NULL), *file = peek__json_text(entry, "file", NULL);
    if (!name || !file)
        return peek__fail(context, PEEK_E_FORMAT, "%s/fit.json: a block has no name or file: fit again",
                          rank->folder);
    if (peek__report_block_index(blocks, name) >= 0) return PEEK_OK;

    char *path = NULL;
    peek__npy loadings;
    PEEK_TRY(peek__format(context, &path, "%s/%s", rank->folder, file));
    peek_status status = peek__npy_open(context, path, &loadings);
    peek__free(&path);
    PEEK_TRY(status);

    peek__report_block *block = &blocks->list[blocks->count];
    block->name = name;
    block->columns = loadings.rows;
    block->entry = entry_of_whole(run, name);
    int input = strcmp(name, "input") == 0 || strncmp(name, "input.", 6) == 0;
    block->kind = block->entry ? peek__json_text(block->entry, "kind", "layer") : input ? "input" : "layer";
    set_shape(block, cJSON_GetObjectItemCaseSensitive(block->entry ? block->entry : entry, "shape"));
    peek__npy_close(&loadings);
    blocks->count++;
    return PEEK_OK;
}

/* T: of the manifest, or the rows of a sample matrix. */
static peek_status find_samples(peek_context *context, const peek__run_files *run, peek__report_blocks *blocks)
{
    const cJSON *samples = cJSON_GetObjectItemCaseSensitive(run->manifest, "samples");
    blocks->samples = peek__json_count(cJSON_GetObjectItemCaseSensitive(samples, "count"));
    if (!run->rank_count) return PEEK_OK;
    char *path = NULL;
    peek__npy matrix;
    PEEK_TRY(peek__format(context, &path, "%s/samples.npy", run->ranks[0].folder));
    peek_status status = peek__npy_open(context, path, &matrix);
    peek__free(&path);
    PEEK_TRY(status);
    blocks->samples = matrix.rows;
    peek__npy_close(&matrix);
    return PEEK_OK;
}

peek_status peek__report_blocks_find(peek_context *context, const peek__run_files *run,
                                     peek__report_blocks *out)
{
    *out = (peek__report_blocks){0};
    const cJSON *captured = cJSON_GetObjectItemCaseSensitive(run->manifest, "blocks"), *entry;
    int64_t most = cJSON_GetArraySize(captured), components = 0;
    for (int64_t i = 0; i < run->rank_count; i++) {
        most += cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(run->ranks[i].fit, "blocks"));
        components += run->ranks[i].rank;
    }
    PEEK_TRY(find_samples(context, run, out));
    PEEK_TRY(peek__alloc(context, &out->list, most + 1, "the list of blocks"));
    cJSON_ArrayForEach(entry, captured) PEEK_TRY(add_captured(context, run, out, entry));
    for (int64_t i = 0; i < run->rank_count; i++)
        cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(run->ranks[i].fit, "blocks"))
            PEEK_TRY(add_fitted(context, run, out, &run->ranks[i], entry));
    for (int64_t b = 0; b < out->count; b++) set_view(&out->list[b], components);
    return PEEK_OK;
}

void peek__report_blocks_free(peek__report_blocks *blocks)
{
    peek__free(&blocks->list);
    *blocks = (peek__report_blocks){0};
}

void peek__report_block_shrink(const peek__report_block *block, const float *values, int64_t columns,
                               float *out)
{
    int64_t step = block->step;
    for (int64_t c = 0; c < block->channels; c++)
        for (int64_t y = 0; y < block->view_height; y++)
            for (int64_t x = 0; x < block->view_width; x++, out += columns) {
                int64_t bottom = (y + 1) * step < block->height ? (y + 1) * step : block->height;
                int64_t right = (x + 1) * step < block->width ? (x + 1) * step : block->width;
                float share = 1.0f / (float)((bottom - y * step) * (right - x * step));
                for (int64_t r = 0; r < columns; r++) {
                    float sum = 0;
                    for (int64_t i = y * step; i < bottom; i++)
                        for (int64_t j = x * step; j < right; j++)
                            sum += values[((c * block->height + i) * block->width + j) * columns + r];
                    out[r] = sum * share;
                }
            }
}

static peek_status add_singular_values(peek_context *context, const cJSON *measures, cJSON *object)
{
    double values[SINGULAR_VALUES];
    int64_t count = 0;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(measures, "singular_values"), *item;
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsNumber(item) && count < SINGULAR_VALUES) values[count++] = item->valuedouble;
    }
    return peek__json_add_numbers(context, object, "singular_values", values, count);
}

/* The same block's singular values where nothing was learned: "nulls" of measures.json holds for each kind of
 * null what "blocks" holds for the network itself. */
static peek_status add_nulls(peek_context *context, const cJSON *nulls, const char *name, cJSON *object)
{
    cJSON *array = NULL, *item = NULL;
    const cJSON *null;
    cJSON_ArrayForEach(null, nulls)
    {
        const cJSON *all = cJSON_GetObjectItemCaseSensitive(null, "blocks");
        const cJSON *measures = cJSON_GetObjectItemCaseSensitive(all, name);
        if (!cJSON_IsObject(measures) || !null->string) continue;
        if (!array) PEEK_TRY(peek__json_add(context, object, "nulls", cJSON_CreateArray(), &array));
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &item));
        PEEK_TRY(peek__json_add_text(context, item, "name", null->string));
        PEEK_TRY(peek__json_add_number(context, item, "effective_rank",
                                       peek__json_number(measures, "effective_rank", INFINITY)));
        PEEK_TRY(add_singular_values(context, measures, item));
    }
    return PEEK_OK;
}

static peek_status add_measures(peek_context *context, const cJSON *measures, cJSON *object)
{
    if (!cJSON_IsObject(measures)) return PEEK_OK;
    cJSON *out = NULL;
    PEEK_TRY(peek__json_add(context, object, "measures", cJSON_CreateObject(), &out));
    static const char *const names[] = {"norm",   "mean",           "zeros",
                                        "unused", "effective_rank", "singular_value_samples"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        PEEK_TRY(
            peek__json_add_number(context, out, names[i], peek__json_number(measures, names[i], INFINITY)));

    return add_singular_values(context, measures, out);
}

/* Which columns are zero for every sample, from the activations themselves. Reads only as far as there are
 * columns that were not seen to be used. */
static peek_status find_unused(peek_context *context, const peek__npy *npy, float *row, int32_t *unused,
                               int64_t *count)
{
    for (int64_t i = 0; i < npy->columns; i++) unused[i] = (int32_t)i;
    *count = npy->columns;
    for (int64_t t = 0; t < npy->rows && *count; t++) {
        if (t % 256 == 0) PEEK_TRY(peek__poll(context));
        peek__npy_floats(npy, t * npy->columns, npy->columns, row);
        int64_t left = 0;
        for (int64_t i = 0; i < *count; i++)
            if (row[unused[i]] == 0) unused[left++] = unused[i];
        *count = left;
    }
    return PEEK_OK;
}

static peek_status add_unused(peek_context *context, const peek__run_files *run,
                              const peek__report_block *block, cJSON *object)
{
    char *path = NULL;
    peek__npy npy = {0};
    float *row = NULL;
    int32_t *unused = NULL;
    int64_t count = 0;
    PEEK_TRY(peek__format(context, &path, "%s/%s", run->capture, block->file));
    peek_status status = peek__npy_open(context, path, &npy);
    if (status == PEEK_OK && npy.columns > INT32_MAX)
        status = peek__fail(context, PEEK_E_SHAPE, "%s: a report shows layers of up to 2^31 neurons", path);
    if (status == PEEK_OK) status = peek__alloc(context, &row, npy.columns, "a row of activations");
    if (status == PEEK_OK) status = peek__alloc(context, &unused, npy.columns, "the list of unused neurons");
    if (status == PEEK_OK) status = find_unused(context, &npy, row, unused, &count);
    if (status == PEEK_OK) status = peek__pack_int32(context, object, "unused", unused, count);
    peek__npy_close(&npy);
    peek__free(&unused);
    peek__free(&row);
    peek__free(&path);
    return status;
}

static peek_status add_sizes(peek_context *context, cJSON *object, const char *name,
                             const peek__report_block *block, int64_t height, int64_t width)
{
    double sizes[] = {(double)block->channels, (double)height, (double)width};
    return peek__json_add_numbers(context, object, name, sizes, block->flat ? 1 : 3);
}

static peek_status add_block(peek_context *context, const peek__run_files *run,
                             const peek__report_blocks *blocks, const peek__report_block *block,
                             const int32_t *labels, cJSON *object)
{
    PEEK_TRY(peek__json_add_text(context, object, "name", block->name));
    PEEK_TRY(peek__json_add_text(context, object, "kind", block->kind));
    PEEK_TRY(peek__json_add_text(context, object, "operator", peek__json_text(block->entry, "operator", "")));
    PEEK_TRY(peek__json_add_text(context, object, "node", peek__json_text(block->entry, "node", "")));
    PEEK_TRY(add_sizes(context, object, "shape", block, block->height, block->width));
    PEEK_TRY(add_sizes(context, object, "view", block, block->view_height, block->view_width));
    PEEK_TRY(peek__json_add_number(context, object, "columns", (double)block->columns));
    PEEK_TRY(peek__json_add_number(context, object, "channel",
                                   peek__json_number(block->entry, "channel", INFINITY)));
    const char *reduction = peek__json_text(block->entry, "reduction", NULL);
    if (reduction) PEEK_TRY(peek__json_add_text(context, object, "reduction", reduction));
    const cJSON *fit = cJSON_GetObjectItemCaseSensitive(block->entry, "fit");
    PEEK_TRY(peek__json_add(context, object, "fit", cJSON_CreateBool(!fit || cJSON_IsTrue(fit)), NULL));

    const cJSON *all = cJSON_GetObjectItemCaseSensitive(run->measures, "blocks");
    const cJSON *measures = cJSON_GetObjectItemCaseSensitive(all, block->name);
    PEEK_TRY(add_measures(context, measures, object));
    PEEK_TRY(add_nulls(context, cJSON_GetObjectItemCaseSensitive(run->measures, "nulls"), block->name, object));
    int maybe_unused = peek__json_number(measures, "unused", 1) > 0;
    if (!block->file || !run->capture || strcmp(block->kind, "layer") != 0) return PEEK_OK;
    if (maybe_unused) PEEK_TRY(add_unused(context, run, block, object));
    return peek__report_add_neurons(context, run, block, labels, blocks->samples, object);
}

peek_status peek__report_add_blocks(peek_context *context, const peek__run_files *run,
                                    const peek__report_blocks *blocks, const int32_t *labels, cJSON *object)
{
    cJSON *array = NULL, *item = NULL;
    PEEK_TRY(peek__json_add(context, object, "blocks", cJSON_CreateArray(), &array));
    for (int64_t b = 0; b < blocks->count; b++) {
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &item));
        PEEK_TRY(add_block(context, run, blocks, &blocks->list[b], labels, item));
    }
    return PEEK_OK;
}
