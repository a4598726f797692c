/* factor/sweep.h: many models of one problem. */
#ifndef FACTOR_SWEEP_H
#define FACTOR_SWEEP_H

#include "factor/course.h"

/* Fits `count` ranks, options->restarts starts of each; of a rank, the model of least objective goes to `take`,
 * with the records of all its starts. As many models as memory allows share each sweep over the data, and all
 * share one sketch. Errors: those of peek_sweep(). */
peek_status peek__sweep(peek__fit *fit, int64_t count, const int64_t *ranks, peek_model_fn take, void *user);

#endif
