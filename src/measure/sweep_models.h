/* measure/sweep_models.h: a sweep whose models are kept. */
#ifndef MEASURE_SWEEP_MODELS_H
#define MEASURE_SWEEP_MODELS_H

#include "nnpeek/fit.h"

/* models[i] <- the model of ranks[i]; the caller frees them with peek__sweep_free(), also after a failure.
 * models: `count` places, all NULL. Errors: those of peek_sweep(). */
peek_status peek__sweep_models(peek_context *context, const peek_problem *problem,
                               const peek_fit_options *options, int64_t count, const int64_t *ranks,
                               peek_model **models);
void peek__sweep_free(int64_t count, peek_model **models);

#endif
