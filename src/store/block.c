/* store/block.c: blocks read by runs of samples. */
#include "store/block.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/mapping.h"

/* Rows looked at in one task; part of the order of sums, so it depends on nothing but the block. */
static int64_t tile_rows(const peek__block *block)
{
    int64_t rows = 65536 / (block->columns > 0 ? block->columns : 1);
    return rows < 1 ? 1 : rows;
}

static const float *stored_rows(const peek__block *block, int64_t first, int64_t count, float *buffer,
                                int64_t *stride)
{
    *stride = block->columns;
    if (block->values) {
        *stride = block->stride;
        return block->values + first * block->stride;
    }
    if (block->npy.type == PEEK__FLOAT32) return (const float *)block->npy.data + first * block->columns;
    peek__npy_floats(&block->npy, first * block->columns, count * block->columns, buffer);
    return buffer;
}

const float *peek__block_rows(const peek__block *block, int64_t first, int64_t count, float *buffer,
                              int64_t *stride)
{
    const float *rows = stored_rows(block, first, count, buffer, stride);
    if (block->view == PEEK__VIEW_PLAIN) return rows;
    for (int64_t t = 0; t < count; t++) {
        const float *in = rows + t * *stride;
        float *out = buffer + t * block->columns;
        switch (block->view) {
        case PEEK__VIEW_POSITIVE:
            for (int64_t i = 0; i < block->columns; i++) out[i] = in[i] > 0 ? in[i] : 0;
            break;
        case PEEK__VIEW_NEGATIVE:
            for (int64_t i = 0; i < block->columns; i++) out[i] = in[i] < 0 ? -in[i] : 0;
            break;
        default:
            for (int64_t i = 0; i < block->columns; i++) out[i] = in[i] - block->offset;
        }
    }
    *stride = block->columns;
    return buffer;
}

int64_t peek__block_mapped(const peek__block *block)
{
    return block->values || block->npy.moved ? 0 : (int64_t)block->npy.mapping_size;
}

/* So far ahead of the rows in use a streamed file is asked for: enough for a disk to be busy all the time. */
static const int64_t ahead_bytes = 8 << 20;

/* Of a row in its file. */
static int64_t row_bytes(const peek__block *block)
{
    return block->columns * (int64_t)peek__type_size(block->npy.type);
}

const float *peek__block_next(const peek__block *block, int64_t first, int64_t count, float *buffer,
                              int64_t *stride)
{
    if (block->streamed) {
        int64_t row = row_bytes(block), soon = first + count + ahead_bytes / row, left = block->rows - soon;
        if (left > 0)
            peek__mapping_ahead((const char *)block->npy.data + soon * row,
                                (size_t)((count < left ? count : left) * row));
    }
    return peek__block_rows(block, first, count, buffer, stride);
}

void peek__block_drop(const peek__block *block, int64_t first, int64_t count)
{
    int64_t row = row_bytes(block), from = first > block->kept ? first : block->kept;
    if (block->streamed && from < first + count)
        peek__mapping_drop(block->npy.mapping, block->npy.mapping_size,
                           (const char *)block->npy.data + from * row, (size_t)((first + count - from) * row));
}

int peek__block_in_place(const peek__block *block)
{
    return block->view == PEEK__VIEW_PLAIN && (block->values || block->npy.type == PEEK__FLOAT32);
}

static const peek__block_scan nothing_seen = {
    .smallest = INFINITY, .largest = -INFINITY, .negative_row = -1, .negative_column = -1};

/* The first value of a tile that is not finite; row -1: there is none. */
typedef struct bad_value {
    int64_t row, column;
    int nan;
} bad_value;

/* A sum over pairs of values, each mixed with its place, so that tiles may come in any order: the two halves of
 * a product of 128 bits. Source of the mixing: wyhash, https://github.com/wangyi-fudan/wyhash. */
