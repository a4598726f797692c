/* measure/verdict_interval.c: what accuracy a score stands for, and how sure that is. */
#include <math.h>
#include <stdlib.h>

#include "measure/verdict.h"

enum { SIMILAR = 40 };

static const double least_half = 0.01; /* of an interval: accuracies are of a finite test set */

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

void peek__verdict_interval(const peek__scored *known, int64_t skip, double score, double out[3])
{
    similar *all = malloc((size_t)(known->count + 1) * sizeof *all);
    int64_t count = 0;
    out[0] = out[1] = out[2] = NAN;
    for (int64_t i = 0; all && i < known->count; i++)
        if (skip < 0 || known->way[i] != skip)
            all[count++] = (similar){fabs(known->score[i] - score), known->accuracy[i] - known->score[i]};
    int64_t taken = count < SIMILAR ? count : SIMILAR;
    if (taken > 0) {
        qsort(all, (size_t)count, sizeof *all, by_distance);
        qsort(all, (size_t)taken, sizeof *all, by_residual);
        /* Ranks of split conformal prediction: of 39 and more the extremes leave out 2.5 % each, of fewer more.
         */
        int64_t outside = (int64_t)(0.025 * (double)(taken + 1)) - 1;
        if (outside < 0) outside = 0;
        double middle = 0.5 * (all[(taken - 1) / 2].residual + all[taken / 2].residual);
        out[1] = score + middle;
        out[0] = out[1] - known->widening * fmax(least_half, middle - all[outside].residual);
        out[2] = out[1] + known->widening * fmax(least_half, all[taken - 1 - outside].residual - middle);
    }
    free(all);
}

double peek__verdict_excess(const double interval[3], double accuracy)
{
    double half = accuracy < interval[1] ? interval[1] - interval[0] : interval[2] - interval[1];
    return fabs(accuracy - interval[1]) / half;
}
