/* study/statistics.h: means with their uncertainty. */
#ifndef STUDY_STATISTICS_H
#define STUDY_STATISTICS_H

#include <stdint.h>

/* A mean over runs and its 95 % confidence interval by Student's t; with one value the interval is the whole
 * line. */
typedef struct peek__interval {
    int64_t count;
    double mean, low, high;
} peek__interval;

/* Of the values that are numbers (NaN: missing). mean is NaN where there are none. */
peek__interval peek__interval_of(const double *values, int64_t count);

/* Of the differences a[i] - b[i] of pairs of which both are numbers: paired t. */
peek__interval peek__interval_paired(const double *a, const double *b, int64_t count);

#endif
