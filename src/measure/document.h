/* measure/document.h: numbers of measures.json. */
#ifndef MEASURE_DOCUMENT_H
#define MEASURE_DOCUMENT_H

#include "base/json_made.h"
#include <stdint.h>

/* Adds a number; null where it is not finite: the measure has no value here. */
void peek__put_number(cJSON *object, const char *name, double value);

/* Numbers as a list, and a matrix as a list of its rows, owned by the caller. */
cJSON *peek__number_list(const double *values, int64_t count);
cJSON *peek__number_rows(const double *values, int64_t rows, int64_t columns);

/* The effective rank, stable rank, participation ratio, components_90, components_99 and spectrum_exponent of a
 * spectrum. */
void peek__put_spectral(cJSON *object, const double *singular_values, int64_t count);

#endif
