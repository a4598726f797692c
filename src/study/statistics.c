/* study/statistics.c: means with their uncertainty. */
#include "study/statistics.h"

#include <math.h>
#include <stddef.h>

/* The 97.5 % point of Student's t with n degrees of freedom: exact to 1e-3 for 1 .. 30, then Cornish and
 * Fisher's expansion (Abramowitz and Stegun, 26.7.5). */
static double quantile(int64_t n)
{
    static const double exact[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060,
                                   2.2622,  2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199,
                                   2.1098,  2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639,
                                   2.0595,  2.0555, 2.0518, 2.0484, 2.0452, 2.0423};
    const double z = 1.959964;
    if (n <= (int64_t)(sizeof exact / sizeof *exact)) return exact[n - 1];
    return z + (z * z * z + z) / (4 * (double)n) +
           (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * (double)n * (double)n);
}

static peek__interval finish(double sum, double squares, int64_t count)
{
    peek__interval found = {.count = count, .mean = NAN, .low = -INFINITY, .high = INFINITY};
    if (!count) return found;
    found.mean = sum / (double)count;
    if (count < 2) return found;
    double variance = fmax(0, squares - sum * found.mean) / (double)(count - 1);
    double half = quantile(count - 1) * sqrt(variance / (double)count);
    found.low = found.mean - half;
    found.high = found.mean + half;
    return found;
}

peek__interval peek__interval_of(const double *values, int64_t count)
{
    return peek__interval_paired(values, NULL, count);
}

peek__interval peek__interval_paired(const double *a, const double *b, int64_t count)
{
    double sum = 0, squares = 0, shift = NAN;
    int64_t used = 0;
    for (int64_t i = 0; i < count; i++) {
        double value = b ? a[i] - b[i] : a[i];
        if (isnan(value)) continue;
        if (isnan(shift)) shift = value; /* so that squares do not cancel */
        sum += value - shift;
        squares += (value - shift) * (value - shift);
        used++;
    }
    peek__interval found = finish(sum, squares, used);
    if (used) {
        found.mean += shift;
        found.low += shift;
        found.high += shift;
    }
    return found;
}