static inline uint64_t mixed(uint64_t key, const float *values, size_t size)
{
    uint64_t bits = 0;
    memcpy(&bits, values, size);
    __extension__ unsigned __int128 product = (unsigned __int128)(key ^ bits) * UINT64_C(0xA0761D6478BD642F);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Of rows first .. first+count-1. A loop of its own: beside the sums of a scan it would cost twice as much. */
static uint64_t digest_of(const peek__block *block, int64_t first, int64_t count, const float *rows,
                          int64_t stride)
{
    static const uint64_t step = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t sum = 0;
    for (int64_t t = 0; t < count; t++) {
        const float *row = rows + t * stride;
        uint64_t key = (uint64_t)((first + t) * block->columns) * step;
        int64_t i = 0;
        for (; i + 1 < block->columns; i += 2) sum += mixed(key += step, &row[i], 2 * sizeof *row);
        if (i < block->columns) sum += mixed(key + step, &row[i], sizeof *row);
    }
    return sum;
}

typedef struct scan_work {
    peek_context *context;
    const peek__block *block;
    float *buffers;            /* threads x tile x columns */
    peek__block_scan *scans;   /* one a tile */
    bad_value *bad;            /* one a tile */
    double *squares, *largest; /* one a tile */
    uint64_t *digests;         /* one a tile */
} scan_work;

static peek_status inspect_tile(void *argument, int64_t index, int thread)
{
    scan_work *work = argument;
    const peek__block *block = work->block;
    int64_t tile = tile_rows(block), first = index * tile, stride;
    int64_t count = block->rows - first < tile ? block->rows - first : tile;
    const float *rows =
        peek__block_next(block, first, count, work->buffers + thread * tile * block->columns, &stride);
    peek__block_scan scan = nothing_seen;
    bad_value *bad = &work->bad[index];
    *bad = (bad_value){.row = -1};
    scan.digest = digest_of(block, first, count, rows, stride);
    for (int64_t t = 0; t < count; t++)
        for (int64_t i = 0; i < block->columns; i++) {
            float x = rows[t * stride + i];
            scan.square += (double)x * x;
            if (!isfinite(x) && bad->row < 0) *bad = (bad_value){first + t, i, isnan(x)};
            if (x < scan.smallest) scan.smallest = x;
            if (x > scan.largest) scan.largest = x;
            if (x < 0 && scan.negative_row < 0) {
                scan.negative_row = first + t;
                scan.negative_column = i;
                scan.negative = x;
            }
        }
    peek__block_drop(block, first, count);
    work->scans[index] = scan;
    return PEEK_OK;
}

static peek_status measure_tile(void *argument, int64_t index, int thread)
{
    scan_work *work = argument;
    const peek__block *block = work->block;
    int64_t tile = tile_rows(block), first = index * tile, stride;
    int64_t count = block->rows - first < tile ? block->rows - first : tile;
    const float *rows =
        peek__block_next(block, first, count, work->buffers + thread * tile * block->columns, &stride);
    double square = 0, largest = 0;
    for (int64_t t = 0; t < count; t++)
        for (int64_t i = 0; i < block->columns; i++) {
            double x = rows[t * stride + i];
            square += x * x;
            if (x > largest) largest = x;
        }
    work->digests[index] = digest_of(block, first, count, rows, stride);
    peek__block_drop(block, first, count);
    work->squares[index] = square;
    work->largest[index] = largest;
    return PEEK_OK;
}

static void clear_work(scan_work *work)
{
    peek__free(&work->buffers);
    peek__free(&work->scans);
    peek__free(&work->bad);
    peek__free(&work->squares);
    peek__free(&work->largest);
    peek__free(&work->digests);
}

static peek_status prepare_work(scan_work *work, int64_t tiles)
{
    int64_t scratch =
        peek__product(peek__workers(work->context, tiles), tile_rows(work->block) * work->block->columns);
    PEEK_TRY(peek__alloc(work->context, &work->buffers, scratch, "reading a block"));
    PEEK_TRY(peek__alloc(work->context, &work->scans, tiles, "reading a block"));
    PEEK_TRY(peek__alloc(work->context, &work->bad, tiles, "reading a block"));
    PEEK_TRY(peek__alloc(work->context, &work->squares, tiles, "reading a block"));
    PEEK_TRY(peek__alloc(work->context, &work->digests, tiles, "reading a block"));
    return peek__alloc(work->context, &work->largest, tiles, "reading a block");
}

peek_status peek__block_inspect(peek_context *context, const peek__block *block, peek__block_scan *scan)
{
    *scan = nothing_seen;
    scan_work work = {.context = context, .block = block};
    int64_t tiles = (block->rows + tile_rows(block) - 1) / tile_rows(block);
    peek_status status = prepare_work(&work, tiles);
    if (status == PEEK_OK) status = peek__parallel(context, tiles, inspect_tile, &work);
    for (int64_t i = 0; status == PEEK_OK && i < tiles; i++) {
        scan->square += work.scans[i].square;
        scan->digest += work.scans[i].digest;
        if (work.scans[i].smallest < scan->smallest) scan->smallest = work.scans[i].smallest;
        if (work.scans[i].largest > scan->largest) scan->largest = work.scans[i].largest;
        if (work.scans[i].negative_row >= 0 && scan->negative_row < 0) {
            scan->negative_row = work.scans[i].negative_row;
            scan->negative_column = work.scans[i].negative_column;
            scan->negative = work.scans[i].negative;
        }
        const bad_value *bad = &work.bad[i];
        if (bad->row >= 0)
            status =
                peek__fail(context, PEEK_E_VALUE,
                           "block '%s' holds %s at row %lld, column %lld: remove or replace such values first",
                           block->name, bad->nan ? "NaN" : "an infinite value", (long long)bad->row,
                           (long long)bad->column);
    }
    clear_work(&work);
    return status;
}

peek_status peek__block_measure(peek_context *context, peek__block *block)
{
    scan_work work = {.context = context, .block = block};
    int64_t tiles = (block->rows + tile_rows(block) - 1) / tile_rows(block);
    peek_status status = prepare_work(&work, tiles);
    if (status == PEEK_OK) status = peek__parallel(context, tiles, measure_tile, &work);
    block->square = block->largest = 0;
    block->digest = 0;
    for (int64_t i = 0; status == PEEK_OK && i < tiles; i++) {
        block->square += work.squares[i];
        block->digest += work.digests[i];
        if (work.largest[i] > block->largest) block->largest = work.largest[i];
    }
    clear_work(&work);
    return status;
}

void peek__block_clear(peek__block *block)
{
    peek__free(&block->name);
    peek__free(&block->file);
    peek__npy_close(&block->npy);
    block->values = NULL;
}
