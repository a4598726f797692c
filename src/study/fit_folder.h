/* study/fit_folder.h: the folder of a run's models, made in FOLDER.partial so that a stopped fit can go on. */
#ifndef STUDY_FIT_FOLDER_H
#define STUDY_FIT_FOLDER_H

#include "store/partial.h"

typedef struct peek__fit_folder {
    const char *folder; /* what it is to become */
    peek__partial
        partial;      /* partial.path: where the models go, rank-K each; NULL where all are in their place */
    char *checkpoint; /* a file in it for peek_fit_options.checkpoint */
    char made_from[17];
    int64_t count;
    const int64_t *ranks;
    int whole; /* 1: nothing is to be fitted: all models are there */
} peek__fit_folder;

/* Opens the partial folder of `folder` for models of these ranks (borrowed, as is folder). made_from: of
 * peek_sweep_digest(). With `resume` what is there of the same is kept, else removed. Errors: E_IO, E_MEMORY.
 */
peek_status peek__fit_folder_begin(peek_context *context, const char *folder, const char made_from[17],
                                   int64_t count, const int64_t *ranks, int resume, peek__fit_folder *out);

/* Writes models.json, the list of ranks, and gives the folder its name. */
peek_status peek__fit_folder_commit(peek_context *context, peek__fit_folder *f);

/* After a failure: removes the partial folder where no checkpoint is in it. Harmless after a commit. */
void peek__fit_folder_end(peek__fit_folder *f);

#endif
