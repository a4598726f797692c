/* measure/models.c: measures of the fitted models of a run. */
#include "measure/models.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "linalg/gram.h"
#include "store/npy.h"

enum { RANKS_MOST = 1000 };

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t list_ranks(const char *folder, int64_t *ranks)
{
    int64_t count = 0;
    DIR *directory = opendir(folder);
    struct dirent *entry;
    while (directory && count < RANKS_MOST && (entry = readdir(directory))) {
        char *end;
        if (strncmp(entry->d_name, "rank-", 5) != 0) continue;
        long long rank = strtoll(entry->d_name + 5, &end, 10);
        if (rank > 0 && *end == 0) ranks[count++] = rank;
    }
    if (directory) closedir(directory);
    qsort(ranks, (size_t)count, sizeof *ranks, ascending);
    return count;
}

/* M^T M of a matrix file with k columns, into gram (k x k). */
static peek_status file_gram(peek_context *context, const char *folder, const char *file, int64_t k,
                             double *scratch, double *gram)
{
    char *path;
    float *values = NULL;
    int64_t shape[2];
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, file));
    peek_status status = peek__npy_load(context, path, 2, shape, &values);
    if (status == PEEK_OK && shape[1] != k)
        status = peek__fail(context, PEEK_E_SHAPE, "%s has %lld columns, but its rank is %lld: fit again", path,
                            (long long)shape[1], (long long)k);
    memset(gram, 0, (size_t)(k * k) * sizeof *gram);
    if (status == PEEK_OK) peek__gram(shape[0], k, values, scratch, gram);
    peek__free(&values);
    peek__free(&path);
    return status;
}

typedef struct share_work {
    double *samples, *loadings, *shares; /* k x k, k x k, k */
    double *scratch;                     /* peek__gram_scratch(k) */
} share_work;

static peek_status block_shares(peek_context *context, const char *folder, const cJSON *block, int64_t k,
                                share_work *work, cJSON *out)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(block, "name"),
                *file = cJSON_GetObjectItemCaseSensitive(block, "file");
    if (!cJSON_IsString(name) || !cJSON_IsString(file) || strchr(file->valuestring, '/'))
        return peek__fail(context, PEEK_E_FORMAT, "%s/fit.json lists a block without name or file: fit again",
                          folder);
    PEEK_TRY(file_gram(context, folder, file->valuestring, k, work->scratch, work->loadings));
    double sum = 0;
    for (int64_t r = 0; r < k; r++) {
        work->shares[r] = 0;
        for (int64_t s = 0; s < k; s++) work->shares[r] += work->samples[r * k + s] * work->loadings[r * k + s];
        sum += work->shares[r];
    }
    for (int64_t r = 0; r < k; r++) work->shares[r] = sum > 0 ? work->shares[r] / sum : 0;
    cJSON_AddItemToObject(out, name->valuestring, cJSON_CreateDoubleArray(work->shares, (int)k));
    return PEEK_OK;
}

static peek_status all_shares(peek_context *context, const char *folder, const cJSON *blocks, int64_t k,
                              cJSON *out)
{
    share_work work = {0};
    peek_status status = peek__alloc(context, &work.samples, peek__product(k, k), "a Gram matrix");
    if (status == PEEK_OK) status = peek__alloc(context, &work.loadings, k * k, "a Gram matrix");
    if (status == PEEK_OK) status = peek__alloc(context, &work.scratch, peek__gram_scratch(k), "a Gram matrix");
    if (status == PEEK_OK) status = peek__alloc(context, &work.shares, k, "shares");
    if (status == PEEK_OK) status = file_gram(context, folder, "samples.npy", k, work.scratch, work.samples);
    const cJSON *block;
    cJSON_ArrayForEach(block, blocks)
    {
        if (status == PEEK_OK) status = block_shares(context, folder, block, k, &work, out);
    }
    peek__free(&work.samples);
    peek__free(&work.loadings);
    peek__free(&work.scratch);
    peek__free(&work.shares);
    return status;
}

static void copy_field(cJSON *to, const cJSON *from, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);
    if (item) cJSON_AddItemToObject(to, name, cJSON_Duplicate(item, 1));
}

static peek_status measure_model(peek_context *context, const char *folder, const cJSON *fit, cJSON *out)
{
    static const char *const copied[] = {"rank", "rule", "seed",          "iterations",
                                         "stop", "rmse", "relative_error"};
    static const char *const block_copied[] = {"norm", "weight", "rmse", "relative_error"};
    const cJSON *rank = cJSON_GetObjectItemCaseSensitive(fit, "rank"), *block;
    const cJSON *blocks = cJSON_GetObjectItemCaseSensitive(fit, "blocks");
    if (!cJSON_IsNumber(rank) || rank->valuedouble < 1 || rank->valuedouble > 1e6 || !cJSON_IsArray(blocks))
        return peek__fail(context, PEEK_E_FORMAT,
                          "%s/fit.json has no rank or no blocks: is it a model of nnpeek?", folder);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) copy_field(out, fit, copied[i]);
    cJSON *list = cJSON_AddObjectToObject(out, "blocks");
    cJSON_ArrayForEach(block, blocks)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(block, "name");
        if (!cJSON_IsString(name)) continue;
        cJSON *entry = cJSON_AddObjectToObject(list, name->valuestring);
        for (size_t i = 0; i < sizeof block_copied / sizeof *block_copied; i++)
            copy_field(entry, block, block_copied[i]);
    }
    return all_shares(context, folder, blocks, (int64_t)rank->valuedouble,
                      cJSON_AddObjectToObject(out, "shares"));
}

static peek_status measure_rank(peek_context *context, const char *folder, int64_t rank, cJSON *ranks)
{
    char *model = NULL, *path = NULL;
    cJSON *fit = NULL, *entry = NULL;
    char digest[17];
    peek_status status = peek__format(context, &model, "%s/rank-%lld", folder, (long long)rank);
    if (status == PEEK_OK) status = peek__format(context, &path, "%s/fit.json", model);
    if (status == PEEK_OK) status = peek__json_read(context, path, &fit);
    if (status == PEEK_OK) status = peek__file_digest(context, path, digest);
    if (status == PEEK_OK) {
        entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "fit_digest", digest);
        status = measure_model(context, model, fit, entry);
        cJSON_AddItemToArray(ranks, entry);
    }
    cJSON_Delete(fit);
    peek__free(&model);
    peek__free(&path);
    return status;
}

peek_status peek__models_measure(peek_context *context, const char *folder, cJSON **out)
{
    int64_t *ranks = NULL;
    *out = NULL;
    PEEK_TRY(peek__alloc(context, &ranks, RANKS_MOST, "a list of ranks"));
    int64_t count = list_ranks(folder, ranks);
    peek_status status = PEEK_OK;
    if (count) {
        cJSON *json = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(json, "ranks");
        for (int64_t i = 0; status == PEEK_OK && i < count; i++)
            status = measure_rank(context, folder, ranks[i], list);
        if (status == PEEK_OK)
            *out = json;
        else
            cJSON_Delete(json);
    }
    peek__free(&ranks);
    return status;
}
