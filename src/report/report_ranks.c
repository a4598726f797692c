#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/packed.h"
#include "report/payload.h"
#include "store/npy.h"

/* One fit while it is read: F (samples x rank) and, to divide a block's energy, F^T F. */
typedef struct fit_reading {
    const peek__run_files *run;
    const peek__report_blocks *blocks;
    const peek__rank_folder *rank;
    float *samples;
    double *gram;
} fit_reading;

/* Loads a matrix of a rank-K folder and checks its shape; -1 means any number. */
static peek_status load_matrix(peek_context *context, const fit_reading *reading, const char *file,
                               int64_t rows, int64_t columns, float **out, char **path)
{
    int64_t shape[2];
    PEEK_TRY(peek__format(context, path, "%s/%s", reading->rank->folder, file));
    PEEK_TRY(peek__npy_load(context, *path, 2, shape, out));
    if ((rows >= 0 && shape[0] != rows) || (columns >= 0 && shape[1] != columns))
        return peek__fail(context, PEEK_E_SHAPE,
                          "%s: this is a %lld x %lld matrix where %lld x %lld belongs: make the run again",
                          *path, (long long)shape[0], (long long)shape[1], (long long)rows, (long long)columns);
    return PEEK_OK;
}

/* gram = A^T A, columns x columns, of rows x columns. */
static void make_gram(const float *a, int64_t rows, int64_t columns, double *gram)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t r = 0; r < columns; r++) {
            double value = a[i * columns + r];
            if (value == 0) continue;
            for (int64_t s = 0; s < columns; s++) gram[r * columns + s] += value * a[i * columns + s];
        }
}

/* How the energy of F W^T divides among the components: share r = sum_s (F^T F)_rs (W^T W)_rs, which counts
 * what two components have in common half for each. What measures.json says comes first. The shares are scaled
 * to 1 - relative_error^2, all that is explained, with which they agree but for the fit's distance from a
 * stationary point. */
static peek_status divide_energy(peek_context *context, const fit_reading *reading, const char *name,
                                 const float *loadings, int64_t rows, double explained, double *shares)
{
    int64_t rank = reading->rank->rank;
    const cJSON *fit = cJSON_GetObjectItemCaseSensitive(reading->run->measures, "fit"), *of_rank;
    cJSON_ArrayForEach(of_rank, cJSON_GetObjectItemCaseSensitive(fit, "ranks"))
    {
        const cJSON *all = cJSON_GetObjectItemCaseSensitive(of_rank, "shares");
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(all, name);
        if (peek__json_count(cJSON_GetObjectItemCaseSensitive(of_rank, "rank")) != rank ||
            cJSON_GetArraySize(list) != rank)
            continue;
        for (int64_t r = 0; r < rank; r++) {
            double value = cJSON_GetArrayItem(list, (int)r)->valuedouble;
            shares[r] = isfinite(value) && value > 0 ? value : 0;
        }
    }
    double sum = 0;
    for (int64_t r = 0; r < rank; r++) sum += shares[r];
    if (sum <= 0) {
        double *gram = NULL;
        PEEK_TRY(peek__alloc(context, &gram, peek__product(rank, rank), "the shares of energy"));
        make_gram(loadings, rows, rank, gram);
        for (int64_t i = 0; i < rank * rank; i++) shares[i / rank] += gram[i] * reading->gram[i];
        for (int64_t r = 0; r < rank; r++) sum += shares[r];
        peek__free(&gram);
    }
    for (int64_t r = 0; r < rank; r++) shares[r] = sum > 0 ? shares[r] * explained / sum : 0;
    return PEEK_OK;
}

/* Loadings in the order and at the resolution of the page. */
static peek_status pack_loadings(peek_context *context, cJSON *object, const peek__report_block *block,
                                 const float *loadings, int64_t rank, const char *what)
{
    if (block->view.step == 1 && !block->maps.last)
        return peek__pack_root8(context, object, "loadings", loadings, block->columns, rank, what);
    int64_t entries = peek__report_block_entries(block);
    float *shown = NULL;
    PEEK_TRY(peek__alloc(context, &shown, peek__product(entries, rank), "the loadings in the report"));
    peek__report_maps_all(&block->maps, &block->view, loadings, rank, shown);
    peek_status status = peek__pack_root8(context, object, "loadings", shown, entries, rank, what);
    peek__free(&shown);
    return status;
}

