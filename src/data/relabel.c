/* data/relabel.c: labels that are wrong on purpose: noise, and classes that bear each other's labels. */
#include "data/relabel.h"

#include "base/memory.h"
#include "base/random.h"

static void add_noise(peek_dataset *dataset, int64_t classes, const peek_dataset_cut *cut)
{
    for (int64_t t = 0; t < dataset->count && classes > 1; t++) {
        peek__stream stream =
            peek__stream_make((uint64_t)cut->seed, PEEK__LABEL_NOISE, (uint64_t)dataset->indices[t]);
        if (peek__random_uniform(&stream) >= cut->label_noise) continue;
        int32_t other = (int32_t)peek__random_below(&stream, (uint64_t)classes - 1);
        dataset->labels[t] = other + (other >= dataset->labels[t]);
    }
}

peek_status peek__relabel(peek_context *context, peek_dataset *dataset, int64_t classes,
                          const peek_dataset_cut *cut)
{
    int64_t *name;
    if (cut->label_noise > 0) add_noise(dataset, classes, cut);
    if (!cut->permute_labels) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &name, classes, "labels"));
    peek__stream stream = peek__stream_make((uint64_t)cut->seed, PEEK__LABEL_NOISE, UINT64_MAX);
    for (int64_t k = 0; k < classes; k++) name[k] = k;
    peek__random_shuffle(&stream, name, classes);
    for (int64_t t = 0; t < dataset->count; t++) dataset->labels[t] = (int32_t)name[dataset->labels[t]];
    peek__free(&name);
    return PEEK_OK;
}
