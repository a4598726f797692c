/* data/class_list.c: reading lists of classes. */
#include "data/class_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A list being read; seen[c] is 1 once class c stands in it. */
typedef struct reader {
    peek_context *context;
    const peek__classes *classes;
    const char *text;
    int32_t *labels;
    int64_t count;
    unsigned char *seen;
} reader;

/* The class of this name, else of this number, else -1. */
static int64_t find_class(const peek__classes *classes, const char *word, size_t length)
{
    for (int64_t i = 0; i < classes->count; i++)
        if (strlen(classes->names[i]) == length && memcmp(classes->names[i], word, length) == 0) return i;
    if (length == 0 || length > 9 || strspn(word, "0123456789") < length) return -1;
    int64_t number = strtoll(word, NULL, 10);
    return number < classes->count ? number : -1;
}

static peek_status unknown(const reader *r, const char *word, size_t length)
{
    const peek__classes *classes = r->classes;
    return peek__fail(
        r->context, PEEK_E_ARGUMENT,
        "there is no class '%.*s' in '%s': the classes are %s%s%s (0 to %lld); write numbers, ranges such as "
        "0-4, or names, with commas between",
        (int)length, word, r->text, classes->names[0], classes->count > 1 ? " .. " : "",
        classes->count > 1 ? classes->names[classes->count - 1] : "", (long long)classes->count - 1);
}

static peek_status add(reader *r, int64_t label)
{
    if (r->seen[label])
        return peek__fail(r->context, PEEK_E_ARGUMENT, "the class '%s' stands twice in '%s': name each once",
                          r->classes->names[label], r->text);
    r->seen[label] = 1;
    r->labels[r->count++] = (int32_t)label;
    return PEEK_OK;
}

/* One word: a class, or two with '-' between; names may hold '-' themselves. */
static peek_status add_word(reader *r, const char *word, size_t length)
{
    int64_t single = find_class(r->classes, word, length);
    if (single >= 0) return add(r, single);
    for (size_t dash = 1; dash + 1 < length; dash++) {
        if (word[dash] != '-') continue;
        int64_t from = find_class(r->classes, word, dash);
        int64_t to = find_class(r->classes, word + dash + 1, length - dash - 1);
        if (from < 0 || to < 0) continue;
        for (int64_t label = from;; label += from < to ? 1 : -1) {
            PEEK_TRY(add(r, label));
            if (label == to) return PEEK_OK;
        }
    }
    return unknown(r, word, length);
}

static peek_status read_words(reader *r)
{
    for (const char *word = r->text;; word++) {
        word += strspn(word, " ");
        size_t whole = strcspn(word, ","), length = whole;
        while (length > 0 && word[length - 1] == ' ') length--;
        PEEK_TRY(add_word(r, word, length));
        word += whole;
        if (!*word) return PEEK_OK;
    }
}

peek_status peek__class_list_read(peek_context *context, const char *text, const peek__classes *classes,
                                  int32_t **out, int64_t *count)
{
    reader r = {.context = context, .classes = classes, .text = text};
    *out = NULL;
    peek_status status = peek__alloc(context, &r.seen, classes->count, "a list of classes");
    if (status == PEEK_OK) status = peek__alloc(context, &r.labels, classes->count, "a list of classes");
    if (status == PEEK_OK) status = read_words(&r);
    peek__free(&r.seen);
    if (status != PEEK_OK) {
        peek__free(&r.labels);
        return status;
    }
    *out = r.labels;
    *count = r.count;
    return PEEK_OK;
}
