/* base/available.c: how much memory may be taken before the kernel ends processes for it.
 *
 * Linux gives memory it does not have, and ends a process when that is touched. So what is needed is compared
 * with MemAvailable of /proc/meminfo and with the limits of control groups (containers), of either version.
 * Sources: https://docs.kernel.org/filesystems/proc.html, https://docs.kernel.org/admin-guide/cgroup-v2.html */
#include "base/available.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number behind a key at the start of a line; key "": the first number. -1 where there is none. */
static int64_t read_number(const char *folder, const char *name, const char *key)
{
    char path[PATH_MAX], line[256];
    int64_t number = -1;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return -1;
    FILE *file = fopen(path, "re");
    if (!file) return -1;
    size_t length = strlen(key);
    while (number < 0 && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) != 0) continue;
        char *end, *start = line + length;
        long long found = strtoll(start, &end, 10);
        if (end != start) number = found;
    }
    fclose(file);
    return number;
}

static int64_t machine_room(void)
{
    int64_t available = read_number("/proc", "meminfo", "MemAvailable:");
    int64_t swap = read_number("/proc", "meminfo", "SwapFree:");
    return available < 0 ? INT64_MAX : (available + (swap > 0 ? swap : 0)) * 1024;
}

/* What a version of control groups calls things. */
typedef struct version {
    const char *line, *folder, *limit, *usage, *cached;
} version;

static const version versions[] = {
    {"0::", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "},
    {"memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file "},
};

/* Files' pages that a group holds count as its memory, but are given up where it is short. */
static int64_t group_room(const version *v, const char *folder)
{
    int64_t limit = read_number(folder, v->limit, ""), usage = read_number(folder, v->usage, "");
    int64_t cached = read_number(folder, "memory.stat", v->cached);
    if (limit < 0 || usage < 0) return INT64_MAX;
    int64_t room = limit - usage + (cached > 0 ? cached : 0);
    return room > 0 ? room : 0;
}

/* The least room of the group and those it is in. */
static int64_t groups_room(const version *v, const char *group)
{
    char folder[PATH_MAX];
    int64_t least = INT64_MAX;
    int length = snprintf(folder, sizeof folder, "%s%s", v->folder, group);
    if (length >= (int)sizeof folder) return least;
    for (char *slash = folder + length; slash >= folder + strlen(v->folder); slash = strrchr(folder, '/')) {
        *slash = 0;
        int64_t room = group_room(v, folder);
        if (room < least) least = room;
    }
    return least;
}

int64_t peek__memory_available(void)
{
    char line[PATH_MAX];
    int64_t least = machine_room();
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
            const char *found = strstr(line, versions[i].line);
            int64_t room = found ? groups_room(&versions[i], found + strlen(versions[i].line)) : INT64_MAX;
            if (room < least) least = room;
        }
    }
    if (file) fclose(file);
    return least == INT64_MAX ? least : least - least / 16;
}
