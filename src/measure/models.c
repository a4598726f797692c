/* measure/models.c: measures of the fitted models of a run. */
#include "measure/models.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "linalg/gram.h"
#include "measure/document.h"
#include "measure/captions.h"
#include "nnpeek/measure.h"
#include "store/npy.h"

enum { RANKS_MOST = 1000 };

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* None where there is no such folder. */
static peek_status list_ranks(peek_context *context, const char *folder, int64_t *ranks, int64_t *found)
{
    int64_t count = 0;
    errno = 0;
    DIR *directory = opendir(folder);
    struct dirent *entry;
    while (directory && count < RANKS_MOST && (errno = 0, entry = readdir(directory))) {
        char *end;
        if (strncmp(entry->d_name, "rank-", 5) != 0) continue;
        long long rank = strtoll(entry->d_name + 5, &end, 10);
        if (rank > 0 && *end == 0) ranks[count++] = rank;
    }
    int reason = errno == ENOENT || errno == ENOTDIR || count == RANKS_MOST ? 0 : errno;
    if (directory) closedir(directory);
    qsort(ranks, (size_t)count, sizeof *ranks, ascending);
    *found = count;
    if (!reason) return PEEK_OK;
    return peek__fail(context, PEEK_E_IO, "%s: cannot be listed: %s", folder, strerror(reason));
}

static void copy_field(cJSON *to, const cJSON *from, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);
    if (item) cJSON_AddItemToObject(to, name, cJSON_Duplicate(item, 1));
}

/* One model while it is measured. */
typedef struct model_work {
    const char *folder, *capture; /* capture: NULL where there is none */
    const peek__predictions *predictions;
    int64_t k;
    float *matrix; /* the one being looked at, rows x k */
    int64_t rows;
    double *samples, *loadings; /* F^T F and W^T W, k x k */
    double *energy;             /* k: squared norms of loadings, over all blocks */
    double *numbers, *scratch;  /* k; peek__gram_scratch(k) */
} model_work;

/* Loads a matrix with k columns, and its Gram matrix. */
static peek_status load_matrix(peek_context *context, model_work *work, const char *file, double *gram)
{
    char *path;
    int64_t shape[2], k = work->k;
    peek__free(&work->matrix);
    PEEK_TRY(peek__format(context, &path, "%s/%s", work->folder, file));
    peek_status status = peek__npy_load(context, path, 2, shape, &work->matrix);
    if (status == PEEK_OK && shape[1] != k)
        status = peek__fail(context, PEEK_E_SHAPE, "%s has %lld columns, but its rank is %lld: fit again", path,
                            (long long)shape[1], (long long)k);
    peek__free(&path);
    PEEK_TRY(status);
    work->rows = shape[0];
    memset(gram, 0, (size_t)(k * k) * sizeof *gram);
    peek__gram(shape[0], k, work->matrix, work->scratch, gram);
    return PEEK_OK;
}

static void put_sparsity(const model_work *work, cJSON *out, const char *name)
{
    for (int64_t r = 0; r < work->k; r++)
        work->numbers[r] = peek_sparsity(work->matrix + r, work->rows, work->k);
    cJSON_AddItemToObject(out, name, peek__number_list(work->numbers, work->k));
}

static peek_status put_samples(peek_context *context, model_work *work, cJSON *out)
{
    int32_t *labels = NULL;
    PEEK_TRY(load_matrix(context, work, "samples.npy", work->samples));
    put_sparsity(work, out, "sparsity");
    if (work->capture) PEEK_TRY(peek__labels_load(context, work->capture, work->rows, &labels));
    peek_status status =
        labels ? peek_purity(context, work->matrix, labels, work->rows, work->k, work->numbers) : PEEK_OK;
    if (status == PEEK_OK && labels)
        cJSON_AddItemToObject(out, "purity", peek__number_list(work->numbers, work->k));
    else
        cJSON_AddNullToObject(out, "purity");
    peek__free(&labels);
    return status;
}

