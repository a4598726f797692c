/* store/name.c: names of files, and digests that tell inputs apart. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/file.h"

enum { LONGEST_NAME = 100 };

peek_status peek__base_name(peek_context *context, char **out, const char *path, const char *suffix)
{
    size_t length = strlen(path), cut = suffix ? strlen(suffix) : 0;
    while (length > 1 && path[length - 1] == '/') length--;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/') start--;
    if (cut && length - start > cut && memcmp(path + length - cut, suffix, cut) == 0) length -= cut;
    return peek__format(context, out, "%.*s", (int)(length - start), path + start);
}

peek_status peek__safe_name(peek_context *context, char **out, const char *text)
{
    PEEK_TRY(peek__format(context, out, "%.*s", LONGEST_NAME, *text ? text : "_"));
    for (char *c = *out; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-' ||
              *c == '_' || *c == '.'))
            *c = '_';
    if (**out == '.') **out = '_';
    return PEEK_OK;
}

void peek__digest(uint64_t *state, const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    uint64_t value = *state ? *state : UINT64_C(14695981039346656037);
    for (size_t i = 0; i < count; i++) value = (value ^ byte[i]) * UINT64_C(1099511628211);
    *state = value;
}

void peek__digest_text(uint64_t state, char text[17])
{
    snprintf(text, 17, "%016llx", (unsigned long long)state);
}
