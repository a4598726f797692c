/* base/options.h: building option tables, and writing options as JSON. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/json_made.h"
#include <math.h>

#include "base/context.h"
#include "nnpeek/options.h"

/* Rows of a table. `struct_` is the options struct, `field` its member. */
#define PEEK_INTEGER(struct_, field, flag, standard_, min_, max_, place, help_)                                \
    {                                                                                                          \
        .name = flag, .type = PEEK_OPTION_INTEGER, .offset = offsetof(struct_, field), .standard = standard_,  \
        .min = min_, .max = max_, .placeholder = place, .help = help_                                          \
    }
#define PEEK_REAL(struct_, field, flag, standard_, min_, max_, place, help_)                                   \
    {                                                                                                          \
        .name = flag, .type = PEEK_OPTION_REAL, .offset = offsetof(struct_, field), .standard = standard_,     \
        .min = min_, .max = max_, .placeholder = place, .help = help_                                          \
    }
#define PEEK_FLAG(struct_, field, flag, standard_, help_)                                                      \
    {                                                                                                          \
        .name = flag, .type = PEEK_OPTION_FLAG, .offset = offsetof(struct_, field), .standard = standard_,     \
        .max = 1, .help = help_                                                                                \
    }
#define PEEK_CHOICE(struct_, field, flag, standard_, words, help_)                                             \
    {                                                                                                          \
        .name = flag, .type = PEEK_OPTION_CHOICE, .offset = offsetof(struct_, field), .standard = standard_,   \
        .choices = words, .placeholder = "NAME", .help = help_                                                 \
    }
#define PEEK_TEXT(struct_, field, flag, text_, place, help_)                                                   \
    {                                                                                                          \
        .name = flag, .type = PEEK_OPTION_TEXT, .offset = offsetof(struct_, field), .text = text_,             \
        .placeholder = place, .help = help_                                                                    \
    }

/* Defines a table `static const peek_option_table table` from a static array `rows`. */
#define PEEK_TABLE(table, name_, struct_, rows)                                                                \
    static const peek_option_table table = {.name = name_,                                                     \
                                            .struct_size = sizeof(struct_),                                    \
                                            .count = sizeof(rows) / sizeof *(rows),                            \
                                            .options = rows}

/* An object with every option as resolved ('-' in names becomes '_'); NULL when out of memory. */
cJSON *peek__options_json(const peek_option_table *table, const void *options);

#endif
