/* measure/feature_groups.c: which columns are held out together. */
#include "measure/feature_groups.h"

#include <string.h>

#include "base/memory.h"
#include "measure/part.h"

enum { PATCHES_ACROSS = 7 };

/* How the columns of a block lie: channels x height x width, with the channels first or last. */
typedef struct plane {
    int64_t channels, height, width;
    int last;      /* 1: channels last */
    int64_t patch; /* the side of a patch; 0: a unit is a channel */
} plane;

static int64_t units(const plane *p)
{
    if (!p->patch) return p->channels;
    return ((p->height + p->patch - 1) / p->patch) * ((p->width + p->patch - 1) / p->patch);
}

static int64_t unit_of(const plane *p, int64_t column)
{
    int64_t pixels = p->height * p->width;
    if (!p->patch) return p->last ? column % p->channels : column / pixels;
    int64_t pixel = p->last ? column / p->channels : column % pixels;
    return pixel / p->width / p->patch * ((p->width + p->patch - 1) / p->patch) + pixel % p->width / p->patch;
}

/* The entry of a block in the manifest; one that was split by sign bears the name and a sign. Its place goes to
 * *index. */
static const cJSON *entry_of(const cJSON *manifest, const char *name, int64_t *index)
{
    const cJSON *entry;
    *index = 0;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(manifest, "blocks"))
    {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
        size_t length = text ? strlen(text) : 0;
        if (text && strncmp(text, name, length) == 0 &&
            (!name[length] || strcmp(name + length, "+") == 0 || strcmp(name + length, "-") == 0))
            return entry;
        ++*index;
    }
    return NULL;
}

static int64_t size_at(const cJSON *shape, int place)
{
    const cJSON *item = cJSON_GetArrayItem(shape, place);
    return cJSON_IsNumber(item) && item->valuedouble >= 1 && item->valuedouble < 1e9
               ? (int64_t)item->valuedouble
               : 0;
}

static plane plane_of(const cJSON *entry, int64_t columns, int64_t groups)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    const char *layout = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "layout"));
    const plane flat = {.channels = columns, .height = 1, .width = 1};
    plane p = flat;
    int dimensions = cJSON_GetArraySize(shape);
    p.last = layout && (strcmp(layout, "channels-last") == 0 || strcmp(layout, "tokens") == 0);
    if (dimensions == 3) {
        p.channels = size_at(shape, p.last ? 2 : 0);
        p.height = size_at(shape, p.last ? 0 : 1);
        p.width = size_at(shape, p.last ? 1 : 2);
    } else if (dimensions == 2) {
        p.channels = size_at(shape, p.last ? 1 : 0);
        p.width = size_at(shape, p.last ? 0 : 1);
    }
    if (p.channels < 1 || peek__product(peek__product(p.channels, p.height), p.width) != columns) return flat;
    int64_t side = p.height > p.width ? p.height : p.width;
    if (p.channels < 2 * groups && side > 1) p.patch = (side + PATCHES_ACROSS - 1) / PATCHES_ACROSS;
    return p;
}

static peek_status group_block(peek_context *context, const peek__block *block, const cJSON *manifest,
                               int64_t seed, int64_t groups, int64_t *group)
{
    int64_t place, *of_unit = NULL;
    const cJSON *entry = entry_of(manifest, block->name, &place);
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "kind"));
    int input = kind && strcmp(kind, "input") == 0;
    plane p = plane_of(entry, block->columns, groups);
    PEEK_TRY(peek__alloc(context, &of_unit, units(&p), "groups of columns"));
    peek_status status =
        peek__split(context, seed, input ? 1 : 2 + (uint64_t)place, units(&p), groups, of_unit);
    for (int64_t i = 0; status == PEEK_OK && i < block->columns; i++) group[i] = of_unit[unit_of(&p, i)];
    peek__free(&of_unit);
    return status;
}

peek_status peek__feature_groups(peek_context *context, const peek_problem *problem, const cJSON *manifest,
                                 int64_t seed, int64_t groups, int64_t *const *group)
{
    for (int64_t b = 0; b < problem->count; b++)
        PEEK_TRY(group_block(context, &problem->blocks[b], manifest, seed, groups, group[b]));
    return PEEK_OK;
}
