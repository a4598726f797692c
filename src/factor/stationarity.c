/* factor/stationarity.c: how far a matrix is from optimality. */
#include "factor/stationarity.h"

#include "linalg/skinny.h"

double peek__projected_gradient(int64_t rows, int64_t k, const float *gram, const float *numerator,
                                const float *m, float *scratch)
{
    double sum = 0;
    peek__skinny_square(rows, k, m, gram, scratch);
    for (int64_t i = 0; i < rows * k; i++) {
        double slope = (double)scratch[i] - numerator[i];
        if (m[i] > 0 || slope < 0) sum += slope * slope;
    }
    return sum;
}
