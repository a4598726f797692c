/* store/storage.h: how the numbers of a block lie in its file, between what is captured and what is read:
 * floats as they are, in 16 bits, or as bytes of pictures.
 *
 * A manifest says it of each block: `type`, and `scale` where a number is the stored one divided by that. Who
 * reads through peek__stored_open() sees floats, and need not know. */
#ifndef STORE_STORAGE_H
#define STORE_STORAGE_H

#include "store/npy.h"

typedef struct peek__storage {
    peek__type type; /* PEEK__FLOAT32, PEEK__FLOAT16, PEEK__BFLOAT16, or PEEK__UINT8 with a scale */
    float scale;     /* a number is the stored one / scale; 1 for floats */
} peek__storage;

enum { PEEK__BYTE_SCALE = 255 }; /* of pictures of 8 bits a value */

/* Brings numbers into the form of their file: *out is `values` where they stay as they are, else `room` (count
 * numbers of the type). what: "the layer", for a sentence. Errors: E_VALUE naming block and number where one is
 * too large for float16, or no k / scale. */
peek_status peek__store_values(peek_context *context, const peek__storage *storage, const char *what,
                               const char *block, const float *values, int64_t count, void *room,
                               const void **out);

/* Maps the file of a block as its entry in a manifest describes it; entry NULL: as the file is. Errors: as
 * peek__npy_open(); E_FORMAT where entry and file disagree. */
peek_status peek__stored_open(peek_context *context, const char *path, const cJSON *entry, peek__npy *out);

#endif