static void put_shares(const model_work *work, cJSON *out, const char *name)
{
    int64_t k = work->k;
    double sum = 0;
    for (int64_t r = 0; r < k; r++) {
        work->numbers[r] = 0;
        for (int64_t s = 0; s < k; s++)
            work->numbers[r] += work->samples[r * k + s] * work->loadings[r * k + s];
        sum += work->numbers[r];
    }
    for (int64_t r = 0; r < k; r++) work->numbers[r] = sum > 0 ? work->numbers[r] / sum : 0;
    cJSON_AddItemToObject(out, name, peek__number_list(work->numbers, k));
}

static peek_status put_block(peek_context *context, model_work *work, const cJSON *block, cJSON *list,
                             cJSON *shares)
{
    static const char *const copied[] = {"norm", "weight", "rmse", "relative_error"};
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(block, "name")),
               *file = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(block, "file"));
    if (!name || !file || strchr(file, '/'))
        return peek__fail(context, PEEK_E_FORMAT, "%s/fit.json lists a block without name or file: fit again",
                          work->folder);
    cJSON *entry = cJSON_AddObjectToObject(list, name);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) copy_field(entry, block, copied[i]);
    PEEK_TRY(load_matrix(context, work, file, work->loadings));
    peek__put_number(entry, "coherence", peek_coherence(work->loadings, work->k));
    put_sparsity(work, entry, "sparsity");
    put_shares(work, shares, name);
    for (int64_t r = 0; r < work->k; r++) work->energy[r] += work->loadings[r * work->k + r];
    return PEEK_OK;
}

/* Whether a model was fitted to the samples that the predictions are of. Models of older versions do not say.
 */
static int is_of_capture(const cJSON *fit, const peek__predictions *predictions)
{
    const char *digest = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fit, "capture_digest"));
    return !digest || strcmp(digest, predictions->capture_digest) == 0;
}

/* Whether samples with the same composition get the same class. */
static peek_status put_neighbours(peek_context *context, model_work *work, cJSON *out)
{
    const peek__predictions *predictions = work->predictions;
    double agreement, information;
    int64_t k = work->k;
    PEEK_TRY(load_matrix(context, work, "samples.npy", work->samples));
    if (predictions->count <= PEEK_NEIGHBOURS || predictions->total != work->rows) return PEEK_OK;
    for (int64_t i = 0; i < work->rows * k; i++) work->matrix[i] *= (float)sqrt(work->energy[i % k]);
    PEEK_TRY(peek_neighbour_agreement(context, work->matrix, predictions->count, k, predictions->step * k,
                                      predictions->label, predictions->classes, &agreement, &information));
    cJSON *entry = cJSON_AddObjectToObject(out, "neighbours");
    peek__put_number(entry, "agreement", agreement);
    peek__put_number(entry, "information", information);
    return PEEK_OK;
}

static peek_status measure_matrices(peek_context *context, model_work *work, const cJSON *fit, cJSON *out)
{
    int64_t square = peek__product(work->k, work->k);
    PEEK_TRY(peek__alloc(context, &work->samples, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &work->loadings, square, "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &work->scratch, peek__gram_scratch(work->k), "a Gram matrix"));
    PEEK_TRY(peek__alloc(context, &work->numbers, work->k, "measures of components"));
    PEEK_TRY(peek__alloc(context, &work->energy, work->k, "measures of components"));
    PEEK_TRY(put_samples(context, work, out));
    cJSON *list = cJSON_AddObjectToObject(out, "blocks"), *shares = cJSON_AddObjectToObject(out, "shares");
    const cJSON *block, *blocks = cJSON_GetObjectItemCaseSensitive(fit, "blocks");
    cJSON_ArrayForEach(block, blocks) PEEK_TRY(put_block(context, work, block, list, shares));
    return is_of_capture(fit, work->predictions) ? put_neighbours(context, work, out) : PEEK_OK;
}

static peek_status measure_model(peek_context *context, const char *folder, const char *capture,
                                 const peek__predictions *predictions, const cJSON *fit, cJSON *out)
{
    static const char *const copied[] = {"rank", "rule", "seed",          "iterations",
                                         "stop", "rmse", "relative_error"};
    const cJSON *rank = cJSON_GetObjectItemCaseSensitive(fit, "rank");
    const cJSON *blocks = cJSON_GetObjectItemCaseSensitive(fit, "blocks");
    if (!cJSON_IsNumber(rank) || rank->valuedouble < 1 || rank->valuedouble > 1e6 || !cJSON_IsArray(blocks))
        return peek__fail(context, PEEK_E_FORMAT,
                          "%s/fit.json has no rank or no blocks: is it a model of nnpeek?", folder);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) copy_field(out, fit, copied[i]);
    model_work work = {
        .folder = folder, .capture = capture, .predictions = predictions, .k = (int64_t)rank->valuedouble};
    peek_status status = measure_matrices(context, &work, fit, out);
    peek__free(&work.matrix);
    peek__free(&work.samples);
    peek__free(&work.loadings);
    peek__free(&work.scratch);
    peek__free(&work.energy);
    peek__free(&work.numbers);
    return status;
}

static peek_status measure_rank(peek_context *context, const char *folder, const char *capture,
                                const peek__predictions *predictions, int64_t rank, cJSON *ranks)
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
        status = measure_model(context, model, capture, predictions, fit, entry);
        cJSON_AddItemToArray(ranks, entry);
    }
    cJSON_Delete(fit);
    peek__free(&model);
    peek__free(&path);
    return status;
}

