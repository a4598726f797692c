/* measure/components.c: what the matrices of a model look like. */
#include <math.h>

#include "base/memory.h"
#include "nnpeek/measure.h"

double peek_coherence(const double *gram, int64_t rank)
{
    double sum = 0;
    int64_t pairs = 0;
    for (int64_t r = 0; r < rank; r++)
        for (int64_t s = r + 1; s < rank; s++) {
            double norms = sqrt(gram[r * rank + r] * gram[s * rank + s]);
            if (!(norms > 0)) continue;
            sum += gram[r * rank + s] / norms;
            pairs++;
        }
    return pairs ? sum / (double)pairs : NAN;
}

double peek_sparsity(const float *values, int64_t count, int64_t stride)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        double value = values[i * stride];
        sum += fabs(value);
        squares += value * value;
    }
    if (count < 2 || !(squares > 0)) return NAN;
    return (sqrt((double)count) - sum / sqrt(squares)) / (sqrt((double)count) - 1);
}

static void purities(const float *f, const int32_t *labels, int64_t rows, int64_t rank, int64_t classes,
                     double *sums, double *purity)
{
    for (int64_t t = 0; t < rows; t++)
        for (int64_t r = 0; labels[t] >= 0 && r < rank; r++) sums[labels[t] * rank + r] += f[t * rank + r];
    for (int64_t r = 0; r < rank; r++) {
        double all = 0, most = 0;
        for (int64_t c = 0; c < classes; c++) {
            all += sums[c * rank + r];
            most = fmax(most, sums[c * rank + r]);
        }
        purity[r] = all > 0 ? most / all : NAN;
    }
}

peek_status peek_purity(peek_context *context, const float *f, const int32_t *labels, int64_t rows,
                        int64_t rank, double *purity)
{
    double *sums = NULL;
    int64_t classes = 0;
    for (int64_t t = 0; t < rows; t++)
        if (labels[t] >= classes) classes = (int64_t)labels[t] + 1;
    PEEK_TRY(peek__alloc(context, &sums, peek__product(classes, rank), "purities"));
    purities(f, labels, rows, rank, classes, sums, purity);
    peek__free(&sums);
    return PEEK_OK;
}

double peek_slope(const double *x, const double *y, int64_t count)
{
    double x_mean = 0, y_mean = 0, products = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        x_mean += x[i] / (double)count;
        y_mean += y[i] / (double)count;
    }
    for (int64_t i = 0; i < count; i++) {
        products += (x[i] - x_mean) * (y[i] - y_mean);
        squares += (x[i] - x_mean) * (x[i] - x_mean);
    }
    return squares > 0 ? products / squares : NAN;
}
