/* store/folder.c: folders that appear whole or not at all. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/memory.h"
#include "store/file.h"

enum { OPEN_FOLDERS = 16 };

static peek_status cannot_make(peek_context *context, const char *path, int reason)
{
    if (reason == EEXIST || reason == ENOTDIR)
        return peek__fail(context, PEEK_E_IO,
                          "cannot make the folder '%s': a file is in its way; choose another name", path);
    return peek__fail(context, PEEK_E_IO, "cannot make the folder '%s': %s; choose a place you may write to",
                      path, strerror(reason));
}

/* Folders from the top down; `part` is scratch memory holding the path. */
static peek_status make_parts(peek_context *context, char *part, const char *path)
{
    for (char *end = part + 1; *part; end++) {
        if (*end != '/' && *end) continue;
        char held = *end;
        *end = 0;
        int reason = mkdir(part, 0777) == 0 ? 0 : errno;
        if (reason && !peek__is_folder(part)) return cannot_make(context, path, reason);
        *end = held;
        if (!held) break;
    }
    return PEEK_OK;
}

peek_status peek__folder_make(peek_context *context, const char *path)
{
    if (!path || !*path)
        return peek__fail(context, PEEK_E_ARGUMENT, "a folder to make has no name: give it one");
    if (peek__is_folder(path)) return PEEK_OK;
    if (peek__fault(context)) return cannot_make(context, path, EIO);
    char *part;
    PEEK_TRY(peek__copy_text(context, &part, path));
    peek_status status = make_parts(context, part, path);
    peek__free(&part);
    return status;
}

peek_status peek__folder_resolve(peek_context *context, char **out, const char *path)
{
    char *real = realpath(path, NULL);
    peek_status status = peek__copy_text(context, out, real ? real : path);
    free(real);
    if (status != PEEK_OK) return status;
    for (size_t length = strlen(*out); length > 1 && (*out)[length - 1] == '/'; length--)
        (*out)[length - 1] = 0;
    return PEEK_OK;
}

static int is_working_folder(const char *path)
{
    struct stat here, there;
    return stat(".", &here) == 0 && stat(path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

static int is_empty(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) return 0;
    int empty = 1;
    for (struct dirent *entry; empty && (errno = 0, entry = readdir(folder));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (errno) empty = 0;
    closedir(folder);
    return empty;
}

/* May the folder at path be replaced? *exists: there is one. */
static peek_status check_older(peek_context *context, const char *path, const char *mark, int *exists)
{
    struct stat about;
    *exists = lstat(path, &about) == 0;
    if (!*exists) return PEEK_OK;
    if (!peek__is_folder(path)) return cannot_make(context, path, EEXIST);
    if (is_working_folder(path))
        return peek__fail(context, PEEK_E_IO,
                          "cannot replace '%s', the folder you are in: name a folder inside it", path);
    char *inside;
    PEEK_TRY(peek__format(context, &inside, "%s/%s", path, mark));
    int ours = peek__is_file(inside);
    peek__free(&inside);
    if (ours || is_empty(path)) return PEEK_OK;
    return peek__fail(
        context, PEEK_E_IO,
        "the folder '%s' holds other files and no '%s': choose another name, or empty it yourself", path, mark);
}

peek_status peek__folder_check(peek_context *context, const char *path, const char *mark)
{
    char *target;
    int exists;
    if (!path || !*path)
        return peek__fail(context, PEEK_E_ARGUMENT, "a folder to make has no name: give it one");
    PEEK_TRY(peek__folder_resolve(context, &target, path));
    peek_status status = check_older(context, target, mark, &exists);
    peek__free(&target);
    return status;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

void peek__folder_remove(const char *path)
{
    nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

/* Gives `fresh` the name `target`, which an older folder bears; the older one then bears the name `fresh`, or
 * is kept as it was on failure. One step where the file system can exchange names, else two. */
static int exchange(const char *fresh, const char *target, const char *mark)
{
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, target, RENAME_EXCHANGE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    size_t length = strlen(fresh);
    char *aside = malloc(length + strlen(mark) + sizeof ".old/");
    if (!aside) return ENOMEM;
    /* Somebody who was killed between the two steps may have left it. */
    sprintf(aside, "%s.old/%s", fresh, mark);
    int left = peek__is_file(aside), reason = 0;
    aside[length + 4] = 0;
    if (left) peek__folder_remove(aside);
    if (rename(target, aside) != 0)
        reason = errno;
    else if (rename(fresh, target) != 0) {
        reason = errno;
        if (rename(aside, target) != 0) reason = EIO;
    } else if (rename(aside, fresh) != 0)
        peek__folder_remove(aside);
    free(aside);
    return reason;
}

static peek_status replace(peek_context *context, const char *target, const char *fresh, const char *mark,
                           int *older)
{
    int exists, reason;
    PEEK_TRY(check_older(context, target, mark, &exists));
    if (peek__fault(context))
        reason = EIO;
    else if (!exists || is_empty(target))
        reason = rename(fresh, target) == 0 ? 0 : errno;
    else {
        reason = exchange(fresh, target, mark);
        *older = !reason;
    }
    if (!reason) return PEEK_OK;
    return peek__fail(context, PEEK_E_IO, "cannot give the new folder its name '%s': %s; choose another place",
                      target, strerror(reason));
}

peek_status peek__folder_rename(peek_context *context, const char *path, const char *fresh, const char *mark,
                                int *older)
{
    char *target = NULL;
    *older = 0;
    peek_status status = peek__guard_check_files(context);
    if (status == PEEK_OK) status = peek__folder_resolve(context, &target, path);
    if (status == PEEK_OK) status = replace(context, target, fresh, mark, older);
    peek__free(&target);
    return status;
}

int64_t peek__folder_room(const char *path)
{
    struct statvfs about;
    if (statvfs(path, &about) != 0) return -1;
    double bytes = (double)about.f_bavail * (double)about.f_frsize;
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

void peek__folder_remove_empty(const char *path)
{
    if (path) rmdir(path);
}
