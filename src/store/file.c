/* store/file.c: files that appear whole or not at all: a temporary name beside the final one, flush, rename. */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/memory.h"

/* How many temporary names are tried before giving up. */
enum { TRIES = 10000 };

/* What stat() says of a path: 0, with *about zero where nothing is there; else the reason why that cannot be
 * told. */
static int look(const char *path, struct stat *about)
{
    *about = (struct stat){0};
    if (stat(path, about) == 0) return 0;
    int reason = errno;
    *about = (struct stat){0};
    return reason == ENOENT || reason == ENOTDIR ? 0 : reason;
}

int peek__is_folder(const char *path)
{
    struct stat about;
    return look(path, &about) == 0 && S_ISDIR(about.st_mode);
}

int peek__is_file(const char *path)
{
    struct stat about;
    return look(path, &about) == 0 && S_ISREG(about.st_mode);
}

int peek__is_missing(const char *path)
{
    struct stat about;
    return look(path, &about) == 0 && !about.st_mode;
}

peek_status peek__file_look(peek_context *context, const char *path, struct stat *out)
{
    int reason = look(path, out);
    return reason ? peek__fail(context, PEEK_E_IO, "cannot look at '%s': %s", path, strerror(reason)) : PEEK_OK;
}

peek_status peek__find_folder(peek_context *context, const char *path, int *there)
{
    struct stat about;
    PEEK_TRY(peek__file_look(context, path, &about));
    *there = S_ISDIR(about.st_mode);
    return PEEK_OK;
}

peek_status peek__find_file(peek_context *context, const char *path, int *there)
{
    struct stat about;
    PEEK_TRY(peek__file_look(context, path, &about));
    *there = S_ISREG(about.st_mode);
    return PEEK_OK;
}

/* The part of a path up to and with its last '/', "" where there is none. */
static int folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (int)(slash - path) + 1 : 0;
}

static peek_status cannot_begin(peek_context *context, const char *path, int reason)
{
    int length = folder_length(path);
    if (reason == ENOENT || reason == ENOTDIR)
        return peek__fail(context, PEEK_E_IO, "cannot write '%s': there is no folder '%.*s'; make it first",
                          path, length ? length : 1, length ? path : ".");
    return peek__fail(context, PEEK_E_IO, "cannot write '%s': %s; choose a folder you may write to", path,
                      strerror(reason));
}

/* The name follows from that of the file: what a killed writer left is taken over by the next one. */
static peek_status name_temporary(peek_context *context, const char *path, int number, char **out)
{
    uint64_t state = 0;
    char digest[17];
    int length = folder_length(path);
    peek__digest(&state, path + length, strlen(path + length));
    peek__digest_text(state, digest);
    peek__free(out);
    return peek__format(context, out, "%.*s.nnpeek-%s-%d.tmp", length, path, digest, number);
}

/* Whether a handle is of the file that bears the name now; -1, with errno, where that cannot be told. One that
 * was there already must be this user's, and have no other name. (A new one need not be: some file systems give
 * all files to one user.) */
static int is_file_named(int handle, const char *name, int made)
{
    struct stat held, named;
    if (fstat(handle, &held) != 0) return -1;
    if (lstat(name, &named) != 0) return errno == ENOENT ? 0 : -1;
    return held.st_ino == named.st_ino && held.st_dev == named.st_dev && S_ISREG(held.st_mode) &&
           (made || (held.st_uid == geteuid() && held.st_nlink == 1));
}

/* Opens a temporary file, locked as long as it is open. One that is there already is used again where nobody
 * holds it. -1: *reason; EEXIST: another name is to be tried. */
static int open_temporary(const char *name, int *reason)
{
    const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    int handle = open(name, flags | O_EXCL, 0666), made = handle >= 0;
    *reason = errno;
    if (!made && *reason != EEXIST) return -1;
    *reason = EEXIST;
    if (!made) handle = open(name, flags, 0666);
    if (handle < 0) return -1;
    /* Where files cannot be locked, only a new one is known to be ours. */
    int locked = flock(handle, LOCK_EX | LOCK_NB) == 0, free = locked || (made && errno != EWOULDBLOCK);
    int named = free ? is_file_named(handle, name, made) : 0;
    if (named < 0) *reason = errno;
    if (named < 0 && made) unlink(name);
    if (named > 0 && (made || ftruncate(handle, 0) == 0)) return handle;
    close(handle);
    return -1;
}

peek_status peek__file_begin(peek_context *context, peek__file *file, const char *path)
{
    *file = (peek__file){0};
    if (!path || !*path)
        return peek__fail(context, PEEK_E_ARGUMENT, "a file to write has no name: give it one");
    if (peek__is_folder(path) || path[strlen(path) - 1] == '/')
        return peek__fail(context, PEEK_E_IO, "cannot write '%s': it is a folder; give the name of a file",
                          path);
    if (peek__fault(context)) return cannot_begin(context, path, EIO);
    peek_status status = peek__copy_text(context, &file->path, path);
    int handle = -1, reason = EEXIST;
    for (int i = 0; status == PEEK_OK && handle < 0 && reason == EEXIST && i < TRIES; i++) {
        status = name_temporary(context, path, i, &file->temporary);
        if (status == PEEK_OK) handle = open_temporary(file->temporary, &reason);
    }
    if (handle >= 0) {
        file->stream = fdopen(handle, "wb");
        if (file->stream) return PEEK_OK;
        reason = errno;
        unlink(file->temporary);
        close(handle);
    }
    if (status == PEEK_OK) status = cannot_begin(context, path, reason);
    peek__free(&file->temporary);
    peek__file_abort(file);
    return status;
}

