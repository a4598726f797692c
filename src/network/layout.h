/* network/layout.h: how the numbers of one sample lie in a tensor: as maps, as tokens, or flat.
 *
 * The standard does not say which dimension is that of the channels or features; the operators do. A
 * convolution has its channels first, a matrix product with weights has features last, most others keep what
 * they get, and a Transpose moves it. So the layout of a tensor is found by going back to the first operator
 * that tells. */
#ifndef NETWORK_LAYOUT_H
#define NETWORK_LAYOUT_H

#include "network/survey.h"

typedef enum peek__layout {
    PEEK__FLAT,           /* D, or as many numbers without places */
    PEEK__CHANNELS_FIRST, /* C x L, C x H x W, C x D x H x W */
    PEEK__CHANNELS_LAST,  /* H x W x C, D x H x W x C */
    PEEK__TOKENS          /* N x D: N tokens of D features */
} peek__layout;

peek__layout peek__layout_find(const peek_network *network, const peek__survey *survey, int64_t value);

/* "channels-first", as manifests have it. */
const char *peek__layout_name(peek__layout layout);

/* Whether an input of the network looks like pictures, C x H x W or H x W x C, and which of both: by its number
 * of dimensions and channels (1, 3 or 4; where the file leaves them open, C x H x W). */
int peek__port_is_picture(const peek__port *port, int *channels_last);

/* Where N tokens lie on a picture of height x width: lead tokens that stand for no place (of a class,
 * registers), then the grid of patches, row by row. 0: they do not. */
int peek__layout_grid(int64_t tokens, int64_t height, int64_t width, int64_t grid[2], int64_t *lead);

#endif
