/* data/tar.h: what lies in a tar archive, packed with gzip or not (POSIX ustar). */
#ifndef DATA_TAR_H
#define DATA_TAR_H

#include "base/context.h"

/* Writes the regular files FOLDER/NAME of an archive as INTO/NAME, an existing folder; all else in it (other
 * folders, links, devices, names that lead elsewhere) is passed over. *files: how many were written. Errors:
 * E_NOT_FOUND, E_IO, E_FORMAT (no tar archive, damaged, cut short), E_MEMORY, E_STOPPED. */
peek_status peek__tar_unpack(peek_context *context, const char *path, const char *folder, const char *into,
                             int64_t *files);

#endif
