/* store/block.h: one matrix of the joint problem, read a run of samples at a time: from memory or from a mapped
 * .npy, as it is or through a view that makes it non-negative. */
#ifndef STORE_BLOCK_H
#define STORE_BLOCK_H

#include "store/npy.h"

/* How values are seen. */
typedef enum peek__view {
    PEEK__VIEW_PLAIN,    /* x */
    PEEK__VIEW_POSITIVE, /* max(x, 0) */
    PEEK__VIEW_NEGATIVE, /* max(-x, 0) */
    PEEK__VIEW_SHIFT     /* x - offset */
} peek__view;

/* rows x columns. Either `values` (borrowed, `stride` floats from row to row) or `npy` (owned). */
typedef struct peek__block {
    char *name, *file;
    int64_t rows, columns, stride;
    const float *values;
    peek__npy npy;
    int streamed; /* 1: of a file too large to be kept in memory, but for its first rows */
    int64_t kept; /* how many of them */
    peek__view view;
    float offset;
    double square;   /* ||X||_F^2 of the view, in double */
    double largest;  /* of the view */
    uint64_t digest; /* of the view: of all values and where they stand */
} peek__block;

/* Rows first .. first+count-1 as seen through the view. Returns a pointer into the data where that is possible,
 * else converts into buffer (count x columns); *stride is the distance from row to row. */
const float *peek__block_rows(const peek__block *block, int64_t first, int64_t count, float *buffer,
                              int64_t *stride);

/* The same in a pass that goes over the rows in order: of a streamed block the system is asked to read rows
 * that will be wanted soon. When these are done with, peek__block_drop() lets them go from memory; of a block
 * that is not streamed both do nothing beside. */
const float *peek__block_next(const peek__block *block, int64_t first, int64_t count, float *buffer,
                              int64_t *stride);
void peek__block_drop(const peek__block *block, int64_t first, int64_t count);

/* Whether peek__block_rows() points into the data and needs no buffer. */
int peek__block_in_place(const peek__block *block);

/* Bytes of a file that the block has mapped, 0 where it is in memory. */
int64_t peek__block_mapped(const peek__block *block);

/* Scans a block that has a plain view: smallest and largest value, sum of squares, and an E_VALUE that names
 * row and column of the first value that is not finite. negative_row, negative_column: the first value below 0,
 * or -1. */
typedef struct peek__block_scan {
    double smallest, largest, square;
    uint64_t digest;
    int64_t negative_row, negative_column;
    float negative;
} peek__block_scan;
peek_status peek__block_inspect(peek_context *context, const peek__block *block, peek__block_scan *scan);

/* Sets `square`, `largest` and `digest` of the view. */
peek_status peek__block_measure(peek_context *context, peek__block *block);

/* Frees what the block owns. */
void peek__block_clear(peek__block *block);

#endif
