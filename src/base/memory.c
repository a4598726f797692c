/* base/memory.c: memory that fails with a sentence. */
#include "base/memory.h"

#include "base/available.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ALIGNMENT = 64,
    LARGE = 1 << 24 /* from here on what the machine has left is looked at before */
};

#define REMEDY "free some, or use fewer samples, a smaller network or rank"

int64_t peek__product(int64_t a, int64_t b)
{
    int64_t result;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result)) return -1;
    return result;
}

/* Asks for large pages: the kernel makes a few instead of thousands when memory is first touched, and addresses
 * are found faster. It is a wish; without it all works the same. */
static void ask_for_large_pages(char *memory, size_t size)
{
#ifdef MADV_HUGEPAGE
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), skip = (page - (uintptr_t)memory % page) % page;
    madvise(memory + skip, (size - skip) / page * page, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)size;
#endif
}

peek_status peek__alloc_bytes(peek_context *context, void **out, int64_t count, size_t size, const char *what)
{
    *out = NULL;
    int64_t bytes = peek__product(count, (int64_t)size);
    /* All of it is touched below, so what was taken before is no longer available here. */
    if (bytes >= LARGE && bytes > peek__memory_available())
        return peek__fail(context, PEEK_E_MEMORY,
                          "not enough memory for %s: it takes %.1f MB, and %.1f MB are free: " REMEDY, what,
                          (double)bytes / 1e6, (double)peek__memory_available() / 1e6);
    if (bytes >= 0 && bytes <= INT64_MAX - ALIGNMENT && !peek__fault(context)) {
        size_t rounded = ((size_t)bytes + ALIGNMENT) & ~(size_t)(ALIGNMENT - 1);
        *out = aligned_alloc(ALIGNMENT, rounded);
        if (*out) {
            if (bytes >= LARGE) ask_for_large_pages(*out, rounded);
            memset(*out, 0, rounded);
            return PEEK_OK;
        }
    }
    return peek__fail(context, PEEK_E_MEMORY, "not enough memory for %s (%.1f MB): " REMEDY, what,
                      (double)count * (double)size / 1e6);
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
