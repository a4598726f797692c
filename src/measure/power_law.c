/* measure/power_law.c: the tail of a spectrum as a power law. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nnpeek/measure.h"

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov distance of the tail x_0 .. from 1 - (x / x_0)^(1 - alpha), the steps of the data as i /
 * n. */
static double distance_of(const double *x, int64_t n, double alpha)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(1 - pow(x[i] / x[0], 1 - alpha) - (double)i / (double)n));
    return most;
}

static void fit_tail(const double *x, int64_t count, peek_power_law *out)
{
    double logs = 0; /* of the tail from i on */
    *out = (peek_power_law){.alpha = NAN, .smallest = NAN, .distance = INFINITY, .count = 0};
    for (int64_t i = count - 1; i >= 0; i--) {
        int64_t n = count - i;
        logs += log(x[i]);
        double alpha = 1 + (double)n / (logs - (double)n * log(x[i]));
        if (i == count - 1 || !isfinite(alpha)) continue;
        double distance = distance_of(x + i, n, alpha);
        if (distance <= out->distance)
            *out = (peek_power_law){.alpha = alpha, .smallest = x[i], .distance = distance, .count = n};
    }
}

peek_status peek_fit_power_law(peek_context *context, const double *values, int64_t count, peek_power_law *out)
{
    double *sorted = NULL, largest = 0;
    int64_t used = 0;
    *out = (peek_power_law){.alpha = NAN, .smallest = NAN, .distance = NAN};
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, values[i]);
    PEEK_TRY(peek__alloc(context, &sorted, count, "a power law"));
    for (int64_t i = 0; i < count; i++)
        if (values[i] > PEEK_POWER_LAW_ZERO * largest) sorted[used++] = values[i];
    qsort(sorted, (size_t)used, sizeof *sorted, rising);
    if (used >= PEEK_POWER_LAW_LEAST) fit_tail(sorted, used, out);
    peek__free(&sorted);
    return PEEK_OK;
}
