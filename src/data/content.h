/* data/content.h: all samples of one source, as a format reads them; and what datasets share of it. */
#ifndef DATA_CONTENT_H
#define DATA_CONTENT_H

#include <stdatomic.h>

#include "nnpeek/dataset.h"
#include "store/npy.h"

/* The most classes a source may have: enough for any catalogue, few enough to name each. */
enum { PEEK__MOST_CLASSES = 1000000 };

/* Classes of a dataset; names holds count texts. */
typedef struct peek__classes {
    int64_t count;
    char **names;
} peek__classes;

void peek__classes_free(peek__classes *classes);

/* Classes named "0" .. "count-1". */
peek_status peek__classes_number(peek_context *context, peek__classes *classes, int64_t count);

/* Classes with the given names, copied. */
peek_status peek__classes_copy(peek_context *context, peek__classes *classes, const char *const *names,
                               int64_t count);

/* A picture that is not among the files since it is broken. */
typedef struct peek__skipped {
    char *name, *reason; /* from the folder on; a sentence */
    int64_t place;       /* where it would be */
} peek__skipped;

/* One source: an array in values.data, count x channels x height x width values of values.type, mapped or in
 * `owned`; or picture files, which are decoded when they are read. Pictures of unsigned integers are read
 * divided by their largest possible value. */
typedef struct peek__content {
    peek__npy values;
    void *owned;
    char **files;  /* count names, or NULL */
    int64_t stamp; /* of the one file that it was read from: when that was changed last, in nanoseconds */
    int64_t count, channels, height, width;
    int pictures;
    int mixed;       /* files: pictures of several sizes; height and width are 0 */
    int deep;        /* files: some have 16 bits a value */
    int stored;      /* arrays with channels last: how many values a pixel has there; 0: channels are first */
    int skip_broken; /* files: broken ones are left out, and stand here */
    peek__skipped *skipped;
    int64_t skipped_count;
    int32_t *labels; /* count, or NULL */
    peek__classes classes;
    atomic_int users; /* datasets that share it */
} peek__content;

/* Allocates the samples (zero). Errors: E_FORMAT where the sizes overflow, E_MEMORY. */
peek_status peek__content_hold(peek_context *context, peek__content *content, peek__type type, int64_t count,
                               int64_t channels, int64_t height, int64_t width);

/* Checks that every value of a float type is finite as a float32, and tells the least and the largest; `path`
 * for the sentence. Errors: E_VALUE naming the first bad place, E_STOPPED. */
peek_status peek__content_check(peek_context *context, const peek__content *content, const char *path,
                                float *least, float *largest);

/* Checks that labels are 0 .. most-1 and numbers the classes by the largest. Errors: E_VALUE. */
peek_status peek__content_number_labels(peek_context *context, const int32_t *labels, int64_t count,
                                        const char *path, peek__classes *classes);

/* Frees what it holds, and clears it. */
void peek__content_clear(peek__content *content);

/* An ordered choice of the samples of a content, perhaps in another size. */
struct peek_dataset {
    peek__content *content;
    int fitted;                      /* 1: pictures are brought to the following */
    int64_t channels, height, width; /* of a sample; those of the content where not fitted */
    char *name;
    int64_t count;
    int64_t *indices; /* place of each sample in the content */
    int32_t *labels;  /* of each sample, or NULL */
    peek__classes classes;
};

/* Values of one sample. */
static inline int64_t peek__dataset_size(const peek_dataset *dataset)
{
    return dataset->channels * dataset->height * dataset->width;
}

/* A dataset for reading again and again: with all samples in memory where they are files or fitted, else
 * sharing what `from` has. Its indices are places in itself. Errors: E_SHAPE (pictures of several sizes), those
 * of reading. */
peek_status peek__dataset_hold(peek_context *context, const peek_dataset *from, peek_dataset **out);

/* Continues a digest (store/file.h) by what a dataset is made of: its choice of samples, their labels, and the
 * data as far as they can be told apart without reading all of them: names, sizes and times of files. */
peek_status peek__dataset_digest(peek_context *context, const peek_dataset *dataset, uint64_t *state);

/* A dataset of all samples of *content, whose holdings it takes over in any case, also on failure. */
peek_status peek__dataset_wrap(peek_context *context, peek__content *content, const char *name,
                               peek_dataset **out);

#endif
