/* base/memory.c: memory that fails with a sentence. */
#include "base/memory.h"

#include "base/available.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    ALIGNMENT = 64,
    LARGE = 1 << 24, /* from here on what the machine has left is looked at before */
    PAGE = 1 << 12,
    HUGE_PAGE = 1 << 21
};

#define REMEDY "free some, or use fewer samples, a smaller network or rank"

int64_t peek__product(int64_t a, int64_t b)
{
    int64_t result;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result)) return -1;
    return result;
}

/* Large memory is asked for in huge pages, which the system clears and maps several times faster. */
static void *take(size_t bytes)
{
    size_t alignment = bytes >= LARGE ? HUGE_PAGE : ALIGNMENT;
    size_t rounded = (bytes + alignment) & ~(alignment - 1);
    void *memory = aligned_alloc(alignment, rounded);
    if (!memory || bytes < LARGE) return memory;
    madvise(memory, rounded, MADV_HUGEPAGE); /* only a wish */
    /* What is touched is taken: the next one who asks what is available sees it. */
    for (size_t i = 0; i < bytes; i += PAGE) *((volatile char *)memory + i) = 0;
    return memory;
}

peek_status peek__alloc_raw_bytes(peek_context *context, void **out, int64_t count, size_t size,
                                  const char *what)
{
    *out = NULL;
    int64_t bytes = peek__product(count, (int64_t)size);
    if (bytes >= LARGE && bytes > peek__memory_available())
        return peek__fail(context, PEEK_E_MEMORY,
                          "not enough memory for %s: it takes %.1f MB, and %.1f MB are free: " REMEDY, what,
                          (double)bytes / 1e6, (double)peek__memory_available() / 1e6);
    if (bytes >= 0 && bytes <= INT64_MAX - HUGE_PAGE && !peek__fault(context)) *out = take((size_t)bytes);
    if (*out) return PEEK_OK;
    return peek__fail(context, PEEK_E_MEMORY, "not enough memory for %s (%.1f MB): " REMEDY, what,
                      (double)count * (double)size / 1e6);
}

peek_status peek__alloc_bytes(peek_context *context, void **out, int64_t count, size_t size, const char *what)
{
    PEEK_TRY(peek__alloc_raw_bytes(context, out, count, size, what));
    memset(*out, 0, (size_t)count * size);
    return PEEK_OK;
}

void peek__release(void *memory)
{
    free(memory);
}

peek_status peek__copy_text(peek_context *context, char **out, const char *text)
{
    return peek__format(context, out, "%s", text);
}

peek_status peek__format(peek_context *context, char **out, const char *format, ...)
{
    *out = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) return peek__fail(context, PEEK_E_ARGUMENT, "a text cannot be formatted");
    PEEK_TRY(peek__alloc(context, out, length + 1, "a text"));
    va_start(arguments, format);
    vsnprintf(*out, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return PEEK_OK;
}
