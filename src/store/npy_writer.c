/* store/npy_writer.c: writing .npy files row by row. */
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "store/npy.h"
#include "store/npy_header.h"

static peek_status write_header(peek_context *context, peek__npy_writer *writer)
{
    char header[PEEK__NPY_HEADER];
    size_t length = peek__npy_header_write(header, writer->type, writer->dimensions, writer->shape);
    writer->start = (int64_t)length;
    return peek__file_write(context, &writer->file, header, length);
}

peek_status peek__npy_begin(peek_context *context, peek__npy_writer *writer, const char *path, peek__type type,
                            int dimensions, const int64_t *row_shape)
{
    *writer = (peek__npy_writer){.type = type, .dimensions = dimensions, .columns = 1};
    if (dimensions < 1 || dimensions > PEEK__NPY_DIMENSIONS)
        return peek__fail(context, PEEK_E_ARGUMENT, "'%s' cannot be written with %d dimensions: use 1 to %d",
                          path, dimensions, PEEK__NPY_DIMENSIONS);
    for (int i = 1; i < dimensions; i++) {
        writer->shape[i] = row_shape[i - 1];
        writer->columns = peek__product(writer->columns, row_shape[i - 1]);
        if (writer->columns < 0)
            return peek__fail(context, PEEK_E_ARGUMENT, "'%s' cannot be written: its rows are too long", path);
    }
    PEEK_TRY(peek__file_begin(context, &writer->file, path));
    peek_status status = write_header(context, writer);
    if (status != PEEK_OK) peek__npy_abort(writer);
    return status;
}

/* The bytes of so many rows; -1: too many. */
static int64_t bytes_of(const peek__npy_writer *writer, int64_t rows)
{
    int64_t bytes = peek__product(peek__product(writer->columns, (int64_t)peek__type_size(writer->type)), rows);
    return bytes > INT64_MAX - writer->start ? -1 : bytes;
}

static peek_status too_many(peek_context *context, const peek__npy_writer *writer, int64_t rows)
{
    return peek__fail(context, PEEK_E_ARGUMENT, "'%s' cannot take %lld more rows", writer->file.path,
                      (long long)rows);
}

peek_status peek__npy_append(peek_context *context, peek__npy_writer *writer, const void *values, int64_t rows)
{
    int64_t bytes = bytes_of(writer, rows);
    if (bytes < 0 || writer->shape[0] > INT64_MAX - rows) return too_many(context, writer, rows);
    PEEK_TRY(peek__file_write(context, &writer->file, values, (size_t)bytes));
    writer->shape[0] += rows;
    return PEEK_OK;
}

peek_status peek__npy_put(peek_context *context, peek__npy_writer *writer, int64_t first, const void *values,
                          int64_t rows)
{
    int64_t bytes = bytes_of(writer, rows), end = first > INT64_MAX - rows ? -1 : first + rows;
    if (first < 0 || bytes < 0 || bytes_of(writer, end) < 0) return too_many(context, writer, rows);
    PEEK_TRY(peek__file_write_at(context, &writer->file, writer->start + bytes_of(writer, first), values,
                                 (size_t)bytes));
    int64_t so_far = __atomic_load_n(&writer->shape[0], __ATOMIC_RELAXED);
    while (so_far < end &&
           !__atomic_compare_exchange_n(&writer->shape[0], &so_far, end, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
    return PEEK_OK;
}

peek_status peek__npy_commit(peek_context *context, peek__npy_writer *writer)
{
    peek_status status = PEEK_OK;
    if (fseek(writer->file.stream, 0, SEEK_SET) != 0)
        status = peek__fail(context, PEEK_E_IO, "writing '%s' failed: %s", writer->file.path, strerror(errno));
    if (status == PEEK_OK) status = write_header(context, writer);
    if (status == PEEK_OK) status = peek__file_commit(context, &writer->file);
    peek__npy_abort(writer);
    return status;
}

void peek__npy_abort(peek__npy_writer *writer)
{
    peek__file_abort(&writer->file);
}

peek_status peek__npy_write(peek_context *context, const char *path, peek__type type, int dimensions,
                            const int64_t *shape, const void *values)
{
    peek__npy_writer writer;
    PEEK_TRY(peek__npy_begin(context, &writer, path, type, dimensions, shape + 1));
    peek_status status = peek__npy_append(context, &writer, values, shape[0]);
    if (status == PEEK_OK) status = peek__npy_commit(context, &writer);
    peek__npy_abort(&writer);
    return status;
}
