/* network/capture_progress.c: a capture that can be continued. */
#include "network/capture_progress.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static const char progress_name[] = "progress.json";
static const char mark[] = "manifest.json";

/* FOLDER/NAME as JSON; NULL where it is not there or damaged. */
static peek_status read_member(peek_context *context, const char *folder, const char *name, cJSON **out)
{
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, name));
    peek_status status = peek__json_find(context, path, out);
    peek__free(&path);
    return status == PEEK_E_FORMAT ? PEEK_OK : status;
}

static int is_made_from(const cJSON *json, const char made_from[17])
{
    const char *text = cJSON_GetStringValue(peek__json_member(json, "made_from"));
    return text && strcmp(text, made_from) == 0;
}

/* *whole: an array is there of which no row is missing. */
static peek_status look_at_array(peek_context *context, const char *folder, const char *file, int *whole)
{
    char *path;
    peek__npy npy;
    *whole = 0;
    if (!file) return PEEK_OK;
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, file));
    peek_status status = peek__npy_open(context, path, &npy);
    *whole = status == PEEK_OK;
    if (*whole) peek__npy_close(&npy);
    peek__free(&path);
    return status == PEEK_E_IO || status == PEEK_E_MEMORY ? status : PEEK_OK;
}

peek_status peek__capture_find(peek_context *context, const char *folder, const char made_from[17], int *whole)
{
    cJSON *manifest;
    *whole = 0;
    PEEK_TRY(read_member(context, folder, mark, &manifest));
    const cJSON *block, *blocks = peek__json_member(manifest, "blocks");
    peek_status status = PEEK_OK;
    int all = is_made_from(manifest, made_from) && cJSON_GetArraySize(blocks) > 0;
    cJSON_ArrayForEach(block, blocks) if (status == PEEK_OK && all) status =
        look_at_array(context, folder, cJSON_GetStringValue(peek__json_member(block, "file")), &all);
    cJSON_Delete(manifest);
    *whole = all && status == PEEK_OK;
    return status;
}

peek_status peek__capture_progress_sweep(peek_context *context, const char *folder)
{
    peek__partial partial;
    PEEK_TRY(peek__partial_open(context, folder, mark, &partial));
    peek__partial_remove(&partial);
    return PEEK_OK;
}

static peek_status write_progress(peek__capture_progress *p, int64_t safe)
{
    char *path;
    PEEK_TRY(peek__format(p->context, &path, "%s/%s", p->folder.path, progress_name));
    cJSON *json = cJSON_CreateObject();
    int good = json && cJSON_AddStringToObject(json, "made_from", p->made_from) &&
               cJSON_AddNumberToObject(json, "slices", (double)p->slices) &&
               cJSON_AddNumberToObject(json, "safe", (double)safe) &&
               cJSON_AddStringToObject(json, "version", peek_version());
    peek_status status = peek__json_write(p->context, path, good ? json : NULL);
    cJSON_Delete(json);
    peek__free(&path);
    if (status == PEEK_OK) p->safe = safe;
    return status;
}

/* What an earlier call left. *there: it is of the same capture. */
static peek_status find_earlier(peek__capture_progress *p, const char *folder, int *there)
{
    cJSON *json;
    PEEK_TRY(peek__capture_find(p->context, p->folder.path, p->made_from, there));
    if (*there) {
        p->whole = 1;
        p->safe = p->slices;
        return PEEK_OK;
    }
    PEEK_TRY(read_member(p->context, p->folder.path, progress_name, &json));
    if (!json) return PEEK_OK; /* it was killed before anything */
    int same = is_made_from(json, p->made_from);
    double safe = peek__json_value(json, "safe");
    int sound = peek__json_value(json, "slices") == (double)p->slices && safe >= 0 && safe <= (double)p->slices;
    cJSON_Delete(json);
    if (!same)
        return peek__fail(
            p->context, PEEK_E_ARGUMENT,
            "what is in '%s' is of another capture than '%s' is to be now (of other data, network or "
            "options): give the same as then, or capture without --resume",
            p->folder.path, folder);
    if (sound) {
        p->safe = (int64_t)safe;
        *there = p->safe > 0;
    }
    return PEEK_OK;
}

/* The bookkeeping of finished slices comes from outside a team. */
static peek_status begin(peek__capture_progress *p, const char *folder, int resume)
{
    int there = 0;
    PEEK_TRY(peek__alloc(p->context, &p->finished, p->slices, "the progress of a capture"));
    if (resume) PEEK_TRY(find_earlier(p, folder, &there));
    if (there) {
        p->resumed = 1;
        memset(p->finished, 1, (size_t)p->safe);
        return PEEK_OK;
    }
    /* First that nothing is safe, then the removal of what was. */
    PEEK_TRY(write_progress(p, 0));
    peek__partial_clear(&p->folder, progress_name);
    return PEEK_OK;
}

peek_status peek__capture_progress_begin(peek_context *context, peek__capture_progress *p, const char *folder,
                                         int resume)
{
    p->context = context;
    p->last = peek__seconds();
    PEEK_TRY(peek__partial_open(context, folder, mark, &p->folder));
    int made = p->folder.made;
    peek_status status = begin(p, folder, resume);
    if (status == PEEK_OK) return PEEK_OK;
    if (made)
        peek__partial_remove(&p->folder);
    else
        peek__partial_close(&p->folder);
    peek__free(&p->finished);
    return status;
}

/* How many slices from the first on are finished. */
static int64_t count_finished(const peek__capture_progress *p)
{
    int64_t low = p->safe;
    while (low < p->slices && __atomic_load_n(&p->finished[low], __ATOMIC_ACQUIRE)) low++;
    return low;
}

static peek_status renew(peek__capture_progress *p)
{
    int64_t low = count_finished(p);
    p->last = peek__seconds();
    if (low == p->safe) return PEEK_OK;
    for (int64_t i = 0; i < p->writers; i++) PEEK_TRY(peek__npy_flush(p->context, &p->writer[i]));
    PEEK_TRY(write_progress(p, low));
    p->last = peek__seconds();
    return PEEK_OK;
}

peek_status peek__capture_progress_step(peek__capture_progress *p, int64_t slice)
{
    peek_status status = PEEK_OK;
    __atomic_store_n(&p->finished[slice], 1, __ATOMIC_RELEASE);
    if (__atomic_test_and_set(&p->busy, __ATOMIC_ACQUIRE)) return PEEK_OK;
    if (peek__seconds() - p->last >= p->every) status = renew(p);
    __atomic_clear(&p->busy, __ATOMIC_RELEASE);
    return status;
}

peek_status peek__capture_progress_commit(peek__capture_progress *p, const char *folder)
{
    char *path;
    PEEK_TRY(peek__format(p->context, &path, "%s/%s", p->folder.path, progress_name));
    unlink(path);
    peek__free(&path);
    PEEK_TRY(peek__partial_commit(p->context, &p->folder, folder, mark));
    peek__free(&p->finished);
    return PEEK_OK;
}

/* What an earlier call has made safe stays in any case. */
peek_status peek__capture_progress_end(peek__capture_progress *p, peek_status status)
{
    int passing = peek__is_passing(status);
    if (p->folder.path && p->safe && passing) {
        int64_t samples = p->safe * p->slice < p->samples ? p->safe * p->slice : p->samples;
        peek__fail_more(p->context, status,
                        "the first %lld samples are safe in '%s': the same command with --resume goes on",
                        (long long)samples, p->folder.path);
    }
    if (p->safe && (passing || p->resumed))
        peek__partial_close(&p->folder);
    else
        peek__partial_remove(&p->folder);
    peek__free(&p->finished);
    return status;
}
