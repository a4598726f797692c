/* study/quality_table.h: everything that can be seen of a network without labels, beside its accuracy. */
#ifndef STUDY_QUALITY_TABLE_H
#define STUDY_QUALITY_TABLE_H

#include "measure/verdict.h"
#include "study/results.h"

/* Where a measure looks. */
typedef enum peek__quality_view {
    PEEK__VIEW_OUTPUT,
    PEEK__VIEW_ACTIVATIONS,
    PEEK__VIEW_FACTORISATION,
    PEEK__VIEW_INPUT /* predictions and inputs alone */
} peek__quality_view;

typedef struct peek__quality_measure {
    const char *name;
    peek__quality_view view;
    const char *source; /* who proposed it as a sign of training or of accuracy; NULL: it is ours */
} peek__quality_measure;

/* Measure `index`, or NULL past the end; its value for a run, NAN where it has none. */
const peek__quality_measure *peek__quality_measure_at(int64_t index);
double peek__quality_value(int64_t index, const cJSON *result, int64_t rank);

/* The networks of a study that were made, one a row. */
typedef struct peek__quality_table {
    const peek__recipe *recipe;
    int64_t rows, measures;
    int64_t *network, *seed; /* rows: places in the recipe, seeds */
    double *accuracy;        /* rows */
    double *value;           /* measures x rows */
    double *part;            /* rows x PEEK__PARTS */
    double *first, *last; /* rows: log of the norms of the first and the last layer, what is controlled for */
} peek__quality_table;

peek_status peek__quality_table_make(peek_context *context, const peek__results *results,
                                     peek__quality_table *out);
void peek__quality_table_clear(peek__quality_table *table);

/* The group of a row, or NULL. */
const peek__study_group *peek__quality_group(const peek__quality_table *table, int64_t row);

#endif
