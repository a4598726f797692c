/* data/byte_reader.c: plain and gzip files read alike. */
#include "data/byte_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/memory.h"

enum { CHUNK = 1 << 16, GZIP_WINDOW = 15 + 16 };

/* Deflate cannot pack more than this many bytes into one. */
static const int64_t best_ratio = 1032;

struct peek__byte_reader {
    peek_context *context;
    FILE *file;
    char *path;
    int64_t size; /* of the file */
    int packed, ended;
    z_stream stream;
    unsigned char chunk[CHUNK];
};

static peek_status cannot_read(peek__byte_reader *reader, int reason)
{
    peek_status status = reason == ENOENT || reason == ENOTDIR ? PEEK_E_NOT_FOUND : PEEK_E_IO;
    return peek__fail(reader->context, status, "cannot read '%s': %s", reader->path,
                      strerror(reason ? reason : EIO));
}

static peek_status cut_short(peek__byte_reader *reader)
{
    return peek__fail(reader->context, PEEK_E_FORMAT,
                      "'%s' is cut short: its header says more than is there; copy it again", reader->path);
}

static peek_status damaged(peek__byte_reader *reader, const char *what)
{
    return peek__fail(reader->context, PEEK_E_FORMAT, "'%s' is damaged gzip data (%s): copy it again",
                      reader->path, what);
}

/* Refills the chunk of packed bytes. */
static peek_status refill(peek__byte_reader *reader)
{
    PEEK_TRY(peek__poll(reader->context));
    size_t count = fread(reader->chunk, 1, CHUNK, reader->file);
    if (ferror(reader->file)) return cannot_read(reader, errno);
    reader->stream.next_in = reader->chunk;
    reader->stream.avail_in = (uInt)count;
    return PEEK_OK;
}

static peek_status start(peek__byte_reader *reader)
{
    struct stat about;
    if (peek__fault(reader->context)) return cannot_read(reader, EIO);
    reader->file = fopen(reader->path, "rbe");
    if (!reader->file || fstat(fileno(reader->file), &about) != 0) return cannot_read(reader, errno);
    reader->size = about.st_size;
    PEEK_TRY(refill(reader));
    if (reader->stream.avail_in < 2 || reader->chunk[0] != 0x1f || reader->chunk[1] != 0x8b) return PEEK_OK;
    if (inflateInit2(&reader->stream, GZIP_WINDOW) != Z_OK)
        return peek__fail(reader->context, PEEK_E_MEMORY, "not enough memory to unpack '%s'", reader->path);
    reader->packed = 1;
    return PEEK_OK;
}

peek_status peek__byte_reader_open(peek_context *context, const char *path, peek__byte_reader **out)
{
    PEEK_TRY(peek__alloc(context, out, 1, "reading a file"));
    (*out)->context = context;
    peek_status status = peek__copy_text(context, &(*out)->path, path);
    if (status == PEEK_OK) status = start(*out);
    if (status != PEEK_OK) peek__byte_reader_close(out);
    return status;
}

void peek__byte_reader_close(peek__byte_reader **reader)
{
    if (!*reader) return;
    if ((*reader)->packed) inflateEnd(&(*reader)->stream);
    if ((*reader)->file) fclose((*reader)->file);
    peek__free(&(*reader)->path);
    peek__free(reader);
}

int64_t peek__byte_reader_most(const peek__byte_reader *reader)
{
    int64_t ratio = reader->packed ? best_ratio : 1;
    int64_t most = peek__product(reader->size, ratio);
    return most < 0 ? INT64_MAX : most;
}

/* Up to count bytes of a packed file; fewer only at its end. */
static peek_status unpack(peek__byte_reader *reader, unsigned char *out, int64_t count, int64_t *got)
{
    z_stream *stream = &reader->stream;
    *got = 0;
    while (*got < count && !reader->ended) {
        if (stream->avail_in == 0) PEEK_TRY(refill(reader));
        if (stream->avail_in == 0) return damaged(reader, "it ends early");
        int64_t left = count - *got, step = left < CHUNK ? left : CHUNK;
        stream->next_out = out + *got;
        stream->avail_out = (uInt)step;
        int code = inflate(stream, Z_NO_FLUSH);
        *got += step - stream->avail_out;
        if (code == Z_STREAM_END) {
            if (stream->avail_in == 0) PEEK_TRY(refill(reader));
            if (stream->avail_in == 0)
                reader->ended = 1;
            else
                inflateReset(stream); /* another member may follow */
        } else if (code == Z_MEM_ERROR)
            return peek__fail(reader->context, PEEK_E_MEMORY, "not enough memory to unpack '%s'", reader->path);
        else if (code != Z_OK && code != Z_BUF_ERROR)
            return damaged(reader, stream->msg ? stream->msg : "its data make no sense");
    }
    return PEEK_OK;
}

static peek_status copy(peek__byte_reader *reader, unsigned char *out, int64_t count, int64_t *got)
{
    z_stream *stream = &reader->stream;
    *got = 0;
    while (*got < count) {
        if (stream->avail_in == 0) PEEK_TRY(refill(reader));
        if (stream->avail_in == 0) break;
        int64_t left = count - *got;
        size_t step = left < stream->avail_in ? (size_t)left : stream->avail_in;
        memcpy(out + *got, stream->next_in, step);
        stream->next_in += step;
        stream->avail_in -= (uInt)step;
        *got += (int64_t)step;
    }
    return PEEK_OK;
}

peek_status peek__byte_reader_read(peek__byte_reader *reader, void *out, int64_t count)
{
    int64_t got;
    PEEK_TRY((reader->packed ? unpack : copy)(reader, out, count, &got));
    return got == count ? PEEK_OK : cut_short(reader);
}

peek_status peek__byte_reader_finish(peek__byte_reader *reader)
{
    unsigned char more;
    int64_t got;
    PEEK_TRY((reader->packed ? unpack : copy)(reader, &more, 1, &got));
    if (got == 0) return PEEK_OK;
    return peek__fail(reader->context, PEEK_E_FORMAT,
                      "'%s' holds more than its header says: copy or write it again", reader->path);
}
