/* store/partial.c: folders being written that can be continued. */
#include "store/partial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* The second is an empty file in each, by which it is known as ours. */
static const char ending[] = ".partial", marker[] = ".nnpeek";

/* A folder may be made, removed and made again by others between two steps; after so many it is in use. */
enum { TRIES = 100 };

static int ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);
    return length >= end && strcmp(name + length - end, suffix) == 0;
}

static int is_temporary(const char *name)
{
    return strncmp(name, ".nnpeek-", 8) == 0 && ends_with(name, ".tmp");
}

/* Calls `see` for everything in a folder until it returns 0. Returns 0 then, or where it cannot be read. */
static int each(const char *path, int (*see)(const char *folder, const char *name, const void *user),
                const void *user)
{
    DIR *folder = opendir(path);
    int good = folder != NULL;
    for (struct dirent *entry; good && (errno = 0, entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            good = see(path, entry->d_name, user);
    if (errno) good = 0;
    if (folder) closedir(folder);
    return good;
}

static int pass_temporary(const char *folder, const char *name, const void *user)
{
    (void)folder;
    (void)user;
    return is_temporary(name);
}

static void remove_inside(const char *folder, const char *name)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path) peek__folder_remove(path);
}

static int remove_temporary(const char *folder, const char *name, const void *user)
{
    (void)user;
    if (is_temporary(name)) remove_inside(folder, name);
    return 1;
}

static int remove_other(const char *folder, const char *name, const void *keep)
{
    if (strcmp(name, marker) != 0 && (!keep || strcmp(name, keep) != 0)) remove_inside(folder, name);
    return 1;
}

static int holds(const char *folder, const char *name)
{
    char path[4096];
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && peek__is_file(path);
}

/* Whether a handle is of the folder that bears the name now; `unknown` where that cannot be told. */
static int is_named(int handle, const char *path, int unknown)
{
    struct stat held, named;
    if (fstat(handle, &held) != 0 || lstat(path, &named) != 0) return unknown;
    return held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static peek_status cannot_make(peek_context *context, const char *path, int reason)
{
    return peek__fail(context, PEEK_E_IO, "cannot make the folder '%s': %s; choose a place you may write to",
                      path, strerror(reason));
}

/* One try. *lock stays -1 where it is to be tried again. */
static peek_status lock_folder(peek_context *context, peek__partial *out)
{
    int made = mkdir(out->path, 0777) == 0;
    if (!made && errno != EEXIST) return cannot_make(context, out->path, errno);
    out->made |= made;
    int handle = open(out->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), reason = errno;
    if (handle < 0 && reason == ENOENT) return PEEK_OK;
    if (handle < 0 && (reason == ENOTDIR || reason == ELOOP))
        return peek__fail(context, PEEK_E_IO,
                          "'%s' is where nnpeek works, but something else is there: move it, or choose another "
                          "name for what is made",
                          out->path);
    if (handle < 0) return cannot_make(context, out->path, reason);
    int locked = flock(handle, LOCK_EX | LOCK_NB) == 0;
    reason = errno;
    /* Where folders cannot be locked there is no telling. */
    if (!locked && reason == EWOULDBLOCK) {
        close(handle);
        return peek__fail(context, PEEK_E_IO,
                          "another nnpeek works on '%s': wait for it, or choose another name for what is made",
                          out->path);
    }
    if (is_named(handle, out->path, 0))
        out->lock = handle;
    else
        close(handle);
    return PEEK_OK;
}

static int put_marker(const char *folder)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, marker) >= (int)sizeof path) return ENAMETOOLONG;
    int handle = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (handle < 0) return errno;
    close(handle);
    return 0;
}

/* The marker goes last: what a killed process leaves is known as ours. */
static void remove_all(const char *folder)
{
    put_marker(folder);
    each(folder, remove_other, NULL);
    peek__folder_remove(folder);
}

