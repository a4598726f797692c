/* store/mapping.h: files mapped for reading. */
#ifndef STORE_MAPPING_H
#define STORE_MAPPING_H

#include "base/context.h"

/* Maps a whole file; *bytes is never NULL on success. what: "an .npy file", for sentences. Errors: E_NOT_FOUND,
 * E_IO, E_FORMAT (a folder, an empty file, not a regular one). */
peek_status peek__map_file(peek_context *context, const char *path, const char *what, const char **bytes,
                           size_t *size);

/* Unmaps and clears; NULL is fine. */
void peek__unmap_file(const char **bytes, size_t *size);

/* For files that are larger than memory: asks the system to read some bytes of a mapping soon, and lets bytes
 * go that are in memory (they are read again where they are wanted again). Only hints, both. */
void peek__mapping_ahead(const void *from, size_t count);
void peek__mapping_drop(const char *mapping, size_t size, const void *from, size_t count);

#endif
