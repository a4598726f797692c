/* measure/congruence.h: how alike the components of two models are. */
#ifndef MEASURE_CONGRUENCE_H
#define MEASURE_CONGRUENCE_H

#include "factor/model.h"

/* peek_match_models() with a model of more samples: sample t of b is sample t a_step of a. */
peek_status peek__match_models(peek_context *context, const peek_model *a, int64_t a_step, const peek_model *b,
                               int64_t *match, double *similarity);

/* Whether the models have the same rank and the same blocks. */
int peek__models_alike(const peek_model *a, const peek_model *b);

#endif
