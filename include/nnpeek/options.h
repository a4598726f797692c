/* nnpeek/options.h: every option struct of the library as a readable table.
 *
 * One table per option struct gives its defaults, ranges, command-line flags, JSON keys and help. Integers,
 * flags and choices are stored as int64_t, reals as double, texts as const char * (borrowed). */
#ifndef NNPEEK_OPTIONS_H
#define NNPEEK_OPTIONS_H

#include "nnpeek/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum peek_option_type {
    PEEK_OPTION_INTEGER, /* int64_t within [min, max] */
    PEEK_OPTION_REAL,    /* double within [min, max] */
    PEEK_OPTION_FLAG,    /* int64_t, 0 or 1 */
    PEEK_OPTION_CHOICE,  /* int64_t, the index of a word in `choices` ("uniform|nndsvd") */
    PEEK_OPTION_TEXT     /* const char *, NULL when not set */
} peek_option_type;

typedef struct peek_option {
    const char *name; /* "learning-rate": the flag without its dashes; JSON uses '_' for '-' */
    peek_option_type type;
    size_t offset;           /* of the field in its struct */
    double standard;         /* the default of a number, flag or choice */
    double min, max;         /* inclusive */
    const char *choices;     /* PEEK_OPTION_CHOICE: words with '|' between */
    const char *text;        /* the default of a text, or NULL */
    const char *placeholder; /* "N", "X", "FILE" */
    const char *help;        /* one sentence */
} peek_option;

typedef struct peek_option_table {
    const char *name; /* "fit" */
    size_t struct_size;
    size_t count;
    const peek_option *options;
} peek_option_table;

/* Sets the struct's size field and every option to its default. `options` points to the struct of this table.
 */
PEEK_API void peek_options_default(const peek_option_table *table, void *options);

/* Sets one option from text, as a command line or a JSON file gives it. A text is borrowed.
 * Errors: E_ARGUMENT with a sentence that names the option, the text and what is allowed. */
PEEK_API peek_status peek_options_set(peek_context *context, const peek_option_table *table, void *options,
                                      const char *name, const char *text);

/* Checks size and ranges of a filled struct. Errors: E_ARGUMENT. */
PEEK_API peek_status peek_options_check(peek_context *context, const peek_option_table *table,
                                        const void *options);

/* The word of a choice's value, or NULL. */
PEEK_API const char *peek_option_choice(const peek_option *option, int64_t value, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