/* Marks a folder that is empty, or holds `mark` in the place of the marker as one that was whole does. */
static peek_status check_ours(peek_context *context, const peek__partial *partial, const char *mark)
{
    if (holds(partial->path, marker)) return PEEK_OK;
    if (!(mark && holds(partial->path, mark)) && !each(partial->path, pass_temporary, NULL))
        return peek__fail(
            context, PEEK_E_IO,
            "the folder '%s', in which nnpeek works, holds files that are not from there: move it, "
            "or choose another name for what is made",
            partial->path);
    int reason = put_marker(partial->path);
    return reason ? cannot_make(context, partial->path, reason) : PEEK_OK;
}

/* The parents of a path. */
static peek_status make_parents(peek_context *context, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent;
    if (!slash || slash == path) return PEEK_OK;
    PEEK_TRY(peek__format(context, &parent, "%.*s", (int)(slash - path), path));
    peek_status status = peek__folder_make(context, parent);
    peek__free(&parent);
    return status;
}

static peek_status name_partial(peek_context *context, const char *path, char **out)
{
    char *target;
    PEEK_TRY(peek__folder_resolve(context, &target, path));
    peek_status status =
        ends_with(target, ending)
            ? peek__fail(
                  context, PEEK_E_ARGUMENT,
                  "'%s' is the name of a folder that is not whole yet: choose one that does not end with "
                  "'%s'",
                  path, ending)
            : peek__format(context, out, "%s%s", target, ending);
    peek__free(&target);
    return status;
}

peek_status peek__partial_open(peek_context *context, const char *path, const char *mark, peek__partial *out)
{
    *out = (peek__partial){.lock = -1};
    if (mark) PEEK_TRY(peek__folder_check(context, path, mark));
    PEEK_TRY(name_partial(context, path, &out->path));
    peek_status status = make_parents(context, out->path);
    if (status == PEEK_OK && peek__fault(context)) status = cannot_make(context, out->path, EIO);
    for (int i = 0; status == PEEK_OK && out->lock < 0 && i < TRIES; i++) status = lock_folder(context, out);
    if (status == PEEK_OK && out->lock < 0) status = cannot_make(context, out->path, EBUSY);
    if (status == PEEK_OK) status = check_ours(context, out, mark);
    if (status == PEEK_OK)
        each(out->path, remove_temporary, NULL);
    else if (out->made)
        peek__partial_remove(out);
    else
        peek__partial_close(out);
    return status;
}

int peek__partial_exists(peek_context *context, const char *path)
{
    char *partial;
    if (name_partial(context, path, &partial) != PEEK_OK) return 0;
    int there = peek__is_folder(partial);
    peek__free(&partial);
    return there;
}

void peek__partial_clear(const peek__partial *partial, const char *keep)
{
    each(partial->path, remove_other, keep);
}

/* Removes a folder that was replaced, and now bears the name of the partial one, unless somebody has begun to
 * work in it. Where it cannot be told whether the handle is still its, it is: the name was given to it a moment
 * ago. */
static void remove_older(const char *path)
{
    int handle = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int taken = handle >= 0 && flock(handle, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && (handle < 0 || is_named(handle, path, 1))) remove_all(path);
    if (handle >= 0) close(handle);
}

peek_status peek__partial_commit(peek_context *context, peek__partial *partial, const char *path,
                                 const char *mark)
{
    int older;
    remove_inside(partial->path, marker);
    PEEK_TRY(peek__folder_rename(context, path, partial->path, mark, &older));
    if (older) remove_older(partial->path);
    peek__partial_close(partial);
    return PEEK_OK;
}

void peek__partial_close(peek__partial *partial)
{
    if (!partial->path) return;
    if (partial->lock >= 0) close(partial->lock);
    peek__free(&partial->path);
    *partial = (peek__partial){.lock = -1};
}

void peek__partial_remove(peek__partial *partial)
{
    if (partial->path && partial->lock >= 0)
        remove_all(partial->path);
    else if (partial->path && partial->made)
        rmdir(partial->path); /* could not be locked; others may work in it by now */
    peek__partial_close(partial);
}
