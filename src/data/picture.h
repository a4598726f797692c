/* data/picture.h: one picture file, PNG or JPEG, as its first bytes say. */
#ifndef DATA_PICTURE_H
#define DATA_PICTURE_H

#include "base/context.h"

typedef struct peek__picture {
    int64_t channels;      /* 1 grey, 3 colour (palettes and CMYK are colour); an alpha channel is left out */
    int64_t height, width; /* upright: as the file's orientation (EXIF) says */
    int64_t whole_height, whole_width; /* of the file; larger where it was decoded at a part of its size */
    int deep;                          /* 16 bits a value, else 8 (1, 2 and 4 bits are widened) */
} peek__picture;

/* Shape and depth from the header. Errors: E_NOT_FOUND, E_IO, E_FORMAT naming the file. */
peek_status peek__picture_describe(peek_context *context, const char *path, peek__picture *out);

/* Decodes a file. *pixels: channels x height x width values of uint8_t or, where deep, uint16_t; the caller
 * frees it. A JPEG that is far larger than what covers wanted_height x wanted_width (0: all of it is wanted)
 * may be decoded at a half, a quarter or an eighth of its size, but at least at twice that. Alpha is ignored:
 * colours are taken as stored, as PIL's convert does. Errors: E_FORMAT, E_IO, E_MEMORY. Safe to call from
 * several threads. */
peek_status peek__picture_read(peek_context *context, const char *path, int64_t wanted_height,
                               int64_t wanted_width, peek__picture *out, void **pixels);

/* Of one format, from the bytes of a file; `path` is for sentences. */
peek_status peek__png_header(peek_context *context, const char *path, const void *bytes, int64_t size,
                             peek__picture *out);
peek_status peek__png_decode(peek_context *context, const char *path, const void *bytes, int64_t size,
                             peek__picture *out, void **pixels);
peek_status peek__jpeg_header(peek_context *context, const char *path, peek__picture *out);
peek_status peek__jpeg_decode(peek_context *context, const char *path, const void *bytes, int64_t size,
                              int64_t wanted_height, int64_t wanted_width, peek__picture *out, void **pixels);

#endif
