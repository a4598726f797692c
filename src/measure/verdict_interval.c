/* measure/verdict_interval.c: what accuracy a score stands for, and how sure that is. */
#include <math.h>
#include <stdlib.h>

#include "measure/verdict.h"

enum { SIMILAR = 40, SIMILAR_LEAST = 12 };

typedef struct similar {
    double distance, residual;
} similar;

static int by_distance(const void *a, const void *b)
{
    double x = ((const similar *)a)->distance, y = ((const similar *)b)->distance;
    return (x > y) - (x < y);
}

static int by_residual(const void *a, const void *b)
{
    double x = ((const similar *)a)->residual, y = ((const similar *)b)->residual;
    return (x > y) - (x < y);
}

void peek__verdict_interval(const double *scores, const double *accuracies, int64_t count, int64_t skip,
                            double score, double out[3])
{
    similar *all = malloc((size_t)(count + 1) * sizeof *all);
    int64_t known = 0;
    out[0] = out[1] = out[2] = NAN;
    for (int64_t i = 0; all && i < count; i++)
        if (i != skip) all[known++] = (similar){fabs(scores[i] - score), accuracies[i] - scores[i]};
    int64_t taken = known / 2 < SIMILAR ? known / 2 : SIMILAR;
    if (taken < SIMILAR_LEAST) taken = known < SIMILAR_LEAST ? known : SIMILAR_LEAST;
    if (taken > 0) {
        qsort(all, (size_t)known, sizeof *all, by_distance);
        qsort(all, (size_t)taken, sizeof *all, by_residual);
        int64_t outside = (int64_t)(0.025 * (double)taken);
        out[0] = score + all[outside].residual;
        out[1] = score + 0.5 * (all[(taken - 1) / 2].residual + all[taken / 2].residual);
        out[2] = score + all[taken - 1 - outside].residual;
    }
    free(all);
}
