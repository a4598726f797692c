/* base/json_made.c: cJSON, whose functions say when memory is short. */
#include "base/json_made.h"

#undef cJSON_CreateString
#undef cJSON_Duplicate
#undef cJSON_AddStringToObject
#undef cJSON_AddItemToObject
#undef cJSON_AddItemToArray

static _Thread_local int short_of;

/* Items that could not be added, linked by `next`: whoever made them may go on to fill them. */
static _Thread_local cJSON *orphans;

cJSON *peek__json_made(cJSON *item)
{
    if (!item) short_of = 1;
    return item;
}

int peek__json_short(void)
{
    int was = short_of;
    short_of = 0;
    return was;
}

char *peek__json_printed(const cJSON *json)
{
    int short_before = peek__json_short();
    return json && !short_before ? cJSON_PrintUnformatted(json) : NULL;
}

void peek__json_end(void)
{
    while (orphans) {
        cJSON *orphan = orphans;
        orphans = orphan->next;
        orphan->next = NULL;
        cJSON_Delete(orphan);
    }
}

/* There may be nothing to write: that leaves an entry out on purpose. */
cJSON *peek__json_made_text(const char *text)
{
    return text ? peek__json_made(cJSON_CreateString(text)) : NULL;
}

cJSON *peek__json_copy(const cJSON *item, int deep)
{
    return item ? peek__json_made(cJSON_Duplicate(item, deep)) : NULL;
}

cJSON *peek__json_put_text(cJSON *object, const char *name, const char *text)
{
    return text ? peek__json_made(cJSON_AddStringToObject(object, name, text)) : NULL;
}

static int keep_orphan(cJSON *item)
{
    item->next = orphans;
    orphans = item;
    short_of = 1;
    return 0;
}

/* An item that is not there has been remembered where it was not made, or is left out on purpose. */
int peek__json_put(cJSON *object, const char *name, cJSON *item)
{
    if (!item) return 0;
    if (cJSON_AddItemToObject(object, name, item)) return 1;
    return keep_orphan(item);
}

int peek__json_push(cJSON *array, cJSON *item)
{
    if (!item) return 0;
    if (cJSON_AddItemToArray(array, item)) return 1;
    return keep_orphan(item);
}
