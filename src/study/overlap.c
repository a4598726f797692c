/* study/overlap.c: neurons and classes. */
#include "study/overlap.h"

#include <string.h>

#include "base/memory.h"
#include "measure/captions.h"
#include "store/file.h"
#include "store/storage.h"

/* Classes of a capture's samples. */
typedef struct labels {
    int64_t count, classes;
    int32_t *of; /* -1: unknown; NULL: there are no labels */
} labels;

static peek_status read_labels(peek_context *context, const char *capture, const cJSON *manifest, labels *out)
{
    const cJSON *samples = cJSON_GetObjectItemCaseSensitive(manifest, "samples");
    out->count = peek__json_count(cJSON_GetObjectItemCaseSensitive(samples, "count"));
    PEEK_TRY(peek__labels_load(context, capture, out->count, &out->of));
    for (int64_t t = 0; out->of && t < out->count; t++)
        if (out->of[t] >= out->classes) out->classes = (int64_t)out->of[t] + 1;
    return PEEK_OK;
}

/* Sums over the samples of each class, and over all (the last row): (classes + 1) x columns. */
static void sum_classes(const peek__npy *x, const labels *known, float *row, double *sums, int64_t *samples)
{
    int64_t columns = x->columns, classes = known->classes;
    for (int64_t t = 0; t < x->rows; t++) {
        int64_t label = known->of[t];
        peek__npy_floats(x, t * columns, columns, row);
        for (int64_t i = 0; i < columns; i++) sums[classes * columns + i] += row[i];
        if (label < 0) continue;
        samples[label]++;
        for (int64_t i = 0; i < columns; i++) sums[label * columns + i] += row[i];
    }
}

/* Makes means of sums, and takes the mean over all from that of each class; classes without samples have 0. */
static void centre(double *sums, const int64_t *samples, int64_t classes, int64_t columns, int64_t rows)
{
    for (int64_t c = 0; c < classes; c++)
        for (int64_t i = 0; i < columns; i++)
            sums[c * columns + i] = samples[c] ? sums[c * columns + i] / (double)samples[c] -
                                                     sums[classes * columns + i] / (double)rows
                                               : 0;
}

/* active: classes x rows of the loadings, from means of the sample matrix by class. */
static void find_active(const peek__npy *loadings, const double *means, int64_t classes, float *row,
                        char *active)
{
    int64_t k = loadings->columns;
    for (int64_t i = 0; i < loadings->rows; i++) {
        peek__npy_floats(loadings, i * k, k, row);
        for (int64_t c = 0; c < classes; c++) {
            double sum = 0;
            for (int64_t r = 0; r < k; r++) sum += means[c * k + r] * row[r];
            active[c * loadings->rows + i] = sum > 0;
        }
    }
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

/* Means of the columns of x by class, less those over all; classes x columns, which the caller frees. */
static peek_status class_means(peek_context *context, const peek__npy *x, const labels *known, double **means)
{
    int64_t *samples = NULL;
    float *row = NULL;
    peek_status status =
        peek__alloc(context, means, peek__product(known->classes + 1, x->columns), "means of classes");
    if (status == PEEK_OK) status = peek__alloc(context, &samples, known->classes, "means of classes");
    if (status == PEEK_OK) status = peek__alloc(context, &row, x->columns, "a row of activations");
    if (status == PEEK_OK) {
        sum_classes(x, known, row, *means, samples);
        centre(*means, samples, known->classes, x->columns, x->rows);
    }
    peek__free(&samples);
    peek__free(&row);
    return status;
}

static peek_status add_overlap(peek_context *context, const peek__npy *x, const labels *known, const char *name,
                               cJSON *out)
{
    double *means = NULL;
    char *active = NULL;
    int64_t all = peek__product(known->classes, x->columns);
    if (x->rows != known->count) return PEEK_OK;
    peek_status status = class_means(context, x, known, &means);
    if (status == PEEK_OK) status = peek__alloc(context, &active, all, "neurons");
    for (int64_t i = 0; status == PEEK_OK && i < all; i++) active[i] = means[i] > 0;
    if (status == PEEK_OK) cJSON_AddItemToObject(out, name, compare(active, known->classes, x->columns));
    peek__free(&means);
    peek__free(&active);
    return status;
}

/* means: of the sample matrix by class, classes x k. */
static peek_status add_component_overlap(peek_context *context, const char *path, const double *means,
                                         int64_t classes, const char *name, cJSON *out)
{
    peek__npy loadings = {0};
    float *row = NULL;
    char *active = NULL;
    int there;
    PEEK_TRY(peek__find_file(context, path, &there));
    if (!there) return PEEK_OK; /* of a layer that was split, or took no part */
    PEEK_TRY(peek__npy_open(context, path, &loadings));
    peek_status status = peek__alloc(context, &row, loadings.columns, "a row of loadings");
    if (status == PEEK_OK)
        status = peek__alloc(context, &active, peek__product(classes, loadings.rows), "neurons");
    if (status == PEEK_OK) {
        find_active(&loadings, means, classes, row, active);
        cJSON_AddItemToObject(out, name, compare(active, classes, loadings.rows));
    }
    peek__free(&row);
    peek__free(&active);
    peek__npy_close(&loadings);
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
    int there;
    PEEK_TRY(peek__find_file(context, path, &there));
    if (!there) return PEEK_OK; /* of a layer that was split, or took no part */
    PEEK_TRY(peek__npy_open(context, path, &loadings));
    peek_status status = peek__alloc(context, &row, loadings.columns, "a row of loadings");
    if (status == PEEK_OK) cJSON_AddNumberToObject(out, name, count_carrying(&loadings, row));
    peek__free(&row);
    peek__npy_close(&loadings);
    return status;
}

/* What is done with every layer, and with what. */
typedef struct visit {
    peek_context *context;
    const char *capture, *fitted; /* fitted/rank-K holds loadings */
    int64_t rank;
    const labels *known;
    const double *means;
    cJSON *out;
    peek_status (*see)(const struct visit *v, const char *name, const char *file, const cJSON *entry);
} visit;

static peek_status see_activations(const visit *v, const char *name, const char *file, const cJSON *entry)
{
    char *path;
    peek__npy x = {0};
    PEEK_TRY(peek__format(v->context, &path, "%s/%s", v->capture, file));
    peek_status status = peek__stored_open(v->context, path, entry, &x);
    if (status == PEEK_OK) status = add_overlap(v->context, &x, v->known, name, v->out);
    peek__npy_close(&x);
    peek__free(&path);
    return status;
}

static peek_status see_loadings(const visit *v, const char *name, const char *file, const cJSON *entry)
{
    char *path;
    (void)entry;
    PEEK_TRY(peek__format(v->context, &path, "%s/rank-%lld/%s", v->fitted, (long long)v->rank, file));
    peek_status status =
        v->means ? add_component_overlap(v->context, path, v->means, v->known->classes, name, v->out)
                 : add_carrying(v->context, path, name, v->out);
    peek__free(&path);
    return status;
}

static peek_status each_layer(const visit *v, const cJSON *manifest)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(manifest, "blocks"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
        const char *file = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "file"));
        const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "kind"));
        if (name && file && kind && strcmp(kind, "layer") == 0) PEEK_TRY(v->see(v, name, file, entry));
    }
    return PEEK_OK;
}

