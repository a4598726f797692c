/* base/random.h: counter-based random streams keyed by (seed, purpose, index): no state is shared, any stream
 * can be made anywhere, and the numbers of one do not depend on how many others were drawn. Source: J. K.
 * Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC'11 (Philox4x32-10). */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* What a stream is for. A new purpose goes to the end: the numbers are part of what a seed means. */
typedef enum peek__purpose {
    PEEK__SHUFFLE_DATA = 1, /* the nested prefix of --fraction; index 0 */
    PEEK__CHOOSE_SAMPLES,   /* --samples; index 0 */
    PEEK__ORDER_EPOCH,      /* training order; index: epoch + 2 */
    PEEK__INIT_WEIGHTS,     /* index: number of the weight tensor */
    PEEK__STROKES,          /* index: number of the sample (2^40 added for the test split) */
    PEEK__START_SAMPLES,    /* start of F; index: row */
    PEEK__START_LOADINGS,   /* start of W; index: block * 2^32 + row */
    PEEK__TEST,             /* tests */
    PEEK__START_SVD,        /* directions of a start from singular vectors; index: direction */
    PEEK__SKETCH,           /* index 0: the subsample; 1 + row of the first basis */
    PEEK__TRIAL,            /* samples a network is tried with; index: 2 * input + sample */
    PEEK__SPLIT,            /* what measures hold out; index 0: samples, 1: inputs, 2 + entry of the manifest */
    PEEK__SCRAMBLE,         /* pictures without structure, for nulls; index: sample */
    PEEK__UNTRAIN,          /* weights as before training; index: number of the weight tensor */
    PEEK__DROPOUT,          /* masks; index: (step * 2^20 + node) * 2^20 + slice */
    PEEK__MIX_ORDER,        /* samples that leave an order; index 0 */
    PEEK__LABEL_NOISE,      /* index: place of the sample in the data; 2^64 - 1: the permutation of classes */
    PEEK__RESAMPLE          /* bootstrap; index: number of the sample drawn */
} peek__purpose;

typedef struct peek__stream {
    uint32_t key[2], counter[4], output[4];
    int used;
} peek__stream;

peek__stream peek__stream_make(uint64_t seed, peek__purpose purpose, uint64_t index);

uint32_t peek__random_bits(peek__stream *stream);

/* Uniform in the open interval (0, 1): (m + 1/2) / 2^23 for a 23-bit m, exact in float. */
float peek__random_uniform(peek__stream *stream);

/* Uniform in [low, high). */
double peek__random_between(peek__stream *stream, double low, double high);

/* Standard normal, by the polar Box-Muller method without a cached second value. */
double peek__random_normal(peek__stream *stream);

/* Uniform in 0 .. bound-1, without bias. bound > 0. */
uint64_t peek__random_below(peek__stream *stream, uint64_t bound);

/* Fisher-Yates shuffle of count numbers. */
void peek__random_shuffle(peek__stream *stream, int64_t *values, int64_t count);

#endif
