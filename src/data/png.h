/* data/png.h: one PNG file as samples hold it. */
#ifndef DATA_PNG_H
#define DATA_PNG_H

#include "base/context.h"

typedef struct peek__png {
    int64_t channels; /* 1 grey, 3 colour (palettes are colour); an alpha channel is left out */
    int64_t height, width;
    int deep; /* 16 bits a value, else 8 (1, 2 and 4 bits are widened) */
} peek__png;

/* Shape and depth from the header. Errors: E_NOT_FOUND, E_IO, E_FORMAT naming the file. */
peek_status peek__png_describe(peek_context *context, const char *path, peek__png *out);

/* Decodes to channels x height x width values of uint8_t or, where deep, uint16_t. `wanted` is what the file
 * describes, with grey allowed to become colour and 8 bits 16. Alpha is ignored: colours are taken as stored,
 * as PIL's convert does. Errors: E_FORMAT, E_IO, E_MEMORY. Safe to call from several threads. */
peek_status peek__png_read(peek_context *context, const char *path, const peek__png *wanted, void *out);

#endif
