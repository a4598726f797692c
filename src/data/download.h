/* data/download.h: a file from a URL. */
#ifndef DATA_DOWNLOAD_H
#define DATA_DOWNLOAD_H

#include "base/context.h"

typedef struct peek__download {
    const char *url;  /* http or https; redirections to these are followed */
    const char *path; /* where the bytes go; what lies there is taken for their beginning */
    int64_t most;     /* bytes: more are refused */
    double patience;  /* seconds without a byte after which the server is given up */
} peek__download;

/* Fetches what is missing of a file. A connection that breaks is taken up again as long as bytes come; a server
 * that does not know ranges sends all of them again. What has come stays when it fails, for the next call; a
 * stop (the event callback) ends it at once. *came: bytes that came in this call. Errors: E_NOT_FOUND (404),
 * E_IO (no connection, an answer that is none, a full disk, more than `most`), E_UNSUPPORTED (libcurl cannot be
 * loaded), E_MEMORY, E_STOPPED. */
peek_status peek__download_file(peek_context *context, const peek__download *download, int64_t *came);

#endif
