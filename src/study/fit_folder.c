/* study/fit_folder.c: the folder of a run's models. */
#include "study/fit_folder.h"

#include <string.h>

#include "base/memory.h"

static const char progress_name[] = "progress.json";
static const char mark[] = "models.json";

/* *same: FOLDER/NAME says that it is made from the same. A damaged one says nothing. */
static peek_status look_for(peek_context *context, const peek__fit_folder *f, const char *folder,
                            const char *name, int *same)
{
    char *path;
    cJSON *json;
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, name));
    peek_status status = peek__json_find(context, path, &json);
    const char *text = cJSON_GetStringValue(peek__json_member(json, "made_from"));
    *same = text && strcmp(text, f->made_from) == 0;
    cJSON_Delete(json);
    peek__free(&path);
    return status == PEEK_E_FORMAT ? PEEK_OK : status;
}

/* *all: all models are in a folder: the sweep is over, whatever came after it. */
static peek_status look_for_all(peek_context *context, const peek__fit_folder *f, const char *folder, int *all)
{
    *all = f->count > 0;
    for (int64_t i = 0; *all && i < f->count; i++) {
        char name[64];
        snprintf(name, sizeof name, "rank-%lld/fit.json", (long long)f->ranks[i]);
        PEEK_TRY(look_for(context, f, folder, name, all));
    }
    return PEEK_OK;
}

/* What an earlier call has left. *done: nothing is to be made; *resumed: what was begun is of the same. */
static peek_status find_earlier(peek_context *context, peek__fit_folder *f, int *done, int *resumed)
{
    PEEK_TRY(look_for(context, f, f->folder, mark, done));
    if (*done) PEEK_TRY(look_for_all(context, f, f->folder, done));
    PEEK_TRY(look_for(context, f, f->partial.path, progress_name, resumed));
    PEEK_TRY(look_for_all(context, f, f->partial.path, &f->whole));
    f->whole |= *done;
    return PEEK_OK;
}

static peek_status write_json(peek_context *context, const peek__fit_folder *f, const char *name)
{
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/%s", f->partial.path, name));
    cJSON *json = cJSON_CreateObject(), *ranks = cJSON_AddArrayToObject(json, "ranks");
    int good = ranks && cJSON_AddStringToObject(json, "version", peek_version()) &&
               cJSON_AddStringToObject(json, "made_from", f->made_from);
    for (int64_t i = 0; i < f->count; i++)
        good &= cJSON_AddItemToArray(ranks, cJSON_CreateNumber((double)f->ranks[i]));
    peek_status status = peek__json_write(context, path, good ? json : NULL);
    cJSON_Delete(json);
    peek__free(&path);
    return status;
}

/* Says first what it is now of, then removes what was there before. */
static peek_status begin_anew(peek_context *context, const peek__fit_folder *f)
{
    PEEK_TRY(write_json(context, f, progress_name));
    peek__partial_clear(&f->partial, progress_name);
    return PEEK_OK;
}

peek_status peek__fit_folder_begin(peek_context *context, const char *folder, const char made_from[17],
                                   int64_t count, const int64_t *ranks, int resume, peek__fit_folder *out)
{
    *out = (peek__fit_folder){.folder = folder, .partial = {.lock = -1}, .count = count, .ranks = ranks};
    memcpy(out->made_from, made_from, sizeof out->made_from);
    PEEK_TRY(peek__partial_open(context, folder, mark, &out->partial));
    int done = 0, resumed = 0, made = out->partial.made;
    peek_status status = resume ? find_earlier(context, out, &done, &resumed) : PEEK_OK;
    int fresh = status == PEEK_OK ? !out->whole && !resumed : made;
    if (status == PEEK_OK && fresh) status = begin_anew(context, out);
    if (status == PEEK_OK) status = peek__format(context, &out->checkpoint, "%s/checkpoint", out->partial.path);
    if (status == PEEK_OK ? done : fresh)
        peek__partial_remove(&out->partial);
    else if (status != PEEK_OK)
        peek__partial_close(&out->partial);
    if (status != PEEK_OK) peek__fit_folder_end(out);
    return status;
}

peek_status peek__fit_folder_commit(peek_context *context, peek__fit_folder *f)
{
    char *path = NULL;
    peek_status status = PEEK_OK;
    f->whole = 1; /* whatever comes now, the models are kept */
    if (f->partial.path) {
        status = write_json(context, f, mark);
        if (status == PEEK_OK) status = peek__format(context, &path, "%s/%s", f->partial.path, progress_name);
        if (status == PEEK_OK) peek__folder_remove(path);
        if (status == PEEK_OK) status = peek__partial_commit(context, &f->partial, f->folder, mark);
        peek__free(&path);
    }
    if (status == PEEK_OK) peek__free(&f->checkpoint);
    return status;
}

void peek__fit_folder_end(peek__fit_folder *f)
{
    if (f->checkpoint && (f->whole || !peek__is_missing(f->checkpoint)))
        peek__partial_close(&f->partial);
    else
        peek__partial_remove(&f->partial);
    peek__free(&f->checkpoint);
}
