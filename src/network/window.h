/* network/window.h: windows that slide over the last two dimensions, shared by convolution and pooling. */
#ifndef NETWORK_WINDOW_H
#define NETWORK_WINDOW_H

#include "network/operators.h"

typedef struct peek__window {
    int64_t kernel[2], stride[2], dilation[2];
    int64_t before[2], after[2]; /* padding */
    int64_t in[2], out[2];
} peek__window;

/* Reads strides, pads, dilations, auto_pad and ceil_mode, and finds the output's size for this kernel over
 * input 0, N x C x H x W. */
peek_status peek__window_read(peek_context *context, const peek__operation *operation, const int64_t kernel[2],
                              peek__window *out);

#endif
