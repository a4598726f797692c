/* measure/output.h: measures of the network's output. */
#ifndef MEASURE_OUTPUT_H
#define MEASURE_OUTPUT_H

#include "base/json_made.h"

#include "measure/inner.h"

/* The class of the largest of K values, the first of equal ones. */
int64_t peek__predicted(const float *p, int64_t classes);

/* Where every row of P is a probability distribution: classes, effective_rank, mutual_information,
 * mean_confidence, nuclear_norm, mano, dispersion (of the features, which may be NULL), mean_probability, owned
 * by the caller; else *out NULL. P is dense. */
peek_status peek__output_measure(peek_context *context, const peek__rows *p, const peek__rows *features,
                                 cJSON **out);

#endif
