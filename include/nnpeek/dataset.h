/* nnpeek/dataset.h: samples in a fixed order, with labels where there are any.
 *
 * A dataset is an ordered list of samples of one shape C x H x W with values in [0, 1] for pictures (8-bit
 * pixels / 255, 16-bit / 65535), or as stored for .npy arrays of floats. Labels are class numbers 0 ..
 * classes-1. */
#ifndef NNPEEK_DATASET_H
#define NNPEEK_DATASET_H

#include "nnpeek/options.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct peek_dataset peek_dataset;

typedef enum peek_split { PEEK_SPLIT_TEST, PEEK_SPLIT_TRAIN } peek_split;

typedef struct peek_dataset_options {
    size_t size;
    const char
        *data_dir; /* where named data sets are looked up first; default NULL: $NNPEEK_DATA, the cache folder */
    int64_t split; /* peek_split; default PEEK_SPLIT_TEST: which split a bare name ("mnist") means */
    int64_t samples;     /* strokes: how many to draw; default 0: 20,000 for train and 10,000 for test */
    int64_t seed;        /* strokes: the seed of the drawing; default 0 */
    int64_t skip_broken; /* flag; default 0: pictures of a folder that cannot be read are left out and told in a
                            note; to know them all pictures are decoded when the folder is opened */
} peek_dataset_options;

PEEK_API const peek_option_table *peek_dataset_option_table(void);
PEEK_API void peek_dataset_options_default(peek_dataset_options *options);

/* Shape and size. class_count is 0 without labels. */
typedef struct peek_dataset_info {
    const char *name; /* what was opened, for captions: "mnist:test", "photos/"; lives as long as the dataset */
    int64_t count;    /* samples T */
    int64_t channels, height, width;
    int64_t class_count;
    int pictures; /* 1: pixels in [0, 1]; 0: an array of other values */
    int mixed;    /* 1: pictures of several sizes: height and width are 0, and only peek_dataset_fit() makes
                     samples of    them */
    int depth;    /* bits of a pixel as stored, 8 or 16; 0: floats */
} peek_dataset_info;

/* Opens DATA: `mnist`, `cifar10`, `strokes` (each also with `:train` or `:test`), a folder of PNG and JPEG
 * files (a folder per class gives labels; decoded when they are read, upright as EXIF says), an IDX file (.gz
 * too; `*-images-idx3-ubyte` finds its `*-labels-idx1-ubyte` beside it), a CIFAR-10 binary file or an .npy
 * array (T x W, T x H x W, T x C x H x W). The caller frees *out with peek_dataset_free(). Errors: E_NOT_FOUND,
 * E_FORMAT, E_UNSUPPORTED, E_IO, E_MEMORY. */
PEEK_API peek_status peek_dataset_open(peek_context *context, const char *spec,
                                       const peek_dataset_options *options, peek_dataset **out);

/* Samples from memory: values count x channels x height x width, row-major, copied; labels count or NULL,
 * copied. Errors: E_ARGUMENT, E_VALUE (not finite; negative label), E_MEMORY. */
PEEK_API peek_status peek_dataset_from_array(peek_context *context, const float *values, const int32_t *labels,
                                             int64_t count, int64_t channels, int64_t height, int64_t width,
                                             peek_dataset **out);

PEEK_API void peek_dataset_free(peek_dataset **dataset);

PEEK_API peek_dataset_info peek_dataset_describe(const peek_dataset *dataset);

/* count labels, or NULL where the dataset has none. Borrowed. */
PEEK_API const int32_t *peek_dataset_labels(const peek_dataset *dataset);

/* The name of a class ("airplane", "7"), or NULL. Borrowed. */
PEEK_API const char *peek_dataset_class_name(const peek_dataset *dataset, int64_t label);

/* The place of sample t in the data as opened, before any cut or order; borrowed array of count. */
PEEK_API const int64_t *peek_dataset_indices(const peek_dataset *dataset);

/* Replaces the labels: `path` is an .npy of integers or a text file with one name a line (or numbers alone),
 * count entries: read them before cutting. Errors: E_SHAPE (another count), E_VALUE, E_FORMAT, E_NOT_FOUND,
 * E_IO, E_MEMORY. */
PEEK_API peek_status peek_dataset_read_labels(peek_context *context, peek_dataset *dataset, const char *path);

/* Copies samples first .. first+count-1 to out, count x (C H W), row-major; C, H, W as described.
 * Safe to call from several threads at once. Errors: E_ARGUMENT (outside the dataset), E_SHAPE (pictures of
 * several sizes); of picture files E_FORMAT, E_IO and E_MEMORY. */
PEEK_API peek_status peek_dataset_read(peek_context *context, const peek_dataset *dataset, int64_t first,
                                       int64_t count, float *out);