static peek_status add_rank_block(peek_context *context, const fit_reading *reading, const cJSON *entry,
                                  cJSON *object)
{
    const char *name = peek__json_text(entry, "name", ""), *file = peek__json_text(entry, "file", "");
    int64_t index = peek__report_block_index(reading->blocks, name), rank = reading->rank->rank;
    const peek__report_block *block = &reading->blocks->list[index];
    double error = peek__json_number(entry, "relative_error", 1);
    double explained = error < 1 ? 1 - error * error : 0;
    PEEK_TRY(peek__json_add_number(context, object, "block", (double)index));
    PEEK_TRY(peek__json_add_number(context, object, "norm", peek__json_number(entry, "norm", INFINITY)));
    PEEK_TRY(peek__json_add_number(context, object, "weight", peek__json_number(entry, "weight", INFINITY)));
    PEEK_TRY(peek__json_add_number(context, object, "relative_error", error));
    PEEK_TRY(peek__json_add_number(context, object, "rmse", peek__json_number(entry, "rmse", 0)));

    char *path = NULL;
    float *loadings = NULL;
    double *shares = NULL;
    peek_status status = load_matrix(context, reading, file, block->columns, rank, &loadings, &path);
    if (status == PEEK_OK) status = peek__alloc(context, &shares, rank, "the shares of energy");
    if (status == PEEK_OK)
        status = divide_energy(context, reading, name, loadings, block->columns, explained, shares);
    if (status == PEEK_OK) status = peek__json_add_numbers(context, object, "shares", shares, rank);
    if (status == PEEK_OK) status = pack_loadings(context, object, block, loadings, rank, path);
    if (status == PEEK_OK)
        status = peek__report_add_details(context, block, reading->blocks->details, loadings, rank, object);
    peek__free(&shares);
    peek__free(&loadings);
    peek__free(&path);
    return status;
}

static peek_status add_samples(peek_context *context, fit_reading *reading, cJSON *object)
{
    int64_t rank = reading->rank->rank;
    char *path = NULL;
    peek_status status =
        load_matrix(context, reading, "samples.npy", reading->blocks->samples, rank, &reading->samples, &path);
    if (status == PEEK_OK)
        status = peek__pack_root8(context, object, "samples", reading->samples, reading->blocks->samples, rank,
                                  path);
    if (status == PEEK_OK)
        status = peek__alloc(context, &reading->gram, peek__product(rank, rank), "the shares of energy");
    if (status == PEEK_OK) make_gram(reading->samples, reading->blocks->samples, rank, reading->gram);
    peek__free(&path);
    return status;
}

static peek_status add_errors(peek_context *context, const fit_reading *reading, int64_t blocks, cJSON *object)
{
    char *path = NULL;
    float *errors = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/errors.npy", reading->rank->folder));
    int there = 0;
    peek_status status = peek__find_file(context, path, &there);
    peek__free(&path);
    if (!there) return status;
    status = load_matrix(context, reading, "errors.npy", reading->blocks->samples, blocks, &errors, &path);
    if (status == PEEK_OK)
        status = peek__pack_root8(context, object, "errors", errors, reading->blocks->samples, blocks, path);
    peek__free(&errors);
    peek__free(&path);
    return status;
}

