/* report/payload.h: the payload of one run, as web/payload.schema.json says. Its parts are made by one file
 * each. */
#ifndef REPORT_PAYLOAD_H
#define REPORT_PAYLOAD_H

#include "report/report_maps.h"
#include "report/run_files.h"
#include "store/npy.h"

/* A block of the run: of the capture's manifest, or known from a fit alone. Texts are borrowed from the run's
 * JSON. */
typedef struct peek__report_block {
    const char *name;
    const char *kind;   /* "input", "layer", "output" */
    const cJSON *entry; /* in the manifest, of a block split at fit time that of the whole; else in fit.json */
    const char *file;   /* of its activations in the capture folder; NULL where there is none */
    int sign; /* 1 or -1: a block split at fit time, the values of this sign in the whole's file; else 0 */
    int fitted;
    int64_t columns;
    peek__report_maps maps;
    peek__report_view view;
    peek__report_view detail; /* of the strongest channels of a component; step 0: as all others */
} peek__report_block;

typedef struct peek__report_blocks {
    peek__report_block *list;
    int64_t count;
    int64_t samples;
    int64_t details; /* how many channels of a component are shown in detail */
} peek__report_blocks;

/* Lists the blocks of the manifest and those that only a fit knows, with the resolution at which each is shown.
 * Free *out, also after a failure. Errors: E_FORMAT, E_MEMORY. */
peek_status peek__report_blocks_find(peek_context *context, const peek__run_files *run,
                                     peek__report_blocks *out);
void peek__report_blocks_free(peek__report_blocks *blocks);

/* Sets the view of every block, and for details. components: of all ranks together. */
void peek__report_blocks_set_views(peek__report_blocks *blocks, int64_t components);

/* The index of the block of this name, or -1. */
int64_t peek__report_block_index(const peek__report_blocks *blocks, const char *name);

/* The entries of a block in the page. */
int64_t peek__report_block_entries(const peek__report_block *block);

/* Opens the file of a block's activations. Close it, also after a failure. Errors: as peek__npy_open; E_SHAPE
 * (not `samples` rows of the block's columns). */
peek_status peek__report_block_open(peek_context *context, const peek__run_files *run,
                                    const peek__report_block *block, int64_t samples, peek__npy *npy);

/* The activations of one sample, in the order of the file; of a split block the values of its sign. */
void peek__report_block_row(const peek__report_block *block, const peek__npy *npy, int64_t sample, float *row);

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

/* Adds "details" to one fit's part of a block: the `many` channels that carry most of each component, in the
 * block's view for details; nothing where it has none. loadings: columns x rank. */
peek_status peek__report_add_details(peek_context *context, const peek__report_block *block, int64_t many,
                                     const float *loadings, int64_t rank, cJSON *object);

/* Adds "ranks": the factors of every fit, their errors and shares of energy. */
peek_status peek__report_add_ranks(peek_context *context, const peek__run_files *run,
                                   const peek__report_blocks *blocks, cJSON *object);

/* Adds what measures.json says of the whole run: "output", "recommended", "pairs", "transmission", "shifts",
 * those that are there. */
peek_status peek__report_add_measures(peek_context *context, const peek__run_files *run,
                                      const peek__report_blocks *blocks, cJSON *object);

/* Adds "pictures" where the capture has them. */
peek_status peek__report_add_pictures(peek_context *context, const peek__run_files *run,
                                      const peek__report_blocks *blocks, cJSON *object);

/* Adds a list of name and value (as text) from a JSON object, members of members as "a.b"; nothing where it is
 * NULL. */
peek_status peek__report_add_settings(peek_context *context, cJSON *object, const char *name,
                                      const cJSON *settings);

/* Adds the digest of the bytes of FOLDER/FILE as "digest". */
peek_status peek__report_add_digest(peek_context *context, cJSON *object, const char *folder, const char *file);

/* The whole run as an item of the array `runs`. */
peek_status peek__report_add_run(peek_context *context, const peek__run_files *run, cJSON *runs);

#endif
