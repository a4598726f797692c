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

cJSON *peek__number_list(const double *values, int64_t count)
{
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, isfinite(values[i]) ? cJSON_CreateNumber(values[i]) : cJSON_CreateNull());
    return list;
}

cJSON *peek__number_rows(const double *values, int64_t rows, int64_t columns)
{
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; i < rows; i++)
        cJSON_AddItemToArray(list, peek__number_list(values + i * columns, columns));
    return list;
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