static peek_status add_numbers_of_fit(peek_context *context, const cJSON *fit, cJSON *object)
{
    static const char *const numbers[] = {"seed", "iterations", "seconds"}, *const texts[] = {"rule", "stop",
                                                                                              "version",
                                                                                              "citation"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        PEEK_TRY(
            peek__json_add_number(context, object, numbers[i], peek__json_number(fit, numbers[i], INFINITY)));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (peek__json_text(fit, texts[i], NULL))
            PEEK_TRY(peek__json_add_text(context, object, texts[i], peek__json_text(fit, texts[i], NULL)));
    const cJSON *sketch = cJSON_GetObjectItemCaseSensitive(fit, "sketch");
    PEEK_TRY(peek__json_add_number(context, object, "sketch_iterations",
                                   peek__json_number(sketch, "iterations", INFINITY)));
    PEEK_TRY(peek__json_add_number(context, object, "rmse", peek__json_number(fit, "rmse", 0)));
    PEEK_TRY(
        peek__json_add_number(context, object, "relative_error", peek__json_number(fit, "relative_error", 1)));
    return peek__report_add_settings(context, object, "options",
                                     cJSON_GetObjectItemCaseSensitive(fit, "options"));
}

/* How far each component came back from other starts, where that is known of all. */
static peek_status add_component_stability(peek_context *context, const cJSON *of_rank, int64_t rank,
                                           cJSON *object)
{
    static const char name[] = "component_stability";
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(of_rank, name), *value;
    double *numbers = NULL;
    int64_t count = 0;
    if (cJSON_GetArraySize(list) != rank || cJSON_GetObjectItemCaseSensitive(object, name)) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &numbers, rank, "the stability of components"));
    cJSON_ArrayForEach(value, list)
    {
        if (cJSON_IsNumber(value) && isfinite(value->valuedouble)) numbers[count++] = value->valuedouble;
    }
    peek_status status =
        count == rank ? peek__json_add_numbers(context, object, name, numbers, count) : PEEK_OK;
    peek__free(&numbers);
    return status;
}

/* What the measures say of this rank beyond its error. */
static peek_status add_measures_of_rank(peek_context *context, const fit_reading *reading, cJSON *object)
{
    static const char *const names[] = {"held_out_error", "held_out_standard_error", "stability"};
    const cJSON *fit = cJSON_GetObjectItemCaseSensitive(reading->run->measures, "fit"), *of_rank;
    cJSON_ArrayForEach(of_rank, cJSON_GetObjectItemCaseSensitive(fit, "ranks"))
    {
        int64_t rank = peek__json_count(cJSON_GetObjectItemCaseSensitive(of_rank, "rank"));
        for (size_t i = 0; rank == reading->rank->rank && i < sizeof names / sizeof *names; i++)
            if (!cJSON_GetObjectItemCaseSensitive(object, names[i]))
                PEEK_TRY(peek__json_add_number(context, object, names[i],
                                               peek__json_number(of_rank, names[i], INFINITY)));
        if (rank == reading->rank->rank) PEEK_TRY(add_component_stability(context, of_rank, rank, object));
    }
    return PEEK_OK;
}

static peek_status add_rank(peek_context *context, fit_reading *reading, cJSON *object)
{
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(reading->rank->fit, "blocks"), *entry;
    cJSON *array = NULL, *item = NULL;
    PEEK_TRY(peek__json_add_number(context, object, "rank", (double)reading->rank->rank));
    PEEK_TRY(add_numbers_of_fit(context, reading->rank->fit, object));
    PEEK_TRY(peek__report_add_digest(context, object, reading->rank->folder, "fit.json"));
    PEEK_TRY(add_measures_of_rank(context, reading, object));
    PEEK_TRY(add_samples(context, reading, object));
    PEEK_TRY(add_errors(context, reading, cJSON_GetArraySize(entries), object));
    PEEK_TRY(peek__json_add(context, object, "blocks", cJSON_CreateArray(), &array));
    cJSON_ArrayForEach(entry, entries)
    {
        PEEK_TRY(peek__poll(context));
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &item));
        PEEK_TRY(add_rank_block(context, reading, entry, item));
    }
    return PEEK_OK;
}

peek_status peek__report_add_ranks(peek_context *context, const peek__run_files *run,
                                   const peek__report_blocks *blocks, cJSON *object)
{
    cJSON *array = NULL, *item = NULL;
    PEEK_TRY(peek__json_add(context, object, "ranks", cJSON_CreateArray(), &array));
    for (int64_t i = 0; i < run->rank_count; i++) {
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &item));
        fit_reading reading = {.run = run, .blocks = blocks, .rank = &run->ranks[i]};
        peek_status status = add_rank(context, &reading, item);
        peek__free(&reading.samples);
        peek__free(&reading.gram);
        PEEK_TRY(status);
    }
    return PEEK_OK;
}
