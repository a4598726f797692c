/* study/study_data.h: the data of a study's families, in memory as their networks take them. */
#ifndef STUDY_STUDY_DATA_H
#define STUDY_STUDY_DATA_H

#include "nnpeek/dataset.h"
#include "nnpeek/study.h"
#include "study/recipe.h"

typedef struct peek__study_data {
    const char *name; /* "mnist" */
    peek_dataset *train, *test;
} peek__study_data;

/* Opens the data of each family, or those that options->data names. Where a recipe has one family and its data
 * are not to be found, strokes stand in, which is told; of several families each is what it says it is. *out:
 * recipe->families entries; the caller frees them with peek__study_data_free(), also after a failure. Errors:
 * those of peek_dataset_open(), E_ARGUMENT (no labels). */
peek_status peek__study_data_open(peek_context *context, const peek__recipe *recipe,
                                  const peek_study_options *options, peek__study_data **out);
void peek__study_data_free(peek__study_data **data, int64_t families);

#endif
