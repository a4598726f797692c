/* data/checksum.h: whether a file holds what it should, to the last bit. */
#ifndef DATA_CHECKSUM_H
#define DATA_CHECKSUM_H

#include "base/context.h"

typedef enum peek__checksum_kind {
    PEEK__CHECKSUM_SHA256, /* FIPS 180-4 */
    PEEK__CHECKSUM_MD5     /* RFC 1321: against accidents only */
} peek__checksum_kind;

enum { PEEK__CHECKSUM_TEXT = 65 };

/* text <- hexadecimal digits over the bytes of a file; unpacked >= 0: over so many bytes, gzip unpacked, which
 * must be all that the file holds. Errors: E_NOT_FOUND, E_IO, E_FORMAT (it holds fewer or more), E_STOPPED. */
peek_status peek__checksum_file(peek_context *context, peek__checksum_kind kind, const char *path,
                                int64_t unpacked, char text[PEEK__CHECKSUM_TEXT]);

#endif
