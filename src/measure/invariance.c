/* measure/invariance.c: what predictions become when inputs are changed a little. */
#include <math.h>

#include "measure/output.h"
#include "nnpeek/measure.h"

double peek_agreement(const float *p, const float *q, int64_t rows, int64_t classes)
{
    int64_t same = 0;
    for (int64_t t = 0; t < rows; t++)
        same += peek__predicted(p + t * classes, classes) == peek__predicted(q + t * classes, classes);
    return rows ? (double)same / (double)rows : NAN;
}

double peek_effective_invariance(const float *p, const float *q, int64_t rows, int64_t classes)
{
    double sum = 0;
    for (int64_t t = 0; t < rows; t++) {
        int64_t a = peek__predicted(p + t * classes, classes), b = peek__predicted(q + t * classes, classes);
        if (a == b) sum += sqrt((double)p[t * classes + a] * q[t * classes + b]);
    }
    return rows ? sum / (double)rows : NAN;
}
