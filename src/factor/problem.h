/* factor/problem.h: the blocks of a joint problem. */
#ifndef FACTOR_PROBLEM_H
#define FACTOR_PROBLEM_H

#include "nnpeek/fit.h"
#include "store/block.h"

struct peek_problem {
    int64_t rows;    /* T, 0 while empty */
    int64_t columns; /* of all blocks together */
    int64_t count, capacity;
    peek__block *blocks;
    double *weights;         /* alpha_b */
    char capture_digest[17]; /* of the manifest.json that the samples come from; "": not of one capture */
};

#endif
