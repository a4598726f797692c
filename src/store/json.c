/* store/json.c: JSON documents on disk. */
#include <string.h>

#include "base/memory.h"
#include "store/file.h"

static const int64_t largest = (int64_t)1 << 31;

peek_status peek__json_write(peek_context *context, const char *path, const cJSON *json)
{
    char *text = json && !peek__fault(context) ? cJSON_Print(json) : NULL;
    if (!text) return peek__fail(context, PEEK_E_MEMORY, "not enough memory to write '%s'", path);
    peek__file file;
    peek_status status = peek__file_begin(context, &file, path);
    if (status == PEEK_OK) status = peek__file_write(context, &file, text, strlen(text));
    if (status == PEEK_OK) status = peek__file_write(context, &file, "\n", 1);
    if (status == PEEK_OK) status = peek__file_commit(context, &file);
    peek__file_abort(&file);
    cJSON_free(text);
    return status;
}

static int line_of(const char *text, const char *place)
{
    int line = 1;
    for (; text < place; text++) line += *text == '\n';
    return line;
}

peek_status peek__json_read(peek_context *context, const char *path, cJSON **out)
{
    *out = NULL;
    char *text;
    int64_t size;
    PEEK_TRY(peek__file_read(context, path, largest, &text, &size));
    const char *end = text;
    peek_status status = PEEK_OK;
    if ((int64_t)strlen(text) != size)
        status = peek__fail(context, PEEK_E_FORMAT, "'%s' is not JSON: line %d holds a zero byte", path,
                            line_of(text, text + strlen(text)));
    else if (!(*out = cJSON_ParseWithOpts(text, &end, 1)))
        status = peek__fail(context, PEEK_E_FORMAT, "'%s' is not valid JSON: line %d cannot be read", path,
                            line_of(text, end));
    peek__free(&text);
    return status;
}
