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
} peek__manifest;

/* Writes FOLDER/manifest.json. */
peek_status peek__manifest_write(peek_context *context, const peek__manifest *manifest, const char *folder);

#endif
