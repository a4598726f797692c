/* network/manifest.h: manifest.json of a capture: what was captured from what. */
#ifndef NETWORK_MANIFEST_H
#define NETWORK_MANIFEST_H

#include "network/selection.h"
#include "network/survey.h"

typedef struct peek__manifest {
    const peek_network *network;
    const peek__feeds *feeds;
    const peek_capture_options *options;
    const peek__survey *survey;
    const peek__selection *selection;
    const char *made_from; /* its digest */
} peek__manifest;

/* The digest of all that a capture in slices of so many samples is made from, but made_from itself: when it is
 * the same, so is every byte of the capture. */
peek_status peek__manifest_digest(peek_context *context, const peek__manifest *manifest, int64_t slice,
                                  char text[17]);

/* Writes FOLDER/manifest.json. */
peek_status peek__manifest_write(peek_context *context, const peek__manifest *manifest, const char *folder);

#endif
