/* study/quality.h: how well a network's accuracy can be told without labels, as a study of the kind "quality"
 * finds. */
#ifndef STUDY_QUALITY_H
#define STUDY_QUALITY_H

#include "study/quality_table.h"

/* summary.json of such a study:
 *   name, title, about, data, samples, rank, seeds, version, failed
 *   groups: [{name, family, judged, learnt_from, networks, accuracy: {least, most}}]
 *   measures, scores: [{name, view, source, overall, given_norms, groups: {NAME: ..}, worst}], each correlation
 *     {rho, low, high, networks}; overall is over the judged groups of the first family. Scores are those of
 * the calibration that never saw the group; those of other families come from the first family alone. worst:
 * the networks whose rank by the measure is farthest from their rank by accuracy, off > 0 where they look
 * better against: [{group, measure, rho, difference: {rho, low, high}, below}]: the score from everything
 * against the best published measure, overall and in each group, from paired resamples; below: the whole
 * interval is below 0 targets: [{group, asked, rho, low, met}] coverage: [{family, networks, inside, width}] of
 * the intervals, each network judged by the others Beside it calibration.json, which peek__calibration_read()
 * takes; quality.csv, one row a network with its accuracy, all measures and scores; and quality.html, the page.
 * failed: taken. Errors: E_SHAPE (too few networks to learn from), E_IO, E_MEMORY, E_STOPPED. */
peek_status peek__quality_write(peek_context *context, const peek__results *results, cJSON *failed,
                                const char *folder);

/* scores: PEEK__SOURCES x rows. */
peek_status peek__quality_csv(peek_context *context, const peek__quality_table *table, const double *scores,
                              const char *folder);
peek_status peek__quality_page(peek_context *context, const peek__quality_table *table, const double *scores,
                               const cJSON *summary, const char *folder);

#endif
