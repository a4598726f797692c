/* study/calibrate.h: scores from parts, by non-negative least squares on networks whose accuracy is known. */
#ifndef STUDY_CALIBRATE_H
#define STUDY_CALIBRATE_H

#include "study/quality_table.h"

/* Whether scores are learnt from a group: it is judged, and of the first family. NULL: no. */
int peek__is_learnt_from(const peek__study_group *group);

/* Weights of each source that minimise
 *     mean_i (constant + sum_p weight_p part_ip - asin sqrt accuracy_i)^2 + 1e-3 sum_p (weight_p deviation_p)^2
 * over weights that are not negative, so that more of a part never makes a score worse. deviation_p: the
 * standard deviation of the part over the rows in use (use[row] != 0, no part missing); a part that does not
 * vary there has no weight. Errors: E_SHAPE (fewer than ten rows). */
peek_status peek__calibrate(peek_context *context, const peek__quality_table *table, const char *use,
                            peek__calibration *out);

/* Says before any work whether there will be enough to learn from when each group is left out. Errors:
 * E_FORMAT. */
peek_status peek__calibrate_check(peek_context *context, const peek__recipe *recipe, int64_t seeds);

/* The score of a row. */
double peek__calibrated_score(const peek__quality_table *table, const peek__calibration *calibration,
                              peek__verdict_source source, int64_t row);

/* Scores of all rows, PEEK__SOURCES x rows. Those of groups that are learnt from come from a calibration on the
 * other such groups; those of everything else from one on all of them, which is *out too (json: NULL). Errors:
 * E_SHAPE, E_MEMORY. */
peek_status peek__calibrate_apart(peek_context *context, const peek__quality_table *table, double *scores,
                                  peek__calibration *out);

#endif
