/* measure/output.c: measures of the network's output, where it is a probability. */
#include <math.h>

#include "base/memory.h"
#include "measure/document.h"
#include "measure/output.h"
#include "nnpeek/measure.h"

int peek_is_probability(const float *p, int64_t rows, int64_t classes)
{
    if (!p || rows < 1 || classes < 2) return 0;
    for (int64_t t = 0; t < rows; t++) {
        double sum = 0;
        for (int64_t c = 0; c < classes; c++) {
            if (!(p[t * classes + c] >= 0)) return 0;
            sum += p[t * classes + c];
        }
        if (!(fabs(sum - 1) <= 1e-3)) return 0;
    }
    return 1;
}

static double surprise(double p)
{
    return p > 0 ? -p * log(p) : 0;
}

static double mean_of_class(const float *p, int64_t rows, int64_t classes, int64_t c)
{
    double sum = 0;
    for (int64_t t = 0; t < rows; t++) sum += p[t * classes + c];
    return sum / (double)rows;
}

double peek_mutual_information(const float *p, int64_t rows, int64_t classes)
{
    double of_mean = 0, of_rows = 0;
    for (int64_t c = 0; c < classes; c++) of_mean += surprise(mean_of_class(p, rows, classes, c));
    for (int64_t i = 0; i < rows * classes; i++) of_rows += surprise(p[i]);
    return of_mean - of_rows / (double)rows;
}

int64_t peek__predicted(const float *p, int64_t classes)
{
    int64_t best = 0;
    for (int64_t c = 1; c < classes; c++)
        if (p[c] > p[best]) best = c;
    return best;
}

double peek_mean_confidence(const float *p, int64_t rows, int64_t classes)
{
    double sum = 0;
    for (int64_t t = 0; t < rows; t++) sum += p[t * classes + peek__predicted(p + t * classes, classes)];
    return sum / (double)rows;
}

double peek_nuclear_norm(const double *singular_values, int64_t rows, int64_t classes)
{
    int64_t count = rows < classes ? rows : classes;
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += singular_values[i];
    return sum / sqrt((double)rows * (double)count);
}

double peek_mano(const float *p, int64_t rows, int64_t classes)
{
    double sum = 0;
    for (int64_t i = 0; i < rows * classes; i++) {
        double square = (double)p[i] * p[i];
        sum += square * square;
    }
    return pow(sum / ((double)rows * (double)classes), 0.25);
}

typedef struct dispersion_work {
    const float *p, *x;
    int64_t rows, columns, stride, classes;
    double *means;   /* (classes + 1) x columns: sums, then means; the last of all samples */
    int64_t *counts; /* classes */
} dispersion_work;

static double disperse(const dispersion_work *work)
{
    int64_t n = work->columns, seen = 0;
    double *all = work->means + work->classes * n, between = 0;
    for (int64_t t = 0; t < work->rows; t++) {
        int64_t c = peek__predicted(work->p + t * work->classes, work->classes);
        work->counts[c]++;
        for (int64_t i = 0; i < n; i++) work->means[c * n + i] += work->x[t * work->stride + i];
    }
    for (int64_t c = 0; c < work->classes; c++)
        for (int64_t i = 0; i < n; i++) all[i] += work->means[c * n + i] / (double)work->rows;
    for (int64_t c = 0; c < work->classes; c++) {
        double count = (double)work->counts[c];
        if (!work->counts[c]) continue;
        seen++;
        for (int64_t i = 0; i < n; i++) {
            double difference = work->means[c * n + i] / count - all[i];
            between += count * difference * difference;
        }
    }
    return seen < 2 ? NAN : log(between / (double)(work->classes - 1));
}

peek_status peek_dispersion(peek_context *context, const float *p, int64_t classes, const float *x,
                            int64_t rows, int64_t columns, int64_t stride, double *dispersion)
{
    if (!p || !x || !dispersion || classes < 2 || rows < 1 || columns < 1 || stride < columns)
        return peek__fail(context, PEEK_E_ARGUMENT, "a dispersion needs probabilities and features");
    dispersion_work work = {p, x, rows, columns, stride, classes, NULL, NULL};
    PEEK_TRY(peek__alloc(context, &work.means, peek__product(classes + 1, columns), "means of classes"));
    peek_status status = peek__alloc(context, &work.counts, classes, "means of classes");
    if (status == PEEK_OK) *dispersion = disperse(&work);
    peek__free(&work.means);
    peek__free(&work.counts);
    return status;
}

static void put_mean(const float *p, int64_t rows, int64_t classes, cJSON *json)
{
    cJSON *list = cJSON_AddArrayToObject(json, "mean_probability");
    for (int64_t c = 0; c < classes; c++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(mean_of_class(p, rows, classes, c)));
}

static peek_status measure(peek_context *context, const peek__rows *p, const peek__rows *features,
                           double *singular, cJSON *json)
{
    int64_t rows = p->rows, classes = p->columns, count = rows < classes ? rows : classes;
    double dispersion = NAN;
    PEEK_TRY(peek_singular_values(context, p->x, rows, classes, classes, singular, count));
    if (features && features->rows == rows)
        PEEK_TRY(peek_dispersion(context, p->x, classes, features->x, rows, features->columns, features->stride,
                                 &dispersion));
    cJSON_AddNumberToObject(json, "classes", (double)classes);
    peek__put_number(json, "effective_rank", peek_effective_rank(singular, count));
    peek__put_number(json, "mutual_information", peek_mutual_information(p->x, rows, classes));
    peek__put_number(json, "mean_confidence", peek_mean_confidence(p->x, rows, classes));
    peek__put_number(json, "nuclear_norm", peek_nuclear_norm(singular, rows, classes));
    peek__put_number(json, "mano", peek_mano(p->x, rows, classes));
    peek__put_number(json, "dispersion", dispersion);
    put_mean(p->x, rows, classes, json);
    return PEEK_OK;
}

peek_status peek__output_measure(peek_context *context, const peek__rows *p, const peek__rows *features,
                                 cJSON **out)
{
    double *singular = NULL;
    *out = NULL;
    if (!peek_is_probability(p->x, p->rows, p->columns)) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &singular, p->columns, "the output"));
    cJSON *json = cJSON_CreateObject();
    peek_status status = measure(context, p, features, singular, json);
    peek__free(&singular);
    if (status == PEEK_OK)
        *out = json;
    else
        cJSON_Delete(json);
    return status;
}
