/* base/memory.h: memory that fails with a sentence. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/context.h"

/* Allocates count x size zeroed bytes at a 64-byte boundary into *out (void **); `what` completes "not enough
 * memory for". *out is NULL on failure. Free with peek__free(). Errors: E_MEMORY (also where count x size
 * overflows). */
peek_status peek__alloc_bytes(peek_context *context, void **out, int64_t count, size_t size, const char *what);

/* The same without zeroing, for large memory of which every byte is written before it is read. */
peek_status peek__alloc_raw_bytes(peek_context *context, void **out, int64_t count, size_t size,
                                  const char *what);

#define peek__alloc(context, out, count, what)                                                                 \
    peek__alloc_bytes((context), (void **)(out), (int64_t)(count), sizeof **(out), (what))
#define peek__alloc_raw(context, out, count, what)                                                             \
    peek__alloc_raw_bytes((context), (void **)(out), (int64_t)(count), sizeof **(out), (what))

/* Frees *pointer and clears it; NULL is fine. Takes the address of any pointer. */
#define peek__free(pointer)                                                                                    \
    do {                                                                                                       \
        peek__release(*(pointer));                                                                             \
        *(pointer) = NULL;                                                                                     \
    } while (0)
void peek__release(void *memory);

/* A copy of a text. */
peek_status peek__copy_text(peek_context *context, char **out, const char *text);

/* A formatted text of any length. */
peek_status peek__format(peek_context *context, char **out, const char *format, ...) PEEK_PRINTF(3, 4);

/* a x b, or -1 where it overflows or one is negative. */
int64_t peek__product(int64_t a, int64_t b);

#endif
