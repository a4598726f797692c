/* study/calibrate.h: scores from parts, by non-negative least squares on networks whose accuracy is known. */
#ifndef STUDY_CALIBRATE_H
#define STUDY_CALIBRATE_H

#include "study/quality_table.h"

/* Weights of each source that minimise
 *     mean_i (constant + sum_p weight_p part_ip - accuracy_i)^2 + 1e-3 sum_p (weight_p deviation_p)^2,  weight
 * >= 0, deviation_p the standard deviation of the part over the rows that are used (use[row] != 0, and no part
 * missing): more of a part never makes a score worse. Errors: E_SHAPE (fewer than ten rows). */
peek_status peek__calibrate(peek_context *context, const peek__quality_table *table, const char *use,
                            peek__calibration *out);

/* Says before any work whether there will be enough to learn from when each group is left out. Errors:
 * E_FORMAT. */
peek_status peek__calibrate_check(peek_context *context, const peek__recipe *recipe, int64_t seeds);

/* The score of a row. */
double peek__calibrated_score(const peek__quality_table *table, const peek__calibration *calibration,
                              peek__verdict_source source, int64_t row);

/* Scores of all rows, PEEK__SOURCES x rows. Those of judged groups of the first family come from a calibration
 * on its other judged groups; those of everything else from one on all judged groups of the first family, which
 * is *out too (json: NULL). use: memory, rows. */
peek_status peek__calibrate_apart(peek_context *context, const peek__quality_table *table, double *scores,
                                  peek__calibration *out);

#endif
