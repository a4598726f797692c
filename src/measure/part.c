/* measure/part.c: parts of a joint problem. */
#include "measure/part.h"

#include "base/memory.h"
#include "base/random.h"
#include "linalg/skinny.h"

enum { TILE = 32 };

typedef struct copy_work {
    const peek__block *block;
    const peek__choice *rows, *columns; /* columns NULL: all */
    float *buffers;                     /* threads x columns of the block */
    float *out;
    int64_t width;
} copy_work;

static peek_status copy_row(void *argument, int64_t t, int thread)
{
    copy_work *work = argument;
    int64_t stride, n = work->block->columns;
    const float *row =
        peek__block_rows(work->block, work->rows->index[t], 1, work->buffers + thread * n, &stride);
    float *to = work->out + t * work->width;
    for (int64_t i = 0; i < work->width; i++) to[i] = row[work->columns ? work->columns->index[i] : i];
    peek__block_drop(work->block, work->rows->index[t], 1);
    return PEEK_OK;
}

static peek_status copy_block(peek_context *context, const peek__block *block, const peek__choice *rows,
                              const peek__choice *columns, float **out)
{
    copy_work work = {.block = block, .rows = rows, .columns = columns};
    work.width = columns ? columns->count : block->columns;
    PEEK_TRY(peek__alloc_raw(context, out, peek__product(rows->count, work.width), "a part of a block"));
    work.out = *out;
    PEEK_TRY(peek__alloc(context, &work.buffers,
                         peek__product(peek__workers(context, rows->count), block->columns),
                         "a part of a block"));
    peek_status status = peek__parallel(context, rows->count, copy_row, &work);
    peek__free(&work.buffers);
    return status;
}

static peek_status add_block(peek_context *context, const peek_problem *whole, int64_t b,
                             const peek__choice *rows, const peek__choice *columns, peek__part *out)
{
    const peek__block *block = &whole->blocks[b];
    int64_t at = out->blocks, width = columns ? columns->count : block->columns;
    out->source[at] = b;
    out->columns[at] = width;
    out->blocks++;
    PEEK_TRY(copy_block(context, block, rows, columns, &out->values[at]));
    PEEK_TRY(peek_problem_add_array(context, out->problem, block->name, out->values[at], rows->count, width,
                                    width, PEEK_SIGNED_REFUSE));
    return peek_problem_set_weight(context, out->problem, block->name, whole->weights[b]);
}

peek_status peek__part_take(peek_context *context, const peek_problem *whole, const peek__choice *rows,
                            const peek__choice *columns, const char *use, peek__part *out)
{
    *out = (peek__part){.rows = rows->count};
    PEEK_TRY(peek__alloc(context, &out->source, whole->count, "a part of a problem"));
    PEEK_TRY(peek__alloc(context, &out->columns, whole->count, "a part of a problem"));
    PEEK_TRY(peek__alloc(context, &out->values, whole->count, "a part of a problem"));
    PEEK_TRY(peek_problem_create(context, &out->problem));
    for (int64_t b = 0; b < whole->count; b++) {
        if ((use && !use[b]) || (columns && !columns[b].count)) continue;
        PEEK_TRY(add_block(context, whole, b, rows, columns ? &columns[b] : NULL, out));
    }
    return PEEK_OK;
}

void peek__part_clear(peek__part *part)
{
    peek_problem_free(&part->problem);
    for (int64_t b = 0; part->values && b < part->blocks; b++) peek__free(&part->values[b]);
    peek__free(&part->values);
    peek__free(&part->columns);
    peek__free(&part->source);
}

typedef struct residual_work {
    const float *x, *f, *w;
    int64_t rows, n, k;
    float *products; /* threads x TILE x n */
    double *squares; /* 2 a tile */
} residual_work;

static peek_status residual_tile(void *argument, int64_t tile, int thread)
{
    residual_work *work = argument;
    int64_t first = tile * TILE, n = work->n;
    int64_t rows = work->rows - first < TILE ? work->rows - first : TILE;
    float *product = work->products + thread * TILE * n;
    const float *x = work->x + first * n;
    peek__skinny_reconstruct(rows, n, work->k, work->f + first * work->k, work->w, product);
    work->squares[2 * tile] = peek__skinny_distance(rows * n, 1, x, product);
    work->squares[2 * tile + 1] = peek__skinny_dot(rows * n, x, x);
    return PEEK_OK;
}

peek_status peek__part_residual(peek_context *context, const peek__part *part, int64_t block, int64_t k,
                                const float *f, const float *w, double squares[2])
{
    residual_work work = {part->values[block], f, w, part->rows, part->columns[block], k, NULL, NULL};
    int64_t tiles = (part->rows + TILE - 1) / TILE;
    squares[0] = squares[1] = 0;
    PEEK_TRY(peek__alloc(context, &work.products, peek__product(peek__workers(context, tiles) * TILE, work.n),
                         "residuals"));
    peek_status status = peek__alloc(context, &work.squares, 2 * tiles, "residuals");
    if (status == PEEK_OK) status = peek__parallel(context, tiles, residual_tile, &work);
    for (int64_t i = 0; status == PEEK_OK && i < 2 * tiles; i++) squares[i % 2] += work.squares[i];
    peek__free(&work.products);
    peek__free(&work.squares);
    return status;
}

peek_status peek__split(peek_context *context, int64_t seed, uint64_t index, int64_t count, int64_t groups,
                        int64_t *group)
{
    int64_t *order = NULL;
    PEEK_TRY(peek__alloc(context, &order, count, "a split"));
    for (int64_t i = 0; i < count; i++) order[i] = i;
    peek__stream stream = peek__stream_make((uint64_t)seed, PEEK__SPLIT, index);
    peek__random_shuffle(&stream, order, count);
    for (int64_t i = 0; i < count; i++) group[order[i]] = i % groups;
    peek__free(&order);
    return PEEK_OK;
}

void peek__choose(const int64_t *group, int64_t count, int64_t wanted, int inside, peek__choice *choice)
{
    choice->count = 0;
    for (int64_t i = 0; i < count; i++)
        if ((group[i] == wanted) == (inside != 0)) choice->index[choice->count++] = i;
}
