/* study/study_page.h: a study as one page. */
#ifndef STUDY_STUDY_PAGE_H
#define STUDY_STUDY_PAGE_H

#include "study/results.h"

/* Writes study.html into a folder: accuracies, the recipe's figures, what the paper says and what was found,
 * neurons and classes, and links to the tables. summary: as peek__summary_make() gives it. Errors: E_IO,
 * E_MEMORY. */
peek_status peek__study_page(peek_context *context, const peek__results *results, const cJSON *summary,
                             const char *folder);

/* index.html for several studies that lie in folders of these names. summaries: one a study. */
peek_status peek__study_index(peek_context *context, const char *folder, int64_t count,
                              const char *const *names, cJSON *const *summaries);

#endif
