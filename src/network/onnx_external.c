/* network/onnx_external.c: numbers of tensors in a file of their own, as models of more than 2 GB have them.
 *
 * A model is data from anywhere, so it may name files in its own folder only: no absolute path, no "..", no
 * link that leads out. Source: https://onnx.ai/onnx/repo-docs/ExternalData.html */
#include "network/onnx_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct piece {
    const char *location;
    int64_t offset, length; /* length -1: not given */
} piece;

static peek_status read_entries(peek_context *context, const Onnx__TensorProto *tensor, const char *name,
                                piece *out)
{
    *out = (piece){.length = -1};
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const char *key = peek__text_or(tensor->external_data[i]->key, "");
        const char *text = peek__text_or(tensor->external_data[i]->value, "");
        int is_offset = strcmp(key, "offset") == 0, is_length = strcmp(key, "length") == 0;
        if (strcmp(key, "location") == 0) out->location = text;
        if (!is_offset && !is_length) continue;
        char *end;
        errno = 0;
        long long number = strtoll(text, &end, 10);
        if (errno || end == text || *end || number < 0)
            return peek__fail(context, PEEK_E_FORMAT, "the tensor '%s' has data at the impossible %s '%.40s'",
                              name, key, text);
        if (is_offset)
            out->offset = number;
        else
            out->length = number;
    }
    return PEEK_OK;
}

/* 1 if a relative path has no part that is "..". */
static int stays_below(const char *path)
{
    if (!*path || *path == '/') return 0;
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2])) return 0;
    return 1;
}

/* The file, followed through links, which must not lead out of the folder. Both results are freed by the
 * caller. */
static peek_status find_file(peek_context *context, const peek__onnx_reader *reader, const piece *where,
                             const char *name, char **folder, char **file)
{
    const char *slash = strrchr(reader->path, '/');
    char *path = NULL;
    PEEK_TRY(peek__format(context, &path, "%.*s", slash ? (int)(slash - reader->path) + 1 : 2,
                          slash ? reader->path : "./"));
    *folder = realpath(path, NULL);
    peek__free(&path);
    if (!*folder) return peek__fail(context, PEEK_E_NOT_FOUND, "the folder of the network is not there");
    PEEK_TRY(peek__format(context, &path, "%s/%s", *folder, where->location));
    *file = realpath(path, NULL);
    peek__free(&path);
    if (!*file)
        return peek__fail(
            context, PEEK_E_NOT_FOUND,
            "the data of the tensor '%s' are in the file '%s', which is not there: put it beside the "
            "network",
            name, where->location);
    size_t length = strlen(*folder);
    if (strncmp(*file, *folder, length) == 0 && (length == 1 || (*file)[length] == '/')) return PEEK_OK;
    return peek__fail(context, PEEK_E_FORMAT,
                      "the data of the tensor '%s' are in '%s', which leads out of the network's folder", name,
                      where->location);
}

static peek_status read_bytes(peek_context *context, const char *file, const piece *where, const char *name,
                              int64_t count, char **out)
{
    struct stat about;
    int opened = open(file, O_RDONLY | O_CLOEXEC);
    if (opened < 0 || fstat(opened, &about) || !S_ISREG(about.st_mode)) {
        if (opened >= 0) close(opened);
        return peek__fail(context, PEEK_E_IO, "the file '%s' cannot be read", where->location);
    }
    peek_status status = PEEK_OK;
    if (where->offset > about.st_size || count > about.st_size - where->offset)
        status = peek__fail(context, PEEK_E_FORMAT,
                            "the data of the tensor '%s' should be bytes %lld to %lld of '%s', which has %lld",
                            name, (long long)where->offset, (long long)(where->offset + count), where->location,
                            (long long)about.st_size);
    if (status == PEEK_OK) status = peek__alloc(context, out, count, "the weights");
    for (int64_t done = 0; status == PEEK_OK && done < count;) {
        ssize_t got = pread(opened, *out + done, (size_t)(count - done), where->offset + done);
        if (got > 0) done += got;
        if (got == 0 || (got < 0 && errno != EINTR))
            status = peek__fail(context, PEEK_E_IO, "the file '%s' cannot be read", where->location);
    }
    close(opened);
    if (status != PEEK_OK) peek__free(out);
    return status;
}

peek_status peek__onnx_external(peek_context *context, const peek__onnx_reader *reader,
                                const Onnx__TensorProto *tensor, const char *name, int64_t count, char **out)
{
    piece where;
    *out = NULL;
    PEEK_TRY(read_entries(context, tensor, name, &where));
    if (count < 0 || (where.length >= 0 && where.length != count))
        return peek__fail(context, PEEK_E_FORMAT,
                          "the tensor '%s' needs %lld bytes, but %lld are said to be in another file", name,
                          (long long)count, (long long)where.length);
    if (!where.location || !stays_below(where.location))
        return peek__fail(
            context, PEEK_E_FORMAT,
            "the data of the tensor '%s' are in '%.200s', outside the network's folder: nnpeek reads "
            "no files from there",
            name, peek__text_or(where.location, "no file"));
    char *folder = NULL, *file = NULL;
    peek_status status = find_file(context, reader, &where, name, &folder, &file);
    if (status == PEEK_OK) status = read_bytes(context, file, &where, name, count, out);
    free(folder);
    free(file);
    return status;
}
