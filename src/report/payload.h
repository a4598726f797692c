/* report/payload.h: the payload of one run, as web/payload.schema.json says. Its parts are made by one file
 * each. */
#ifndef REPORT_PAYLOAD_H
#define REPORT_PAYLOAD_H

#include "report/run_files.h"

/* A block of the run: of the capture's manifest, or known from a fit alone. Texts are borrowed from the run's
 * JSON. */
typedef struct peek__report_block {
    const char *name;
    const char *kind; /* "input", "layer", "output" */
    const cJSON
        *entry; /* in the manifest; of a block split at fit time, that of the whole; NULL without a capture */
    const char *file;                /* of its activations in the capture folder; NULL where there is none */
    int64_t channels, height, width; /* flat blocks: n x 1 x 1 */
    int flat;                        /* shape is [n]: neurons without a place */
    int64_t columns;
    int64_t step; /* maps are shown step x step entries at a time, averaged */
    int64_t view_height, view_width;
} peek__report_block;

typedef struct peek__report_blocks {
    peek__report_block *list;
    int64_t count;
    int64_t samples;
} peek__report_blocks;

/* Lists the blocks of the manifest and those that only a fit knows, with the resolution at which each is shown.
 * Free *out, also after a failure. Errors: E_FORMAT, E_MEMORY. */
peek_status peek__report_blocks_find(peek_context *context, const peek__run_files *run,
                                     peek__report_blocks *out);
void peek__report_blocks_free(peek__report_blocks *blocks);

/* The index of the block of this name, or -1. */
int64_t peek__report_block_index(const peek__report_blocks *blocks, const char *name);

/* Averages maps of `columns` values an entry (channels x height x width entries) to channels x view_height x
 * view_width. */
void peek__report_block_shrink(const peek__report_block *block, const float *values, int64_t columns,
                               float *out);

/* The label of every sample (-1: none), or NULL where the capture has no labels. Free with peek__free().
 * Errors: E_FORMAT, E_SHAPE, E_VALUE, E_MEMORY. */
peek_status peek__report_labels_load(peek_context *context, const peek__run_files *run, int64_t samples,
                                     int32_t **labels);

/* Adds "blocks" to the run's object. labels: as loaded, or NULL. */
peek_status peek__report_add_blocks(peek_context *context, const peek__run_files *run,
                                    const peek__report_blocks *blocks, const int32_t *labels, cJSON *object);

/* Adds to a layer's object what its activations say of its neurons: "drivers", the samples that drive the
 * strongest of them most, and, with labels, "active", which neurons the classes have in common. */
peek_status peek__report_add_neurons(peek_context *context, const peek__run_files *run,
                                     const peek__report_block *block, const int32_t *labels, int64_t samples,
                                     cJSON *object);

/* Adds "ranks": the factors of every fit, their errors and shares of energy. */
peek_status peek__report_add_ranks(peek_context *context, const peek__run_files *run,
                                   const peek__report_blocks *blocks, cJSON *object);

/* Adds "pictures" where the capture has them. */
peek_status peek__report_add_pictures(peek_context *context, const peek__run_files *run,
                                      const peek__report_blocks *blocks, cJSON *object);

/* Adds a list of name and value (as text) from a JSON object, members of members as "a.b"; nothing where it is
 * NULL. */
peek_status peek__report_add_settings(peek_context *context, cJSON *object, const char *name,
                                      const cJSON *settings);

/* The whole run as an item of the array `runs`. */
peek_status peek__report_add_run(peek_context *context, const peek__run_files *run, cJSON *runs);

#endif
