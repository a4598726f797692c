/* measure/predictions.h: the classes that a network gives to evenly spaced samples. */
#ifndef MEASURE_PREDICTIONS_H
#define MEASURE_PREDICTIONS_H

#include "base/json_made.h"

#include "store/npy.h"

typedef struct peek__predictions {
    int64_t total, step;      /* samples of the capture, of which every step-th is taken */
    int64_t count, classes;   /* 0: there are none */
    int32_t *label;           /* count: the place of the largest value */
    char capture_digest[17];  /* of the manifest.json; "": not known */
    int logits;               /* 1: the output is no distribution, and was put through a softmax */
    double effective_classes; /* exp of the entropy of how often each class is predicted, 1 .. classes */
    double confidence;        /* peek_mean_confidence() */
    double effective_rank;    /* peek_effective_rank() of the distributions */
    double information;       /* peek_mutual_information() */
} peek__predictions;

/* Of at most `most` samples, as peek__sample() takes them; none where the output is no row of two values or
 * more a sample, or of more than PEEK__NEIGHBOURS_CLASSES, or lies in 0 .. 1 without being a distribution
 * (several answers, not one class). The caller clears *out. Errors: E_MEMORY, E_NUMERIC. */
peek_status peek__predict(peek_context *context, const peek__npy *output, int64_t most, peek__predictions *out);
void peek__predictions_clear(peek__predictions *predictions);

enum { PEEK__MEAN_CELLS = 8 };

/* Adds the mean of one plane of a picture to a list: over at most `most` samples, and over the cells of a grid
 * of at most 8 x 8, row by row. x: T x height x width. Errors: E_MEMORY. */
peek_status peek__mean_plane(peek_context *context, const peek__npy *x, int64_t height, int64_t width,
                             int64_t most, cJSON *list);

/* As an object of measures.json, owned by the caller: the numbers above; `inputs` and `layers`, the names of
 * the manifest's entries, in order, but for layers that only hold the output before its softmax; `picture`,
 * channels x height x width, where the inputs are planes of one, else null; `mean_picture`, taken. */
cJSON *peek__predictions_document(const peek__predictions *predictions, const cJSON *entries,
                                  cJSON *mean_picture);

#endif
