/* measure/spectral.c: what a spectrum comes to: numbers from singular values alone. */
#include <math.h>

#include "nnpeek/measure.h"

static const double exponent_noise = 1e-6; /* singular values below this share of the largest are rounding */

static double energy(const double *values, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += values[i] * values[i];
    return sum;
}

double peek_effective_rank(const double *singular_values, int64_t count)
{
    double sum = 0, entropy = 0;
    for (int64_t i = 0; i < count; i++) sum += singular_values[i];
    if (!(sum > 0)) return 0;
    for (int64_t i = 0; i < count; i++) {
        double p = singular_values[i] / sum;
        if (p > 0) entropy -= p * log(p);
    }
    return exp(entropy);
}

double peek_stable_rank(const double *singular_values, int64_t count)
{
    double largest = count ? singular_values[0] : 0;
    return largest > 0 ? energy(singular_values, count) / (largest * largest) : 0;
}

double peek_participation_ratio(const double *singular_values, int64_t count)
{
    double sum = energy(singular_values, count), squares = 0;
    for (int64_t i = 0; sum > 0 && i < count; i++) {
        double share = singular_values[i] * singular_values[i] / sum;
        squares += share * share;
    }
    return squares > 0 ? 1 / squares : 0;
}

int64_t peek_components_for(const double *singular_values, int64_t count, double share)
{
    double wanted = share * energy(singular_values, count), sum = 0;
    if (!(wanted > 0)) return 0;
    for (int64_t i = 0; i < count; i++) {
        sum += singular_values[i] * singular_values[i];
        if (sum >= wanted) return i + 1;
    }
    return count;
}

double peek_spectrum_exponent(const double *singular_values, int64_t count)
{
    double weights = 0, x_mean = 0, y_mean = 0, products = 0, squares = 0;
    int64_t last = 0;
    while (last < count && last < PEEK_EXPONENT_LAST &&
           singular_values[last] > exponent_noise * singular_values[0])
        last++;
    if (last - PEEK_EXPONENT_FIRST + 1 < PEEK_EXPONENT_LEAST) return NAN;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = PEEK_EXPONENT_FIRST; i <= last; i++) {
            double weight = 1 / (double)i, x = log((double)i), y = 2 * log(singular_values[i - 1]);
            if (pass == 0) {
                weights += weight;
                x_mean += weight * x;
                y_mean += weight * y;
            } else {
                products += weight * (x - x_mean) * (y - y_mean);
                squares += weight * (x - x_mean) * (x - x_mean);
            }
        }
        if (pass == 0) {
            x_mean /= weights;
            y_mean /= weights;
        }
    }
    return -products / squares;
}
