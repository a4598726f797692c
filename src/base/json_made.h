/* base/json_made.h: cJSON, whose functions say when memory is short.
 *
 * A document is built by hundreds of calls, and one that fails leaves an entry out. So each of them, under its
 * own name, also remembers that it failed, and peek__json_write() refuses to write what was built meanwhile.
 * What cannot be added is kept, as its maker may go on to fill it, and freed with a context of its thread. */
#ifndef BASE_JSON_MADE_H
#define BASE_JSON_MADE_H

#include <cjson/cJSON.h>

/* Returns item; where it is NULL this thread remembers that a document is not whole. */
cJSON *peek__json_made(cJSON *item);

/* 1 where something could not be built on this thread since it was last asked. */
int peek__json_short(void);

/* The text of a document, to be freed with cJSON_free(); NULL: memory is or was short. */
char *peek__json_printed(const cJSON *json);

/* Frees what could not be added on this thread; no document is being built any more. */
void peek__json_end(void);

cJSON *peek__json_made_text(const char *text);
cJSON *peek__json_copy(const cJSON *item, int deep);
cJSON *peek__json_put_text(cJSON *object, const char *name, const char *text);
int peek__json_put(cJSON *object, const char *name, cJSON *item);
int peek__json_push(cJSON *array, cJSON *item);

#define cJSON_CreateObject()         peek__json_made(cJSON_CreateObject())
#define cJSON_CreateArray()          peek__json_made(cJSON_CreateArray())
#define cJSON_CreateNull()           peek__json_made(cJSON_CreateNull())
#define cJSON_CreateTrue()           peek__json_made(cJSON_CreateTrue())
#define cJSON_CreateBool(value)      peek__json_made(cJSON_CreateBool(value))
#define cJSON_CreateNumber(value)    peek__json_made(cJSON_CreateNumber(value))
#define cJSON_CreateString(text)     peek__json_made_text(text)
#define cJSON_CreateIntArray(...)    peek__json_made(cJSON_CreateIntArray(__VA_ARGS__))
#define cJSON_CreateDoubleArray(...) peek__json_made(cJSON_CreateDoubleArray(__VA_ARGS__))
#define cJSON_Duplicate(item, deep)  peek__json_copy(item, deep)
#define cJSON_AddNumberToObject(object, name, value)                                                           \
    peek__json_made(cJSON_AddNumberToObject(object, name, value))
#define cJSON_AddBoolToObject(object, name, value)  peek__json_made(cJSON_AddBoolToObject(object, name, value))
#define cJSON_AddNullToObject(object, name)         peek__json_made(cJSON_AddNullToObject(object, name))
#define cJSON_AddObjectToObject(object, name)       peek__json_made(cJSON_AddObjectToObject(object, name))
#define cJSON_AddArrayToObject(object, name)        peek__json_made(cJSON_AddArrayToObject(object, name))
#define cJSON_AddStringToObject(object, name, text) peek__json_put_text(object, name, text)
#define cJSON_AddItemToObject(object, name, item)   peek__json_put(object, name, item)
#define cJSON_AddItemToArray(array, item)           peek__json_push(array, item)

#endif
