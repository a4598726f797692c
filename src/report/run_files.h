/* report/run_files.h: what a run folder holds, opened and put in order. */
#ifndef REPORT_RUN_FILES_H
#define REPORT_RUN_FILES_H

#include "base/json_made.h"

#include "base/context.h"

typedef struct peek__rank_folder {
    char *folder; /* RUN/fit/rank-K */
    cJSON *fit;   /* its fit.json */
    int64_t rank;
} peek__rank_folder;

typedef struct peek__run_files {
    char *folder, *name;
    char *capture;            /* RUN/capture, or NULL where there is none */
    cJSON *manifest;          /* of the capture; NULL without one */
    cJSON *measures;          /* measures.json; NULL without one */
    peek__rank_folder *ranks; /* by rising rank */
    int64_t rank_count;
} peek__run_files;

/* Opens RUN/capture/manifest.json, RUN/measures.json and the rank-K folders of RUN/fit, or of RUN itself where
 * `nnpeek fit` wrote them there. Each may be missing, but not all. Close with peek__run_close(), also after a
 * failure. Errors: E_NOT_FOUND, E_FORMAT, E_IO, E_MEMORY. */
peek_status peek__run_open(peek_context *context, const char *folder, peek__run_files *out);
void peek__run_close(peek__run_files *run);

/* Members of a JSON object, with a default where they are missing or of another type. object may be NULL. */
const char *peek__json_text(const cJSON *object, const char *name, const char *otherwise);
double peek__json_number(const cJSON *object, const char *name, double otherwise);

#endif
