/* measure/rank_rule.c: which rank held-out errors speak for. */
#include "nnpeek/measure.h"

int64_t peek_one_standard_error(const double *errors, const double *standard_errors, int64_t count)
{
    int64_t best = 0, chosen = 0;
    for (int64_t i = 1; i < count; i++)
        if (errors[i] < errors[best]) best = i;
    if (count < 3 || best == count - 1) return -1;
    while (errors[chosen] > errors[best] + standard_errors[best]) chosen++;
    return chosen ? chosen : -1;
}
