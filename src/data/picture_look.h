/* data/picture_look.h: what the pictures of a folder are, and which of them are broken. */
#ifndef DATA_PICTURE_LOOK_H
#define DATA_PICTURE_LOOK_H

#include "data/content.h"
#include "data/picture.h"

/* Borrowed arrays of count. */
typedef struct peek__pictures {
    int64_t count;
    char **path;
    size_t lead;          /* of each path that is the folder's, with its '/' */
    int decode;           /* 1: pixels are looked at too, 0: headers */
    peek__picture *shape; /* out */
    char *broken;         /* out: 1: it cannot be read */
} peek__pictures;

/* Looks at all of them, in parallel. Errors: E_MEMORY, E_STOPPED; what is broken is no error yet. */
peek_status peek__pictures_look(peek_context *context, peek__pictures *pictures);

/* Fails where any is broken: the sentence names the first of them and how many more there are. */
peek_status peek__pictures_refuse(peek_context *context, const peek__pictures *pictures, const char *folder);

/* Takes broken ones out of paths, shapes and content->labels, into content->skipped, and tells so. Errors:
 * where all are broken, as peek__pictures_refuse(); E_MEMORY. */
peek_status peek__pictures_skip(peek_context *context, peek__pictures *pictures, const char *folder,
                                peek__content *content);

#endif
