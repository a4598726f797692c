/* store/npy_place.c: .npy files written row by row under their own names, in a folder that is partial itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/npy.h"
#include "store/npy_header.h"

static peek_status failed(peek_context *context, const peek__npy_writer *writer, int reason)
{
    return peek__fail(context, PEEK_E_IO, "writing '%s' failed: %s", writer->file.path, strerror(reason));
}

static peek_status damaged(peek_context *context, const char *path)
{
    return peek__fail(
        context, PEEK_E_FORMAT,
        "'%s' is not whole any more, so nothing can go on from there: begin again without --resume", path);
}

static peek_status open_file(peek_context *context, peek__npy_writer *writer, const char *path, int resumed)
{
    PEEK_TRY(peek__copy_text(context, &writer->file.path, path));
    writer->file.in_place = 1;
    if (peek__fault(context)) return failed(context, writer, EIO);
    int handle = open(path, O_WRONLY | (resumed ? 0 : O_CREAT) | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (handle < 0 && resumed && errno == ENOENT) return damaged(context, path);
    if (handle < 0) return failed(context, writer, errno);
    writer->file.stream = fdopen(handle, "wb");
    if (writer->file.stream) return PEEK_OK;
    int reason = errno;
    close(handle);
    return failed(context, writer, reason);
}

/* The header says all rows from the beginning; those that are not written yet are holes. */
static peek_status write_frame(peek_context *context, peek__npy_writer *writer, int resumed)
{
    struct stat about;
    char header[PEEK__NPY_HEADER];
    size_t length = peek__npy_header_write(header, writer->type, writer->dimensions, writer->shape);
    int64_t rows = peek__product(writer->shape[0], writer->columns),
            bytes = peek__product(rows, (int64_t)peek__type_size(writer->type));
    writer->start = (int64_t)length;
    if (bytes < 0 || bytes > INT64_MAX - writer->start) return failed(context, writer, EFBIG);
    if (resumed && fstat(fileno(writer->file.stream), &about) != 0) return failed(context, writer, errno);
    if (resumed && about.st_size != writer->start + bytes) return damaged(context, writer->file.path);
    PEEK_TRY(peek__file_write_at(context, &writer->file, 0, header, length));
    if (ftruncate(fileno(writer->file.stream), (off_t)(writer->start + bytes)) == 0) return PEEK_OK;
    return failed(context, writer, errno);
}

peek_status peek__npy_place(peek_context *context, peek__npy_writer *writer, const char *path, peek__type type,
                            int dimensions, int64_t rows, const int64_t *row_shape, int resumed)
{
    *writer = (peek__npy_writer){.type = type, .dimensions = dimensions, .columns = 1, .shape = {rows}};
    if (dimensions < 1 || dimensions > PEEK__NPY_DIMENSIONS)
        return peek__fail(context, PEEK_E_ARGUMENT, "'%s' cannot be written with %d dimensions: use 1 to %d",
                          path, dimensions, PEEK__NPY_DIMENSIONS);
    for (int i = 1; i < dimensions; i++) {
        writer->shape[i] = row_shape[i - 1];
        writer->columns = peek__product(writer->columns, row_shape[i - 1]);
    }
    peek_status status = open_file(context, writer, path, resumed);
    if (status == PEEK_OK) status = write_frame(context, writer, resumed);
    if (status != PEEK_OK) peek__npy_abort(writer);
    return status;
}

peek_status peek__npy_flush(peek_context *context, const peek__npy_writer *writer)
{
    if (peek__fault(context)) return failed(context, writer, EIO);
    return fdatasync(fileno(writer->file.stream)) == 0 ? PEEK_OK : failed(context, writer, errno);
}
