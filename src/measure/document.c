/* measure/document.c: numbers of measures.json. */
#include "measure/document.h"

#include <math.h>

#include "nnpeek/measure.h"

void peek__put_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

void peek__put_spectral(cJSON *object, const double *values, int64_t count)
{
    peek__put_number(object, "effective_rank", peek_effective_rank(values, count));
    peek__put_number(object, "stable_rank", peek_stable_rank(values, count));
    peek__put_number(object, "participation_ratio", peek_participation_ratio(values, count));
    peek__put_number(object, "components_90", (double)peek_components_for(values, count, 0.9));
    peek__put_number(object, "components_99", (double)peek_components_for(values, count, 0.99));
    peek__put_number(object, "spectrum_exponent", peek_spectrum_exponent(values, count));
}
