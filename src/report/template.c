#include "report/template.h"

#include <string.h>

/* page.S */
extern const char peek__page[], peek__page_end[];

/* Where the payload goes; the same text stands in web/build.mjs. */
static const char marker[] = "@nnpeek-payload@";

/* In JSON, '<' stands only inside of texts, where an escape means the same: so no name can end the script
 * element or open a comment in it. */
static peek_status write_escaped(peek_context *context, peek__file *file, const char *payload)
{
    for (const char *rest = payload; *rest;) {
        size_t plain = strcspn(rest, "<");
        if (plain) PEEK_TRY(peek__file_write(context, file, rest, plain));
        rest += plain;
        if (*rest) {
            PEEK_TRY(peek__file_write(context, file, "\\u003c", 6));
            rest++;
        }
    }
    return PEEK_OK;
}

static peek_status write_parts(peek_context *context, peek__file *file, const char *payload)
{
    size_t size = (size_t)(peek__page_end - peek__page);
    const char *place = memmem(peek__page, size, marker, sizeof marker - 1);
    if (!place)
        return peek__fail(context, PEEK_E_FORMAT,
                          "the page built into this library has no place for the data: build nnpeek again");
    const char *after = place + sizeof marker - 1;
    PEEK_TRY(peek__file_write(context, file, peek__page, (size_t)(place - peek__page)));
    PEEK_TRY(write_escaped(context, file, payload));
    return peek__file_write(context, file, after, (size_t)(peek__page_end - after));
}

peek_status peek__page_write(peek_context *context, const char *path, const char *payload)
{
    peek__file file = {0};
    PEEK_TRY(peek__file_begin(context, &file, path));
    peek_status status = write_parts(context, &file, payload);
    if (status == PEEK_OK) status = peek__file_commit(context, &file);
    peek__file_abort(&file);
    return status;
}
