#include <stdint.h>

#include "base/memory.h"
#include "report/payload.h"
#include "store/npy.h"

static peek_status read_labels(peek_context *context, const peek__npy *npy, const char *path, int64_t samples,
                               int64_t *wide, int32_t *labels)
{
    if (npy->rows != samples || npy->columns != 1)
        return peek__fail(context, PEEK_E_SHAPE, "%s: there are %lld labels for %lld samples: capture again",
                          path, (long long)npy->rows, (long long)samples);
    PEEK_TRY(peek__npy_integers(context, npy, path, 0, samples, wide));
    for (int64_t t = 0; t < samples; t++) {
        if (wide[t] < -1 || wide[t] > INT32_MAX)
            return peek__fail(context, PEEK_E_VALUE, "%s: label %lld is %lld, which is no class number", path,
                              (long long)t, (long long)wide[t]);
        labels[t] = (int32_t)wide[t];
    }
    return PEEK_OK;
}

peek_status peek__report_labels_load(peek_context *context, const peek__run_files *run, int64_t samples,
                                     int32_t **labels)
{
    *labels = NULL;
    if (!run->capture) return PEEK_OK;
    char *path = NULL;
    peek__npy npy = {0};
    int64_t *wide = NULL;
    int there = 0;
    PEEK_TRY(peek__format(context, &path, "%s/labels.npy", run->capture));
    peek_status status = peek__find_file(context, path, &there);
    if (!there) {
        peek__free(&path);
        return status;
    }
    status = peek__npy_open(context, path, &npy);
    if (status == PEEK_OK) status = peek__alloc(context, &wide, samples, "the labels");
    if (status == PEEK_OK) status = peek__alloc(context, labels, samples, "the labels");
    if (status == PEEK_OK) status = read_labels(context, &npy, path, samples, wide, *labels);
    if (status != PEEK_OK) peek__free(labels);
    peek__npy_close(&npy);
    peek__free(&wide);
    peek__free(&path);
    return status;
}
