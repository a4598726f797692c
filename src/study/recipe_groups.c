/* study/recipe_groups.c: groups of networks that differ in one thing, written out as networks. */
#include "study/recipe_groups.h"
#include "store/file.h"

#include <stdio.h>
#include <string.h>

/* Puts copies of the members of `from` into `to`, in place of those of the same names; returns 0 without
 * memory. */
static int put_members(cJSON *to, const cJSON *from)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, from)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(to, item->string);
        if (!cJSON_AddItemToObject(to, item->string, cJSON_Duplicate(item, 1))) return 0;
    }
    return 1;
}

/* "class subsets: classes 5-9, fraction 0.1" */
static void name_entry(const cJSON *group, const cJSON *changed, char *name, size_t size)
{
    const cJSON *item;
    size_t length = (size_t)snprintf(name, size, "%s:", peek__json_member(group, "name")->valuestring);
    cJSON_ArrayForEach(item, changed)
    {
        const char *between = item == changed->child ? " " : ", ";
        if (length >= size) return;
        if (cJSON_IsNumber(item))
            length += (size_t)snprintf(name + length, size - length, "%s%s %g", between, item->string,
                                       item->valuedouble);
        else
            length += (size_t)snprintf(name + length, size - length, "%s%s %s", between, item->string,
                                       cJSON_IsString(item) ? item->valuestring : "");
    }
    for (char *c = name; *c; c++)
        if (*c == '_') *c = ' ';
}

static int add_entry(cJSON *networks, const cJSON *group, const cJSON *value)
{
    char name[256];
    const char *vary = peek__json_member(group, "vary")->valuestring;
    cJSON *changed = cJSON_IsObject(value) ? cJSON_Duplicate(value, 1) : cJSON_CreateObject();
    cJSON *entry = cJSON_CreateObject();
    int good = cJSON_IsObject(value) || cJSON_AddItemToObject(changed, vary, cJSON_Duplicate(value, 1));
    if (good) name_entry(group, changed, name, sizeof name);
    good = good && cJSON_AddStringToObject(entry, "name", name) &&
           cJSON_AddItemToObject(entry, "group", cJSON_Duplicate(peek__json_member(group, "name"), 1)) &&
           put_members(entry, peek__json_member(group, "of")) && put_members(entry, changed);
    if (good && peek__json_member(group, "family"))
        good = cJSON_AddItemToObject(entry, "family", cJSON_Duplicate(peek__json_member(group, "family"), 1));
    if (good)
        good = cJSON_AddItemToArray(networks, entry);
    else
        cJSON_Delete(entry);
    cJSON_Delete(changed);
    return good;
}

const char *peek__recipe_expand(cJSON *recipe, int64_t *index, int *memory)
{
    const cJSON *group, *value;
    cJSON *networks = cJSON_GetObjectItemCaseSensitive(recipe, "networks");
    *memory = 1;
    *index = 0;
    if (!peek__json_member(recipe, "groups")) return NULL;
    if (!networks) networks = cJSON_AddArrayToObject(recipe, "networks");
    cJSON_ArrayForEach(group, peek__json_member(recipe, "groups"))
    {
        if (!cJSON_IsString(peek__json_member(group, "name"))) return "name";
        if (!cJSON_IsString(peek__json_member(group, "vary"))) return "vary";
        if (cJSON_GetArraySize(peek__json_member(group, "values")) < 1) return "values";
        cJSON_ArrayForEach(value, peek__json_member(group, "values"))
        {
            if (!cJSON_IsNumber(value) && !cJSON_IsString(value) && !cJSON_IsObject(value)) return "values";
            *memory = *memory && add_entry(networks, group, value);
        }
        ++*index;
    }
    return NULL;
}