/* The relative error of a model: of one block, or of all (block NULL); NAN where it has none. */
static double error_of(const cJSON *model, const char *block)
{
    const cJSON *from =
        block ? cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(model, "blocks"), block)
              : model;
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(from, "relative_error");
    return cJSON_IsNumber(error) ? error->valuedouble : NAN;
}

/* What a doubling of the rank does to the relative error, by least squares over all ranks. numbers: 2 x ranks.
 */
static double error_slope(const cJSON *models, const char *block, double *numbers)
{
    int64_t count = 0, most = cJSON_GetArraySize(models);
    const cJSON *model;
    cJSON_ArrayForEach(model, models)
    {
        numbers[count] = log2(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(model, "rank")));
        numbers[most + count] = error_of(model, block);
        if (!isnan(numbers[most + count])) count++;
    }
    return peek_slope(numbers, numbers + most, count);
}

static void put_slopes(const cJSON *models, double *numbers, cJSON *out)
{
    cJSON *slopes = cJSON_AddObjectToObject(out, "error_slope");
    const cJSON *block;
    peek__put_number(slopes, "all", error_slope(models, NULL, numbers));
    cJSON *blocks = cJSON_AddObjectToObject(slopes, "blocks");
    cJSON_ArrayForEach(block, cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(models, 0), "blocks"))
        peek__put_number(blocks, block->string, error_slope(models, block->string, numbers));
}

static peek_status measure_ranks(peek_context *context, const char *folder, const char *capture,
                                 const peek__predictions *predictions, int64_t count, const int64_t *ranks,
                                 cJSON *json)
{
    double *numbers = NULL;
    cJSON *list = cJSON_AddArrayToObject(json, "ranks");
    for (int64_t i = 0; i < count; i++)
        PEEK_TRY(measure_rank(context, folder, capture, predictions, ranks[i], list));
    PEEK_TRY(peek__alloc(context, &numbers, 2 * count, "slopes"));
    put_slopes(list, numbers, json);
    peek__free(&numbers);
    return PEEK_OK;
}

peek_status peek__models_measure(peek_context *context, const char *folder, const char *capture,
                                 const peek__predictions *predictions, cJSON **out)
{
    int64_t *ranks = NULL;
    *out = NULL;
    PEEK_TRY(peek__alloc(context, &ranks, RANKS_MOST, "a list of ranks"));
    int64_t count = 0;
    peek_status status = list_ranks(context, folder, ranks, &count);
    if (status == PEEK_OK && count) {
        cJSON *json = cJSON_CreateObject();
        status = measure_ranks(context, folder, capture, predictions, count, ranks, json);
        if (status == PEEK_OK)
            *out = json;
        else
            cJSON_Delete(json);
    }
    peek__free(&ranks);
    return status;
}
