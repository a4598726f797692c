/* base/options.c: option tables: defaults, parsing, checking, JSON. */
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field(const peek_option *option, const void *options)
{
    return (char *)(uintptr_t)options + option->offset;
}

static void store(const peek_option *option, void *options, double number, const char *text)
{
    if (option->type == PEEK_OPTION_TEXT)
        *(const char **)field(option, options) = text;
    else if (option->type == PEEK_OPTION_REAL)
        *(double *)field(option, options) = number;
    else
        *(int64_t *)field(option, options) = (int64_t)number;
}

static int choice_count(const peek_option *option)
{
    int count = 1;
    for (const char *c = option->choices; *c; c++) count += *c == '|';
    return count;
}

static double lowest(const peek_option *option)
{
    return option->type == PEEK_OPTION_CHOICE ? 0 : option->min;
}

static double highest(const peek_option *option)
{
    return option->type == PEEK_OPTION_CHOICE ? choice_count(option) - 1 : option->max;
}

void peek_options_default(const peek_option_table *table, void *options)
{
    memset(options, 0, table->struct_size);
    *(size_t *)options = table->struct_size;
    for (size_t i = 0; i < table->count; i++)
        store(&table->options[i], options, table->options[i].standard, table->options[i].text);
}

const char *peek_option_choice(const peek_option *option, int64_t value, char *buffer, size_t size)
{
    const char *word = option->choices;
    for (; word && value > 0; value--) {
        word = strchr(word, '|');
        if (word) word++;
    }
    if (!word || value < 0) return NULL;
    snprintf(buffer, size, "%.*s", (int)strcspn(word, "|"), word);
    return buffer;
}

static peek_status out_of_range(peek_context *context, const peek_option *option, const char *text)
{
    if (option->type == PEEK_OPTION_FLAG)
        return peek__fail(context, PEEK_E_ARGUMENT, "--%s is %s, but takes 0 or 1", option->name, text);
    if (isinf(option->max))
        return peek__fail(context, PEEK_E_ARGUMENT, "--%s is %s, but must be %s %g or more", option->name, text,
                          option->type == PEEK_OPTION_REAL ? "a number," : "a whole number,", option->min);
    return peek__fail(context, PEEK_E_ARGUMENT, "--%s is %s, but must be %s from %.15g to %.15g", option->name,
                      text, option->type == PEEK_OPTION_REAL ? "a number" : "a whole number", option->min,
                      option->max);
}

static peek_status parse_choice(peek_context *context, const peek_option *option, void *options,
                                const char *text)
{
    char word[64];
    for (int64_t i = 0; peek_option_choice(option, i, word, sizeof word); i++)
        if (strcmp(word, text) == 0) {
            store(option, options, (double)i, NULL);
            return PEEK_OK;
        }
    char list[256];
    snprintf(list, sizeof list, "%s", option->choices);
    for (char *c = list; *c; c++)
        if (*c == '|') *c = ' ';
    return peek__fail(context, PEEK_E_ARGUMENT, "--%s is '%s', but must be one of: %s", option->name, text,
                      list);
}

peek_status peek_options_set(peek_context *context, const peek_option_table *table, void *options,
                             const char *name, const char *text)
{
    const peek_option *option = NULL;
    for (size_t i = 0; i < table->count && !option; i++)
        if (strcmp(table->options[i].name, name) == 0) option = &table->options[i];
    if (!option)
        return peek__fail(context, PEEK_E_ARGUMENT, "there is no option '%s' for %s", name, table->name);
    if (option->type == PEEK_OPTION_TEXT) {
        store(option, options, 0, text);
        return PEEK_OK;
    }
    if (option->type == PEEK_OPTION_CHOICE) return parse_choice(context, option, options, text);
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    int whole = option->type == PEEK_OPTION_REAL || (value == floor(value) && fabs(value) < 0x1p53);
    char quoted[128];
    snprintf(quoted, sizeof quoted, "'%s'", text);
    if (end == text || *end || errno || isnan(value) || !whole || value < option->min || value > option->max)
        return out_of_range(context, option, quoted);
    store(option, options, value, NULL);
    return PEEK_OK;
}

peek_status peek_options_check(peek_context *context, const peek_option_table *table, const void *options)
{
    if (!options || *(const size_t *)options != table->struct_size)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "the %s options were not set up by their *_default() function of this library",
                          table->name);
    for (size_t i = 0; i < table->count; i++) {
        const peek_option *option = &table->options[i];
        if (option->type == PEEK_OPTION_TEXT) continue;
        double value = option->type == PEEK_OPTION_REAL ? *(double *)field(option, options)
                                                        : (double)*(int64_t *)field(option, options);
        char text[64];
        snprintf(text, sizeof text, "%.15g", value);
        if (!(value >= lowest(option) && value <= highest(option))) return out_of_range(context, option, text);
    }
    return PEEK_OK;
}

cJSON *peek__options_json(const peek_option_table *table, const void *options)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; object && i < table->count; i++) {
        const peek_option *option = &table->options[i];
        char key[64], word[64];
        snprintf(key, sizeof key, "%s", option->name);
        for (char *c = key; *c; c++)
            if (*c == '-') *c = '_';
        if (option->type == PEEK_OPTION_TEXT) {
            const char *text = *(const char **)field(option, options);
            if (text)
                cJSON_AddStringToObject(object, key, text);
            else
                cJSON_AddNullToObject(object, key);
            continue;
        }
        if (option->type == PEEK_OPTION_REAL) {
            cJSON_AddNumberToObject(object, key, *(double *)field(option, options));
            continue;
        }
        int64_t value = *(int64_t *)field(option, options);
        if (option->type == PEEK_OPTION_CHOICE)
            cJSON_AddStringToObject(object, key,
                                    peek_option_choice(option, value, word, sizeof word) ? word : "");
        else if (option->type == PEEK_OPTION_FLAG)
            cJSON_AddBoolToObject(object, key, value != 0);
        else
            cJSON_AddNumberToObject(object, key, (double)value);
    }
    return object;
}
