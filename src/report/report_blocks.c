#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "report/packed.h"
#include "report/payload.h"
#include "store/storage.h"

enum { SINGULAR_VALUES = 400 };

int64_t peek__report_block_entries(const peek__report_block *block)
{
    return block->maps.channels * peek__report_view_places(&block->maps, &block->view);
}

int64_t peek__report_block_index(const peek__report_blocks *blocks, const char *name)
{
    for (int64_t b = 0; b < blocks->count; b++)
        if (strcmp(blocks->list[b].name, name) == 0) return b;
    return -1;
}

/* The manifest's entry of a block that was split in two at fit time: NAME+ and NAME- of NAME, as wide as it. */
static const cJSON *entry_of_whole(const peek__run_files *run, const char *name, int64_t columns)
{
    size_t length = strlen(name);
    if (length < 2 || !strchr("+-", name[length - 1])) return NULL;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(run->manifest, "blocks"))
    {
        const char *whole = peek__json_text(entry, "name", "");
        if (peek__json_count(cJSON_GetObjectItemCaseSensitive(entry, "columns")) == columns &&
            strlen(whole) == length - 1 && strncmp(whole, name, length - 1) == 0)
            return entry;
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
    block->maps = peek__report_maps_read(entry, block->columns);
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
    int64_t known = peek__report_block_index(blocks, name);
    if (known >= 0) {
        blocks->list[known].fitted = 1;
        return PEEK_OK;
    }

    char *path = NULL;
    peek__npy loadings;
    PEEK_TRY(peek__format(context, &path, "%s/%s", rank->folder, file));
    peek_status status = peek__npy_open(context, path, &loadings);
    peek__free(&path);
    PEEK_TRY(status);

    peek__report_block *block = &blocks->list[blocks->count];
    const cJSON *whole = entry_of_whole(run, name, loadings.rows);
    int input = strcmp(name, "input") == 0 || strncmp(name, "input.", 6) == 0;
    *block = (peek__report_block){.name = name, .columns = loadings.rows, .fitted = 1};
    block->kind = whole ? peek__json_text(whole, "kind", "layer") : input ? "input" : "layer";
    block->entry = whole ? whole : entry;
    if (whole) {
        block->file = peek__json_text(whole, "file", NULL);
        block->sign = name[strlen(name) - 1] == '+' ? 1 : -1;
    }
    block->maps = peek__report_maps_read(block->entry, block->columns);
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
    peek__report_blocks_set_views(out, components);
    return PEEK_OK;
}

void peek__report_blocks_free(peek__report_blocks *blocks)
{
    peek__free(&blocks->list);
    *blocks = (peek__report_blocks){0};
}

peek_status peek__report_block_open(peek_context *context, const peek__run_files *run,
                                    const peek__report_block *block, int64_t samples, peek__npy *npy)
{
    char *path = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/%s", run->capture, block->file));
    peek_status status = peek__stored_open(context, path, block->entry, npy);
    if (status == PEEK_OK && (npy->rows != samples || npy->columns != block->columns))
        status = peek__fail(
            context, PEEK_E_SHAPE, "%s: this holds %lld x %lld values where %lld x %lld belong: capture again",
            path, (long long)npy->rows, (long long)npy->columns, (long long)samples, (long long)block->columns);
    peek__free(&path);
    return status;
}

