/* measure/output.c: measures of the network's output, where it is a probability. */
#include <math.h>

#include "base/memory.h"
#include "measure/layer.h"
#include "nnpeek/measure.h"

static double entropy(const double *p, int64_t count)
{
    double sum = 0;
    for (int64_t c = 0; c < count; c++)
        if (p[c] > 0) sum -= p[c] * log(p[c]);
    return sum;
}

/* The sums over all samples; 0 when a row is not a distribution. row, mean: K. */
static int add_up(const float *p, int64_t samples, int64_t classes, double *row, double *mean,
                  double *entropies, double *confidences)
{
    for (int64_t t = 0; t < samples; t++) {
        double sum = 0, most = 0;
        for (int64_t c = 0; c < classes; c++) {
            row[c] = p[t * classes + c];
            if (row[c] < 0) return 0;
            sum += row[c];
            if (row[c] > most) most = row[c];
            mean[c] += row[c] / (double)samples;
        }
        if (fabs(sum - 1) > 1e-3) return 0;
        *entropies += entropy(row, classes);
        *confidences += most;
    }
    return 1;
}

static peek_status measure(peek_context *context, const peek__npy *p, float *values, double *row, double *mean,
                           double *singular, cJSON **out)
{
    int64_t classes = p->columns, count = p->rows < classes ? p->rows : classes;
    double entropies = 0, confidences = 0;
    peek__npy_floats(p, 0, p->rows * classes, values);
    if (classes < 2 || !add_up(values, p->rows, classes, row, mean, &entropies, &confidences)) return PEEK_OK;
    PEEK_TRY(peek_singular_values(context, values, p->rows, classes, classes, singular, count));
    cJSON *json = *out = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "classes", (double)classes);
    cJSON_AddNumberToObject(json, "effective_rank", peek_effective_rank(singular, count));
    cJSON_AddNumberToObject(json, "mutual_information", entropy(mean, classes) - entropies / (double)p->rows);
    cJSON_AddNumberToObject(json, "mean_confidence", confidences / (double)p->rows);
    cJSON_AddItemToObject(json, "mean_probability", cJSON_CreateDoubleArray(mean, (int)classes));
    return PEEK_OK;
}

peek_status peek__output_measure(peek_context *context, const peek__npy *p, cJSON **out)
{
    float *values = NULL;
    double *numbers = NULL; /* row, mean and singular values, K each */
    *out = NULL;
    PEEK_TRY(peek__alloc(context, &values, peek__product(p->rows, p->columns), "the output"));
    peek_status status = peek__alloc(context, &numbers, 3 * p->columns, "the output");
    if (status == PEEK_OK)
        status = measure(context, p, values, numbers, numbers + p->columns, numbers + 2 * p->columns, out);
    peek__free(&values);
    peek__free(&numbers);
    return status;
}
