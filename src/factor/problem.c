/* factor/problem.c: collecting the blocks of a joint problem. */
#include "factor/problem.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/file.h"
#include "store/storage.h"

static const char *const reserved_names[] = {"samples", "errors", "labels"};

peek_status peek_problem_create(peek_context *context, peek_problem **out)
{
    return peek__alloc(context, out, 1, "a problem");
}

void peek_problem_free(peek_problem **problem)
{
    if (!problem || !*problem) return;
    for (int64_t b = 0; b < (*problem)->count; b++) peek__block_clear(&(*problem)->blocks[b]);
    peek__free(&(*problem)->blocks);
    peek__free(&(*problem)->weights);
    peek__free(problem);
}

static peek_status check_name(peek_context *context, const peek_problem *problem, const char *name)
{
    if (!name[0]) return peek__fail(context, PEEK_E_ARGUMENT, "a block has an empty name: give it one");
    for (size_t i = 0; i < sizeof reserved_names / sizeof *reserved_names; i++)
        if (strcmp(name, reserved_names[i]) == 0)
            return peek__fail(context, PEEK_E_ARGUMENT,
                              "a block cannot be called '%s', a name that the results use: rename it", name);
    for (int64_t b = 0; b < problem->count; b++)
        if (strcmp(problem->blocks[b].name, name) == 0)
            return peek__fail(context, PEEK_E_ARGUMENT, "two blocks are called '%s': rename one of them", name);
    return PEEK_OK;
}

static peek_status check_shape(peek_context *context, const peek_problem *problem, const peek__block *block)
{
    if (block->rows < 1 || block->columns < 1)
        return peek__fail(context, PEEK_E_SHAPE, "block '%s' is empty (%lld rows of %lld values)", block->name,
                          (long long)block->rows, (long long)block->columns);
    if (block->columns > INT32_MAX || block->rows > INT32_MAX)
        return peek__fail(context, PEEK_E_SHAPE, "block '%s' has more than 2^31 rows or columns", block->name);
    if (problem->count && block->rows != problem->rows)
        return peek__fail(context, PEEK_E_SHAPE,
                          "block '%s' has %lld rows, but '%s' has %lld: all blocks need one row a sample",
                          block->name, (long long)block->rows, problem->blocks[0].name,
                          (long long)problem->rows);
    return PEEK_OK;
}

static peek_status unique_file(peek_context *context, const peek_problem *problem, peek__block *block)
{
    char *safe = NULL;
    PEEK_TRY(peek__safe_name(context, &safe, block->name));
    peek_status status = peek__format(context, &block->file, "%s.npy", safe);
    for (int64_t number = 2, b = 0; status == PEEK_OK && b < problem->count; b++) {
        int reserved = 0;
        for (size_t i = 0; i < sizeof reserved_names / sizeof *reserved_names; i++)
            reserved |= strncmp(block->file, reserved_names[i], strlen(reserved_names[i])) == 0 &&
                        strcmp(block->file + strlen(reserved_names[i]), ".npy") == 0;
        if (!reserved && strcasecmp(problem->blocks[b].file, block->file) != 0) continue;
        peek__free(&block->file);
        status = peek__format(context, &block->file, "%s-%lld.npy", safe, (long long)number++);
        b = -1; /* look at all again */
    }
    peek__free(&safe);
    return status;
}

void peek__problem_stream(peek_problem *problem, double kept)
{
    problem->streamed = 1;
    for (int64_t b = 0; b < problem->count; b++) {
        peek__block *block = &problem->blocks[b];
        block->streamed = peek__block_mapped(block) > 0;
        block->kept = (int64_t)(kept / (double)problem->mapped * (double)problem->rows);
        peek__block_drop(block, 0, block->rows);
    }
}

/* Counts a file that is about to be read. Data that leave too little of the memory for the work on them are
 * streamed; a fit, which knows how much that is, may yet decide so for smaller ones. */
static void count_mapped(peek_context *context, peek_problem *problem, peek__block *block)
{
    problem->mapped += peek__block_mapped(block);
    if (!problem->streamed && problem->mapped > peek__memory_limit(context, (double)problem->mapped) / 2)
        peek__problem_stream(problem, 0);
    block->streamed = problem->streamed && peek__block_mapped(block) > 0;
}

static peek_status make_room(peek_context *context, peek_problem *problem)
{
    if (problem->count < problem->capacity) return PEEK_OK;
    int64_t capacity = problem->capacity ? 2 * problem->capacity : 8;
    peek__block *blocks;
    double *weights;
    PEEK_TRY(peek__alloc(context, &blocks, capacity, "a problem"));
    peek_status status = peek__alloc(context, &weights, capacity, "a problem");
    if (status != PEEK_OK) {
        peek__free(&blocks);
        return status;
    }
    if (problem->count) {
        memcpy(blocks, problem->blocks, (size_t)problem->count * sizeof *blocks);
        memcpy(weights, problem->weights, (size_t)problem->count * sizeof *weights);
    }
    peek__free(&problem->blocks);
    peek__free(&problem->weights);
    problem->blocks = blocks;
    problem->weights = weights;
    problem->capacity = capacity;
    return PEEK_OK;
}

