/* study/overlap.c: neurons and classes. */
#include "study/overlap.h"

#include <string.h>

#include "base/memory.h"
#include "store/file.h"
#include "store/npy.h"

/* Classes of a capture. */
typedef struct labels {
    int64_t count, classes, *of;
} labels;

static peek_status read_labels(peek_context *context, const char *capture, labels *out)
{
    char *path;
    peek__npy npy = {0};
    PEEK_TRY(peek__format(context, &path, "%s/labels.npy", capture));
    peek_status status = peek__is_file(path) ? peek__npy_open(context, path, &npy) : PEEK_OK;
    peek__free(&path);
    if (status == PEEK_OK && npy.data) {
        out->count = npy.rows;
        status = peek__alloc(context, &out->of, npy.rows, "the labels");
        for (int64_t t = 0; status == PEEK_OK && t < npy.rows; t++) {
            float label;
            peek__npy_floats(&npy, t, 1, &label);
            out->of[t] = (int64_t)label;
            if (out->of[t] >= out->classes) out->classes = out->of[t] + 1;
        }
        peek__npy_close(&npy);
    }
    return status;
}

/* active: classes x columns. */
static void find_active(const peek__npy *x, const labels *known, double *sums, int64_t *samples, float *row,
                        char *active)
{
    int64_t columns = x->columns, classes = known->classes;
    memset(sums, 0, (size_t)((classes + 1) * columns) * sizeof *sums);
    memset(samples, 0, (size_t)classes * sizeof *samples);
    for (int64_t t = 0; t < x->rows; t++) {
        int64_t label = known->of[t];
        peek__npy_floats(x, t * columns, columns, row);
        samples[label]++;
        for (int64_t i = 0; i < columns; i++) {
            sums[label * columns + i] += row[i];
            sums[classes * columns + i] += row[i];
        }
    }
    for (int64_t c = 0; c < classes; c++)
        for (int64_t i = 0; i < columns; i++)
            active[c * columns + i] = samples[c] && sums[c * columns + i] / (double)samples[c] >
                                                        sums[classes * columns + i] / (double)x->rows;
}

static cJSON *compare(const char *active, int64_t classes, int64_t columns)
{
    cJSON *rows = cJSON_CreateArray();
    for (int64_t a = 0; a < classes; a++) {
        cJSON *row = cJSON_CreateArray();
        for (int64_t b = 0; b < classes; b++) {
            int64_t both = 0, either = 0;
            for (int64_t i = 0; i < columns; i++) {
                both += active[a * columns + i] && active[b * columns + i];
                either += active[a * columns + i] || active[b * columns + i];
            }
            cJSON_AddItemToArray(row, cJSON_CreateNumber(either ? (double)both / (double)either : 0));
        }
        cJSON_AddItemToArray(rows, row);
    }
    return rows;
}

static peek_status add_overlap(peek_context *context, const peek__npy *x, const labels *known, const char *name,
                               cJSON *out)
{
    double *sums = NULL;
    int64_t *samples = NULL;
    float *row = NULL;
    char *active = NULL;
    if (x->rows != known->count) return PEEK_OK;
    peek_status status =
        peek__alloc(context, &sums, peek__product(known->classes + 1, x->columns), "sums of classes");
    if (status == PEEK_OK) status = peek__alloc(context, &samples, known->classes, "sums of classes");
    if (status == PEEK_OK) status = peek__alloc(context, &row, x->columns, "a row of activations");
    if (status == PEEK_OK)
        status = peek__alloc(context, &active, peek__product(known->classes, x->columns), "neurons");
    if (status == PEEK_OK) {
        find_active(x, known, sums, samples, row, active);
        cJSON_AddItemToObject(out, name, compare(active, known->classes, x->columns));
    }
    peek__free(&sums);
    peek__free(&samples);
    peek__free(&row);
    peek__free(&active);
    return status;
}

/* The share of rows whose largest value is at least 1 % of all's. */
static double count_carrying(const peek__npy *loadings, float *row)
{
    float largest = 0;
    int64_t carrying = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < loadings->rows; i++) {
            float most = 0;
            peek__npy_floats(loadings, i * loadings->columns, loadings->columns, row);
            for (int64_t r = 0; r < loadings->columns; r++)
                if (row[r] > most) most = row[r];
            if (pass == 0 && most > largest) largest = most;
            carrying += pass == 1 && most > 0 && most >= 0.01f * largest;
        }
    return loadings->rows ? (double)carrying / (double)loadings->rows : 0;
}

static peek_status add_carrying(peek_context *context, const char *path, const char *name, cJSON *out)
{
    peek__npy loadings = {0};
    float *row = NULL;
    if (!peek__is_file(path)) return PEEK_OK; /* of a layer that was split, or took no part */
    PEEK_TRY(peek__npy_open(context, path, &loadings));
    peek_status status = peek__alloc(context, &row, loadings.columns, "a row of loadings");
    if (status == PEEK_OK) cJSON_AddNumberToObject(out, name, count_carrying(&loadings, row));
    peek__free(&row);
    peek__npy_close(&loadings);
    return status;
}

/* Calls for every layer's file: of the capture where `rank` is 0, else of the loadings. */
static peek_status each_layer(peek_context *context, const char *capture, const char *fitted, int64_t rank,
                              const labels *known, cJSON *out)
{
    char *path;
    cJSON *manifest = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/manifest.json", capture));
    peek_status status = peek__json_read(context, path, &manifest);
    peek__free(&path);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(manifest, "blocks"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
        const char *file = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "file"));
        const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "kind"));
        if (status != PEEK_OK || !name || !file || !kind || strcmp(kind, "layer") != 0) continue;
        status = rank ? peek__format(context, &path, "%s/rank-%lld/%s", fitted, (long long)rank, file)
                      : peek__format(context, &path, "%s/%s", capture, file);
        peek__npy x = {0};
        if (status == PEEK_OK && rank) status = add_carrying(context, path, name, out);
        if (status == PEEK_OK && !rank) status = peek__npy_open(context, path, &x);
        if (status == PEEK_OK && !rank) status = add_overlap(context, &x, known, name, out);
        peek__npy_close(&x);
        peek__free(&path);
    }
    cJSON_Delete(manifest);
    return status;
}

peek_status peek__study_overlap(peek_context *context, const char *capture, cJSON *out)
{
    labels known = {0};
    peek_status status = read_labels(context, capture, &known);
    if (status == PEEK_OK && known.of) status = each_layer(context, capture, NULL, 0, &known, out);
    peek__free(&known.of);
    return status;
}

peek_status peek__study_carrying(peek_context *context, const char *capture, const char *fitted, int64_t rank,
                                 cJSON *out)
{
    return each_layer(context, capture, fitted, rank, NULL, out);
}
