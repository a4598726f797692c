/* network/convolution.h: a two-dimensional convolution and the ways to compute it.
 *
 *     y[n, o, p] = b[o] + sum over c, q of w[o, c, q] x[n, c, p stride - before + q dilation]
 *
 * x: N x C x H x W, w: O x C/groups x kernel, b: O or none, y: N x O x out. Which way is used depends on shapes
 * alone. */
#ifndef NETWORK_CONVOLUTION_H
#define NETWORK_CONVOLUTION_H

#include "network/window.h"

typedef enum peek__convolution_way { PEEK__BY_COLUMNS, PEEK__BY_ONEDNN } peek__convolution_way;

typedef struct peek__convolution {
    peek__window window;
    int64_t samples, channels, outputs, groups;
    peek__convolution_way way;
} peek__convolution;

/* By matrix products over unfolded windows, a sample at a time: good for few channels. */
peek_status peek__convolution_columns_prepare(peek_context *context, peek__operation *operation);
void peek__convolution_columns_forward(peek__operation *operation);
void peek__convolution_columns_backward(peek__operation *operation);
void peek__convolution_columns_release(peek__operation *operation);

#endif
