/* data/format.h: the formats a dataset is read from; each is one file and one row of the table in formats.c. */
#ifndef DATA_FORMAT_H
#define DATA_FORMAT_H

#include "data/content.h"

/* What is known of a path before a format is chosen. */
typedef struct peek__candidate {
    const char *path;
    int folder, saved;      /* saved: a folder that holds images.npy */
    int64_t size, stamp;    /* of a file, in bytes; when it was changed last, in nanoseconds */
    unsigned char head[16]; /* its first bytes, zeros behind a shorter one */
} peek__candidate;

typedef enum peek__likeness {
    PEEK__FOREIGN,
    PEEK__NAMED_LIKE, /* only the name says so: reading it tells what is wrong with it */
    PEEK__RECOGNISED
} peek__likeness;

typedef struct peek__data_format {
    const char *name;
    peek__likeness (*recognise)(const peek__candidate *candidate);
    /* Fills *content, which is zero; on failure it may be half filled, and the caller clears it. */
    peek_status (*read)(peek_context *context, const char *path, peek__content *content);
} peek__data_format;

extern const peek__data_format peek__array_format, peek__saved_format, peek__idx_format, peek__cifar_format,
    peek__picture_format;

/* Reads a path in whatever format it has. name: NULL, or a place for what it is called in captions, the last
 * part of the path, a folder with '/'; the caller frees it. */
peek_status peek__format_read(peek_context *context, const char *path, peek__content *content, char **name);

/* Does a name end so, letters of either case? */
int peek__ends_with(const char *name, const char *suffix);

/* The order people expect of names: runs of digits compare as numbers ("2" before "10"). For sorting. */
int peek__compare_names(const char *a, const char *b);

/* CIFAR-10 batches, one after another. */
peek_status peek__cifar_read(peek_context *context, const char *const *paths, int64_t count,
                             peek__content *content);

/* Reads labels from an .npy of integers or a text file, for `count` samples. */
peek_status peek__labels_read(peek_context *context, const char *path, int64_t count, int32_t **labels,
                              peek__classes *classes);

/* strokes: see strokes.c. */
peek_status peek__strokes_draw(peek_context *context, int64_t count, int train, uint64_t seed,
                               peek__content *content);

/* Where downloaded data go: data_dir, or the folder of nnpeek in the user's cache; the caller frees *out.
 * Errors: E_ARGUMENT (there is none), E_MEMORY. */
peek_status peek__named_home(peek_context *context, const char *data_dir, char **out);

/* A named data set: `mnist`, `mnist:train`, ... *known is 0 where spec is not one; else *name (the caller frees
 * it) is what it is called and *content is filled. */
peek_status peek__named_read(peek_context *context, const char *spec, const peek_dataset_options *options,
                             int *known, char **name, peek__content *content);

/* When a file was changed last, in nanoseconds. */
int64_t peek__change_time(const struct stat *about);

#endif
