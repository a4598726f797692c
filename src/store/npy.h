/* store/npy.h: arrays on disk in NumPy's .npy format (versions 1.0 to 3.0).
 * Source: numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef STORE_NPY_H
#define STORE_NPY_H

#include "store/file.h"

typedef enum peek__type {
    PEEK__FLOAT32,
    PEEK__FLOAT64,
    PEEK__FLOAT16,
    PEEK__BFLOAT16, /* the upper half of a float; NumPy has no such type: void of two bytes, as ml_dtypes writes
                       it */
    PEEK__UINT8,
    PEEK__INT8,
    PEEK__UINT16,
    PEEK__INT16,
    PEEK__UINT32,
    PEEK__INT32,
    PEEK__UINT64,
    PEEK__INT64,
    PEEK__BOOL
} peek__type;

size_t peek__type_size(peek__type type);
const char *peek__type_name(peek__type type); /* "float32" */

enum { PEEK__NPY_DIMENSIONS = 8 };

/* An array file mapped for reading, C order. dimensions 1 or more; rows = shape[0], columns = the product of
 * the rest. */
typedef struct peek__npy {
    peek__type type;
    int dimensions;
    int64_t shape[PEEK__NPY_DIMENSIONS];
    int64_t rows, columns;
    float scale; /* bytes are read divided by it; 0: as they are (set by peek__stored_open()) */
    const void *data;
    const char *mapping;
    size_t mapping_size;
    int moved; /* 1: the mapping is memory that holds a copy */
} peek__npy;

/* Maps a file. Where fewer rows are there than the header says (a writer was killed), E_FORMAT says how many
 * are. Errors: E_NOT_FOUND, E_IO, E_FORMAT (not .npy, cut short, object arrays, Fortran order of several
 * dimensions, big endian). */
peek_status peek__npy_open(peek_context *context, const char *path, peek__npy *out);
void peek__npy_close(peek__npy *npy);

/* Converts values first .. first+count-1 (in row-major order) to float, or to int64 (E_VALUE for a fraction).
 */
void peek__npy_floats(const peek__npy *npy, int64_t first, int64_t count, float *out);
peek_status peek__npy_integers(peek_context *context, const peek__npy *npy, const char *path, int64_t first,
                               int64_t count, int64_t *out);

/* Opens, checks that the array is float32 of `dimensions` dimensions, and copies it; the caller frees *out.
 * shape: array of dimensions. Errors: as open; E_SHAPE. */
peek_status peek__npy_load(peek_context *context, const char *path, int dimensions, int64_t *shape,
                           float **out);

/* A writer that appends rows: peek__npy_begin, peek__npy_append .., peek__npy_commit. The header's row count is
 * written at commit; the file then has its name. row_shape: dimensions-1 numbers. */
typedef struct peek__npy_writer {
    peek__file file;
    peek__type type;
    int dimensions;
    int64_t shape[PEEK__NPY_DIMENSIONS]; /* shape[0]: rows so far */
    int64_t columns;
    int64_t start; /* of the first row in the file, in bytes */
} peek__npy_writer;

peek_status peek__npy_begin(peek_context *context, peek__npy_writer *writer, const char *path, peek__type type,
                            int dimensions, const int64_t *row_shape);
peek_status peek__npy_append(peek_context *context, peek__npy_writer *writer, const void *values, int64_t rows);
/* Rows at their places, in any order and from several threads, instead of one behind the other; the file then
 * has all rows up to the last one. */
peek_status peek__npy_put(peek_context *context, peek__npy_writer *writer, int64_t first, const void *values,
                          int64_t rows);
peek_status peek__npy_commit(peek_context *context, peek__npy_writer *writer);

/* The other way to begin, for a folder that is partial itself: the file has its name and its whole size at
 * once. resumed: it must be there already (else E_FORMAT), and the rows that an earlier writer put there stay.
 * Then peek__npy_put(), now and then peek__npy_flush(), which makes what was put last over a power failure, and
 * peek__npy_abort(), which only closes such a file. */
peek_status peek__npy_place(peek_context *context, peek__npy_writer *writer, const char *path, peek__type type,
                            int dimensions, int64_t rows, const int64_t *row_shape, int resumed);
peek_status peek__npy_flush(peek_context *context, const peek__npy_writer *writer);

void peek__npy_abort(peek__npy_writer *writer);

/* Writes one array whole or not at all. shape: dimensions numbers. */
peek_status peek__npy_write(peek_context *context, const char *path, peek__type type, int dimensions,
                            const int64_t *shape, const void *values);

#endif