static peek_status cannot_write(peek_context *context, const peek__file *file, int reason)
{
    return peek__fail(context, PEEK_E_IO, "writing '%s' failed: %s%s", file->path, strerror(reason),
                      file->in_place ? "" : "; nothing was left there");
}

peek_status peek__file_write(peek_context *context, peek__file *file, const void *bytes, size_t count)
{
    if (peek__fault(context)) return cannot_write(context, file, EIO);
    if (count && fwrite(bytes, 1, count, file->stream) != count) return cannot_write(context, file, errno);
    return PEEK_OK;
}

peek_status peek__file_write_at(peek_context *context, peek__file *file, int64_t offset, const void *bytes,
                                size_t count)
{
    if (peek__fault(context)) return cannot_write(context, file, EIO);
    const char *from = bytes;
    while (count) {
        ssize_t written = pwrite(fileno(file->stream), from, count, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return cannot_write(context, file, written ? errno : ENOSPC);
        from += written;
        offset += written;
        count -= (size_t)written;
    }
    return PEEK_OK;
}

/* Makes the new name itself last over a power failure; where the file system cannot, nothing is lost but that.
 */
static void flush_folder(const char *path)
{
    char folder[4096] = ".";
    int length = folder_length(path);
    if (length >= (int)sizeof folder) return;
    if (length) {
        memcpy(folder, path, (size_t)length);
        folder[length] = 0;
    }
    int handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0) return;
    fsync(handle);
    close(handle);
}

peek_status peek__file_commit(peek_context *context, peek__file *file)
{
    int reason = peek__fault(context) ? EIO : 0;
    if (!reason && (fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0)) reason = errno;
    /* Nothing gets a name that was made of files which changed meanwhile. */
    peek_status status = reason ? PEEK_OK : peek__guard_check_files(context);
    int sound = !reason && status == PEEK_OK;
    /* It is closed, and its lock given up, under its new name: the temporary one may be somebody else's then.
     */
    int named = sound && rename(file->temporary, file->path) == 0;
    if (sound && !named) reason = errno;
    if (!named) unlink(file->temporary);
    peek__free(&file->temporary);
    if (fclose(file->stream) != 0 && !reason) reason = errno;
    file->stream = NULL;
    if (reason && status == PEEK_OK)
        status = cannot_write(context, file, reason);
    else if (status == PEEK_OK)
        flush_folder(file->path);
    peek__file_abort(file);
    return status;
}

void peek__file_abort(peek__file *file)
{
    if (file->temporary) unlink(file->temporary); /* while it is locked */
    if (file->stream) fclose(file->stream);
    peek__free(&file->path);
    peek__free(&file->temporary);
    *file = (peek__file){0};
}

static peek_status cannot_read(peek_context *context, const char *path, int reason)
{
    if (reason == ENOENT || reason == ENOTDIR)
        return peek__fail(context, PEEK_E_NOT_FOUND, "there is no file '%s': check the path", path);
    return peek__fail(context, PEEK_E_IO, "cannot read '%s': %s", path, strerror(reason));
}

static peek_status read_stream(peek_context *context, const char *path, FILE *stream, int64_t limit, char **out,
                               int64_t *size)
{
    struct stat about;
    if (peek__fault(context)) return cannot_read(context, path, EIO);
    if (fstat(fileno(stream), &about) != 0) return cannot_read(context, path, errno);
    if (S_ISDIR(about.st_mode))
        return peek__fail(context, PEEK_E_FORMAT, "'%s' is a folder, but a file is needed here", path);
    if (!S_ISREG(about.st_mode))
        return peek__fail(context, PEEK_E_UNSUPPORTED, "'%s' is not a regular file: save it as a file first",
                          path);
    if (about.st_size > limit)
        return peek__fail(context, PEEK_E_FORMAT,
                          "'%s' has %lld bytes, more than the %lld that such a file may have", path,
                          (long long)about.st_size, (long long)limit);
    PEEK_TRY(peek__alloc(context, out, about.st_size + 1, "the content of a file"));
    size_t count = fread(*out, 1, (size_t)about.st_size, stream);
    if (ferror(stream)) {
        int reason = errno;
        peek__free(out);
        return cannot_read(context, path, reason);
    }
    (*out)[count] = 0;
    *size = (int64_t)count;
    return PEEK_OK;
}

peek_status peek__file_read(peek_context *context, const char *path, int64_t limit, char **out, int64_t *size)
{
    *out = NULL;
    *size = 0;
    FILE *stream = fopen(path, "rbe");
    if (!stream) return cannot_read(context, path, errno);
    peek_status status = read_stream(context, path, stream, limit, out, size);
    fclose(stream);
    return status;
}

peek_status peek__file_digest(peek_context *context, const char *path, char text[17])
{
    char *bytes;
    int64_t size;
    uint64_t state = 0;
    PEEK_TRY(peek__file_read(context, path, INT64_MAX - 1, &bytes, &size));
    peek__digest(&state, bytes, (size_t)size);
    peek__digest_text(state, text);
    peek__free(&bytes);
    return PEEK_OK;
}
