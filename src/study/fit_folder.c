/* study/fit_folder.c: the folder of a run's models. */
#include "study/fit_folder.h"

#include <string.h>

#include "base/memory.h"

static const char progress_name[] = "progress.json";
static const peek__partial_marks marks = {"models.json", progress_name};

enum { CHECKPOINTS = 64 }; /* fits of a run at most that have one */

static peek_status digest(peek_context *context, const char *capture, const cJSON *how, char text[17])
{
    char *path, manifest[17], *printed = cJSON_PrintUnformatted(how);
    uint64_t state = 0;
    if (!printed) return peek__fail(context, PEEK_E_MEMORY, "not enough memory to describe a fit");
    peek_status status = peek__format(context, &path, "%s/manifest.json", capture);
    if (status == PEEK_OK) {
        status = peek__file_digest(context, path, manifest);
        peek__free(&path);
    }
    if (status == PEEK_OK) {
        const char *version = peek_version();
        peek__digest(&state, manifest, sizeof manifest);
        peek__digest(&state, version, strlen(version));
        peek__digest(&state, printed, strlen(printed));
        peek__digest_text(state, text);
    }
    cJSON_free(printed);
    return status;
}

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

static peek_status write_json(peek_context *context, const peek__fit_folder *f, const char *name, cJSON *json)
{
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/%s", f->partial.path, name));
    int good = json && cJSON_AddStringToObject(json, "version", peek_version()) &&
               cJSON_AddStringToObject(json, "made_from", f->made_from);
    peek_status status = peek__json_write(context, path, good ? json : NULL);
    peek__free(&path);
    return status;
}

/* Says first what it is now of, then removes what was there before. */
static peek_status begin_anew(peek_context *context, const peek__fit_folder *f)
{
    cJSON *json = cJSON_CreateObject();
    peek_status status = write_json(context, f, progress_name, json);
    cJSON_Delete(json);
    if (status == PEEK_OK) peek__partial_clear(&f->partial, progress_name);
    return status;
}

peek_status peek__fit_folder_begin(peek_context *context, const char *folder, const char *capture,
                                   const cJSON *how, int resume, peek__fit_folder *out)
{
    *out = (peek__fit_folder){.partial = {.lock = -1}};
    PEEK_TRY(digest(context, capture, how, out->made_from));
    PEEK_TRY(peek__partial_open(context, folder, &marks, &out->partial));
    int there = resume && is_of_the_same(context, out->partial.path, marks.mark, out->made_from);
    int done = resume && is_of_the_same(context, folder, marks.mark, out->made_from);
    out->whole = there || done;
    out->resumed = resume && is_of_the_same(context, out->partial.path, progress_name, out->made_from);
    if (done) peek__partial_remove(&out->partial);
    peek_status status = out->whole || out->resumed ? PEEK_OK : begin_anew(context, out);
    if (status != PEEK_OK) peek__partial_remove(&out->partial);
    return status;
}

peek_status peek__fit_folder_checkpoint(peek_context *context, const peek__fit_folder *f, int64_t number,
                                        char **out)
{
    return peek__format(context, out, "%s/checkpoint-%lld", f->partial.path, (long long)number);
}

/* Removes the checkpoints where `remove` says so. Returns how many there were. */
static int checkpoints(peek_context *context, const peek__fit_folder *f, int remove)
{
    int count = 0;
    for (int64_t i = 0; i < CHECKPOINTS; i++) {
        char *path;
        if (peek__fit_folder_checkpoint(context, f, i, &path) != PEEK_OK) break;
        count += peek__is_file(path);
        if (remove) peek__folder_remove(path);
        peek__free(&path);
    }
    return count;
}

peek_status peek__fit_folder_commit(peek_context *context, peek__fit_folder *f, const char *folder,
                                    const cJSON *list)
{
    if (!f->partial.path) return PEEK_OK; /* it has its name already */
    if (!f->whole) {
        cJSON *json = cJSON_Duplicate(list, 1);
        peek_status status = write_json(context, f, marks.mark, json);
        cJSON_Delete(json);
        PEEK_TRY(status);
    }
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/%s", f->partial.path, progress_name));
    checkpoints(context, f, 1);
    peek__folder_remove(path);
    peek__free(&path);
    return peek__partial_commit(context, &f->partial, folder, marks.mark);
}

void peek__fit_folder_end(peek_context *context, peek__fit_folder *f)
{
    if (f->partial.path && (f->whole || checkpoints(context, f, 0)))
        peek__partial_close(&f->partial);
    else
        peek__partial_remove(&f->partial);
}
