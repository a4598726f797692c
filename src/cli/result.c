/* cli/result.c: the result of a verb as JSON. */
#include "cli/result.h"

#undef cJSON_AddItemToObject
#undef cJSON_AddItemToArray

static int short_of;

/* Items that could not be added, linked by `next`: whoever made them may go on to fill them. */
static cJSON *orphans;

cJSON *cli_made(cJSON *item)
{
    if (!item) short_of = 1;
    return item;
}

static int keep_orphan(cJSON *item)
{
    if (item) {
        item->next = orphans;
        orphans = item;
    }
    short_of = 1;
    return 0;
}

void cli_result_end(void)
{
    while (orphans) {
        cJSON *orphan = orphans;
        orphans = orphan->next;
        orphan->next = NULL;
        cJSON_Delete(orphan);
    }
}

int cli_add(cJSON *object, const char *name, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, name, item)) return 1;
    return keep_orphan(item);
}

int cli_append(cJSON *array, cJSON *item)
{
    if (item && cJSON_AddItemToArray(array, item)) return 1;
    return keep_orphan(item);
}

int cli_result_whole(void)
{
    return !short_of;
}
