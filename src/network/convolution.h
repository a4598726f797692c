/* network/convolution.h: a convolution over one to three dimensions and the ways to compute it.
 *
 *     y[n, o, p] = b[o] + sum over c, q of w[o, c, q] x[n, c, p stride - before + q dilation]
 *
 * x: N x C x in, w: O x C/groups x kernel, b: O or none, y: N x O x out. Which way is used depends on shapes
 * and on whether it is trained. */
#ifndef NETWORK_CONVOLUTION_H
#define NETWORK_CONVOLUTION_H

#include "network/window.h"

typedef enum peek__convolution_way {
    PEEK__BY_COLUMNS,
    PEEK__BY_ONEDNN,
    PEEK__BY_PLANES /* forward only */
} peek__convolution_way;

typedef struct peek__convolution {
    peek__window window;
    int64_t samples, channels, outputs, groups;
    peek__convolution_way way, training_way; /* where it is only run; where it is trained, too */
} peek__convolution;

/* By matrix products over unfolded windows, a sample at a time: good for few channels. */
peek_status peek__convolution_columns_prepare(peek_context *context, peek__operation *operation);
void peek__convolution_columns_forward(peek__operation *operation);
void peek__convolution_columns_backward(peek__operation *operation);
void peek__convolution_columns_release(peek__operation *operation);

/* Every channel by itself. Errors: E_MEMORY. */
int peek__convolution_is_depthwise(const peek__convolution *convolution);
peek_status peek__convolution_depthwise_prepare(peek_context *context, peek__operation *operation);
void peek__convolution_depthwise_forward(peek__operation *operation);
void peek__convolution_depthwise_release(peek__operation *operation);

/* U (channels x kernel rows of out values each): the input value that every kernel place meets at every output
 * place, 0 in the padding. */
void peek__unfold(const peek__window *window, int64_t channels, const float *x, float *columns);
/* The transpose: adds every value of U to the input value it came from. */
void peek__fold(const peek__window *window, int64_t channels, const float *columns, float *x);
/* 1 where U is the input itself: a 1 x 1 kernel over every place. */
int peek__window_is_pointwise(const peek__window *window);

#endif
