/* factor/stationarity.c: how far a matrix is from optimality. */
#include "factor/stationarity.h"

#include "linalg/skinny.h"

double peek__projected_gradient(const peek__update *update, float *scratch)
{
    const float *m = update->m;
    double sum = 0;
    peek__skinny_square(update->rows, update->k, m, update->gram, scratch);
    for (int64_t i = 0; i < update->rows * update->k; i++) {
        double slope = (double)scratch[i] - update->numerator[i] + update->l1;
        if (m[i] > 0 || slope < 0) sum += slope * slope;
    }
    return sum;
}
