/* study/recipe.h: what a study does, as JSON says it. */
#ifndef STUDY_RECIPE_H
#define STUDY_RECIPE_H

#include <cjson/cJSON.h>

#include "base/context.h"

enum { PEEK__STUDY_RANKS = 64 };

/* One network to train, from the poorest to the best trained. Texts are borrowed from the JSON. */
typedef struct peek__study_network {
    const char *name;            /* "25 %" */
    double fraction;             /* of the training data; 1 */
    const char *classes, *order; /* as in peek_dataset_cut, or NULL */
    const char *loss;            /* "cross-entropy" or "saturating" */
    int64_t epochs, batch;
    double learning_rate, momentum;
    int normalise; /* each channel of the input */
    double paper_accuracy; /* per cent; 0: the paper does not say */
} peek__study_network;

/* One way to factorise; the first one's models are kept to look at. */
typedef struct peek__study_fit {
    const char *name, *rule;
    int64_t iterations; /* -1: the standard */
    double tolerance;   /* below 0: the standard */
    const char *scale;  /* "none", "norm", "max" */
} peek__study_fit;

/* What the paper calls a figure. */
typedef struct peek__study_figure {
    const char *label; /* "Figure 3" */
    const char *what;  /* "rmse", or "spectrum" */
    const char *block; /* of a spectrum */
} peek__study_figure;

typedef struct peek__recipe {
    cJSON *json;
    const char *name, *title, *about, *zoo, *data;
    int64_t samples, rank_count, ranks[PEEK__STUDY_RANKS];
    int64_t networks, fits, figures;
    peek__study_network *network;
    peek__study_fit *fit;
    peek__study_figure *figure;
} peek__recipe;

/* Reads a built-in recipe or a file. Errors: E_NOT_FOUND (neither; the sentence lists the built-in ones),
 * E_FORMAT (says which member is wrong), E_MEMORY. Free with peek__recipe_free(), also after a failure. */
peek_status peek__recipe_read(peek_context *context, const char *recipe, peek__recipe *out);
void peek__recipe_free(peek__recipe *recipe);

/* The JSON text of a built-in recipe, or NULL. */
const char *peek__recipe_builtin(int64_t index, const char **name, const char **title);

#endif
