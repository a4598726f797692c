/* data/relabel.h: labels that are wrong on purpose. */
#ifndef DATA_RELABEL_H
#define DATA_RELABEL_H

#include "data/content.h"

/* Replaces labels as cut->label_noise and cut->permute_labels say. What becomes of a sample depends on the seed
 * and on its place in the data as opened alone: the wrong labels of a small noise or of a small part are also
 * those of a larger one. Errors: E_MEMORY. */
peek_status peek__relabel(peek_context *context, peek_dataset *dataset, int64_t classes,
                          const peek_dataset_cut *cut);

#endif
