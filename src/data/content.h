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

/* One source. values.data holds count x channels x height x width values of values.type, mapped or in `owned`.
 * Pictures of unsigned integers are read divided by their largest possible value. */
typedef struct peek__content {
    peek__npy values;
    void *owned;
    int64_t count, channels, height, width;
    int pictures;
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

/* An ordered choice of the samples of a content. */
struct peek_dataset {
    peek__content *content;
    char *name;
    int64_t count;
    int64_t *indices; /* place of each sample in the content */
    int32_t *labels;  /* of each sample, or NULL */
    peek__classes classes;
};

/* A dataset of all samples of *content, whose holdings it takes over in any case, also on failure. */
peek_status peek__dataset_wrap(peek_context *context, peek__content *content, const char *name,
                               peek_dataset **out);

#endif
