/* network/layout.h: layouts other than row-major, as oneDNN's convolutions like them (channels in blocks of 8
 * or 16). */
#ifndef NETWORK_LAYOUT_H
#define NETWORK_LAYOUT_H

typedef struct peek__layout peek__layout; /* what is inside is known to network/onednn.c alone */

#endif