void peek__report_block_row(const peek__report_block *block, const peek__npy *npy, int64_t sample, float *row)
{
    peek__npy_floats(npy, sample * block->columns, block->columns, row);
    for (int64_t i = 0; block->sign && i < block->columns; i++)
        row[i] = (float)block->sign * row[i] > 0 ? (float)block->sign * row[i] : 0;
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
static peek_status add_nulls(peek_context *context, const cJSON *nulls, const peek__report_block *block,
                             cJSON *object)
{
    int input = strcmp(block->kind, "input") == 0; /* which no network changes */
    cJSON *array = NULL, *item = NULL;
    const cJSON *null;
    cJSON_ArrayForEach(null, nulls)
    {
        const cJSON *all = cJSON_GetObjectItemCaseSensitive(null, "blocks");
        const cJSON *measures = cJSON_GetObjectItemCaseSensitive(all, block->name);
        if (!cJSON_IsObject(measures) || !null->string ||
            (input && strcmp(null->string, "untrained network") == 0))
            continue;
        if (!array) PEEK_TRY(peek__json_add(context, object, "nulls", cJSON_CreateArray(), &array));
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &item));
        PEEK_TRY(peek__json_add_text(context, item, "name", null->string));
        /* The network itself, measured with as few samples as the nulls. */
        if (strcmp(null->string, "trained network") == 0)
            PEEK_TRY(peek__json_add(context, item, "same", cJSON_CreateTrue(), NULL));
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

/* Marks with 1 the columns that some sample uses and counts the others. Reads only as far as there are columns
 * that were not seen to be used. */
static peek_status mark_used(peek_context *context, const peek__report_block *block, const peek__npy *npy,
                             float *row, float *used, int64_t *unused)
{
    *unused = block->columns;
    for (int64_t t = 0; t < npy->rows && *unused; t++) {
        if (t % 256 == 0) PEEK_TRY(peek__poll(context));
        peek__report_block_row(block, npy, t, row);
        for (int64_t i = 0; i < block->columns; i++) {
            *unused -= row[i] != 0 && used[i] == 0;
            if (row[i] != 0) used[i] = 1;
        }
    }
    return PEEK_OK;
}

/* Lists the entries of the page all of whose columns are unused. */
static peek_status list_unused(peek_context *context, const peek__report_block *block, const float *used,
                               cJSON *object)
{
    float *shown = NULL;
    int32_t *list = NULL;
    int64_t entries = peek__report_block_entries(block), count = 0;
    peek_status status = peek__alloc(context, &shown, entries, "the list of unused neurons");
    if (status == PEEK_OK) status = peek__alloc(context, &list, entries, "the list of unused neurons");
    if (status == PEEK_OK) {
        peek__report_maps_all(&block->maps, &block->view, used, 1, shown);
        for (int64_t i = 0; i < entries; i++)
            if (shown[i] == 0) list[count++] = (int32_t)i;
        status = peek__pack_int32(context, object, "unused", list, count);
    }
    peek__free(&list);
    peek__free(&shown);
    return status;
}

static peek_status add_unused(peek_context *context, const peek__run_files *run,
                              const peek__report_block *block, int64_t samples, cJSON *object)
{
    peek__npy npy = {0};
    float *row = NULL, *used = NULL;
    int64_t unused = 0;
    peek_status status = peek__report_block_open(context, run, block, samples, &npy);
    if (status == PEEK_OK && npy.columns > INT32_MAX)
        status = peek__fail(context, PEEK_E_SHAPE, "block '%s': a report shows layers of up to 2^31 neurons",
                            block->name);
    if (status == PEEK_OK) status = peek__alloc(context, &row, npy.columns, "a row of activations");
    if (status == PEEK_OK) status = peek__alloc(context, &used, npy.columns, "the list of unused neurons");
    if (status == PEEK_OK) status = mark_used(context, block, &npy, row, used, &unused);
    if (status == PEEK_OK) status = peek__json_add_number(context, object, "unused_columns", (double)unused);
    if (status == PEEK_OK && unused) status = list_unused(context, block, used, object);
    peek__npy_close(&npy);
    peek__free(&used);
    peek__free(&row);
    return status;
}

static peek_status add_sizes(peek_context *context, cJSON *object, const char *name, const cJSON *list)
{
    double sizes[PEEK__NPY_DIMENSIONS];
    int count = cJSON_GetArraySize(list);
    if (count < 1 || count > PEEK__NPY_DIMENSIONS) return PEEK_OK;
    for (int i = 0; i < count; i++) sizes[i] = (double)peek__json_count(cJSON_GetArrayItem(list, i));
    return peek__json_add_numbers(context, object, name, sizes, count);
}

/* What the page has to know to draw the entries of a block as maps. */
static peek_status add_view(peek_context *context, const peek__report_block *block, cJSON *object)
{
    const peek__report_maps *maps = &block->maps;
    const peek__report_view *view = &block->view;
    double sizes[] = {(double)maps->channels, (double)(view->slices * view->height), (double)view->width};
    if (maps->flat)
        PEEK_TRY(peek__json_add_numbers(context, object, "view", &sizes[2], 1));
    else
        PEEK_TRY(peek__json_add_numbers(context, object, "view", sizes, 3));
    if (maps->lead) PEEK_TRY(peek__json_add_number(context, object, "lead", (double)maps->lead));
    if (view->slices > 1) PEEK_TRY(peek__json_add_number(context, object, "slices", (double)view->slices));
    if (view->step == 1) return PEEK_OK;
    double extent[] = {(double)maps->slices, (double)maps->height, (double)maps->width};
    PEEK_TRY(peek__json_add_number(context, object, "step", (double)view->step));
    return peek__json_add_numbers(context, object, "extent", extent, 3);
}

/* How many entries a shape has. That of a block which was never captured counts the samples too (fit.json's).
 */
static double entries_of(const cJSON *shape)
{
    double entries = 1;
    const cJSON *size;
    cJSON_ArrayForEach(size, shape) entries *= size->valuedouble;
    return entries;
}

/* Names and sizes as the capture says. */
static peek_status add_facts(peek_context *context, const peek__report_block *block, cJSON *object)
{
    static const char *const texts[] = {"layout", "reduction", "input"};
    double columns = (double)block->columns;
    PEEK_TRY(peek__json_add_text(context, object, "name", block->name));
    PEEK_TRY(peek__json_add_text(context, object, "kind", block->kind));
    PEEK_TRY(peek__json_add_text(context, object, "operator", peek__json_text(block->entry, "operator", "")));
    PEEK_TRY(peek__json_add_text(context, object, "node", peek__json_text(block->entry, "node", "")));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (peek__json_text(block->entry, texts[i], NULL))
            PEEK_TRY(
                peek__json_add_text(context, object, texts[i], peek__json_text(block->entry, texts[i], NULL)));
    const char *shape = "shape";
    const cJSON *sizes = cJSON_GetObjectItemCaseSensitive(block->entry, shape);
    if (entries_of(sizes) == columns) PEEK_TRY(add_sizes(context, object, shape, sizes));
    if (!cJSON_GetObjectItemCaseSensitive(object, shape))
        PEEK_TRY(peek__json_add_numbers(context, object, shape, &columns, 1));
    PEEK_TRY(
        add_sizes(context, object, "full_shape", cJSON_GetObjectItemCaseSensitive(block->entry, "full_shape")));
    PEEK_TRY(add_view(context, block, object));
    PEEK_TRY(peek__json_add_number(context, object, "columns", columns));
    return peek__json_add_number(context, object, "channel",
                                 peek__json_number(block->entry, "channel", INFINITY));
}

static peek_status add_block(peek_context *context, const peek__run_files *run,
                             const peek__report_blocks *blocks, const peek__report_block *block,
                             const int32_t *labels, cJSON *object)
{
    PEEK_TRY(add_facts(context, block, object));
    const cJSON *fit = cJSON_GetObjectItemCaseSensitive(block->entry, "fit");
    PEEK_TRY(peek__json_add(context, object, "fit", cJSON_CreateBool(!fit || cJSON_IsTrue(fit)), NULL));

    const cJSON *all = cJSON_GetObjectItemCaseSensitive(run->measures, "blocks");
    const cJSON *measures = cJSON_GetObjectItemCaseSensitive(all, block->name);
    PEEK_TRY(add_measures(context, measures, object));
    PEEK_TRY(add_nulls(context, cJSON_GetObjectItemCaseSensitive(run->measures, "nulls"), block, object));
    int maybe_unused = peek__json_number(measures, "unused", 1) > 0;
    if (!block->file || !run->capture || strcmp(block->kind, "layer") != 0) return PEEK_OK;
    if (maybe_unused) PEEK_TRY(add_unused(context, run, block, blocks->samples, object));
    return peek__report_add_neurons(context, run, block, block->sign ? NULL : labels, blocks->samples, object);
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
