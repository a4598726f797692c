/* data/picture_look.c: what the pictures of a folder are, and which of them are broken. */
#include "data/picture_look.h"

#include <string.h>

#include "base/memory.h"

enum {
    TILE = 32,
    ROUND = 64,
    TOLD = 3
}; /* pictures a task reads; tasks between two steps of progress; names told */

/* What the parallel tasks share. */
typedef struct looking {
    peek_context *context;
    peek__pictures *pictures;
    int64_t first_tile;
} looking;

static peek_status look_at(peek_context *context, const char *path, int decode, peek__picture *shape)
{
    peek__picture decoded;
    void *pixels;
    PEEK_TRY(peek__picture_describe(context, path, shape));
    if (!decode) return PEEK_OK;
    PEEK_TRY(peek__picture_read(context, path, 0, 0, &decoded, &pixels));
    peek__free(&pixels);
    return PEEK_OK;
}

static int is_broken(peek_status status)
{
    return status == PEEK_E_FORMAT || status == PEEK_E_IO || status == PEEK_E_NOT_FOUND ||
           status == PEEK_E_UNSUPPORTED;
}

static peek_status look_at_tile(void *argument, int64_t index, int thread)
{
    (void)thread;
    const looking *l = argument;
    peek__pictures *p = l->pictures;
    int64_t first = (l->first_tile + index) * TILE, end = first + TILE;
    for (int64_t t = first; t < end && t < p->count; t++) {
        peek_status status = look_at(l->context, p->path[t], p->decode, &p->shape[t]);
        p->broken[t] = is_broken(status);
        if (status != PEEK_OK && !p->broken[t]) return status;
    }
    return PEEK_OK;
}

peek_status peek__pictures_look(peek_context *context, peek__pictures *p)
{
    looking l = {.context = context, .pictures = p};
    int64_t tiles = (p->count + TILE - 1) / TILE;
    peek__stage(context, "data", p->decode ? "looking whether pictures are whole" : "looking at pictures",
                p->count);
    for (int64_t tile = 0; tile < tiles; tile += ROUND) {
        int64_t count = tiles - tile < ROUND ? tiles - tile : ROUND, done = (tile + count) * TILE;
        l.first_tile = tile;
        PEEK_TRY(peek__parallel(context, count, look_at_tile, &l));
        PEEK_TRY(peek__step(context, done < p->count ? done : p->count));
    }
    return PEEK_OK;
}

static int64_t count_broken(const peek__pictures *p, int64_t *first)
{
    int64_t count = 0;
    *first = -1;
    for (int64_t t = 0; t < p->count; t++) {
        if (p->broken[t] && *first < 0) *first = t;
        count += p->broken[t];
    }
    return count;
}

/* The sentence on a broken picture: it is looked at once more, by itself. */
static peek_status tell_one(peek_context *context, const peek__pictures *p, int64_t t)
{
    peek__picture shape;
    peek_status status = look_at(context, p->path[t], p->decode, &shape);
    if (status != PEEK_OK) return status;
    return peek__fail(context, PEEK_E_IO, "'%s' could not be read, but now it can: try again", p->path[t]);
}

peek_status peek__pictures_refuse(peek_context *context, const peek__pictures *p, const char *folder)
{
    int64_t first, count = count_broken(p, &first);
    if (!count) return PEEK_OK;
    peek_status status = tell_one(context, p, first);
    if (count == p->count) return status; /* it is no folder of pictures */
    if (count == 1) return peek__fail_more(context, status, "--skip-broken leaves it out");
    return peek__fail_more(context, status,
                           "%lld more of the %lld pictures in '%s' cannot be read either; --skip-broken leaves "
                           "them out",
                           (long long)count - 1, (long long)p->count, folder);
}

/* "'a.png', 'b.png'" */
static void list_names(const peek__content *content, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (int64_t i = 0; i < content->skipped_count && i < TOLD && used < size - 1; i++)
        used += (size_t)snprintf(out + used, size - used, "%s'%s'", i ? ", " : "", content->skipped[i].name);
}

static peek_status keep_reason(peek_context *context, const peek__pictures *p, int64_t t,
                               peek__content *content)
{
    peek__skipped *skipped = &content->skipped[content->skipped_count++];
    const char *name = p->path[t] + p->lead;
    skipped->place = t;
    tell_one(context, p, t);
    PEEK_TRY(peek__copy_text(context, &skipped->name, name));
    return peek__copy_text(context, &skipped->reason, peek_error(context));
}

peek_status peek__pictures_skip(peek_context *context, peek__pictures *p, const char *folder,
                                peek__content *content)
{
    int64_t first, count = count_broken(p, &first), kept = 0;
    char names[1024];
    if (!count) return PEEK_OK;
    if (count == p->count) {
        peek_status status = tell_one(context, p, first);
        return peek__fail_more(context, status, "none of the %lld pictures in '%s' can be read",
                               (long long)count, folder);
    }
    PEEK_TRY(peek__alloc(context, &content->skipped, count, "the names of broken pictures"));
    for (int64_t t = first; t < p->count; t++)
        if (p->broken[t]) PEEK_TRY(keep_reason(context, p, t, content));
    for (int64_t t = 0; t < p->count; t++) {
        if (p->broken[t]) {
            peek__free(&p->path[t]);
            continue;
        }
        char *path = p->path[t];
        p->path[t] = NULL;
        p->path[kept] = path;
        p->shape[kept] = p->shape[t];
        if (content->labels) content->labels[kept] = content->labels[t];
        kept++;
    }
    list_names(content, names, sizeof names);
    peek__note(context, "%lld of the %lld pictures in '%s' %s broken and left out: %s%s", (long long)count,
               (long long)p->count, folder, count > 1 ? "are" : "is", names, count > TOLD ? " and others" : "");
    p->count = kept;
    return PEEK_OK;
}
