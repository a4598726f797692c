/* store/npy_header.h: the header of an .npy file: a Python dictionary with 'descr', 'fortran_order' and
 * 'shape'. */
#ifndef STORE_NPY_HEADER_H
#define STORE_NPY_HEADER_H

#include "store/npy.h"

/* Reads the header at the start of `size` bytes of the file `path` into type, dimensions, shape, rows and
 * columns, and sets *data_offset to the place of the first value. Errors: E_FORMAT. */
peek_status peek__npy_header_read(peek_context *context, const char *path, const unsigned char *bytes,
                                  size_t size, peek__npy *out, size_t *data_offset);

/* Writes the header of an array into `out` with a length that does not depend on the rows (shape[0]), so that
 * it can be written again when they are known; returns its length, a multiple of 64. */
enum { PEEK__NPY_HEADER = 512 };
size_t peek__npy_header_write(char out[PEEK__NPY_HEADER], peek__type type, int dimensions,
                              const int64_t *shape);

#endif
