/* data/checksum.c: checksums of files, by nettle. */
#include "data/checksum.h"

#include <errno.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "data/byte_reader.h"

enum { CHUNK = 1 << 16 };

typedef struct checksum {
    peek__checksum_kind kind;
    struct sha256_ctx sha256;
    struct md5_ctx md5;
} checksum;

static void begin(checksum *sum, peek__checksum_kind kind)
{
    sum->kind = kind;
    sha256_init(&sum->sha256);
    md5_init(&sum->md5);
}

static void add(checksum *sum, size_t count, const uint8_t *bytes)
{
    if (sum->kind == PEEK__CHECKSUM_SHA256)
        sha256_update(&sum->sha256, count, bytes);
    else
        md5_update(&sum->md5, count, bytes);
}

static void end(checksum *sum, char text[PEEK__CHECKSUM_TEXT])
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    int size = sum->kind == PEEK__CHECKSUM_SHA256 ? SHA256_DIGEST_SIZE : MD5_DIGEST_SIZE;
    if (sum->kind == PEEK__CHECKSUM_SHA256)
        sha256_digest(&sum->sha256, SHA256_DIGEST_SIZE, digest);
    else
        md5_digest(&sum->md5, MD5_DIGEST_SIZE, digest);
    for (int i = 0; i < size; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static peek_status cannot_read(peek_context *context, const char *path, int reason)
{
    return peek__fail(context, reason == ENOENT ? PEEK_E_NOT_FOUND : PEEK_E_IO, "cannot read '%s': %s", path,
                      strerror(reason ? reason : EIO));
}

static peek_status add_bytes(peek_context *context, const char *path, checksum *sum)
{
    uint8_t chunk[CHUNK];
    size_t count;
    peek_status status = PEEK_OK;
    FILE *file = peek__fault(context) ? NULL : fopen(path, "rbe");
    if (!file) return cannot_read(context, path, errno);
    while (status == PEEK_OK && (count = fread(chunk, 1, CHUNK, file)) > 0) {
        add(sum, count, chunk);
        status = peek__poll(context);
    }
    if (status == PEEK_OK && ferror(file)) status = cannot_read(context, path, errno);
    fclose(file);
    return status;
}

static peek_status add_unpacked(peek__byte_reader *reader, int64_t left, checksum *sum)
{
    uint8_t chunk[CHUNK];
    while (left > 0) {
        int64_t count = left < CHUNK ? left : CHUNK;
        PEEK_TRY(peek__byte_reader_read(reader, chunk, count));
        add(sum, (size_t)count, chunk);
        left -= count;
    }
    return peek__byte_reader_finish(reader);
}

peek_status peek__checksum_file(peek_context *context, peek__checksum_kind kind, const char *path,
                                int64_t unpacked, char text[PEEK__CHECKSUM_TEXT])
{
    checksum sum;
    peek__byte_reader *reader = NULL;
    begin(&sum, kind);
    peek_status status;
    if (unpacked < 0) {
        status = add_bytes(context, path, &sum);
    } else {
        status = peek__byte_reader_open(context, path, &reader);
        if (status == PEEK_OK) status = add_unpacked(reader, unpacked, &sum);
        peek__byte_reader_close(&reader);
    }
    if (status == PEEK_OK) end(&sum, text);
    return status;
}
