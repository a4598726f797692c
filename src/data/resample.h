/* data/resample.h: pictures in another size. */
#ifndef DATA_RESAMPLE_H
#define DATA_RESAMPLE_H

#include "base/context.h"

/* The size of a picture of height x width when it just covers wanted_height x wanted_width: the side that is
 * relatively shorter becomes the wanted one, the other keeps the proportion, rounded down (as torchvision's
 * Resize). */
void peek__cover(int64_t height, int64_t width, int64_t wanted_height, int64_t wanted_width, int64_t out[2]);

/* Scales `channels` planes of height x width to resized[0] x resized[1] and cuts wanted_height x wanted_width
 * out of the middle (at half the excess, halves to even, as torchvision's CenterCrop). The filter is a
 * triangle, as wide as two pixels of the coarser of both pictures (PIL's BILINEAR, PyTorch's bilinear with
 * antialias): y(i) = sum_j w_j x(j) / sum_j w_j, w_j = max(0, 1 - |j + 1/2 - s (i + 1/2)| / max(1, s)), s =
 * height / resized. Errors: E_MEMORY. */
peek_status peek__resample(peek_context *context, const float *in, int64_t channels, int64_t height,
                           int64_t width, const int64_t resized[2], int64_t wanted_height, int64_t wanted_width,
                           float *out);

#endif
