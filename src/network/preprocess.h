/* network/preprocess.h: the normalisation of a network's input, as text and as numbers. */
#ifndef NETWORK_PREPROCESS_H
#define NETWORK_PREPROCESS_H

#include "network/graph.h"

void peek__preprocess_free(peek__preprocess *preprocess);

/* Reads `none` and `zero-one` (pixels in [0, 1]), `pixels` (0 to 255), `imagenet` or `mean=a,b,c,std=d,e,f`,
 * with one number or one for each channel. A preprocess of 0 channels does nothing. *out is replaced on success
 * only. Errors: E_ARGUMENT, E_MEMORY. */
peek_status peek__preprocess_parse(peek_context *context, const char *text, int64_t channels,
                                   peek__preprocess *out);

/* From numbers of `channels`; copied. */
peek_status peek__preprocess_set(peek_context *context, peek__preprocess *out, int64_t channels,
                                 const double *mean, const double *deviation);

/* Normalises `count` samples of `size` values in place: (x - mean) / deviation of their channel. They are C x H
 * x W or, with channels_last, H x W x C. */
void peek__preprocess_apply(const peek__preprocess *how, int channels_last, float *x, int64_t count,
                            int64_t size);

/* "mean=0.1307,std=0.3081", or "none"; the caller frees it. Reading it again gives the same numbers. */
peek_status peek__preprocess_text(peek_context *context, const peek__preprocess *preprocess, char **out);

#endif
