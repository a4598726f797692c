/* nnpeek/status.h: what every call returns, and how symbols are exported. */
#ifndef NNPEEK_STATUS_H
#define NNPEEK_STATUS_H

#if defined(__GNUC__)
#define PEEK_API                 __attribute__((visibility("default")))
#define PEEK_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define PEEK_API
#define PEEK_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The one table of outcomes: X(name, number, sentence). */
#define PEEK_STATUS_MAP(X)                                                                                     \
    X(OK, 0, "done")                                                                                           \
    X(E_ARGUMENT, 1, "an argument is missing or not allowed")                                                  \
    X(E_SHAPE, 2, "shapes do not fit together")                                                                \
    X(E_VALUE, 3, "a value is negative, infinite or not a number where it must not be")                        \
    X(E_NOT_FOUND, 4, "something named does not exist")                                                        \
    X(E_FORMAT, 5, "a file is not what it should be")                                                          \
    X(E_UNSUPPORTED, 6, "this is valid, but nnpeek cannot do it")                                              \
    X(E_IO, 7, "reading or writing failed")                                                                    \
    X(E_MEMORY, 8, "not enough memory")                                                                        \
    X(E_STOPPED, 9, "stopped on request")                                                                      \
    X(E_NUMERIC, 10, "a computation did not succeed")

typedef enum peek_status {
#define PEEK_STATUS_ENUM(name, number, sentence) PEEK_##name = number,
    PEEK_STATUS_MAP(PEEK_STATUS_ENUM)
#undef PEEK_STATUS_ENUM
} peek_status;

/* The name ("PEEK_E_SHAPE") and the general sentence of a status; the sentence of what went wrong here is
 * peek_error() of the context. Both never return NULL. */
PEEK_API const char *peek_status_name(peek_status status);
PEEK_API const char *peek_status_sentence(peek_status status);

/* The version of the library, "0.1.0". */
PEEK_API const char *peek_version(void);

#ifdef __cplusplus
}
#endif
#endif
