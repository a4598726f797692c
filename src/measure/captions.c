/* measure/captions.c: the labels of a capture. */
#include "measure/captions.h"

#include "base/memory.h"
#include "store/npy.h"

static peek_status convert(peek_context *context, const peek__npy *npy, const char *path, int64_t *wide,
                           int32_t **out)
{
    PEEK_TRY(peek__npy_integers(context, npy, path, 0, npy->rows, wide));
    PEEK_TRY(peek__alloc(context, out, npy->rows, "the labels"));
    for (int64_t t = 0; t < npy->rows; t++)
        (*out)[t] = wide[t] >= 0 && wide[t] < PEEK__CLASSES_MOST ? (int32_t)wide[t] : -1;
    return PEEK_OK;
}

peek_status peek__labels_load(peek_context *context, const char *capture, int64_t samples, int32_t **out)
{
    char *path;
    peek__npy npy = {0};
    int64_t *wide = NULL;
    *out = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/labels.npy", capture));
    int there = 0;
    peek_status status = peek__find_file(context, path, &there);
    if (there) status = peek__npy_open(context, path, &npy);
    if (status == PEEK_OK && npy.data && npy.columns == 1 && npy.rows == samples) {
        status = peek__alloc(context, &wide, npy.rows, "the labels");
        if (status == PEEK_OK) status = convert(context, &npy, path, wide, out);
    }
    peek__npy_close(&npy);
    peek__free(&wide);
    peek__free(&path);
    return status;
}
