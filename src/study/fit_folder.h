/* study/fit_folder.h: the folder of a run's models, made in FOLDER.partial so that a stopped fit can go on. */
#ifndef STUDY_FIT_FOLDER_H
#define STUDY_FIT_FOLDER_H

#include <cjson/cJSON.h>

#include "store/partial.h"

typedef struct peek__fit_folder {
    peek__partial partial; /* partial.path: where the models go, rank-K each */
    char made_from[17];
    int resumed; /* 1: it is of an earlier call, made from the same: checkpoints in it may be gone on from */
    int whole;   /* 1: nothing is to be fitted: all models are there, in partial.path or in their folder */
} peek__fit_folder;

/* Opens the partial folder of `folder`. The models are made from the capture's manifest and from what `how` (JSON,
 * borrowed) says. With `resume` what is there of the same is kept, else removed. Errors: E_IO, E_FORMAT, E_MEMORY. */
peek_status peek__fit_folder_begin(peek_context *context, const char *folder, const char *capture,
                                   const cJSON *how, int resume, peek__fit_folder *out);

/* The checkpoint of fit number i in it; the caller frees it. */
peek_status peek__fit_folder_checkpoint(peek_context *context, const peek__fit_folder *f, int64_t number,
                                        char **out);

/* Writes models.json with the members of `list` (borrowed) and gives the folder its name. */
peek_status peek__fit_folder_commit(peek_context *context, peek__fit_folder *f, const char *folder,
                                    const cJSON *list);

/* After a failure: removes the partial folder where no checkpoint is in it. Harmless after a commit. */
void peek__fit_folder_end(peek_context *context, peek__fit_folder *f);

#endif
