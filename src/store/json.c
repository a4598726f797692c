/* store/json.c: JSON documents on disk. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/file.h"

static const int64_t largest = (int64_t)1 << 31;

/* The length of the UTF-8 character at the start of text, 0 where there is none. Source: RFC 3629, section 4.
 */
static int character_length(const unsigned char *text)
{
    if (text[0] < 0x80) return 1;
    int length = text[0] >= 0xc2 && text[0] <= 0xdf   ? 2
                 : text[0] >> 4 == 14                 ? 3
                 : text[0] >= 0xf0 && text[0] <= 0xf4 ? 4
                                                      : 0;
    for (int i = 1; i < length; i++)
        if (text[i] >> 6 != 2) return 0;
    int overlong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
    int surrogate = text[0] == 0xed && text[1] > 0x9f, beyond = text[0] == 0xf4 && text[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

/* Writes text with U+FFFD for every byte that is no part of a character. */
static peek_status write_text(peek_context *context, peek__file *file, const char *text)
{
    const char *start = text, *at = text;
    while (*at) {
        int length = character_length((const unsigned char *)at);
        if (length) {
            at += length;
            continue;
        }
        PEEK_TRY(peek__file_write(context, file, start, (size_t)(at - start)));
        PEEK_TRY(peek__file_write(context, file, "\xef\xbf\xbd", 3));
        start = ++at;
    }
    return peek__file_write(context, file, start, (size_t)(at - start));
}

peek_status peek__json_write(peek_context *context, const char *path, const cJSON *json)
{
    int whole = !peek__json_short();
    char *text = json && whole && !peek__fault(context) ? cJSON_Print(json) : NULL;
    if (!text) return peek__fail(context, PEEK_E_MEMORY, "not enough memory to write '%s'", path);
    peek__file file;
    peek_status status = peek__file_begin(context, &file, path);
    if (status == PEEK_OK) status = write_text(context, &file, text);
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
    errno = 0; /* cJSON does not say why, but malloc() does */
    if ((int64_t)strlen(text) != size)
        status = peek__fail(context, PEEK_E_FORMAT, "'%s' is not JSON: line %d holds a zero byte", path,
                            line_of(text, text + strlen(text)));
    else if (!(*out = cJSON_ParseWithOpts(text, &end, 1)))
        status = errno == ENOMEM
                     ? peek__fail(context, PEEK_E_MEMORY, "not enough memory to read '%s'", path)
                     : peek__fail(context, PEEK_E_FORMAT, "'%s' is not valid JSON: line %d cannot be read",
                                  path, line_of(text, end));
    peek__free(&text);
    return status;
}

peek_status peek__json_find(peek_context *context, const char *path, cJSON **out)
{
    int there;
    *out = NULL;
    PEEK_TRY(peek__find_file(context, path, &there));
    return there ? peek__json_read(context, path, out) : PEEK_OK;
}

const cJSON *peek__json_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

double peek__json_value(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

int64_t peek__json_count(const cJSON *item)
{
    int counts = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 9007199254740992.0;
    return counts ? (int64_t)item->valuedouble : 0;
}
