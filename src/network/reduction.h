/* network/reduction.h: fewer numbers a layer: maps and tokens averaged before they are written. */
#ifndef NETWORK_REDUCTION_H
#define NETWORK_REDUCTION_H

#include "network/layout.h"

typedef enum peek__reduce_how {
    PEEK__REDUCE_NONE,
    PEEK__REDUCE_MEAN,  /* of every channel over its places, of every feature over the tokens */
    PEEK__REDUCE_MAX,   /* likewise */
    PEEK__REDUCE_GRID,  /* of every channel over the cells of a grid */
    PEEK__REDUCE_FIRST, /* the first token */
    PEEK__REDUCE_AUTO   /* as little as the budget allows; of a wish only */
} peek__reduce_how;

/* What is wanted: of maps, and of tokens. */
typedef struct peek__reduce_wish {
    peek__reduce_how maps, tokens;
    int64_t grid; /* cells along the longer side */
} peek__reduce_wish;

/* Reads "auto", or some of none, mean, max, grid:G (maps) and first (tokens) with commas between; a word that
 * both kinds know is for both. Errors: E_ARGUMENT. */
peek_status peek__reduce_parse(peek_context *context, const char *text, peek__reduce_wish *out);

/* What is done with one layer: `channels` lines of numbers with places in a space of up to three dimensions. */
typedef struct peek__reduction {
    peek__reduce_how how;
    int features_last;
    int64_t channels,
        size[3];         /* before: of maps their sides, 1 for those that are missing; of tokens {1, 1, N} */
    int64_t cells[3];    /* after, likewise */
    peek__layout layout; /* after */
    int dimensions;      /* after */
    int64_t shape[PEEK_DIMENSIONS];
    int64_t columns; /* after: the product of shape */
} peek__reduction;

/* Reductions of `count` layers. budget: numbers that all of them may have for one sample together, for those
 * that are to be found automatically: they share one limit, as high as possible, and a layer above it is
 * averaged over the finest grid that is not; tokens over all but their features. Layers that are flat stay as
 * they are. */
void peek__reduce_choose(const peek__reduce_wish *wish, const peek__survey *survey, int64_t count,
                         const int64_t *value, const peek__layout *layout, double budget, peek__reduction *out);

/* "none", "mean", "grid:14", as manifests have it; buffer of 32. */
const char *peek__reduction_text(const peek__reduction *reduction, char *buffer);

/* One sample. A cell of the grid begins at floor(i size / cells) and ends before ceil((i + 1) size / cells), as
 * PyTorch's adaptive_avg_pool. */
void peek__reduce(const peek__reduction *reduction, const float *in, float *out);

#endif
