/* store/partial.h: a folder being written that can be continued after its writer was killed.
 *
 * It is PATH.partial beside the folder PATH that it becomes. One process works on it at a time; the system
 * forgets its lock when it ends, however it ends. */
#ifndef STORE_PARTIAL_H
#define STORE_PARTIAL_H

#include "store/file.h"

typedef struct peek__partial {
    char *path; /* of the partial folder; NULL: closed */
    int lock;   /* a handle on it */
    int made;   /* 1: it was not there before */
} peek__partial;

/* Opens path's partial folder, which is made where it is missing (its parents too), locks it, and removes
 * temporary files that somebody who was killed left in it. mark: a file that is in whole folders, by which they
 * are known as ours; or NULL. Errors: E_IO (somebody else works on it; a folder of that name that is not ours;
 * it cannot be made), E_ARGUMENT (path itself ends as partial folders do), E_MEMORY. */
peek_status peek__partial_open(peek_context *context, const char *path, const char *mark, peek__partial *out);

/* 1 if path has a partial folder. */
int peek__partial_exists(peek_context *context, const char *path);

/* Removes everything in it but the file `keep`. */
void peek__partial_clear(const peek__partial *partial, const char *keep);

/* Gives it the name path, replacing an older folder there, which must hold `mark` or nothing, so that nothing
 * foreign is ever removed; and closes it. On failure it stays. */
peek_status peek__partial_commit(peek_context *context, peek__partial *partial, const char *path,
                                 const char *mark);

/* Lets go of it: it stays, for somebody to continue. Harmless on a closed or a zeroed one. */
void peek__partial_close(peek__partial *partial);

/* Removes it, and lets go. */
void peek__partial_remove(peek__partial *partial);

#endif
