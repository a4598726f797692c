/* factor/reader.c: the data, a run of samples at a time. */
#include "factor/reader.h"

#include "base/memory.h"

enum {
    RUN_BYTES = 512 << 10, /* of X in a run */
    RUN_ROWS_LEAST = 16,
    RUN_ROWS_MOST = 1024
};

int64_t peek__run_rows(int64_t rows, int64_t width)
{
    int64_t run = RUN_BYTES / (width * (int64_t)sizeof(float));
    run -= run % RUN_ROWS_LEAST; /* whole blocks of the kernels */
    if (run < RUN_ROWS_LEAST) run = RUN_ROWS_LEAST;
    if (run > RUN_ROWS_MOST) run = RUN_ROWS_MOST;
    return run < rows ? run : rows;
}

peek_status peek__reader_prepare(peek_context *context, const peek_problem *problem, peek__reader *reader)
{
    int64_t threads = peek_threads(context), converted = 0;
    reader->problem = problem;
    reader->run_rows = peek__run_rows(problem->rows, problem->columns);
    reader->runs = (problem->rows + reader->run_rows - 1) / reader->run_rows;
    for (int64_t b = 0; b < problem->count; b++)
        if (!peek__block_in_place(&problem->blocks[b])) converted += problem->blocks[b].columns;
    reader->buffer_size = reader->run_rows * converted;
    PEEK_TRY(peek__alloc(context, &reader->buffers, peek__product(threads, reader->buffer_size),
                         "reading the data"));
    PEEK_TRY(peek__alloc(context, &reader->x, peek__product(threads, problem->count), "reading the data"));
    PEEK_TRY(peek__alloc(context, &reader->soon, peek__product(threads, problem->count), "reading the data"));
    PEEK_TRY(
        peek__alloc(context, &reader->strides, peek__product(threads, problem->count), "reading the data"));
    PEEK_TRY(peek__alloc(context, &reader->before, threads, "reading the data"));
    for (int64_t i = 0; i < threads; i++) reader->before[i] = -1;
    return PEEK_OK;
}

void peek__reader_clear(peek__reader *reader)
{
    peek__free(&reader->buffers);
    peek__free(&reader->x);
    peek__free(&reader->soon);
    peek__free(&reader->strides);
    peek__free(&reader->before);
}

static void let_go(const peek__reader *reader, int thread)
{
    const peek_problem *problem = reader->problem;
    int64_t before = reader->before[thread], rows = reader->run_rows;
    if (before < 0 || !problem->streamed) return;
    if (rows > problem->rows - before * rows) rows = problem->rows - before * rows;
    for (int64_t b = 0; b < problem->count; b++)
        peek__block_drop(&problem->blocks[b], before * reader->run_rows, rows);
}

peek__run peek__reader_run(const peek__reader *reader, int64_t run, int thread)
{
    const peek_problem *problem = reader->problem;
    const float **x = reader->x + thread * problem->count, **soon = reader->soon + thread * problem->count;
    int64_t *strides = reader->strides + thread * problem->count;
    int64_t first = run * reader->run_rows, left = problem->rows - first;
    int64_t rows = left < reader->run_rows ? left : reader->run_rows;
    float *buffer = reader->buffers + thread * reader->buffer_size;
    let_go(reader, thread);
    reader->before[thread] = run;
    for (int64_t b = 0; b < problem->count; b++) {
        const peek__block *block = &problem->blocks[b];
        x[b] = peek__block_next(block, first, rows, buffer, &strides[b]);
        int in_place = peek__block_in_place(block);
        soon[b] = in_place && left >= 2 * reader->run_rows ? x[b] + rows * strides[b] : NULL;
        if (!in_place) buffer += reader->run_rows * block->columns;
    }
    return (peek__run){first, rows, x, soon, strides};
}