/* Takes the block over into the problem; on failure it stays the caller's. scan: of a block with a plain view,
 * else NULL. */
static peek_status append(peek_context *context, peek_problem *problem, peek__block *block,
                          const peek__block_scan *scan)
{
    PEEK_TRY(check_name(context, problem, block->name));
    PEEK_TRY(unique_file(context, problem, block));
    if (scan) {
        block->square = scan->square;
        block->largest = scan->largest;
        block->digest = scan->digest;
    } else {
        PEEK_TRY(peek__block_measure(context, block));
    }
    PEEK_TRY(make_room(context, problem));
    problem->rows = block->rows;
    problem->columns += block->columns;
    problem->weights[problem->count] = 1;
    problem->blocks[problem->count++] = *block;
    *block = (peek__block){0};
    return PEEK_OK;
}

/* A second block over the same data; from a file it is mapped again. */
static peek_status twin(peek_context *context, const peek__block *block, const char *path, const char *suffix,
                        peek__view view, peek__block *out)
{
    *out = (peek__block){
        .rows = block->rows, .columns = block->columns, .stride = block->stride, .values = block->values};
    out->view = view;
    PEEK_TRY(peek__format(context, &out->name, "%s%s", block->name, suffix));
    PEEK_TRY(path ? peek__npy_open(context, path, &out->npy) : PEEK_OK);
    out->npy.scale = block->npy.scale;
    return PEEK_OK;
}

static peek_status refuse(peek_context *context, const peek__block *block, const char *path,
                          const peek__block_scan *scan)
{
    return peek__fail(context, PEEK_E_VALUE,
                      "%s%sblock '%s' holds %g at row %lld, column %lld, but components are non-negative: "
                      "choose what to do with "
                      "--signed split, positive or shift",
                      path ? path : "", path ? ": " : "", block->name, (double)scan->negative,
                      (long long)scan->negative_row, (long long)scan->negative_column);
}

static peek_status add_split(peek_context *context, peek_problem *problem, const peek__block *block,
                             const char *path)
{
    static const struct {
        const char *suffix;
        peek__view view;
    } parts[] = {{"+", PEEK__VIEW_POSITIVE}, {"-", PEEK__VIEW_NEGATIVE}};
    for (int i = 0; i < 2; i++) {
        peek__block part;
        peek_status status = twin(context, block, path, parts[i].suffix, parts[i].view, &part);
        part.streamed = problem->streamed && peek__block_mapped(&part) > 0; /* its file is counted already */
        if (status == PEEK_OK) status = append(context, problem, &part, NULL);
        peek__block_clear(&part);
        PEEK_TRY(status);
    }
    return PEEK_OK;
}

/* Adds a filled block; `path` is where it was mapped from, or NULL. The block is cleared in every case. */
static peek_status add(peek_context *context, peek_problem *problem, peek__block *block, const char *path,
                       peek_signed negatives)
{
    peek__block_scan scan;
    int64_t mapped = peek__block_mapped(block);
    peek_status status = check_shape(context, problem, block);
    count_mapped(context, problem, block);
    if (status == PEEK_OK) status = peek__block_inspect(context, block, &scan);
    if (status == PEEK_OK && scan.negative_row >= 0 && negatives == PEEK_SIGNED_REFUSE)
        status = refuse(context, block, path, &scan);
    if (status == PEEK_OK && scan.negative_row >= 0 && negatives == PEEK_SIGNED_SPLIT) {
        status = add_split(context, problem, block, path);
    } else if (status == PEEK_OK) {
        if (scan.negative_row >= 0) {
            block->view = negatives == PEEK_SIGNED_POSITIVE ? PEEK__VIEW_POSITIVE : PEEK__VIEW_SHIFT;
            block->offset = (float)scan.smallest;
        }
        status = append(context, problem, block, scan.negative_row >= 0 ? NULL : &scan);
    }
    if (status != PEEK_OK) problem->mapped -= mapped;
    peek__block_clear(block);
    return status;
}

peek_status peek_problem_add_array(peek_context *context, peek_problem *problem, const char *name,
                                   const float *values, int64_t rows, int64_t columns, int64_t stride,
                                   peek_signed negatives)
{
    if (!problem || !name || !values || stride < columns)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "adding a block needs a problem, a name, values and a stride of %lld or more",
                          (long long)columns);
    peek__block block = {.rows = rows, .columns = columns, .stride = stride, .values = values};
    PEEK_TRY(peek__copy_text(context, &block.name, name));
    return add(context, problem, &block, NULL, negatives);
}

/* entry: of the file in the manifest of its capture; NULL: it is of none. */
static peek_status add_named_file(peek_context *context, peek_problem *problem, char **name, const char *path,
                                  const cJSON *entry, peek_signed negatives)
{
    peek__block block = {.name = *name};
    *name = NULL;
    peek_status status = peek__stored_open(context, path, entry, &block.npy);
    if (status != PEEK_OK) {
        peek__block_clear(&block);
        return status;
    }
    block.rows = block.npy.rows;
    block.columns = block.stride = block.npy.columns;
    return add(context, problem, &block, path, negatives);
}

