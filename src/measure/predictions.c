/* measure/predictions.c: the classes that a network gives to evenly spaced samples. */
#include "measure/predictions.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "measure/document.h"
#include "measure/neighbours.h"
#include "measure/output.h"
#include "measure/sampled.h"
#include "nnpeek/measure.h"

static void softmax(float *row, int64_t classes)
{
    double largest = row[0], sum = 0;
    for (int64_t c = 1; c < classes; c++)
        if (row[c] > largest) largest = row[c];
    for (int64_t c = 0; c < classes; c++) sum += exp(row[c] - largest);
    for (int64_t c = 0; c < classes; c++) row[c] = (float)(exp(row[c] - largest) / sum);
}

/* Whether the values could be answers to several questions, each with its own probability. */
static int are_shares(const float *p, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(p[i] >= 0 && p[i] <= 1)) return 0;
    return 1;
}

/* p: count x classes. counts: classes. */
static peek_status look(peek_context *context, float *p, double *counts, double *singular,
                        peek__predictions *out)
{
    int64_t rows = out->count, classes = out->classes, most = rows < classes ? rows : classes;
    double entropy = 0;
    for (int64_t t = 0; t < rows; t++) {
        out->label[t] = (int32_t)peek__predicted(p + t * classes, classes);
        counts[out->label[t]]++;
    }
    for (int64_t c = 0; c < classes; c++)
        if (counts[c] > 0) entropy -= counts[c] / (double)rows * log(counts[c] / (double)rows);
    out->effective_classes = exp(entropy);
    out->logits = !peek_is_probability(p, rows, classes);
    for (int64_t t = 0; t < rows && out->logits; t++) softmax(p + t * classes, classes);
    out->confidence = peek_mean_confidence(p, rows, classes);
    out->information = peek_mutual_information(p, rows, classes);
    PEEK_TRY(peek_singular_values(context, p, rows, classes, classes, singular, most));
    out->effective_rank = peek_effective_rank(singular, most);
    return PEEK_OK;
}

static peek_status take(peek_context *context, const peek__rows *rows, peek__predictions *out)
{
    float *p = NULL;
    double *counts = NULL;
    int64_t classes = rows->columns;
    PEEK_TRY(peek__alloc(context, &out->label, rows->rows, "predictions"));
    PEEK_TRY(peek__alloc(context, &counts, 2 * classes, "predictions"));
    peek_status status = peek__alloc_raw(context, &p, peek__product(rows->rows, classes), "predictions");
    for (int64_t t = 0; status == PEEK_OK && t < rows->rows; t++)
        memcpy(p + t * classes, rows->x + t * rows->stride, (size_t)classes * sizeof *p);
    out->count = rows->rows;
    out->classes = classes;
    int shares = status == PEEK_OK && are_shares(p, rows->rows * classes) &&
                 !peek_is_probability(p, rows->rows, classes);
    if (shares)
        out->count = 0;
    else if (status == PEEK_OK)
        status = look(context, p, counts, counts + classes, out);
    peek__free(&p);
    peek__free(&counts);
    return status;
}

peek_status peek__predict(peek_context *context, const peek__npy *output, int64_t most, peek__predictions *out)
{
    peek__sampled sampled;
    *out = (peek__predictions){.total = output->rows, .step = (output->rows + most - 1) / most};
    if (output->dimensions != 2 || output->columns < 2 || output->columns > PEEK__NEIGHBOURS_CLASSES)
        return PEEK_OK;
    PEEK_TRY(peek__sample(context, output, most, &sampled));
    peek_status status = take(context, &sampled.rows, out);
    peek__sampled_clear(&sampled);
    return status;
}

void peek__predictions_clear(peek__predictions *predictions)
{
    peek__free(&predictions->label);
}

/* The names of the entries of one kind, but for flat ones of so many values. */
static void put_names(cJSON *json, const char *name, const cJSON *entries, const char *kind, int64_t but)
{
    cJSON *list = cJSON_AddArrayToObject(json, name);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, entries)
    {
        const char *mine = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "kind"));
        const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
        if (cJSON_GetArraySize(shape) == 1 && shape->child->valuedouble == (double)but) continue;
        if (mine && strcmp(mine, kind) == 0)
            cJSON_AddItemToArray(list, cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(entry, "name"), 1));
    }
}

/* Channels x height x width of the picture that the inputs are planes of, or null. */
static void put_picture(cJSON *json, const cJSON *entries)
{
    int planes = 0, whole = 1, height = 0, width = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, entries)
    {
        const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "kind"));
        const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
        if (!kind || strcmp(kind, "input") != 0) continue;
        whole = whole && cJSON_GetObjectItemCaseSensitive(entry, "channel") && cJSON_GetArraySize(shape) == 3;
        if (!whole) break;
        height = cJSON_GetArrayItem(shape, 1)->valueint;
        width = cJSON_GetArrayItem(shape, 2)->valueint;
        planes++;
    }
    if (whole && planes)
        cJSON_AddItemToObject(json, "picture", cJSON_CreateIntArray((const int[]){planes, height, width}, 3));
    else
        cJSON_AddNullToObject(json, "picture");
}

peek_status peek__mean_plane(peek_context *context, const peek__npy *x, int64_t height, int64_t width,
                             int64_t most, cJSON *list)
{
    peek__sampled sampled;
    double sum[PEEK__MEAN_CELLS * PEEK__MEAN_CELLS] = {0};
    int64_t many[PEEK__MEAN_CELLS * PEEK__MEAN_CELLS] = {0};
    int64_t down = height < PEEK__MEAN_CELLS ? height : PEEK__MEAN_CELLS,
            across = width < PEEK__MEAN_CELLS ? width : PEEK__MEAN_CELLS;
    if (height < 1 || width < 1 || x->columns != height * width) return PEEK_OK;
    PEEK_TRY(peek__sample(context, x, most, &sampled));
    for (int64_t t = 0; t < sampled.rows.rows; t++)
        for (int64_t i = 0; i < height * width; i++) {
            int64_t cell = i / width * down / height * across + i % width * across / width;
            sum[cell] += sampled.rows.x[t * sampled.rows.stride + i];
            many[cell]++;
        }
    peek__sampled_clear(&sampled);
    for (int64_t cell = 0; cell < down * across; cell++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(round(sum[cell] / (double)many[cell] * 1e6) / 1e6));
    return PEEK_OK;
}

cJSON *peek__predictions_document(const peek__predictions *predictions, const cJSON *entries,
                                  cJSON *mean_picture)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "samples", (double)predictions->count);
    cJSON_AddNumberToObject(json, "classes", (double)predictions->classes);
    cJSON_AddStringToObject(json, "taken_as", predictions->logits ? "logits" : "probabilities");
    peek__put_number(json, "effective_classes", predictions->effective_classes);
    peek__put_number(json, "confidence", predictions->confidence);
    peek__put_number(json, "effective_rank", predictions->effective_rank);
    peek__put_number(json, "mutual_information", predictions->information);
    put_names(json, "inputs", entries, "input", -1);
    put_names(json, "layers", entries, "layer", predictions->classes);
    put_picture(json, entries);
    cJSON_AddItemToObject(json, "mean_picture", mean_picture);
    return json;
}
