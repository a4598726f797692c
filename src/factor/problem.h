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
    int64_t mapped;          /* bytes of files */
    int streamed;            /* 1: they are not kept in memory */
    char capture_digest[17]; /* of the manifest.json that the samples come from; "": not of one capture */
};

/* From now on the blocks that lie in files are read in every pass and not kept in memory, but for so many bytes
 * of their first rows. The results have the same bits. */
void peek__problem_stream(peek_problem *problem, double kept);

#endif
