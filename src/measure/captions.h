/* measure/captions.h: the labels of a capture, for captions. */
#ifndef MEASURE_CAPTIONS_H
#define MEASURE_CAPTIONS_H

#include "base/context.h"

enum { PEEK__CLASSES_MOST = 1 << 20 }; /* larger numbers are no classes: unknown */

/* labels.npy of a capture folder as class numbers, owned by the caller; *out NULL where there are none, or not
 * `samples` of them. Errors: E_FORMAT, E_VALUE, E_IO, E_MEMORY. */
peek_status peek__labels_load(peek_context *context, const char *capture, int64_t samples, int32_t **out);

#endif