peek_status peek_problem_add_file(peek_context *context, peek_problem *problem, const char *path,
                                  peek_signed negatives)
{
    if (!problem || !path)
        return peek__fail(context, PEEK_E_ARGUMENT, "adding a block needs a problem and a file");
    char *name;
    PEEK_TRY(peek__base_name(context, &name, path, ".npy"));
    return add_named_file(context, problem, &name, path, NULL, negatives);
}

static peek_status add_capture_block(peek_context *context, peek_problem *problem, const char *folder,
                                     const char *manifest, const cJSON *entry, peek_signed negatives)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(entry, "name");
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(entry, "file");
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(entry, "fit"))) return PEEK_OK;
    if (!cJSON_IsString(name) || !cJSON_IsString(file) || strchr(file->valuestring, '/'))
        return peek__fail(context, PEEK_E_FORMAT,
                          "%s: a block has no name or no file in this folder: capture again", manifest);
    char *path = NULL, *copy = NULL;
    peek_status status = peek__format(context, &path, "%s/%s", folder, file->valuestring);
    if (status == PEEK_OK) status = peek__copy_text(context, &copy, name->valuestring);
    if (status == PEEK_OK) status = add_named_file(context, problem, &copy, path, entry, negatives);
    peek__free(&copy);
    peek__free(&path);
    return status;
}

/* Blocks of two captures, or of a capture and files beside it, are of no one capture. */
static peek_status mark_capture(peek_context *context, peek_problem *problem, const char *manifest)
{
    if (!problem->count) return peek__file_digest(context, manifest, problem->capture_digest);
    *problem->capture_digest = 0;
    return PEEK_OK;
}

peek_status peek_problem_add_capture(peek_context *context, peek_problem *problem, const char *folder,
                                     peek_signed negatives)
{
    if (!problem || !folder)
        return peek__fail(context, PEEK_E_ARGUMENT, "adding a capture needs a problem and a folder");
    char *manifest = NULL;
    cJSON *json = NULL;
    PEEK_TRY(peek__format(context, &manifest, "%s/manifest.json", folder));
    peek_status status = peek__json_read(context, manifest, &json);
    const cJSON *blocks = cJSON_GetObjectItemCaseSensitive(json, "blocks"), *entry;
    if (status == PEEK_OK) status = mark_capture(context, problem, manifest);
    if (status == PEEK_OK && (!cJSON_IsArray(blocks) || !blocks->child))
        status = peek__fail(context, PEEK_E_FORMAT, "%s lists no blocks: is it the manifest of a capture?",
                            manifest);
    cJSON_ArrayForEach(entry, blocks)
    {
        if (status == PEEK_OK) status = add_capture_block(context, problem, folder, manifest, entry, negatives);
    }
    cJSON_Delete(json);
    peek__free(&manifest);
    return status;
}

int64_t peek_problem_samples(const peek_problem *problem)
{
    return problem ? problem->rows : 0;
}

int64_t peek_problem_blocks(const peek_problem *problem)
{
    return problem ? problem->count : 0;
}

int64_t peek_problem_columns(const peek_problem *problem)
{
    return problem ? problem->columns : 0;
}

peek_status peek_problem_check_rank(peek_context *context, const peek_problem *problem, int64_t rank)
{
    if (!problem || problem->count == 0)
        return peek__fail(context, PEEK_E_SHAPE, "there are no blocks to factorise: add some first");
    int64_t most = problem->rows < problem->columns ? problem->rows : problem->columns;
    if (rank >= 1 && rank <= most) return PEEK_OK;
    return peek__fail(
        context, PEEK_E_SHAPE,
        "rank %lld cannot be had: %lld samples and %lld columns in all blocks allow 1 to %lld; change --ranks",
        (long long)rank, (long long)problem->rows, (long long)problem->columns, (long long)most);
}

peek_status peek_problem_block(peek_context *context, const peek_problem *problem, int64_t block,
                               peek_block_info *out)
{
    if (!problem || block < 0 || block >= problem->count)
        return peek__fail(context, PEEK_E_ARGUMENT, "there is no block %lld", (long long)block);
    const peek__block *b = &problem->blocks[block];
    *out = (peek_block_info){b->name, b->file, b->columns, sqrt(b->square), problem->weights[block]};
    return PEEK_OK;
}

peek_status peek_problem_set_weight(peek_context *context, peek_problem *problem, const char *name,
                                    double weight)
{
    if (!(weight > 0) || isinf(weight))
        return peek__fail(context, PEEK_E_ARGUMENT, "the weight of '%s' is %g, but must be a number above 0",
                          name, weight);
    for (int64_t b = 0; b < problem->count; b++)
        if (strcmp(problem->blocks[b].name, name) == 0) {
            problem->weights[b] = weight;
            return PEEK_OK;
        }
    return peek__fail(context, PEEK_E_NOT_FOUND, "--weight names block '%s', which is not among the blocks",
                      name);
}
