/* store/record.h: the state of unfinished work in one file, to go on from after a stop: values one after the
 * other as the machine has them, with a digest of all. It is for the machine that wrote it, not an exchange
 * format.
 *
 * What is written and what is read back are told by the same calls of peek__record_move(), in the same order.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "store/file.h"

typedef struct peek__record {
    peek_context *context;
    const char *path;
    int writing;
    peek__file file;   /* writing */
    uint64_t state[4]; /* writing: of the digest */
    const char *bytes; /* reading: all of the file */
    size_t size, at;   /* reading: what holds values, and how far it was read */
    size_t mapped;
} peek__record;

/* Begins a file, which appears whole or not at all. kind: 7 characters, of the work and the version of its
 * state. made_from: a digest of what the work is made from, as peek__digest_text() gives it. path is borrowed.
 */
peek_status peek__record_begin(peek_context *context, peek__record *record, const char *path,
                               const char kind[8], const char made_from[17]);

/* Opens one for reading. Errors: E_NOT_FOUND, E_IO, E_FORMAT (of another kind, damaged), E_ARGUMENT (made from
 * something else). */
peek_status peek__record_open(peek_context *context, peek__record *record, const char *path, const char kind[8],
                              const char made_from[17]);

/* Writes or reads count x size bytes. Errors: E_IO, E_FORMAT (the file holds fewer). */
peek_status peek__record_move(peek__record *record, void *values, int64_t count, size_t size);

#define peek__record_value(record, value) peek__record_move((record), (value), 1, sizeof *(value))
#define peek__record_array(record, values, count)                                                              \
    peek__record_move((record), (values), (count), sizeof *(values))

/* Ends writing: the file has its name. */
peek_status peek__record_commit(peek__record *record);

/* Lets go of what is open; what was not committed is gone. Harmless on a zeroed struct. */
void peek__record_close(peek__record *record);

#endif
