/* base/guard.h: the files that are mapped for reading, and what becomes of a call whose file changes under it.
 *
 * A mapped file that shrinks, or whose disk fails, ends the process that touches its bytes by SIGBUS. With
 * peek_guard_mappings() it goes on over zeros instead, and the context the file was mapped for is marked, so
 * that nothing made of these zeros ever gets a name. */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "base/context.h"

/* What a context knows of its files; a part of it. */
typedef struct peek__guard {
    atomic_int broken; /* 1: bytes of a file that is mapped, or was, have been replaced by zeros */
    char lost[1024];   /* the sentence about a file that is not mapped any more, "" where there is none */
} peek__guard;

/* Enters a mapping into the table, with what the file was when it was mapped, and takes it out again, before it
 * is unmapped; other addresses are left alone. Errors: E_MEMORY. */
peek_status peek__guard_enter(peek_context *context, const char *path, const void *bytes, size_t size,
                              const struct stat *about);
void peek__guard_leave(const void *bytes);

/* The context is freed: its files that are still mapped stay in the table, for nobody. */
void peek__guard_forget(peek_context *context);

/* E_IO and a sentence where bytes of a file of this context have been lost: for as long as it is mapped, and
 * once after that. One comparison where all is well. */
peek_status peek__guard_check(peek_context *context);

/* The same, and also where a file is not the one that was mapped any more: another one bears its name, or its
 * size or time of change differs. To be asked before anything made of it gets a name. */
peek_status peek__guard_check_files(peek_context *context);

#endif
