/* study/quality.h: how well a network's accuracy can be told without labels, as a study of the kind "quality"
 * finds. */
#ifndef STUDY_QUALITY_H
#define STUDY_QUALITY_H

#include "study/quality_table.h"

/* Writes into the study's folder:
 *
 * - summary.json: what was asked, and
 *
 *   groups: of each its name, family, whether it is judged and learnt from, networks, least and most accuracy;
 *
 *   measures and scores: of each its name, view and source, and correlations {rho, low, high, networks} over
 * the judged groups of the first family (overall), with the norms of the layers given (given_norms) and in each
 * group; worst: the networks whose rank by it is farthest from their rank by accuracy, off > 0 where they look
 * better. Scores are those of a calibration that never saw the group, and for other families those from the
 * first family alone;
 *
 *   against: for all groups and each group the best published measure and what the score has more;
 *
 *   adds: what the score from everything has more than that from each source;
 *
 *   targets: whether rho is as high as asked and not significantly below the best published measure; null where
 * there are fewer than twelve networks;
 *
 *   coverage: of each family how many networks lie in intervals that never saw their way of training;
 *
 * - calibration.json, which peek__calibration_read() takes;
 *
 * - quality.csv, one row a network with its accuracy, all measures and scores; study.html, the page.
 *
 * failed: taken. Errors: E_SHAPE (too few networks to learn from), E_IO, E_MEMORY, E_STOPPED. */
peek_status peek__quality_write(peek_context *context, const peek__results *results, cJSON *failed,
                                const char *folder);

/* calibration.json; adds `coverage` to the summary. The caller deletes *out. Errors: E_MEMORY. */
peek_status peek__quality_calibration(peek_context *context, const peek__results *results,
                                      const peek__quality_table *table, const double *scores,
                                      const peek__calibration *calibration, cJSON *summary, cJSON **out);

/* scores: PEEK__SOURCES x rows. */
peek_status peek__quality_csv(peek_context *context, const peek__quality_table *table, const double *scores,
                              const char *folder);
peek_status peek__quality_page(peek_context *context, const peek__quality_table *table, const double *scores,
                               const cJSON *summary, const char *folder);

#endif
