/* cli/result.c: the result of a verb as JSON. */
#include "cli/result.h"

#undef cJSON_AddItemToObject
#undef cJSON_AddItemToArray

static int short_of;

cJSON *cli_made(cJSON *item)
{
    if (!item) short_of = 1;
    return item;
}

int cli_add(cJSON *object, const char *name, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, name, item)) return 1;
    cJSON_Delete(item);
    short_of = 1;
    return 0;
}

int cli_append(cJSON *array, cJSON *item)
{
    if (item && cJSON_AddItemToArray(array, item)) return 1;
    cJSON_Delete(item);
    short_of = 1;
    return 0;
}

int cli_result_whole(void)
{
    return !short_of;
}
