/* measure/neighbours.h: whether samples that are alike get the same class. */
#ifndef MEASURE_NEIGHBOURS_H
#define MEASURE_NEIGHBOURS_H

#include "base/context.h"

enum { PEEK__NEIGHBOURS_CLASSES = 4096 }; /* more classes: no neighbours' agreement */

/* For each of m samples the PEEK_NEIGHBOURS others of the largest cosine, from inner products X X^T, m x m of
 * which the upper triangle is set; of equal ones those that stand first. Rows that are zero have cosine 0 with
 * all. out: m x PEEK_NEIGHBOURS, m > PEEK_NEIGHBOURS. */
peek_status peek__neighbours_find(peek_context *context, const double *inner, int64_t m, int32_t *out);

/* peek_neighbour_agreement() from the list of neighbours. label: m. NAN for both where there are more than
 * PEEK__NEIGHBOURS_CLASSES classes. */
peek_status peek__neighbours_agree(peek_context *context, const int32_t *neighbours, int64_t m,
                                   const int32_t *label, int64_t classes, double *agreement,
                                   double *information);

#endif
