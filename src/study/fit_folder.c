/* study/fit_folder.c: the folder of a run's models. */
#include "study/fit_folder.h"

#include <string.h>

#include "base/memory.h"

static const char progress_name[] = "progress.json";
static const char mark[] = "models.json";

/* Whether FOLDER/NAME says that it is made from the same. */
static int is_of_the_same(peek_context *context, const char *folder, const char *name, const char made_from[17])
{
    char *path;
    cJSON *json = NULL;
    if (peek__format(context, &path, "%s/%s", folder, name) != PEEK_OK) return 0;
    if (peek__is_file(path) && peek__json_read(context, path, &json) != PEEK_OK) json = NULL;
    const char *text = cJSON_GetStringValue(peek__json_member(json, "made_from"));
    int same = text && strcmp(text, made_from) == 0;
    cJSON_Delete(json);
    peek__free(&path);
    return same;
}

/* All models are in a folder: the sweep is over, whatever came after it. */
static int has_all(peek_context *context, const peek__fit_folder *f, const char *folder)
{
    int all = f->count > 0;
    for (int64_t i = 0; all && i < f->count; i++) {
        char name[64];
        snprintf(name, sizeof name, "rank-%lld/fit.json", (long long)f->ranks[i]);
        all = is_of_the_same(context, folder, name, f->made_from);
    }
    return all;
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
    const char *here = out->partial.path;
    int done = resume && is_of_the_same(context, folder, mark, made_from) && has_all(context, out, folder);
    int resumed = resume && is_of_the_same(context, here, progress_name, made_from);
    out->whole = done || (resume && has_all(context, out, here));
    peek_status status = out->whole || resumed ? PEEK_OK : begin_anew(context, out);
    if (status == PEEK_OK) status = peek__format(context, &out->checkpoint, "%s/checkpoint", here);
    if (done || (status != PEEK_OK && !resumed)) peek__partial_remove(&out->partial);
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
    if (f->checkpoint && (f->whole || peek__is_file(f->checkpoint)))
        peek__partial_close(&f->partial);
    else
        peek__partial_remove(&f->partial);
    peek__free(&f->checkpoint);
}
