/* cli/result.h: the result of a verb as JSON, built by functions that remember where memory was short: an entry
 * that could not be added would be left out without a word. What cannot be added is kept until the end, as its
 * maker may go on to fill it. */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include <cjson/cJSON.h>

/* Returns item; NULL is remembered. */
cJSON *cli_made(cJSON *item);
int cli_add(cJSON *object, const char *name, cJSON *item);
int cli_append(cJSON *array, cJSON *item);

/* 1 where all that was built is there. */
int cli_result_whole(void);

/* Frees what could not be added. */
void cli_result_end(void);

#define cJSON_CreateObject()                         cli_made(cJSON_CreateObject())
#define cJSON_CreateArray()                          cli_made(cJSON_CreateArray())
#define cJSON_CreateNull()                           cli_made(cJSON_CreateNull())
#define cJSON_CreateNumber(value)                    cli_made(cJSON_CreateNumber(value))
#define cJSON_AddNumberToObject(object, name, value) cli_made(cJSON_AddNumberToObject(object, name, value))
#define cJSON_AddBoolToObject(object, name, value)   cli_made(cJSON_AddBoolToObject(object, name, value))
#define cJSON_AddNullToObject(object, name)          cli_made(cJSON_AddNullToObject(object, name))
#define cJSON_AddObjectToObject(object, name)        cli_made(cJSON_AddObjectToObject(object, name))
#define cJSON_AddArrayToObject(object, name)         cli_made(cJSON_AddArrayToObject(object, name))
#define cJSON_AddStringToObject(object, name, text)  cli_made(cJSON_AddStringToObject(object, name, text))
#define cJSON_AddItemToObject(object, name, item)    cli_add(object, name, item)
#define cJSON_AddItemToArray(array, item)            cli_append(array, item)

#endif
