/* factor/estimate.h: what a sweep of models will take, before it begins. */
#ifndef FACTOR_ESTIMATE_H
#define FACTOR_ESTIMATE_H

#include "factor/course.h"

/* What the models of a sweep need, beside the data. */
typedef struct peek__needs {
    double shared; /* bytes: the sketch of all, judging a model, the library itself */
    double model;  /* bytes: of the largest model under way */
    double group;  /* bytes that models which share a sweep may take together */
    double used;   /* bytes that they will take */
} peek__needs;

/* About how many bytes a model of this rank takes while it is under way; part: the width of its own part of the
 * sketch, 0: it has none or the whole. */
double peek__model_bytes(const peek__fit *fit, int64_t rank, int64_t part);

/* Fills `needs`; largest, all: of one model and of all of them, as of peek__model_bytes(); width: of the
 * sketch, 0: none. Where the data and the work on them do not fit together into the memory that the context may
 * take, the data are streamed from now on. Errors: E_MEMORY, the work alone does not fit. */
peek_status peek__estimate_memory(const peek__fit *fit, double largest, double all, int64_t width,
                                  peek__needs *needs);

/* Models that were under way together go on together: E_MEMORY, they take more than there is now. */
peek_status peek__estimate_group(const peek__fit *fit, const peek__needs *needs, double bytes);

/* Notes what it will take, from a look at how long a few runs of the data take a model that has begun.
 * ranks: the sum of the ranks of all models that are to be. */
peek_status peek__estimate_tell(peek__course *course, const peek__needs *needs, int64_t ranks);

#endif
