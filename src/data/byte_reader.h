/* data/byte_reader.h: the bytes of a file in order, gzip unpacked on the way (RFC 1952). */
#ifndef DATA_BYTE_READER_H
#define DATA_BYTE_READER_H

#include "base/context.h"

typedef struct peek__byte_reader peek__byte_reader;

/* Opens a file, packed or plain. The caller frees *out with peek__byte_reader_close(). Errors: E_NOT_FOUND,
 * E_IO. */
peek_status peek__byte_reader_open(peek_context *context, const char *path, peek__byte_reader **out);
void peek__byte_reader_close(peek__byte_reader **reader);

/* The most bytes that this file can still give: what a header may promise before memory is asked for. */
int64_t peek__byte_reader_most(const peek__byte_reader *reader);

/* Reads exactly count bytes. Errors: E_FORMAT (the file ends before, or its packed data are damaged), E_IO,
 * E_STOPPED. */
peek_status peek__byte_reader_read(peek__byte_reader *reader, void *out, int64_t count);

/* Checks that the file ends here, checksum included. Errors: as read. */
peek_status peek__byte_reader_finish(peek__byte_reader *reader);

#endif
