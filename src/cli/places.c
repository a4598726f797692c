/* cli/places.c: where results go, made or checked before any long work. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static int is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static peek_status bad_folder(cli_call *call, const char *path, int reason)
{
    const char *why = reason == EEXIST || reason == ENOTDIR ? "a file is in its way" : strerror(reason);
    cli_wrong(call, "the folder '%s' cannot be made or written: %s; choose another with -o", path, why);
    return PEEK_E_IO;
}

peek_status cli_make_folder(cli_call *call, const char *path)
{
    if (!path[0]) return cli_wrong(call, "the output folder has no name: give it one with -o");
    char *part = strdup(path);
    if (!part) return PEEK_E_MEMORY;
    for (char *end = part + 1;; end++) {
        if (*end != '/' && *end) continue;
        char held = *end;
        *end = 0;
        int made = mkdir(part, 0777) == 0, reason = made ? 0 : errno;
        if (reason && is_folder(part)) reason = 0;
        if (made && !call->made) {
            call->made = strdup(path);
            call->kept = strlen(part) - 1;
        }
        *end = held;
        if (!reason && !held && access(path, W_OK | X_OK) != 0) reason = errno;
        if (!reason && held) continue;
        free(part);
        return reason ? bad_folder(call, path, reason) : PEEK_OK;
    }
}

/* From the innermost folder up. */
void cli_unmake_folder(cli_call *call)
{
    for (size_t length = strlen(call->made); length > call->kept; length--) {
        if (call->made[length] && call->made[length] != '/') continue;
        call->made[length] = 0;
        if (call->made[length - 1] != '/' && rmdir(call->made) != 0) return;
    }
}

peek_status cli_check_place(cli_call *call, const char *path)
{
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) + 1 : 1, reason = 0;
    if (!path[0]) return cli_wrong(call, "the output file has no name: give it one with -o");
    if (is_folder(path) || (slash && !slash[1])) {
        cli_wrong(call, "'%s' cannot be written: it is a folder; give the name of a file with -o", path);
        return PEEK_E_IO;
    }
    char *folder = strndup(slash ? path : ".", (size_t)length);
    if (!folder) return PEEK_E_MEMORY;
    if (access(folder, W_OK | X_OK) != 0) reason = errno;
    if (reason)
        cli_wrong(call, "'%s' cannot be written: its folder '%s': %s; make it or choose another place with -o",
                  path, folder, strerror(reason));
    free(folder);
    return reason ? PEEK_E_IO : PEEK_OK;
}