typedef struct peek_dataset_cut {
    size_t size;
    double fraction;     /* default 1: a nested prefix of the seeded shuffle (0.25 is contained in 0.5) */
    const char *classes; /* default NULL, all: "0-4,7" or class names; keeps these classes' samples and all
                            label numbers */
    const char *order;   /* default "stored": "stored", "shuffled", "by-class", "by-class:9,0-8" */

    /* default 0: this part of the samples leaves its places and shares them anew at random */
    double mix;

    /* default 0: each label is replaced with this probability by one of the other classes, all alike; nested:
     * the wrong labels of 0.2 are also wrong with 0.4 */
    double label_noise;

    /* flag; default 0: every class bears the label that a seeded random permutation gives it */
    int64_t permute_labels;

    int64_t samples; /* default 0, all: at most this many, a seeded random choice kept in stored order */
    int64_t seed;    /* default 0 */
} peek_dataset_cut;

PEEK_API const peek_option_table *peek_dataset_cut_table(void);
PEEK_API void peek_dataset_cut_default(peek_dataset_cut *cut);

/* A new dataset: first the classes, then the fraction, then `samples`, then the order and `mix`, then the
 * labels. Shares the samples with `from`, which may be freed before it. Errors: E_ARGUMENT (unknown class, no
 * labels), E_SHAPE (nothing left), E_MEMORY. */
PEEK_API peek_status peek_dataset_select(peek_context *context, const peek_dataset *from,
                                         const peek_dataset_cut *cut, peek_dataset **out);

/* A new dataset of pictures brought to channels x height x width, made anew whenever it is read. They are
 * scaled so that they just cover height x width (the relatively shorter side becomes that of the target, the
 * other keeps the proportion, rounded down) and cropped in the middle, as torchvision's Resize and CenterCrop;
 * by a triangle filter as wide as two pixels of the coarser picture, as PIL's BILINEAR and PyTorch's bilinear
 * with antialias. Values stay in [0, 1] and are not rounded. Colour becomes grey by 0.299 R + 0.587 G + 0.114 B
 * (ITU-R BT.601), grey becomes colour by repetition. Large JPEG files are decoded at a part of their size.
 * Shares the samples with `from`, which may be freed before it. Errors: E_SHAPE (no pictures; channels that
 * cannot be turned into each other), E_MEMORY. */
PEEK_API peek_status peek_dataset_fit(peek_context *context, const peek_dataset *from, int64_t channels,
                                      int64_t height, int64_t width, peek_dataset **out);

/* Mean and standard deviation of every channel over all samples, in double; arrays of `channels`. */
PEEK_API peek_status peek_dataset_moments(peek_context *context, const peek_dataset *dataset, double *mean,
                                          double *deviation);

/* Writes the samples as `images.npy` (T x C x H x W, uint8 for pictures, else float32) and `labels.npy` into a
 * folder. */
PEEK_API peek_status peek_dataset_save(peek_context *context, const peek_dataset *dataset, const char *folder);

typedef struct peek_get_options {
    size_t size;
    const char *data_dir; /* where it goes; default NULL: $XDG_CACHE_HOME/nnpeek or ~/.cache/nnpeek */
    const char *mirror;   /* a URL below which the files lie; default NULL: the public mirrors, one after the
                             other */
    double patience;      /* default 30: seconds without a byte after which a server is given up */
} peek_get_options;

PEEK_API const peek_option_table *peek_get_option_table(void);
PEEK_API void peek_get_options_default(peek_get_options *options);

typedef struct peek_get_result {
    const char *folder; /* where it is now; borrowed from the context until its next call */
    int64_t files;      /* of the data set that are there */
    int64_t downloaded; /* of them in this call, archives counted as one */
    int64_t bytes;      /* that came over the network */
} peek_get_result;

/* Downloads a named data set, `mnist` or `cifar10`, where it is not there already, checks every file against a
 * checksum that is built in, and unpacks archives. A broken or stopped download is taken up again by the next
 * call; a file bears its name only when it is whole and right. Errors: E_NOT_FOUND (no such data set; the
 * server does not have it), E_IO (no connection, no room), E_FORMAT (a checksum), E_UNSUPPORTED (libcurl cannot
 * be loaded), E_ARGUMENT, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_dataset_get(peek_context *context, const char *name, const peek_get_options *options,
                                      peek_get_result *result);

/* The named data sets, for listings: name, what it is, and where it was found (or NULL). Index from 0; past the
 * end the name is NULL. Strings are borrowed from the context until its next call. Errors: E_IO, E_MEMORY, where
 * it could not be looked for; name and about are there all the same. */
typedef struct peek_dataset_entry {
    const char *name, *about, *found;
} peek_dataset_entry;
PEEK_API peek_status peek_dataset_list(peek_context *context, const peek_dataset_options *options,
                                       int64_t index, peek_dataset_entry *out);

#ifdef __cplusplus
}
#endif
#endif
