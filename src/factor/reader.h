/* factor/reader.h: the data, a run of samples at a time, as a sweep over it goes.
 *
 * A run is so small that it stays in a core's cache between the products of all models that share the sweep.
 * Runs depend on the problem's shape alone. Blocks that lie in memory as plain floats are read where they are;
 * others (other types, views) are converted, once a run. Of streamed blocks a thread's run before is let go,
 * and runs that come soon are asked for. */
#ifndef FACTOR_READER_H
#define FACTOR_READER_H

#include "factor/problem.h"

typedef struct peek__reader {
    const peek_problem *problem;
    int64_t run_rows, runs;
    int64_t buffer_size; /* floats of one thread */
    float *buffers;      /* threads x buffer_size */
    const float **x;     /* threads x blocks: where the run's rows of block b are */
    const float *
        *soon;        /* threads x blocks: where the next run's rows are, if in place and as many; else NULL */
    int64_t *strides; /* threads x blocks: floats from row to row */
    int64_t *before;  /* threads: the run that was handed out last, or -1 */
} peek__reader;

peek_status peek__reader_prepare(peek_context *context, const peek_problem *problem, peek__reader *reader);
void peek__reader_clear(peek__reader *reader);

/* One run as a thread sees it; valid until that thread's next call. */
typedef struct peek__run {
    int64_t first, rows;
    const float *const *x, *const *soon;
    const int64_t *strides;
} peek__run;
peek__run peek__reader_run(const peek__reader *reader, int64_t run, int thread);

/* Samples in a run of `width` columns, of `rows` in all. */
int64_t peek__run_rows(int64_t rows, int64_t width);

#endif
