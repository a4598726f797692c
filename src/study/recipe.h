/* study/recipe.h: what a study does, as JSON says it. */
#ifndef STUDY_RECIPE_H
#define STUDY_RECIPE_H

#include "base/json_made.h"

#include "base/context.h"

enum { PEEK__STUDY_RANKS = 64 };

/* One network to train, from the poorest to the best trained. Texts are borrowed from the JSON. */
typedef struct peek__study_network {
    const char *name;        /* "25 %" */
    int64_t family, group;   /* places in the recipe; group -1: none */
    double fraction;         /* of the training data; 1 */
    double mix, label_noise; /* as in peek_dataset_cut; 0 */
    int permute_labels;
    const char *classes, *order; /* as in peek_dataset_cut, or NULL */
    int64_t seed;     /* added to the study's, so that equal networks of two groups are independent */
    const char *loss; /* "cross-entropy" or "saturating" */
    int64_t epochs, batch;
    double learning_rate, momentum;
    int normalise;         /* each channel of the input */
    double paper_accuracy; /* per cent; 0: the paper does not say */
} peek__study_network;

/* What is trained on what; without families in the recipe there is one, of its `network` and `data`. */
typedef struct peek__study_family {
    const char *name, *zoo, *data;
} peek__study_family;

/* Networks that differ in one thing. */
typedef struct peek__study_group {
    const char *name;
    int64_t family;
    int judged; /* 0: reported apart */
} peek__study_group;

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
    const char
        *what; /* "rmse", "spectrum"; of the first seed's models of the first rank: "components", "loadings" */
    const char *block;     /* of a spectrum */
    const cJSON *networks; /* names, of components and loadings; NULL: all */
} peek__study_figure;

/* Something the paper says of one network, as a number that is above zero or below. */
typedef enum peek__statement_kind {
    PEEK__OVERLAP,   /* the active neurons that pairs of classes share, less those of the average pair */
    PEEK__CARRYING,  /* the share of neurons that carry a component, less that in another network */
    PEEK__RECOGNISES /* the share of a class that is taken for it, less a half */
} peek__statement_kind;

typedef struct peek__study_statement {
    const char *about;
    peek__statement_kind kind;
    int64_t network, against; /* places among the networks */
    const char *layer;        /* of overlap and carrying */
    const cJSON *pairs;       /* of overlap: [[9, 1], ..] */
    int64_t label;            /* of recognises */
    int more;                 /* whether the paper says above zero */
} peek__study_statement;

typedef struct peek__recipe {
    cJSON *json;
    const char *name, *title, *about;
    int quality; /* of the kind "quality": how well labels can be done without, in the place of claims */
    int64_t samples, seeds, rank_count, ranks[PEEK__STUDY_RANKS];
    int64_t families, groups, networks, fits, figures, statements;
    peek__study_family *family;
    peek__study_group *group;
    peek__study_network *network;
    peek__study_fit *fit;
    peek__study_figure *figure;
    peek__study_statement *statement;
} peek__recipe;

/* Reads a built-in recipe or a file. Errors: E_NOT_FOUND (neither; the sentence lists the built-in ones),
 * E_FORMAT (says which member is wrong), E_MEMORY. Free with peek__recipe_free(), also after a failure. */
peek_status peek__recipe_read(peek_context *context, const char *recipe, peek__recipe *out);
void peek__recipe_free(peek__recipe *recipe);

/* The place of the network of this name, or -1. */
int64_t peek__recipe_network(const peek__recipe *recipe, const char *name);

/* The JSON text of a built-in recipe, or NULL. */
const char *peek__recipe_builtin(int64_t index, const char **name, const char **title);

#endif
