/* network/capture_progress.h: a capture that can be continued: the folder it is made in, and how far it is.
 *
 * The arrays lie in DIR.partial (store/partial.h) with all their rows from the beginning. progress.json there
 * says what they are made from and how many slices of samples, from the first on, are safely in them; it is
 * written anew now and then, after the arrays were flushed. Threads finish slices in any order: those behind
 * the first that is not finished are made again. */
#ifndef NETWORK_CAPTURE_PROGRESS_H
#define NETWORK_CAPTURE_PROGRESS_H

#include "store/npy.h"
#include "store/partial.h"

typedef struct peek__capture_progress {
    peek_context *context;
    peek__partial folder;
    char made_from[17];
    int64_t slices, slice, samples; /* slice: samples of one */
    int64_t safe;                   /* slices */
    int resumed;                    /* 1: some were, of an earlier call */
    int whole;                      /* 1: the earlier call made all, and was only not given its name */
    double every, last; /* seconds between two times that it is written; when it was, by peek__seconds() */
    const peek__npy_writer *writer;
    int64_t writers;
    char *finished; /* one a slice */
    char busy;      /* a thread is writing it */
} peek__capture_progress;

/* *whole: folder has a whole capture made from the same, with all its files. Errors: E_IO, E_MEMORY where that
 * cannot be told. */
peek_status peek__capture_find(peek_context *context, const char *folder, const char made_from[17], int *whole);

/* Removes the partial folder of a folder that is whole, where nobody works on it. */
peek_status peek__capture_progress_sweep(peek_context *context, const char *folder);

/* Opens the partial folder of `folder`; what is there is continued where `resume` says so, else removed. The
 * caller has set made_from, slices, slice, samples and every. Errors: E_ARGUMENT (resume, and it is made from
 * something else), those of peek__partial_open() and of reading and writing. */
peek_status peek__capture_progress_begin(peek_context *context, peek__capture_progress *progress,
                                         const char *folder, int resume);

/* Says that all rows of a slice are put; safe from any thread. Writes how far all are, when it is time. */
peek_status peek__capture_progress_step(peek__capture_progress *progress, int64_t slice);

/* Gives the folder, which has its manifest, its name. */
peek_status peek__capture_progress_commit(peek__capture_progress *progress, const char *folder);

/* After a failure: keeps the folder where something in it is safe and says so behind the failure's sentence,
 * else removes it. Harmless after a commit and on a zeroed struct. Returns status. */
peek_status peek__capture_progress_end(peek__capture_progress *progress, peek_status status);

#endif