/* Means of the sample matrix by class. */
static peek_status component_means(const visit *v, double **means)
{
    char *path;
    peek__npy samples = {0};
    PEEK_TRY(peek__format(v->context, &path, "%s/rank-%lld/samples.npy", v->fitted, (long long)v->rank));
    peek_status status = peek__npy_open(v->context, path, &samples);
    if (status == PEEK_OK && samples.rows != v->known->count)
        status = peek__fail(v->context, PEEK_E_SHAPE, "%s has other samples than the capture", path);
    if (status == PEEK_OK) status = class_means(v->context, &samples, v->known, means);
    peek__npy_close(&samples);
    peek__free(&path);
    return status;
}

/* Visits all layers; by classes: nothing without labels, and by the components with the means of the sample
 * matrix. */
static peek_status visit_layers(visit *v, int by_classes)
{
    char *path;
    cJSON *manifest = NULL;
    labels known = {0};
    double *means = NULL;
    PEEK_TRY(peek__format(v->context, &path, "%s/manifest.json", v->capture));
    peek_status status = peek__json_read(v->context, path, &manifest);
    peek__free(&path);
    if (status == PEEK_OK && by_classes) status = read_labels(v->context, v->capture, manifest, &known);
    v->known = &known;
    if (status == PEEK_OK && known.of && v->fitted) status = component_means(v, &means);
    v->means = means;
    if (status == PEEK_OK && (known.of || !by_classes)) status = each_layer(v, manifest);
    cJSON_Delete(manifest);
    peek__free(&known.of);
    peek__free(&means);
    return status;
}

peek_status peek__study_overlap(peek_context *context, const char *capture, cJSON *out)
{
    visit v = {.context = context, .capture = capture, .out = out, .see = see_activations};
    return visit_layers(&v, 1);
}

peek_status peek__study_component_overlap(peek_context *context, const char *capture, const char *fitted,
                                          int64_t rank, cJSON *out)
{
    visit v = {context, capture, fitted, rank, NULL, NULL, out, see_loadings};
    return visit_layers(&v, 1);
}

peek_status peek__study_carrying(peek_context *context, const char *capture, const char *fitted, int64_t rank,
                                 cJSON *out)
{
    visit v = {context, capture, fitted, rank, NULL, NULL, out, see_loadings};
    return visit_layers(&v, 0);
}
