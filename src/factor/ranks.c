/* factor/ranks.c: lists of ranks as text. */
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "nnpeek/fit.h"

static peek_status wrong(peek_context *context, const char *text)
{
    return peek__fail(
        context, PEEK_E_ARGUMENT,
        "--ranks is '%s', but must be whole numbers above 0, as in 20 or 10,20,50 or 10:50:10 (from:to:step)",
        text);
}

/* A whole number above 0 at *text; moves behind it. 0 when there is none. */
static int64_t number(const char **text)
{
    char *end;
    if (**text < '0' || **text > '9') return 0;
    long long value = strtoll(*text, &end, 10);
    *text = end;
    return value > 0 && value <= 1000000000 ? value : 0;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

peek_status peek_parse_ranks(peek_context *context, const char *text, int64_t *ranks, int64_t capacity,
                             int64_t *count)
{
    const char *at = text;
    *count = 0;
    for (;;) {
        int64_t from = number(&at), to = from, step = 1;
        if (from && *at == ':') {
            at++;
            to = number(&at);
            if (*at == ':') {
                at++;
                step = number(&at);
            }
        }
        if (!from || !to || !step || to < from) return wrong(context, text);
        for (int64_t rank = from; rank <= to; rank += step) {
            if (*count == capacity)
                return peek__fail(context, PEEK_E_ARGUMENT, "--ranks '%s' lists more than %lld ranks", text,
                                  (long long)capacity);
            ranks[(*count)++] = rank;
        }
        if (*at == 0) break;
        if (*at != ',') return wrong(context, text);
        at++;
    }
    qsort(ranks, (size_t)*count, sizeof *ranks, ascending);
    int64_t kept = 0;
    for (int64_t i = 0; i < *count; i++)
        if (i == 0 || ranks[i] != ranks[kept - 1]) ranks[kept++] = ranks[i];
    *count = kept;
    return PEEK_OK;
}
