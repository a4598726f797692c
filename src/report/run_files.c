#include "report/run_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/file.h"

const char *peek__json_text(const cJSON *object, const char *name, const char *otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

double peek__json_number(const cJSON *object, const char *name, double otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

/* The K of a folder called rank-K, or 0; no fit has a billion components. */
static int64_t rank_of(const char *name)
{
    if (strncmp(name, "rank-", 5) != 0 || name[5] < '1' || name[5] > '9') return 0;
    char *end;
    errno = 0;
    long long rank = strtoll(name + 5, &end, 10);
    return *end || errno || rank > 1000000000 ? 0 : rank;
}

static int by_rank(const void *a, const void *b)
{
    const peek__rank_folder *left = a, *right = b;
    return (left->rank > right->rank) - (left->rank < right->rank);
}

/* Reads a JSON file of the run where it is there. */
static peek_status read_if_there(peek_context *context, const char *folder, const char *name, cJSON **out)
{
    char *path = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, name));
    peek_status status = peek__json_find(context, path, out);
    if (status == PEEK_OK && *out && !cJSON_IsObject(*out))
        status = peek__fail(context, PEEK_E_FORMAT,
                            "%s: this is not the file that nnpeek writes: make the run again", path);
    peek__free(&path);
    return status;
}

static peek_status add_rank(peek_context *context, peek__run_files *run, const char *folder, int64_t rank)
{
    peek__rank_folder *grown = NULL;
    PEEK_TRY(peek__alloc(context, &grown, run->rank_count + 1, "the list of ranks"));
    if (run->rank_count) memcpy(grown, run->ranks, (size_t)run->rank_count * sizeof *grown);
    peek__free(&run->ranks);
    run->ranks = grown;

    peek__rank_folder *added = &run->ranks[run->rank_count];
    added->rank = rank;
    PEEK_TRY(peek__format(context, &added->folder, "%s/rank-%lld", folder, (long long)rank));
    run->rank_count++;
    PEEK_TRY(read_if_there(context, added->folder, "fit.json", &added->fit));
    if (!added->fit) { /* a folder without it was never finished */
        peek__free(&added->folder);
        run->rank_count--;
    }
    return PEEK_OK;
}

static peek_status find_ranks(peek_context *context, peek__run_files *run, const char *folder)
{
    DIR *directory = opendir(folder);
    if (!directory) return peek__fail(context, PEEK_E_IO, "%s: cannot be listed: %s", folder, strerror(errno));
    peek_status status = PEEK_OK;
    for (struct dirent *entry; status == PEEK_OK && (errno = 0, entry = readdir(directory));) {
        int64_t rank = rank_of(entry->d_name);
        if (rank) status = add_rank(context, run, folder, rank);
    }
    if (status == PEEK_OK && errno)
        status = peek__fail(context, PEEK_E_IO, "%s: cannot be listed: %s", folder, strerror(errno));
    closedir(directory);
    if (run->rank_count > 1) qsort(run->ranks, (size_t)run->rank_count, sizeof *run->ranks, by_rank);
    return status;
}

/* Whether measures that bear this digest were computed from what a file holds now; those without one may be. */
static peek_status is_current(peek_context *context, const char *folder, const char *name, const char *digest,
                              int *current)
{
    char *path = NULL, now[17] = "";
    *current = 1;
    if (!digest) return PEEK_OK;
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, name));
    peek_status status = peek__file_digest(context, path, now);
    *current = strcmp(digest, now) == 0;
    peek__free(&path);
    return status;
}

/* Takes out the measures of an older capture and of older fits. */
static peek_status drop_stale(peek_context *context, peek__run_files *run)
{
    static const char *const of_capture[] = {"blocks", "output", "pairs",        "nulls",    "predictions",
                                             "shifts", "rank",   "transmission", "stability"};
    int current = 1, dropped = 0;
    if (run->capture)
        PEEK_TRY(is_current(context, run->capture, "manifest.json",
                            peek__json_text(run->measures, "manifest_digest", NULL), &current));
    for (size_t i = 0; !current && i < sizeof of_capture / sizeof *of_capture; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(run->measures, of_capture[i]);
    dropped = !current;
    cJSON *ranks =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(run->measures, "fit"), "ranks");
    for (int64_t i = 0; i < run->rank_count; i++)
        for (int at = cJSON_GetArraySize(ranks) - 1; at >= 0; at--) {
            const cJSON *measured = cJSON_GetArrayItem(ranks, at);
            if (peek__json_number(measured, "rank", 0) != (double)run->ranks[i].rank) continue;
            PEEK_TRY(is_current(context, run->ranks[i].folder, "fit.json",
                                peek__json_text(measured, "fit_digest", NULL), &current));
            if (!current) cJSON_DeleteItemFromArray(ranks, at);
            dropped |= !current;
        }
    if (dropped) cJSON_DeleteItemFromObjectCaseSensitive(run->measures, "verdict"); /* it is of all of them */
    if (dropped)
        peek__note(context,
                   "%s/measures.json is of an older capture or fit, and such measures are left out: run "
                   "`nnpeek measure %s` first",
                   run->folder, run->folder);
    return PEEK_OK;
}

static peek_status find_parts(peek_context *context, peek__run_files *run, char **fit)
{
    PEEK_TRY(peek__format(context, &run->capture, "%s/capture", run->folder));
    PEEK_TRY(read_if_there(context, run->capture, "manifest.json", &run->manifest));
    if (!run->manifest) peek__free(&run->capture);
    PEEK_TRY(read_if_there(context, run->folder, "measures.json", &run->measures));

    PEEK_TRY(peek__format(context, fit, "%s/fit", run->folder));
    int there;
    PEEK_TRY(peek__find_folder(context, *fit, &there));
    PEEK_TRY(find_ranks(context, run, there ? *fit : run->folder));
    PEEK_TRY(drop_stale(context, run));
    if (!run->manifest && !run->rank_count)
        return peek__fail(
            context, PEEK_E_NOT_FOUND,
            "%s: there is neither capture/manifest.json nor a rank-K folder with fit.json here: give the "
            "folder that `nnpeek capture` or `nnpeek fit` wrote",
            run->folder);
    return PEEK_OK;
}

peek_status peek__run_open(peek_context *context, const char *folder, peek__run_files *out)
{
    *out = (peek__run_files){0};
    int there;
    PEEK_TRY(peek__find_folder(context, folder, &there));
    if (!there)
        return peek__fail(context, PEEK_E_NOT_FOUND,
                          "%s: there is no such run folder: give one that nnpeek wrote", folder);
    PEEK_TRY(peek__copy_text(context, &out->folder, folder));
    for (size_t last = strlen(out->folder); last > 1 && out->folder[last - 1] == '/'; last--)
        out->folder[last - 1] = 0;
    PEEK_TRY(peek__base_name(context, &out->name, out->folder, ""));
    char *fit = NULL;
    peek_status status = find_parts(context, out, &fit);
    peek__free(&fit);
    return status;
}

void peek__run_close(peek__run_files *run)
{
    for (int64_t i = 0; i < run->rank_count; i++) {
        cJSON_Delete(run->ranks[i].fit);
        peek__free(&run->ranks[i].folder);
    }
    peek__free(&run->ranks);
    cJSON_Delete(run->manifest);
    cJSON_Delete(run->measures);
    peek__free(&run->capture);
    peek__free(&run->name);
    peek__free(&run->folder);
    *run = (peek__run_files){0};
}
